// What kernels are started with.

#include "codegen/launch/Launch.h"
#include "codegen/binding/Binding.h"

#include <bit>

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
Error fail(const llvm::Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

class CallBuilder {
public:
  CallBuilder(RecurrenceOp recurrence, ArrayRef<LoweredKernel> kernels, const KernelArguments &arguments,
              KeptOrder &kept)
      : recurrence(recurrence), kernels(kernels), arguments(arguments), kept(kept) {}

  Expected<PreparedCall> build() {
    for (const std::string &dim : kernels.back().interface.sizes) {
      auto given = arguments.sizes.find(dim);
      std::optional<int64_t> known = recurrence.sizeOf(dim);
      if (given == arguments.sizes.end() && !known)
        return fail("the size of '" + dim + "' is missing");
      if (given != arguments.sizes.end() && (given->second < 0 || given->second != known.value_or(given->second)))
        return fail("the size " + llvm::Twine(given->second) + " of '" + dim + "' does not fit the kernel");
      call.sizes[dim] = known ? *known : given->second;
    }
    if (const Placement &placement = kernels.back().placement; placement.chunk)
      call.chunks = countChunks(placement, call.sizes[recurrence.getScan()]);
    for (const LoweredKernel &kernel : kernels) {
      int64_t steps = call.sizes[recurrence.getScan()], block = std::max(kernel.blockSteps, kernel.restOf);
      // Where all steps are in blocks nothing is left, where none are all is left.
      if (block && (kernel.blockSteps ? steps < block : steps >= block && steps % block == 0)) {
        call.launches.emplace_back();
        continue;
      }
      if (Error error = addLaunch(kernel))
        return std::move(error);
    }
    return std::move(call);
  }

private:
  /// Where a kernel that runs blocks of steps, or what is left of them, is in the sequence.
  struct Steps {
    int64_t all, count, block = 1, first = 0;
  };

  Steps stepsOf(const LoweredKernel &kernel) {
    int64_t all = call.sizes.lookup(recurrence.getScan());
    if (kernel.overChunks)
      return {call.chunks, call.chunks};
    if (kernel.blockSteps)
      return {all, all / kernel.blockSteps, kernel.blockSteps};
    if (kernel.restOf)
      return {all, all % kernel.restOf, 1, all - all % kernel.restOf};
    return {all, all};
  }

  Error addLaunch(const LoweredKernel &kernel) {
    KernelLaunch &launch = call.launches.emplace_back();
    Steps steps = stepsOf(kernel);
    // Arrays have all steps, the kernel those that it runs.
    llvm::StringMap<int64_t> sizes, own;
    if (auto slots = call.sizes.find(RowPlan::slots); slots != call.sizes.end())
      own[RowPlan::slots] = sizes[RowPlan::slots] = slots->second;
    llvm::SmallVector<int64_t> byPosition;
    for (const auto &[dim, extent] : kernel.dims) {
      bool isScan = extent == recurrence.getScan();
      own[dim] = isScan ? steps.count : call.sizes.lookup(extent);
      sizes[dim] = isScan ? steps.all : own[dim];
      byPosition.push_back(own[dim]);
    }
    launch.tasks = countTasks(kernel.placement, byPosition);
    for (const KernelTensor &tensor : kernel.interface.tensors) {
      std::string workspace = betweenBlocks(tensor, kernel, steps);
      Shape shape = shapeOf(tensor, kernel, sizes);
      Expected<std::optional<Tensor>> given =
          workspace.empty() ? lookup(tensor, shape) : between(tensor, workspace, shape);
      if (!given)
        return given.takeError();
      if (!*given) {
        launch.words.insert(launch.words.end(), tensor.getRank() + 1, 0);
        continue;
      }
      llvm::SmallVector<int64_t> strides((*given)->strides().begin(), (*given)->strides().end());
      int64_t offset = alongSteps(tensor, steps, strides) * static_cast<int64_t>(itemSize((*given)->dtype()));
      using Role = KernelTensor::Role;
      bool isResult = tensor.role == Role::Output || tensor.role == Role::FinalState;
      launch.arrays.push_back({launch.words.size(), workspace.empty() ? tensor.given() : workspace, **given,
                               isResult || !workspace.empty(), (!isResult && workspace.empty()) || tensor.isOrder()});
      launch.words.push_back(std::bit_cast<int64_t>((*given)->data()) + offset);
      launch.words.insert(launch.words.end(), strides.begin(), strides.end());
    }
    for (auto &[name, value] : kernel.interface.parameters) {
      auto given = arguments.parameters.find(name);
      launch.words.push_back(std::bit_cast<int64_t>(given == arguments.parameters.end() ? value : given->second));
    }
    for (const std::string &dim : kernel.interface.sizes)
      launch.words.push_back(own[dim]);
    if (steps.count % kernel.interface.stepsMultiple != 0)
      call.packed = false;
    return Error::success();
  }

  /// The buffer in which states go from the last block to the steps that are left, if this is one of them.
  static std::string betweenBlocks(const KernelTensor &tensor, const LoweredKernel &kernel, const Steps &steps) {
    using Role = KernelTensor::Role;
    if ((kernel.blockSteps && tensor.role == Role::FinalState && steps.count * steps.block < steps.all) ||
        (kernel.restOf && tensor.role == Role::InitialState && steps.first > 0))
      return "between." + tensor.name;
    return tensor.workspace;
  }

  /// Elements from an array's beginning to what the kernel takes as its beginning; strides become those from one of the
  /// kernel's steps to the next.
  int64_t alongSteps(const KernelTensor &tensor, const Steps &steps, llvm::MutableArrayRef<int64_t> strides) {
    if (steps.count == steps.all || tensor.isState())
      return 0;
    for (unsigned axis = 0; axis < tensor.layout.getRank(); ++axis)
      if (tensor.layout.getAxis(axis) == ArrayRef<StringRef>{recurrence.getScan()}) {
        int64_t stride = strides[axis], step = steps.first + tensor.step;
        strides[axis] = stride * steps.block;
        // In reverse, coordinates descend from the kernel's last.
        return stride * (recurrence.getReverse() ? steps.all - 1 - step - steps.block * (steps.count - 1) : step);
      }
    return 0;
  }

  Shape shapeOf(const KernelTensor &tensor, const LoweredKernel &kernel, const llvm::StringMap<int64_t> &sizes) {
    Shape shape;
    if (!tensor.perTile.empty())
      shape.push_back(1);
    for (auto [dim, place] : llvm::zip(kernel.dims, kernel.placement.places))
      if (llvm::is_contained(tensor.perTile, dim.first))
        shape.back() *= place.gridTiles(sizes.lookup(dim.first));
    if (tensor.perChunk)
      shape.push_back(call.chunks);
    LayoutAttr layout = tensor.inMemory();
    for (unsigned axis = 0; axis < layout.getRank(); ++axis) {
      shape.push_back(1);
      for (StringRef name : layout.getAxis(axis))
        shape.back() *= sizes.lookup(name);
    }
    if (tensor.more)
      shape.back() += tensor.more;
    if (tensor.depth > 1)
      shape.push_back(tensor.depth);
    return shape;
  }

  /// An array between kernels, made by the first that mentions it, or kept from an earlier call.
  Expected<std::optional<Tensor>> between(const KernelTensor &tensor, const std::string &workspace,
                                          const Shape &shape) {
    // Kept ones may be more than this call needs: blocks take no notice of their shape.
    if (auto known = kept.find(workspace);
        tensor.isOrder() && known != kept.end() && known->second.numElements() >= *countElements(shape))
      return std::optional(Tensor(known->second));
    auto [it, isNew] = call.workspace.try_emplace(workspace);
    if (isNew) {
      Result<Tensor> made = Tensor::allocate(dtypeOf(tensor.stored), shape);
      if (!made)
        return fail("there is no memory for the states between chunks: " + made.error());
      it->second = *made;
    }
    if (tensor.isOrder())
      kept.insert_or_assign(workspace, it->second);
    return std::optional(it->second);
  }

  /// A caller's tensor; nothing for a state that is left out.
  Expected<std::optional<Tensor>> lookup(const KernelTensor &tensor, const Shape &expected) {
    using Role = KernelTensor::Role;
    const auto &from = tensor.role == Role::Input          ? arguments.inputs
                       : tensor.role == Role::Output       ? arguments.outputs
                       : tensor.role == Role::Rows         ? arguments.rows
                       : tensor.role == Role::InitialState ? arguments.initialStates
                                                           : arguments.finalStates;
    auto it = from.find(tensor.given());
    if (it == from.end()) {
      if (!tensor.isOptional())
        return fail("the tensor '" + tensor.given() + "' is missing");
      return std::nullopt;
    }
    Tensor given = it->second;
    if (given.dtype() != dtypeOf(tensor.stored))
      return fail("the tensor '" + tensor.given() + "' is of type " + std::string(dtypeName(given.dtype())) +
                  "; expected " + std::string(dtypeName(dtypeOf(tensor.stored))));
    if (given.shape() != expected)
      return fail("the tensor '" + tensor.given() + "' has the shape " + shapeText(given.shape()) + "; expected " +
                  shapeText(expected));
    if (isOverwritten(tensor)) {
      given = given.clone();
      call.copies.push_back(given);
    }
    if (!isPacked(given, tensor.alignment))
      call.packed = false;
    return std::optional(given);
  }

  /// Whether the packed variant takes the tensor: its last axis has stride 1, and rows begin where wide accesses may.
  static bool isPacked(const Tensor &given, int64_t alignment) {
    if (given.rank() == 0)
      return true;
    int64_t last = given.rank() - 1;
    if (given.stride(last) != 1 && given.size(last) > 1)
      return false;
    auto fits = [&](int64_t bytes) { return bytes % alignment == 0; };
    for (int64_t axis = 0; axis < last; ++axis)
      if (given.size(axis) > 1 && !fits(given.stride(axis) * static_cast<int64_t>(itemSize(given.dtype()))))
        return false;
    return fits(std::bit_cast<int64_t>(given.data()));
  }

  /// Whether an initial state is updated in place and read by several tasks, since it lacks a dimension of the grid.
  /// Only the first of them writes it, at a time that is not ordered with the others' reads.
  bool isOverwritten(const KernelTensor &tensor) {
    if (tensor.role != KernelTensor::Role::InitialState)
      return false;
    auto final = arguments.finalStates.find(tensor.name);
    if (final == arguments.finalStates.end() || final->second.data() != arguments.initialStates.at(tensor.name).data())
      return false;
    const Placement &placement = kernels.back().placement;
    // The last chunk may end before the first one begins.
    if (placement.chunk)
      return true;
    DimensionAnalysis dims(recurrence);
    DimSet own = dims.of(tensor.layout);
    for (auto [dim, place] : llvm::enumerate(placement.places))
      if (place.grid && !own.contains(dim))
        return true;
    return false;
  }

  RecurrenceOp recurrence;
  ArrayRef<LoweredKernel> kernels;
  const KernelArguments &arguments;
  KeptOrder &kept;
  PreparedCall call;
};
} // namespace

Expected<PreparedCall> ssm::prepareCall(RecurrenceOp recurrence, ArrayRef<LoweredKernel> kernels,
                                        const KernelArguments &arguments, KeptOrder &kept) {
  return CallBuilder(recurrence, kernels, arguments, kept).build();
}
