// Lowered kernels in the words of a manifest.

#include "codegen/bundle/Describe.h"
#include "codegen/binding/Binding.h"
#include "dialect/DimensionAnalysis.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
using Role = KernelTensor::Role;

Error fail(const llvm::Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

Manifest::Role roleOf(Role role) {
  return role == Role::Input          ? Manifest::Role::Input
         : role == Role::Output       ? Manifest::Role::Output
         : role == Role::Rows         ? Manifest::Role::Rows
         : role == Role::InitialState ? Manifest::Role::InitialState
                                      : Manifest::Role::FinalState;
}

/// Whether a state may be updated in place: no block reads it that does not write it, before it does.
bool mayBeInPlace(RecurrenceOp recurrence, const Placement &placement, LayoutAttr layout) {
  if (placement.chunk)
    return false;
  DimensionAnalysis dims(recurrence);
  DimSet own = dims.of(layout);
  for (auto [dim, place] : llvm::enumerate(placement.places))
    if (place.grid && !own.contains(dim))
      return false;
  return true;
}

/// The place of a dimension in a function.
size_t dimNumber(const Manifest::Function &function, StringRef name) {
  for (auto [number, dim] : llvm::enumerate(function.dims))
    if (dim.name == name)
      return number;
  llvm_unreachable("a layout names a dimension that the recurrence does not have");
}

class ProgramBuilder {
public:
  ProgramBuilder(RecurrenceOp recurrence, const Lowered &lowered, const CompileTarget &target,
                 const Manifest::Function &function)
      : recurrence(recurrence), lowered(lowered), target(target), function(function) {}

  Expected<Manifest::Program> build() {
    program.target = target.name;
    program.schedule = lowered.schedule;
    const size_t scan = function.dims[function.scan].extent;
    if (int64_t chunk = lowered.main().placement.chunk)
      program.counts.push_back({"chunks", {scan, chunk, 1}});
    for (const LoweredKernel &kernel : lowered.kernels)
      if (Error error = add(kernel))
        return std::move(error);
    return std::move(program);
  }

private:
  size_t chunks() const { return function.dims.size(); }

  Error add(const LoweredKernel &lowered) {
    using Which = Manifest::Steps::Which;
    Manifest::Kernel &kernel = program.kernels.emplace_back();
    kernel.entry = target.isGpu() ? lowered.name : lowered.name + "_tasks";
    if (lowered.blockSteps)
      kernel.steps = {Which::Blocks, lowered.blockSteps};
    else if (lowered.restOf)
      kernel.steps = {Which::Rest, lowered.restOf};
    kernel.threads = lowered.placement.threads();
    kernel.dynamicShared = lowered.dynamicShared;
    for (auto [dim, place] : llvm::zip_equal(lowered.dims, lowered.placement.places))
      if (place.grid)
        kernel.grid.push_back({sizeOf(lowered, dim.first), place.span(), place.runsEmpty});
    if (lowered.placement.chunk)
      kernel.grid.push_back({sizeOf(lowered, recurrence.getScan()), lowered.placement.chunk, 1});
    if (int64_t multiple = lowered.interface.stepsMultiple; multiple > 1)
      program.multiples.push_back({sizeOf(lowered, recurrence.getScan()), multiple});
    using Kind = Manifest::Argument::Kind;
    for (const KernelTensor &tensor : lowered.interface.tensors)
      if (Error error = addTensor(kernel, lowered, tensor))
        return error;
    for (const auto &[name, value] : lowered.interface.parameters)
      for (auto [number, parameter] : llvm::enumerate(function.parameters))
        if (parameter.name == name)
          kernel.arguments.push_back({Kind::Parameter, number});
    for (const std::string &name : lowered.interface.sizes)
      kernel.arguments.push_back({Kind::Size, sizeOf(lowered, name)});
    if (target.isGpu())
      kernel.arguments.push_back({Kind::Tasks, 0});
    return Error::success();
  }

  /// The size that a kernel calls by a dimension's name, which may be its own, like one of the function's: where it
  /// runs over chunks, these are its scanned dimension.
  size_t sizeOf(const LoweredKernel &kernel, StringRef dim) const {
    for (const auto &[name, like] : kernel.dims)
      if (name == dim)
        dim = like;
    size_t extent = function.dims[dimNumber(function, dim)].extent;
    return kernel.overChunks && extent == function.dims[function.scan].extent ? chunks() : extent;
  }

  /// The number among sizes of how many tiles the grid cuts a dimension into.
  size_t tilesOf(const LoweredKernel &kernel, const std::string &dim) {
    std::string name = dim + ".tiles";
    auto known = llvm::find_if(program.counts, [&](const Manifest::Count &count) { return count.name == name; });
    size_t number = known - program.counts.begin();
    if (known == program.counts.end()) {
      auto at = llvm::find_if(kernel.dims, [&](const auto &own) { return own.first == dim; });
      const DimPlace &place = kernel.placement.places[at - kernel.dims.begin()];
      program.counts.push_back({name, {sizeOf(kernel, dim), place.span(), place.runsEmpty}});
    }
    return function.dims.size() + number;
  }

  Manifest::Layout layoutOf(const LoweredKernel &kernel, const KernelTensor &tensor) {
    Manifest::Layout layout;
    if (!tensor.perTile.empty())
      for (layout.emplace_back(); const std::string &dim : tensor.perTile)
        layout.back().push_back(tilesOf(kernel, dim));
    if (tensor.perChunk)
      layout.push_back({chunks()});
    LayoutAttr axes = tensor.inMemory();
    for (unsigned axis = 0; axis < axes.getRank(); ++axis) {
      layout.emplace_back();
      for (StringRef name : axes.getAxis(axis))
        layout.back().push_back(sizeOf(kernel, name));
    }
    return layout;
  }

  Error addTensor(Manifest::Kernel &kernel, const LoweredKernel &lowered, const KernelTensor &tensor) {
    using Kind = Manifest::Argument::Kind;
    if (tensor.workspace.empty()) {
      for (auto [number, known] : llvm::enumerate(function.tensors))
        if (known.role == roleOf(tensor.role) && known.name == tensor.given()) {
          kernel.arguments.push_back({Kind::Tensor, number, tensor.step, betweenBlocks(lowered, tensor)});
          if (tensor.alignment > 1)
            program.alignments.push_back({number, tensor.alignment});
          return Error::success();
        }
      if (tensor.isOptional()) {
        kernel.arguments.push_back({Kind::Absent, tensor.getRank()});
        return Error::success();
      }
      return fail("the kernel '" + lowered.name + "' takes '" + tensor.name + "', which no caller gives");
    }
    Expected<size_t> number =
        addBuffer({tensor.workspace, dtypeOf(tensor.stored), layoutOf(lowered, tensor), tensor.depth});
    if (!number)
      return number.takeError();
    kernel.arguments.push_back({Kind::Buffer, *number});
    return Error::success();
  }

  /// The buffer's number, which it has from the first kernel on that mentions it.
  Expected<size_t> addBuffer(Manifest::Buffer buffer) {
    for (auto [number, known] : llvm::enumerate(program.buffers))
      if (known.name == buffer.name) {
        if (known.dtype != buffer.dtype || known.layout != buffer.layout || known.depth != buffer.depth)
          return fail("kernels disagree on the shape of the array '" + buffer.name + "' between them");
        return number;
      }
    program.buffers.push_back(std::move(buffer));
    return program.buffers.size() - 1;
  }

  /// The buffer in which a state goes from the last block of steps to what is left of them.
  std::optional<size_t> betweenBlocks(const LoweredKernel &kernel, const KernelTensor &tensor) {
    const bool isHandedOn =
        (kernel.blockSteps && tensor.role == Role::FinalState) || (kernel.restOf && tensor.role == Role::InitialState);
    if (!isHandedOn)
      return std::nullopt;
    return llvm::cantFail(
        addBuffer({"between." + tensor.name, dtypeOf(tensor.stored), layoutOf(kernel, tensor), tensor.depth}));
  }

  RecurrenceOp recurrence;
  const Lowered &lowered;
  const CompileTarget &target;
  const Manifest::Function &function;
  Manifest::Program program;
};
} // namespace

