#include "tools/ssmc/explore/Workbench.h"
#include "dialect/RowPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "runtime/Compare.h"
#include "tools/ssmc/KernelCall.h"

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace ssm;
using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Seconds from some moment on: of this thread where a call runs on it alone, so that what others do on the machine is
/// not counted, else of the clock on the wall.
static double now(unsigned threads) {
  timespec time{};
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// A context of its own, since one is for one thread, with a copy of the recurrence that its kernels refer to.
struct Workbench::Worker {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  RecurrenceOp recurrence;
  unsigned threads = 0;

  llvm::Error parse(const std::string &text) {
    context.loadDialect<arith::ArithDialect, complex::ComplexDialect, math::MathDialect, SsmDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return llvm::createStringError("a recurrence does not parse as it was printed");
    recurrence = *module->getOps<RecurrenceOp>().begin();
    return llvm::Error::success();
  }

  CompiledVariant compile(const std::string &schedule) {
    Clock::time_point start = Clock::now();
    CompiledVariant variant;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (variant.error.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
        variant.error = diagnostic.str();
      return success();
    });
    if (auto kernel = compileForCpu(recurrence, schedule, threads))
      variant.kernel = std::move(*kernel);
    else if (std::string why = llvm::toString(kernel.takeError()); variant.error.empty())
      variant.error = why;
    if (variant.kernel)
      variant.error.clear();
    variant.seconds = secondsSince(start);
    return variant;
  }
};

Workbench::~Workbench() = default;

llvm::Expected<std::unique_ptr<Workbench>> Workbench::make(RecurrenceOp recurrence, const RunArguments &given,
                                                           unsigned threads, unsigned jobs) {
  std::unique_ptr<Workbench> bench(new Workbench());
  bench->threads = threads;
  auto arguments = kernelArguments(recurrence, given);
  if (!arguments)
    return arguments.takeError();
  bench->arguments = std::move(*arguments);
  bench->isInPlace = RowPlan(recurrence).isInPlace();
  if (bench->isInPlace)
    for (const auto &[name, state] : bench->arguments.finalStates)
      bench->begin.emplace(name, state.clone());
  std::string text;
  llvm::raw_string_ostream(text) << *recurrence.getOperation();
  for (unsigned job = 0; job < std::max(1u, jobs); ++job) {
    auto worker = std::make_unique<Worker>();
    worker->threads = threads;
    if (llvm::Error error = worker->parse(text))
      return error;
    bench->workers.push_back(std::move(worker));
  }
  return bench;
}

std::vector<CompiledVariant> Workbench::compile(const std::vector<std::string> &schedules,
                                                const std::atomic<bool> &stop,
                                                const std::function<void(size_t)> &progress) {
  std::vector<CompiledVariant> variants(schedules.size());
  std::mutex mutex;
  std::condition_variable changed;
  size_t next = 0, ready = 0, running = 0;
  std::vector<std::thread> pool;
  running = std::min(workers.size(), schedules.size());
  for (size_t number = 0; number < running; ++number)
    pool.emplace_back([&, worker = workers[number].get()] {
      std::unique_lock lock(mutex);
      while (next < schedules.size() && !stop) {
        size_t mine = next++;
        lock.unlock();
        CompiledVariant variant = worker->compile(schedules[mine]);
        lock.lock();
        variants[mine] = std::move(variant);
        ++ready;
        changed.notify_one();
      }
      --running;
      changed.notify_one();
    });
  std::unique_lock lock(mutex);
  for (size_t told = 0; running || told < ready;) {
    changed.wait(lock, [&] { return told < ready || !running; });
    told = ready;
    lock.unlock();
    progress(told);
    lock.lock();
  }
  lock.unlock();
  for (std::thread &thread : pool)
    thread.join();
  for (CompiledVariant &variant : variants)
    if (!variant.kernel && variant.error.empty())
      variant.error = "not compiled: interrupted";
  return variants;
}

llvm::Error Workbench::measure(const std::vector<CpuKernel *> &kernels, unsigned rounds, double shortest,
                               const std::atomic<bool> &stop, const std::function<void(size_t, double)> &sample) {
  std::vector<unsigned> calls(kernels.size(), 1);
  for (auto [kernel, count] : llvm::zip_equal(kernels, calls))
    // The first call finds pages and caches cold; the second says how many make a repetition.
    for (unsigned call = 0; call < 2 && !stop; ++call) {
      double start = now(threads);
      if (llvm::Error error = kernel->run(arguments, threads))
        return error;
      count = std::clamp(std::ceil(shortest / std::max((now(threads) - start), 1e-7)), 1.0, 1e5);
    }
  for (unsigned round = 0; round < rounds; ++round)
    for (size_t turn = 0; turn < kernels.size() && !stop; ++turn) {
      // Each round begins with another one: what comes first differs.
      size_t number = (turn + round) % kernels.size();
      double start = now(threads);
      for (unsigned call = 0; call < calls[number]; ++call)
        if (llvm::Error error = kernels[number]->run(arguments, threads))
          return error;
      sample(number, (now(threads) - start) / calls[number]);
    }
  return llvm::Error::success();
}

llvm::Expected<double> Workbench::difference(CpuKernel &kernel) {
  for (auto &[name, state] : begin)
    arguments.finalStates.at(name).copyFrom(state);
  if (llvm::Error error = kernel.run(arguments, threads))
    return error;
  bool isFirst = first.empty();
  double largest = 0;
  auto compare = [&](const std::string &name, const Tensor &tensor) -> llvm::Error {
    if (isFirst) {
      first.emplace(name, tensor.clone());
      return llvm::Error::success();
    }
    Result<double> error = relativeError(tensor, first.at(name));
    if (!error)
      return llvm::createStringError(error.error());
    // Random numbers may make a recurrence overflow, in any schedule; that says nothing.
    if (std::isfinite(*error))
      largest = std::max(largest, *error);
    return llvm::Error::success();
  };
  for (auto &[name, tensor] : arguments.outputs)
    if (llvm::Error error = compare(name, tensor))
      return error;
  if (isInPlace)
    for (auto &[name, tensor] : arguments.finalStates)
      if (llvm::Error error = compare("state." + name, tensor))
        return error;
  return largest;
}
