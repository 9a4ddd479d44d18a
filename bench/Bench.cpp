// Times ssmc and the scalar loops on one case of bench/cases.json, one repetition upon each line of standard input:
//
//   ssm-bench cases.json CASE FOLDER [dim=size…] [LABEL:loops.so…]
//
// docs/benchmarks.md has the protocol. Writes the inputs to FOLDER for peers in other processes; bench/run-cpu goes
// round all of them.

#include "bench/Case.h"
#include "llvm/ADT/StringExtras.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace ssm;

namespace {
/// Seconds of a repetition: short calls are repeated, and their mean counts.
constexpr double shortest = 0.02;

/// A loop of bench/peers/scalar in the build of one compiler.
using ScalarLoop = void (*)(const float *const *inputs, const int64_t *sizes, float *output);

struct ScalarPeer {
  ScalarLoop loop;
  Tensor output;
};

/// What stands on the command line.
struct Options {
  std::string casesPath, caseName, folder;
  std::map<std::string, int64_t> dims;
  std::map<std::string, std::string> loops;
};

class Bench {
public:
  static llvm::Expected<Bench> make(mlir::MLIRContext &context, const Options &options);

  const std::string &schedule() const { return kernels.begin()->second->schedule(); }
  /// Seconds of a call of `ssmc`, or on one thread of the scalar loop of that label, or of `bytes`: reading every input
  /// and writing the output once.
  llvm::Expected<double> run(const std::string &who, unsigned threads);
  /// The largest difference of a result from the first one of ssmc, relative to the largest value. `what` is a label,
  /// or the file that another process wrote.
  llvm::Expected<double> compare(const std::string &what) const;

private:
  explicit Bench(BenchCase benchCase) : benchCase(std::move(benchCase)) {}

  /// The kernel for calls on so many threads, compiled when it is first asked for.
  llvm::Expected<CpuKernel *> kernelFor(unsigned threads) {
    std::unique_ptr<CpuKernel> &kernel = kernels[threads];
    if (!kernel) {
      auto compiled = benchCase.compile(threads);
      if (!compiled)
        return compiled.takeError();
      kernel = std::move(*compiled);
    }
    return kernel.get();
  }

  llvm::Expected<Tensor> resultOf(const std::string &what) const;
  void moveBytes();

  BenchCase benchCase;
  std::map<unsigned, std::unique_ptr<CpuKernel>> kernels;
  std::map<std::string, ScalarPeer> scalars;
  std::optional<Tensor> reference, written;
};
} // namespace

static llvm::Expected<nlohmann::json> readCase(const Options &options) {
  std::ifstream file(options.casesPath);
  nlohmann::json cases = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (cases.is_discarded() || !cases.contains(options.caseName))
    return llvm::createStringError(options.casesPath + " has no case '" + options.caseName + "'");
  nlohmann::json description = cases[options.caseName];
  for (const auto &[name, size] : options.dims)
    description["dims"][name] = size;
  return description;
}

llvm::Expected<Bench> Bench::make(mlir::MLIRContext &context, const Options &options) {
  auto description = readCase(options);
  if (!description)
    return description.takeError();
  auto benchCase = BenchCase::make(context, *description);
  if (!benchCase)
    return benchCase.takeError();
  if (llvm::Error error = benchCase->writeInputs(options.folder))
    return error;
  Bench bench(std::move(*benchCase));
  if (auto kernel = bench.kernelFor(1); !kernel)
    return kernel.takeError();
  const std::string model = description->at("model");
  for (const auto &[label, path] : options.loops) {
    // Each compiler's build defines the same names: they stay apart in local scope.
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    auto loop = library ? reinterpret_cast<ScalarLoop>(dlsym(library, model.c_str())) : nullptr;
    if (!loop)
      return llvm::createStringError(dlerror());
    bench.scalars.emplace(label, ScalarPeer{loop, bench.benchCase.output().clone()});
  }
  return bench;
}