Manifest::Function ssm::describeFunction(RecurrenceOp recurrence, const Lowered &lowered) {
  Manifest::Function function;
  function.mode = modeName(recurrence).str();
  RowPlan rows(recurrence);
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>()) {
    Manifest::Dim described{dim.getName().str(), std::nullopt, function.dims.size()};
    if (dim.getLike())
      described.extent = dimNumber(function, recurrence.extentOf(dim.getName()));
    else
      described.size = recurrence.sizeOf(dim.getName());
    function.dims.push_back(std::move(described));
  }
  if (rows)
    function.rows = dimNumber(function, rows.dim());
  if (rows.hasPool())
    function.dims.push_back({RowPlan::slots.str(), std::nullopt, function.dims.size()});
  function.scan = dimNumber(function, recurrence.getScan());
  function.reverse = recurrence.getReverse();
  const LoweredKernel &main = lowered.main();
  for (const KernelTensor &tensor : main.interface.tensors) {
    if (!tensor.workspace.empty())
      continue;
    Manifest::Tensor described{roleOf(tensor.role), tensor.name, dtypeOf(tensor.stored), {}, tensor.depth};
    described.more = tensor.more;
    described.optional = tensor.role == Role::Rows && tensor.isOptional();
    LayoutAttr axes = tensor.inMemory();
    for (unsigned axis = 0; axis < axes.getRank(); ++axis) {
      described.layout.emplace_back();
      for (StringRef name : axes.getAxis(axis))
        described.layout.back().push_back(dimNumber(function, name));
    }
    if (tensor.role == Role::FinalState)
      described.inPlace = mayBeInPlace(recurrence, main.placement, tensor.layout);
    function.tensors.push_back(std::move(described));
  }
  for (const auto &[name, value] : main.interface.parameters)
    function.parameters.push_back({name, value});
  return function;
}

Expected<Manifest::Program> ssm::describeProgram(RecurrenceOp recurrence, const Lowered &lowered,
                                                 const CompileTarget &target, const Manifest::Function &function) {
  return ProgramBuilder(recurrence, lowered, target, function).build();
}
