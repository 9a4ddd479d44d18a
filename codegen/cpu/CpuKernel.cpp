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

/// The words of one call, and whether each tensor's last axis has stride 1.
struct Call {
  std::vector<int64_t> words;
  bool packed = true;
  int64_t tasks = 0;
  /// Initial states that a task would overwrite before another has read them.
  std::vector<Tensor> copies;
};

/// One compiled variant. The JIT owns the code.
struct Variant {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  void (*tasks)(const int64_t *words, int64_t begin, int64_t end) = nullptr;
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
    interface = lowered->interface;
    placement = lowered->placement;
    full = lowered->schedule;
    // Both variants follow one schedule.
    wanted = full;
    return link(std::move(*module), std::move(context), *target, lowered->kernel + "_tasks", variants[packed]);
  }

  Error run(const CpuArguments &arguments, unsigned threads) override {
    Expected<Call> call = prepare(arguments);
    if (!call)
      return call.takeError();
    Variant &variant = variants[call->packed];
    if (!variant.tasks)
      if (Error error = compile(call->packed))
        return error;
    runTasks(variant, *call, threads ? threads : std::max(1u, std::thread::hardware_concurrency()));
    return Error::success();
  }

private:
  Error link(std::unique_ptr<llvm::Module> module, std::unique_ptr<llvm::LLVMContext> context,
             const CompileTarget &target, const std::string &entry, Variant &variant) {
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
    Expected<llvm::orc::ExecutorAddr> address = variant.jit->lookup(entry);
    if (!address)
      return address.takeError();
    variant.tasks = address->toPtr<void (*)(const int64_t *, int64_t, int64_t)>();
    spent.codegen += secondsSince(start);
    return Error::success();
  }

  /// Dynamic: tasks at an edge, or of a slow core, take longer. Blocks are small enough to balance and keep neighbours
  /// together.
  static void runTasks(const Variant &variant, const Call &call, unsigned threads) {
    threads = std::min<int64_t>(threads, std::max<int64_t>(call.tasks, 1));
    if (threads == 1)
      return variant.tasks(call.words.data(), 0, call.tasks);
    int64_t block = std::max<int64_t>(1, call.tasks / (static_cast<int64_t>(threads) * 8));
    std::atomic<int64_t> next = 0;
    auto work = [&] {
      for (int64_t begin; (begin = next.fetch_add(block)) < call.tasks;)
        variant.tasks(call.words.data(), begin, std::min(begin + block, call.tasks));
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
    llvm::SmallVector<int64_t> sizes;
    for (auto dim : recurrence.getDims().getAsRange<DimAttr>()) {
      std::string extent = recurrence.extentOf(dim.getName().getValue()).str();
      auto given = arguments.sizes.find(extent);
      std::optional<int64_t> known = recurrence.sizeOf(extent);
      if (given == arguments.sizes.end() && !known)
        return fail("the size of '" + extent + "' is missing");
      if (given != arguments.sizes.end() && (given->second < 0 || given->second != known.value_or(given->second)))
        return fail("the size " + llvm::Twine(given->second) + " of '" + extent + "' does not fit the kernel");
      sizes.push_back(known ? *known : given->second);
    }
    for (const KernelTensor &tensor : interface.tensors)
      if (Error error = addTensor(call, tensor, arguments, sizes))
        return std::move(error);
    for (auto &[name, value] : interface.parameters) {
      auto given = arguments.parameters.find(name);
      call.words.push_back(std::bit_cast<int64_t>(given == arguments.parameters.end() ? value : given->second));
    }
    for (auto [dim, size] : llvm::zip_equal(recurrence.getDims().getAsRange<DimAttr>(), sizes))
      if (!dim.getLike())
        call.words.push_back(size);
    call.tasks = countTasks(placement, sizes);
    return call;
  }

  Error addTensor(Call &call, const KernelTensor &tensor, const CpuArguments &arguments, ArrayRef<int64_t> sizes) {
    using Role = KernelTensor::Role;
    const auto &from = tensor.role == Role::Input          ? arguments.inputs
                       : tensor.role == Role::Output       ? arguments.outputs
                       : tensor.role == Role::InitialState ? arguments.initialStates
                                                           : arguments.finalStates;
    auto it = from.find(tensor.name);
    if (it == from.end()) {
      if (!tensor.isState())
        return fail("the tensor '" + tensor.name + "' is missing");
      call.words.insert(call.words.end(), tensor.getRank() + 1, 0);
      return Error::success();
    }
    Tensor given = it->second;
    if (given.dtype() != dtypeOf(tensor.stored))
      return fail("the tensor '" + tensor.name + "' is of type " + std::string(dtypeName(given.dtype())) +
                  "; expected " + std::string(dtypeName(dtypeOf(tensor.stored))));
    Shape expected;
    for (unsigned axis = 0; axis < tensor.layout.getRank(); ++axis) {
      expected.push_back(1);
      for (StringRef name : tensor.layout.getAxis(axis))
        for (auto [dim, size] : llvm::zip_equal(recurrence.getDims().getAsRange<DimAttr>(), sizes))
          if (dim.getName() == name)
            expected.back() *= size;
    }
    if (tensor.depth > 1)
      expected.push_back(tensor.depth);
    if (given.shape() != expected)
      return fail("the tensor '" + tensor.name + "' has the shape " + shapeText(given.shape()) + "; expected " +
                  shapeText(expected));
    if (isOverwritten(tensor, arguments)) {
      given = given.clone();
      call.copies.push_back(given);
    }
    call.words.push_back(std::bit_cast<int64_t>(given.data()));
    call.words.insert(call.words.end(), given.strides().begin(), given.strides().end());
    if (given.rank() && given.stride(given.rank() - 1) != 1 && given.size(given.rank() - 1) > 1)
      call.packed = false;
    return Error::success();
  }

  /// Whether an initial state is updated in place and read by several tasks, since it lacks a dimension of the grid.
  /// Only the first of them writes it, at a time that is not ordered with the others' reads.
  bool isOverwritten(const KernelTensor &tensor, const CpuArguments &arguments) {
    if (tensor.role != KernelTensor::Role::InitialState)
      return false;
    auto final = arguments.finalStates.find(tensor.name);
    if (final == arguments.finalStates.end() || final->second.data() != arguments.initialStates.at(tensor.name).data())
      return false;
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
  KernelInterface interface;
  Placement placement;
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
