// Kernels in this process: lower, compile with ORC, and hand tasks to threads.

#include "codegen/cpu/CpuKernel.h"
#include "codegen/binding/Binding.h"
#include "codegen/lowering/Machine.h"
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"

#include <atomic>
#include <bit>
#include <chrono>
#include <thread>

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
Error fail(const llvm::Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// What one kernel of a call is started with.
struct Launch {
  std::vector<int64_t> words;
  int64_t tasks = 0;
};

/// One call: a launch a kernel, and whether the last axis of each tensor has stride 1.
struct Call {
  std::vector<Launch> launches;
  bool packed = true;
  /// Sizes of the dimensions that are not `like` another.
  llvm::StringMap<int64_t> sizes;
  int64_t chunks = 0;
  /// Initial states that a task would overwrite before another has read them.
  std::vector<Tensor> copies;
  /// Arrays between kernels.
  std::map<std::string, Tensor> workspace;
};

/// One compiled variant, a function a kernel. The JIT owns the code.
struct Variant {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::vector<void (*)(const int64_t *words, int64_t begin, int64_t end)> kernels;
};

class JitKernel : public CpuKernel {
public:
  JitKernel(RecurrenceOp recurrence, std::string schedule, SizeHints hints)
      : recurrence(recurrence), wanted(std::move(schedule)), hints(std::move(hints)) {}

  const std::string &schedule() const override { return full; }
  const CpuCompileTimes &times() const override { return spent; }

  Error compile(bool packed) {
    Expected<CompileTarget> target = parseTarget("cpu");
    if (!target)
      return target.takeError();
    Clock::time_point start = Clock::now();
    Expected<Lowered> lowered = lower(recurrence, {*target, wanted, packed, hints}, LoweringLevel::Llvm);
    if (!lowered)
      return lowered.takeError();
    auto context = std::make_unique<llvm::LLVMContext>();
    Expected<std::unique_ptr<llvm::Module>> module = translate(*lowered, *target, *context);
    if (!module)
      return module.takeError();
    spent.passes += secondsSince(start);
    kernels = lowered->kernels;
    full = lowered->schedule;
    // Both variants follow one schedule.
    wanted = full;
    return link(std::move(*module), std::move(context), *target, lowered->kernels, variants[packed]);
  }

  Error run(const CpuArguments &arguments, unsigned threads) override {
    Expected<Call> call = prepare(arguments);
    if (!call)
      return call.takeError();
    Variant &variant = variants[call->packed];
    if (variant.kernels.empty())
      if (Error error = compile(call->packed))
        return error;
    threads = threads ? threads : std::max(1u, std::thread::hardware_concurrency());
    for (auto [kernel, launch] : llvm::zip_equal(variant.kernels, call->launches))
      if (launch.tasks)
        runTasks(kernel, launch, threads);
    return Error::success();
  }

private:
  Error link(std::unique_ptr<llvm::Module> module, std::unique_ptr<llvm::LLVMContext> context,
             const CompileTarget &target, ArrayRef<LoweredKernel> entries, Variant &variant) {
    Clock::time_point start = Clock::now();
    Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(target);
    if (!machine)
      return machine.takeError();
    optimize(*module, **machine);
    spent.optimize += secondsSince(start);
    start = Clock::now();
    llvm::orc::JITTargetMachineBuilder builder((*machine)->getTargetTriple());
    builder.setCPU(target.cpu);
    builder.addFeatures(llvm::SubtargetFeatures(target.features).getFeatures());
    Expected<std::unique_ptr<llvm::orc::LLJIT>> jit =
        llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(builder)).create();
    if (!jit)
      return jit.takeError();
    variant.jit = std::move(*jit);
    if (Error error = variant.jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context))))
      return error;
    for (const LoweredKernel &entry : entries) {
      Expected<llvm::orc::ExecutorAddr> address = variant.jit->lookup(entry.name + "_tasks");
      if (!address)
        return address.takeError();
      variant.kernels.push_back(address->toPtr<void (*)(const int64_t *, int64_t, int64_t)>());
    }
    spent.codegen += secondsSince(start);
    return Error::success();
  }

  /// Dynamic: tasks at an edge, or of a slow core, take longer. Blocks are small enough to balance and keep neighbours
  /// together.
  static void runTasks(void (*kernel)(const int64_t *, int64_t, int64_t), const Launch &launch, unsigned threads) {
    threads = std::min<int64_t>(threads, std::max<int64_t>(launch.tasks, 1));
    if (threads == 1)
      return kernel(launch.words.data(), 0, launch.tasks);
    int64_t block = std::max<int64_t>(1, launch.tasks / (static_cast<int64_t>(threads) * 8));
    std::atomic<int64_t> next = 0;
    auto work = [&] {
      for (int64_t begin; (begin = next.fetch_add(block)) < launch.tasks;)
        kernel(launch.words.data(), begin, std::min(begin + block, launch.tasks));
    };
    std::vector<std::thread> pool;
    for (unsigned thread = 1; thread < threads; ++thread)
      pool.emplace_back(work);
    work();
    for (std::thread &thread : pool)
      thread.join();
  }

  Expected<Call> prepare(const CpuArguments &arguments) {
    Call call;
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
      if (Error error = addLaunch(call, kernel, arguments))
        return std::move(error);
    }
    return call;
  }

  /// Where a kernel that runs blocks of steps, or what is left of them, is in the sequence.
  struct Steps {
    int64_t all, count, block = 1, first = 0;
  };

  Steps stepsOf(const Call &call, const LoweredKernel &kernel) {
    int64_t all = call.sizes.lookup(recurrence.getScan());
    if (kernel.overChunks)
      return {call.chunks, call.chunks};
    if (kernel.blockSteps)
      return {all, all / kernel.blockSteps, kernel.blockSteps};
    if (kernel.restOf)
      return {all, all % kernel.restOf, 1, all - all % kernel.restOf};
    return {all, all};
  }

  Error addLaunch(Call &call, const LoweredKernel &kernel, const CpuArguments &arguments) {
    Launch &launch = call.launches.emplace_back();
    Steps steps = stepsOf(call, kernel);
    // Arrays have all steps, the kernel those that it runs.
    llvm::StringMap<int64_t> sizes, own;
    llvm::SmallVector<int64_t> byPosition;
    for (const auto &[dim, extent] : kernel.dims) {
      bool isScan = extent == recurrence.getScan();
      own[dim] = isScan ? steps.count : call.sizes.lookup(extent);
      sizes[dim] = isScan ? steps.all : own[dim];
      byPosition.push_back(own[dim]);
    }
    for (const KernelTensor &tensor : kernel.interface.tensors) {
      std::string workspace = betweenBlocks(tensor, kernel, steps);
      Expected<std::optional<Tensor>> given =
          workspace.empty() ? lookup(call, tensor, arguments, sizes) : between(call, tensor, workspace, sizes);
      if (!given)
        return given.takeError();
      if (!*given) {
        launch.words.insert(launch.words.end(), tensor.getRank() + 1, 0);
        continue;
      }
      llvm::SmallVector<int64_t> strides((*given)->strides().begin(), (*given)->strides().end());
      int64_t offset = alongSteps(tensor, steps, strides) * static_cast<int64_t>(itemSize((*given)->dtype()));
      launch.words.push_back(std::bit_cast<int64_t>((*given)->data()) + offset);
      launch.words.insert(launch.words.end(), strides.begin(), strides.end());
    }
    for (auto &[name, value] : kernel.interface.parameters) {
      auto given = arguments.parameters.find(name);
      launch.words.push_back(std::bit_cast<int64_t>(given == arguments.parameters.end() ? value : given->second));
    }
    for (const std::string &dim : kernel.interface.sizes)
      launch.words.push_back(own[dim]);
    launch.tasks = countTasks(kernel.placement, byPosition);
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

  static Shape shapeOf(const KernelTensor &tensor, const llvm::StringMap<int64_t> &sizes, int64_t chunks) {
    Shape shape;
    if (tensor.perChunk)
      shape.push_back(chunks);
    for (unsigned axis = 0; axis < tensor.layout.getRank(); ++axis) {
      shape.push_back(1);
      for (StringRef name : tensor.layout.getAxis(axis))
        shape.back() *= sizes.lookup(name);
    }
    if (tensor.depth > 1)
      shape.push_back(tensor.depth);
    return shape;
  }

  /// An array between kernels, made by the first that mentions it.
  Expected<std::optional<Tensor>> between(Call &call, const KernelTensor &tensor, const std::string &workspace,
                                          const llvm::StringMap<int64_t> &sizes) {
    auto [it, isNew] = call.workspace.try_emplace(workspace);
    if (isNew) {
      Result<Tensor> made = Tensor::allocate(dtypeOf(tensor.stored), shapeOf(tensor, sizes, call.chunks));
      if (!made)
        return fail("there is no memory for the states between chunks: " + made.error());
      it->second = *made;
    }
    return std::optional(it->second);
  }

  /// A caller's tensor; nothing for a state that is left out.
  Expected<std::optional<Tensor>> lookup(Call &call, const KernelTensor &tensor, const CpuArguments &arguments,
                                         const llvm::StringMap<int64_t> &sizes) {
    using Role = KernelTensor::Role;
    const auto &from = tensor.role == Role::Input          ? arguments.inputs
                       : tensor.role == Role::Output       ? arguments.outputs
                       : tensor.role == Role::InitialState ? arguments.initialStates
                                                           : arguments.finalStates;
    auto it = from.find(tensor.given());
    if (it == from.end()) {
      if (!tensor.isState())
        return fail("the tensor '" + tensor.given() + "' is missing");
      return std::nullopt;
    }
    Tensor given = it->second;
    if (given.dtype() != dtypeOf(tensor.stored))
      return fail("the tensor '" + tensor.given() + "' is of type " + std::string(dtypeName(given.dtype())) +
                  "; expected " + std::string(dtypeName(dtypeOf(tensor.stored))));
    Shape expected = shapeOf(tensor, sizes, call.chunks);
    if (given.shape() != expected)
      return fail("the tensor '" + tensor.given() + "' has the shape " + shapeText(given.shape()) + "; expected " +
                  shapeText(expected));
    if (isOverwritten(tensor, arguments)) {
      given = given.clone();
      call.copies.push_back(given);
    }
    if (given.rank() && given.stride(given.rank() - 1) != 1 && given.size(given.rank() - 1) > 1)
      call.packed = false;
    return std::optional(given);
  }

  /// Whether an initial state is updated in place and read by several tasks, since it lacks a dimension of the grid.
  /// Only the first of them writes it, at a time that is not ordered with the others' reads.
  bool isOverwritten(const KernelTensor &tensor, const CpuArguments &arguments) {
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
  std::string wanted, full;
  SizeHints hints;
  std::vector<LoweredKernel> kernels;
  CpuCompileTimes spent;
  Variant variants[2];
};
} // namespace

Expected<std::unique_ptr<CpuKernel>> ssm::compileForCpu(RecurrenceOp recurrence, const std::string &schedule,
                                                        const SizeHints &hints) {
  auto kernel = std::make_unique<JitKernel>(recurrence, schedule, hints);
  if (Error error = kernel->compile(/*packed=*/true))
    return std::move(error);
  return std::unique_ptr<CpuKernel>(std::move(kernel));
}
