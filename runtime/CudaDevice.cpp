// A bundle's code on a device.

#include "runtime/CudaDevice.h"

#include <algorithm>
#include <cstdlib>

using namespace ssm;

namespace {
/// `sm_90a` as 90 and `a`; nothing for what is no GPU.
struct Architecture {
  int number = 0;
  char suffix = 0;
};

std::optional<Architecture> parseArchitecture(const std::string &target) {
  if (target.size() < 5 || target.size() > 7 || target.compare(0, 3, "sm_") != 0)
    return std::nullopt;
  Architecture result;
  for (size_t i = 3; i < target.size(); ++i) {
    char c = target[i];
    bool isLast = i + 1 == target.size();
    if (c >= '0' && c <= '9')
      result.number = result.number * 10 + (c - '0');
    else if (isLast && i > 4 && (c == 'a' || c == 'f'))
      result.suffix = c;
    else
      return std::nullopt;
  }
  return result;
}
} // namespace

std::vector<const Manifest::Code *> ssm::codeFor(const Manifest::Program &program, int major, int minor) {
  std::optional<Architecture> made = parseArchitecture(program.target);
  std::vector<const Manifest::Code *> usable;
  if (!made)
    return usable;
  const int device = major * 10 + minor;
  // A cubin runs on later chips of its generation, PTX on all later ones, what is for one chip on that.
  bool isExact = made->number == device;
  bool takesCubin = isExact || (!made->suffix && made->number / 10 == major && made->number <= device);
  bool takesPtx = isExact || (!made->suffix && made->number <= device);
  for (const char *kind : {"cubin", "ptx"})
    for (const Manifest::Code &code : program.code)
      if (code.kind == kind && (code.kind == "cubin" ? takesCubin : takesPtx))
        usable.push_back(&code);
  return usable;
}

ssm_status CudaDevice::prepare(const Bundle &bundle, int ordinal, const std::string &only,
                               std::unique_ptr<Device> &result, ssm_error *error) {
  std::unique_ptr<CudaDevice> device(new CudaDevice());
  if (ssm_status status = Driver::open(device->api, error))
    return status;
  const Driver &api = device->api;
  if (ssm_status status = api.check(api.deviceGet(&device->device, ordinal), "cuDeviceGet", error))
    return status;
  if (ssm_status status =
          api.check(api.deviceGetAttribute(&device->major, Driver::ComputeCapabilityMajor, device->device),
                    "cuDeviceGetAttribute", error))
    return status;
  if (ssm_status status =
          api.check(api.deviceGetAttribute(&device->minor, Driver::ComputeCapabilityMinor, device->device),
                    "cuDeviceGetAttribute", error))
    return status;
  if (ssm_status status =
          api.check(api.primaryCtxRetain(&device->primary, device->device), "cuDevicePrimaryCtxRetain", error))
    return status;
  CurrentContext current(api, device->primary);
  if (ssm_status status = current.check(error))
    return status;
  bool isUseful = false;
  for (const Manifest::Function &function : bundle.manifest.functions) {
    device->programs.emplace_back();
    for (const Manifest::Program &program : function.programs) {
      LoadedProgram &loaded = device->programs.back().emplace_back();
      if (ssm_status status = device->load(bundle, function, program, only, loaded, error))
        return status;
      isUseful |= !loaded.kernels.empty();
    }
  }
  if (!isUseful)
    return fail(error, SSM_NO_CODE, "the bundle has no %s for this device, which is an sm_%d%d",
                only.empty() ? "code" : only.c_str(), device->major, device->minor);
  result = std::move(device);
  return succeed(error);
}

CudaDevice::~CudaDevice() {
  if (!primary)
    return;
  {
    CurrentContext current(api, primary);
    for (const std::vector<LoadedProgram> &ofFunction : programs)
      for (const LoadedProgram &loaded : ofFunction)
        if (loaded.module)
          api.moduleUnload(loaded.module);
  }
  api.primaryCtxRelease(device);
}

ssm_status CudaDevice::loadModule(const std::string &image, void **module, ssm_error *error) const {
  char log[700] = "";
  // A size is passed as if it were a pointer.
  int options[] = {Driver::ErrorLogBuffer, Driver::ErrorLogBufferSize};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  Driver::Result result = api.moduleLoadDataEx(module, image.c_str(), 2, options, values);
  if (result == 0)
    return SSM_OK;
  log[sizeof log - 1] = '\0';
  ssm_error words;
  ssm_status status = api.check(result, "cuModuleLoadDataEx", &words);
  return fail(error, status, "%.300s%s%.690s", words.message, log[0] ? ": " : "", log);
}

ssm_status CudaDevice::load(const Bundle &bundle, const Manifest::Function &function, const Manifest::Program &program,
                            const std::string &only, LoadedProgram &loaded, ssm_error *error) {
  // A cubin of a newer toolkit than the driver's may be refused, where the driver can still make its own of the PTX.
  ssm_status status = SSM_OK;
  for (const Manifest::Code *code : codeFor(program, major, minor)) {
    if (!only.empty() && code->kind != only)
      continue;
    status = loadModule(bundle.files.at(code->file), &loaded.module, error);
    if (status == SSM_OK) {
      loaded.kind = code->kind;
      break;
    }
    loaded.module = nullptr;
  }
  if (status)
    return status;
  if (!loaded.module)
    return SSM_OK;
  for (const Manifest::Kernel &kernel : program.kernels) {
    size_t words = 0;
    for (const Manifest::Argument &argument : kernel.arguments)
      words += wordsOf(function, program, argument);
    if (ssm_status status = loadKernel(kernel, words, loaded.module, loaded.kernels.emplace_back(), error))
      return status;
  }
  return SSM_OK;
}

