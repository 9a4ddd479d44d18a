// A bundle's code on this processor.

#include "runtime/CpuDevice.h"

#include <algorithm>
#include <chrono>
#include <cstring>

using namespace ssm;

namespace {
constexpr const char *codeKind = "shared_object";

/// The first feature that a program needs and that is not there; null where all are.
const std::string *findMissing(const Manifest::Program &program, const std::set<std::string, std::less<>> &features) {
  for (const std::string &feature : program.features)
    if (!features.count(feature))
      return &feature;
  return nullptr;
}
} // namespace

ssm_status CpuDevice::prepare(const Bundle &bundle, unsigned threads, const std::string &only,
                              const std::set<std::string, std::less<>> &features, std::unique_ptr<Device> &result,
                              ssm_error *error) {
  std::unique_ptr<CpuDevice> device(
      new CpuDevice(threads ? threads : std::max(1u, std::thread::hardware_concurrency())));
  bool isUseful = false;
  const Manifest::Program *refused = nullptr;
  for (const Manifest::Function &function : bundle.manifest.functions) {
    device->programs.emplace_back();
    for (const Manifest::Program &program : function.programs) {
      LoadedProgram &loaded = device->programs.back().emplace_back();
      if (!isForProcessor(program))
        continue;
      if (findMissing(program, features)) {
        refused = &program;
        continue;
      }
      if (ssm_status status = device->load(bundle, function, program, only, loaded, error))
        return status;
      isUseful |= !loaded.kernels.empty();
    }
  }
  if (isUseful) {
    result = std::move(device);
    return succeed(error);
  }
  if (refused)
    return fail(error, SSM_NO_CODE, "the bundle has no code for this processor: that for %.200s needs %.200s",
                refused->target.c_str(), findMissing(*refused, features)->c_str());
  return fail(error, SSM_NO_CODE, "the bundle has no %.200s for processors", only.empty() ? "code" : only.c_str());
}

ssm_status CpuDevice::load(const Bundle &bundle, const Manifest::Function &function, const Manifest::Program &program,
                           const std::string &only, LoadedProgram &loaded, ssm_error *error) {
  auto file = std::find_if(program.code.begin(), program.code.end(),
                           [](const Manifest::Code &each) { return each.kind == codeKind; });
  if (file == program.code.end() || (!only.empty() && only != codeKind))
    return SSM_OK;
  Result<std::unique_ptr<SharedObject>> object = SharedObject::load(bundle.files.at(file->file));
  if (!object)
    return fail(error, SSM_BAD_BUNDLE, "%.200s: %.700s", file->file.c_str(), object.error().c_str());
  for (const Manifest::Kernel &kernel : program.kernels) {
    void *code = (*object)->find(kernel.entry.c_str());
    if (!code)
      return fail(error, SSM_BAD_BUNDLE, "%.200s: there is no kernel '%.200s' in it", file->file.c_str(),
                  kernel.entry.c_str());
    // It reads as many arguments as it was compiled for, whatever the manifest has.
    uint64_t words = 0;
    for (const Manifest::Argument &argument : kernel.arguments)
      words += wordsOf(function, program, argument);
    const void *expected = (*object)->find((kernel.entry + "_words").c_str());
    uint64_t read = 0;
    if (expected)
      std::memcpy(&read, expected, sizeof read);
    if (!expected || read != words)
      return fail(error, SSM_BAD_BUNDLE,
                  "the kernel '%.200s' does not take the %llu arguments of 8 bytes that the manifest has for it",
                  kernel.entry.c_str(), (unsigned long long)words);
    loaded.kernels.push_back({code});
  }
  loaded.kind = codeKind;
  objects.push_back(std::move(*object));
  return SSM_OK;
}

ssm_status CpuDevice::time(const std::function<ssm_status()> &start, void *, int count, float *milliseconds,
                           ssm_error *) const {
  using Clock = std::chrono::steady_clock;
  for (int number = 0; number < count; ++number) {
    const Clock::time_point begin = Clock::now();
    if (ssm_status status = start())
      return status;
    milliseconds[number] = std::chrono::duration<float, std::milli>(Clock::now() - begin).count();
  }
  return SSM_OK;
}

ssm_status CpuDevice::launch(const Manifest::Program &program, const LoadedProgram &loaded, const Plan &plan,
                             const ssm_call &call, ssm_error *error) const {
  if (call.stream)
    return fail(error, SSM_BAD_ARGUMENT, "a call on the processor takes no stream: it runs before ssm_launch returns");
  for (size_t number = 0; number < program.kernels.size(); ++number) {
    uint64_t words[Plan::maxWords];
    size_t count;
    int64_t tasks;
    if (ssm_status status = plan.launch(program.kernels[number], call, tasks, words, count, error))
      return status;
    pool.run(reinterpret_cast<ThreadPool::Kernel>(loaded.kernels[number].function), words, tasks);
  }
  return SSM_OK;
}
