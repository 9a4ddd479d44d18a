// Many threads that launch from one open bundle: all results have to be those of a single call, bit by bit, and that
// one as close to the expected ones as a check asks. Built with ThreadSanitizer by scripts/stress-runtime.

#include "runtime/Api.h"
#include "runtime/Compare.h"
#include "runtime/Safetensors.h"
#include "tools/ssm-launch/Arguments.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

using namespace ssm;
using Role = Manifest::Role;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SSM_IS_SANITIZED
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SSM_IS_SANITIZED
#endif

namespace {
/// What this thread has allocated; a sanitizer has an allocator of its own.
thread_local long allocations = 0;
} // namespace

#ifndef SSM_IS_SANITIZED
extern "C" void *__libc_malloc(size_t bytes);
extern "C" void *malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
#endif

namespace {
/// Relative to the largest value: what `ssmc check` asks of float32.
constexpr double bound = 2e-5;

struct FreeMemory {
  void operator()(void *memory) const { std::free(memory); }
};

/// One call's tensors and workspace.
struct Call {
  std::vector<Tensor> tensors;
  std::vector<ssm_tensor> given;
  std::unique_ptr<void, FreeMemory> workspace;
  ssm_call call{};

  Call(const ssm_function &function, const CallArguments &arguments) {
    const Manifest::Function &manifest = function.manifest();
    for (size_t number = 0; number < manifest.tensors.size(); ++number) {
      const Manifest::Tensor &tensor = manifest.tensors[number];
      const bool isResult = tensor.role == Role::Output || tensor.role == Role::FinalState;
      Result<Shape> shape = shapeOf(tensor, arguments.sizes);
      tensors.push_back(isResult                    ? Tensor::zeros(tensor.dtype, *shape)
                        : arguments.tensors[number] ? arguments.tensors[number]->clone()
                                                    : Tensor());
      const bool isThere = isResult || arguments.tensors[number];
      given.push_back({isThere ? tensors.back().data() : nullptr, nullptr});
    }
    for (size_t number = 0; number < given.size(); ++number)
      given[number].strides = tensors[number].strides().data();
    size_t bytes = 0;
    ssm_error error;
    if (ssm_workspace(&function, arguments.sizes.data(), &bytes, &error)) {
      std::fprintf(stderr, "error: %s\n", error.message);
      std::exit(1);
    }
    workspace.reset(std::aligned_alloc(256, (bytes + 256) / 256 * 256));
    std::memset(workspace.get(), 0, bytes);
    call = {arguments.sizes.data(), given.data(), nullptr, workspace.get(), bytes, SSM_CPU, nullptr};
  }

  bool hasResultsOf(const Call &other, const Manifest::Function &function) const {
    for (size_t number = 0; number < tensors.size(); ++number)
      if ((function.tensors[number].role == Role::Output || function.tensors[number].role == Role::FinalState) &&
          std::memcmp(tensors[number].data(), other.tensors[number].data(), tensors[number].numBytes()) != 0)
        return false;
    return true;
  }

  void clearResults(const Manifest::Function &function) {
    for (size_t number = 0; number < tensors.size(); ++number)
      if (function.tensors[number].role == Role::Output || function.tensors[number].role == Role::FinalState)
        std::memset(tensors[number].data(), 0xff, tensors[number].numBytes());
  }
};

int fail(const std::string &message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

/// Problems of one call with the results expected.
std::string compare(const Call &call, const Manifest::Function &function, std::map<std::string, Tensor> expected) {
  for (size_t number = 0; number < call.tensors.size(); ++number) {
    const Manifest::Tensor &tensor = function.tensors[number];
    auto it = expected.find(std::string(roleName(tensor.role)) + " " + tensor.name);
    if ((tensor.role != Role::Output && tensor.role != Role::FinalState) || it == expected.end())
      continue;
    Result<double> error = relativeError(call.tensors[number], it->second);
    if (!error || !(*error <= bound))
      return "'" + tensor.name + "' is off by " + (error ? std::to_string(*error) : error.error());
    expected.erase(it);
  }
  return expected.empty() ? "" : "there is no " + expected.begin()->first;
}
} // namespace

int main(int argc, char **argv) {
  CLI::App app("Launches from one open bundle on many threads at once", "ssm-stress");
  std::string path, in, out;
  unsigned callers = 32, pool = 4;
  double seconds = 2;
  app.add_option("BUNDLE", path)->required();
  app.add_option("--in", in, "safetensors file with the inputs")->required();
  app.add_option("--expect", out, "safetensors file with the results")->required();
  app.add_option("--callers", callers, "Threads that launch")->capture_default_str();
  app.add_option("--pool", pool, "Threads that a call runs on")->capture_default_str();
  app.add_option("--seconds", seconds)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  ssm_bundle *bundle;
  ssm_error error;
  if (ssm_open(path.c_str(), &bundle, &error) || ssm_prepare_cpu(bundle, static_cast<int>(pool), &error))
    return fail(error.message);
  const ssm_function *function = ssm_find(bundle, "forward", 0);
  Result<Safetensors> inputs = readSafetensors(in), results = readSafetensors(out);
  if (!inputs || !results)
    return fail((inputs ? results : inputs).error());
  Result<CallArguments> arguments = bindArguments(function->manifest(), argumentsOf(inputs->tensors), {});
  if (!arguments)
    return fail(arguments.error());
  Call first(*function, *arguments);
  if (ssm_launch(function, &first.call, &error))
    return fail(error.message);
  if (std::string problem = compare(first, function->manifest(), resultsOf(results->tensors)); !problem.empty())
    return fail(problem);

  std::atomic<long> calls = 0, wrong = 0, allocated = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < callers; ++number)
    threads.emplace_back([&] {
      Call own(*function, *arguments);
      ssm_error problem;
      do {
        own.clearResults(function->manifest());
        const long before = allocations;
        const ssm_status status = ssm_launch(function, &own.call, &problem);
        allocated += allocations - before;
        wrong += status != SSM_OK || !own.hasResultsOf(first, function->manifest());
        ++calls;
      } while (std::chrono::steady_clock::now() < end);
    });
  for (std::thread &thread : threads)
    thread.join();
  ssm_close(bundle);
  std::printf("%ld calls by %u threads, %ld wrong, %ld allocations in them\n", calls.load(), callers, wrong.load(),
              allocated.load());
  return wrong == 0 && allocated == 0 ? 0 : 1;
}