ssm_status CudaDevice::loadKernel(const Manifest::Kernel &kernel, size_t words, void *module, LoadedKernel &loaded,
                                  ssm_error *error) const {
  if (ssm_status status =
          api.check(api.moduleGetFunction(&loaded.function, module, kernel.entry.c_str()), kernel.entry.c_str(), error))
    return status;
  if (ssm_status status = checkArguments(kernel, words, loaded.function, error))
    return status;
  int threads = 0;
  struct {
    int *value;
    int attribute;
  } const wanted[] = {{&threads, Driver::MaxThreadsPerBlock},
                      {&loaded.registers, Driver::NumRegs},
                      {&loaded.localBytes, Driver::LocalSizeBytes},
                      {&loaded.sharedBytes, Driver::SharedSizeBytes}};
  for (const auto &entry : wanted)
    if (ssm_status status =
            api.check(api.funcGetAttribute(entry.value, entry.attribute, loaded.function), "cuFuncGetAttribute", error))
      return status;
  if (kernel.threads > threads)
    return fail(error, SSM_BAD_BUNDLE, "the kernel '%s' is to run with %lld threads a block; the device takes %d",
                kernel.entry.c_str(), (long long)kernel.threads, threads);
  // Above 48 KB a kernel has to be allowed what it asks for.
  if (kernel.dynamicShared == 0)
    return SSM_OK;
  return api.check(
      api.funcSetAttribute(loaded.function, Driver::MaxDynamicSharedSizeBytes, static_cast<int>(kernel.dynamicShared)),
      "cuFuncSetAttribute (dynamic shared memory)", error);
}

ssm_status CudaDevice::checkArguments(const Manifest::Kernel &kernel, size_t words, void *function,
                                      ssm_error *error) const {
  // cuLaunchKernel reads as many arguments as the code says.
  if (!api.funcGetParamInfo)
    return SSM_OK;
  for (size_t index = 0; index <= words; ++index) {
    size_t offset = 0, bytes = 0;
    const bool isThere = api.funcGetParamInfo(function, index, &offset, &bytes) == 0;
    if (isThere != (index < words) || (isThere && bytes != sizeof(uint64_t)))
      return fail(error, SSM_BAD_BUNDLE,
                  "the kernel '%s' does not take the %zu arguments of 8 bytes that the manifest has for it",
                  kernel.entry.c_str(), words);
  }
  return SSM_OK;
}

ssm_status CudaDevice::launch(const Manifest::Program &program, const LoadedProgram &loaded, const Plan &plan,
                              const ssm_call &call, ssm_error *error) const {
  CurrentContext current(api, primary);
  if (ssm_status status = current.check(error))
    return status;
  for (size_t number = 0; number < program.kernels.size(); ++number) {
    const Manifest::Kernel &kernel = program.kernels[number];
    uint64_t words[Plan::maxWords];
    size_t count;
    int64_t tasks;
    if (ssm_status status = plan.launch(kernel, call, tasks, words, count, error))
      return status;
    if (tasks == 0)
      continue;
    if (ssm_status status = launchKernel(loaded.kernels[number], kernel, tasks, words, count, call.stream, error))
      return status;
  }
  return SSM_OK;
}

namespace {
/// Destroyed with the list.
struct Events : std::vector<void *> {
  explicit Events(const Driver &driver) : driver(driver) {}
  Events(const Events &) = delete;
  ~Events() {
    for (void *event : *this)
      driver.eventDestroy(event);
  }
  const Driver &driver;
};
} // namespace

ssm_status CudaDevice::time(const std::function<ssm_status()> &start, void *stream, int count, float *milliseconds,
                            ssm_error *error) const {
  CurrentContext current(api, primary);
  if (ssm_status status = current.check(error))
    return status;
  // One event before each call, and one after the last.
  Events events(api);
  for (int number = 0; number <= count; ++number) {
    void *event;
    if (ssm_status status = api.check(api.eventCreate(&event, 0), "cuEventCreate", error))
      return status;
    events.push_back(event);
  }
  for (int number = 0; number <= count; ++number) {
    if (ssm_status status = api.check(api.eventRecord(events[number], stream), "cuEventRecord", error))
      return status;
    if (number < count)
      if (ssm_status status = start())
        return status;
  }
  if (ssm_status status = api.check(api.eventSynchronize(events.back()), "cuEventSynchronize", error))
    return status;
  for (int number = 0; number < count; ++number)
    if (ssm_status status = api.check(api.eventElapsedTime(&milliseconds[number], events[number], events[number + 1]),
                                      "cuEventElapsedTime", error))
      return status;
  return SSM_OK;
}

ssm_status CudaDevice::launchKernel(const LoadedKernel &loaded, const Manifest::Kernel &kernel, int64_t tasks,
                                    uint64_t *words, size_t count, void *stream, ssm_error *error) const {
  constexpr size_t most = 512;
  if (count > most)
    return fail(error, SSM_BAD_BUNDLE, "the kernel '%s' has too many arguments", kernel.entry.c_str());
  void *parameters[most];
  for (size_t number = 0; number < count; ++number)
    parameters[number] = &words[number];
  // Blocks stride over tasks: a grid has 2^31 - 1 of them at most.
  constexpr int64_t maxBlocks = 2147483647;
  return api.check(api.launchKernel(loaded.function, static_cast<unsigned>(std::min(tasks, maxBlocks)), 1, 1,
                                    static_cast<unsigned>(kernel.threads), 1, 1,
                                    static_cast<unsigned>(kernel.dynamicShared), stream, parameters, nullptr),
                   kernel.entry.c_str(), error);
}
