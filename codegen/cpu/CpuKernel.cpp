// Kernels in this process: lower, compile with ORC, and hand tasks to threads.

#include "codegen/cpu/CpuKernel.h"
#include "codegen/lowering/Machine.h"
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"

#include <atomic>
#include <chrono>
#include <thread>

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One compiled variant, a function a kernel. The JIT owns the code.
struct Variant {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::vector<void (*)(const int64_t *words, int64_t begin, int64_t end)> kernels;
};

class JitKernel : public CpuKernel {
public:
  JitKernel(RecurrenceOp recurrence, std::string schedule, unsigned threads)
      : recurrence(recurrence), wanted(std::move(schedule)), plannedThreads(threads) {}

  const std::string &schedule() const override { return full; }
  const CpuCompileTimes &times() const override { return spent; }

  Error compile(bool packed) {
    Expected<CompileTarget> target = parseTarget("cpu");
    if (!target)
      return target.takeError();
    if (plannedThreads)
      target->machine.cores = plannedThreads;
    Clock::time_point start = Clock::now();
    Expected<Lowered> lowered = lower(recurrence, {*target, wanted, packed, {}}, LoweringLevel::Llvm);
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

  Error run(const KernelArguments &arguments, unsigned threads) override {
    KeptOrder none;
    Expected<PreparedCall> call = prepareCall(recurrence, kernels, arguments, none);
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
  static void runTasks(void (*kernel)(const int64_t *, int64_t, int64_t), const KernelLaunch &launch,
                       unsigned threads) {
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

  RecurrenceOp recurrence;
  std::string wanted, full;
  unsigned plannedThreads;
  std::vector<LoweredKernel> kernels;
  CpuCompileTimes spent;
  Variant variants[2];
};
} // namespace

Expected<std::unique_ptr<CpuKernel>> ssm::compileForCpu(RecurrenceOp recurrence, const std::string &schedule,
                                                        unsigned threads) {
  auto kernel = std::make_unique<JitKernel>(recurrence, schedule, threads);
  if (Error error = kernel->compile(/*packed=*/true))
    return std::move(error);
  return std::unique_ptr<CpuKernel>(std::move(kernel));
}