template <typename Work> static llvm::Expected<double> secondsOfCall(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  double seconds = 0;
  int calls = 0;
  for (; seconds < shortest; ++calls) {
    if (llvm::Error error = work())
      return error;
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return seconds / calls;
}

llvm::Expected<double> Bench::run(const std::string &who, unsigned threads) {
  if (who == "ssmc") {
    auto kernel = kernelFor(threads);
    if (!kernel)
      return kernel.takeError();
    auto seconds = secondsOfCall([&] { return (*kernel)->run(benchCase.arguments(), threads); });
    if (seconds && !reference)
      reference = benchCase.output().clone();
    return seconds;
  }
  if (who == "bytes" && threads == 1)
    return secondsOfCall([&] {
      moveBytes();
      return llvm::Error::success();
    });
  auto scalar = scalars.find(who);
  if (scalar == scalars.end() || threads != 1)
    return llvm::createStringError("there is no '" + who + "' on " + llvm::Twine(threads) + " threads");
  const auto inputs = benchCase.inputs();
  const auto sizes = benchCase.sizes();
  return secondsOfCall([&] {
    scalar->second.loop(inputs.data(), sizes.data(), scalar->second.output.dataAs<float>());
    return llvm::Error::success();
  });
}

/// What no program that reads and writes these arrays can do without: whatever its arithmetic, it takes this long. A
/// page of each array by turns, as steps go through them, which several streams of a core's memory share.
void Bench::moveBytes() {
  constexpr size_t page = 4096;
  if (!written)
    written = benchCase.output().clone();
  size_t longest = written->numBytes();
  for (const auto &[name, tensor] : benchCase.arguments().inputs)
    longest = std::max(longest, tensor.numBytes());
  uint64_t mixed = 0;
  for (size_t begin = 0; begin < longest; begin += page) {
    for (const auto &[name, tensor] : benchCase.arguments().inputs) {
      const auto *words = reinterpret_cast<const uint64_t *>(tensor.dataAs<float>());
      for (size_t i = begin / sizeof(uint64_t), end = std::min(begin + page, tensor.numBytes()) / sizeof(uint64_t);
           i < end; ++i)
        mixed ^= words[i];
    }
    // The bits read decide what is written, so that nothing is left out.
    if (begin < written->numBytes())
      std::memset(static_cast<char *>(written->data()) + begin, static_cast<int>(mixed),
                  std::min(page, written->numBytes() - begin));
  }
}

llvm::Expected<Tensor> Bench::resultOf(const std::string &what) const {
  if (what == "ssmc")
    return benchCase.output();
  if (auto scalar = scalars.find(what); scalar != scalars.end())
    return scalar->second.output;
  Tensor tensor = benchCase.output().clone();
  std::ifstream file(what, std::ios::binary | std::ios::ate);
  if (!file || size_t(file.tellg()) != tensor.numBytes())
    return llvm::createStringError(what + " is not as long as the output");
  file.seekg(0);
  file.read(static_cast<char *>(tensor.data()), tensor.numBytes());
  return tensor;
}

llvm::Expected<double> Bench::compare(const std::string &what) const {
  if (!reference)
    return llvm::createStringError("ssmc has not run yet");
  auto result = resultOf(what);
  if (!result)
    return result.takeError();
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < reference->numElements(); ++i) {
    const double ours = reference->dataAs<float>()[i], theirs = result->dataAs<float>()[i];
    // Written so that a NaN on either side is an endless difference.
    if (!(std::abs(ours - theirs) <= difference))
      difference = std::isnan(ours - theirs) ? INFINITY : std::abs(ours - theirs);
    largest = std::max(largest, std::abs(ours));
  }
  return difference == 0 ? 0 : difference / largest;
}

/// Answers the commands on standard input, a line each.
static llvm::Error serve(Bench &bench) {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, what;
    unsigned threads = 0;
    words >> command >> what;
    llvm::Expected<double> answer = llvm::createStringError("unknown command '" + line + "'");
    if (command == "run" && words >> threads)
      answer = (llvm::consumeError(answer.takeError()), bench.run(what, threads));
    else if (command == "compare")
      answer = (llvm::consumeError(answer.takeError()), bench.compare(what));
    if (!answer)
      return answer.takeError();
    std::printf("%.9g\n", *answer);
    std::fflush(stdout);
  }
  return llvm::Error::success();
}

static llvm::Expected<Options> parseArguments(llvm::ArrayRef<char *> arguments) {
  if (arguments.size() < 4)
    return llvm::createStringError("usage: ssm-bench cases.json CASE FOLDER [dim=size…] [LABEL:loops.so…]");
  Options options{arguments[1], arguments[2], arguments[3], {}, {}};
  for (llvm::StringRef argument : arguments.drop_front(4)) {
    auto [dim, size] = argument.split('=');
    auto [label, path] = argument.split(':');
    int64_t number;
    if (argument.contains(':'))
      options.loops[label.str()] = path.str();
    else if (!size.getAsInteger(10, number))
      options.dims[dim.str()] = number;
    else
      return llvm::createStringError("'" + argument + "' is neither dim=size nor LABEL:loops.so");
  }
  return options;
}

int main(int argc, char **argv) {
  mlir::MLIRContext context;
  auto finish = [](llvm::Error error) {
    if (!error)
      return 0;
    std::fprintf(stderr, "error: %s\n", llvm::toString(std::move(error)).c_str());
    return 1;
  };
  auto options = parseArguments({argv, size_t(argc)});
  if (!options)
    return finish(options.takeError());
  auto bench = Bench::make(context, *options);
  if (!bench)
    return finish(bench.takeError());
  std::printf("%s\n", bench->schedule().c_str());
  std::fflush(stdout);
  return finish(serve(*bench));
}
