#include "tools/ssm-launch/Gpu.h"

#include <algorithm>

using namespace ssm;

/// Results after which every further call in the process fails: addresses, instructions and traps of a kernel.
static bool endsContext(Driver::Result result) {
  constexpr Driver::Result uncorrectable = 214, illegalAddress = 700, launchTimeout = 702, deviceAssert = 710,
                           firstOfHardware = 714, lastOfHardware = 719;
  return result == uncorrectable || result == illegalAddress || result == launchTimeout || result == deviceAssert ||
         (result >= firstOfHardware && result <= lastOfHardware);
}

Result<std::unique_ptr<Gpu>> Gpu::open(int ordinal) {
  std::unique_ptr<Gpu> gpu(new Gpu());
  ssm_error error;
  if (Driver::open(gpu->api, &error))
    return Problem{error.message};
  gpu->number = ordinal;
  const Driver &api = gpu->api;
  if (std::optional<Problem> problem =
          gpu->check(api.deviceGet(&gpu->handle, ordinal), ("device " + std::to_string(ordinal)).c_str()))
    return *problem;
  if (std::optional<Problem> problem =
          gpu->check(api.primaryCtxRetain(&gpu->context, gpu->handle), "cuDevicePrimaryCtxRetain"))
    return *problem;
  if (std::optional<Problem> problem = gpu->check(api.ctxPushCurrent(gpu->context), "cuCtxPushCurrent"))
    return *problem;
  gpu->isCurrent = true;
  if (std::optional<Problem> problem =
          gpu->check(api.streamCreate(&gpu->mainStream, Driver::NonBlocking), "cuStreamCreate"))
    return *problem;
  return gpu;
}

Gpu::~Gpu() {
  void *ignored;
  if (mainStream)
    api.streamDestroy(mainStream);
  if (isCurrent)
    api.ctxPopCurrent(&ignored);
  if (context)
    api.primaryCtxRelease(handle);
}

std::optional<Problem> Gpu::check(Driver::Result result, const char *what) {
  ssm_error error;
  if (api.check(result, what, &error) == SSM_OK)
    return std::nullopt;
  lost |= endsContext(result);
  return Problem{error.message};
}

int Gpu::attribute(Driver::DeviceAttribute attribute) const {
  int value = 0;
  api.deviceGetAttribute(&value, attribute, handle);
  return value;
}

std::string Gpu::describe() const {
  char name[128] = "";
  int version = 0;
  api.deviceGetName(name, sizeof name, handle);
  api.driverGetVersion(&version);
  return std::string(name) + ", sm_" + std::to_string(attribute(Driver::ComputeCapabilityMajor)) +
         std::to_string(attribute(Driver::ComputeCapabilityMinor)) + ", " +
         std::to_string(attribute(Driver::MultiprocessorCount)) + " multiprocessors, driver for CUDA " +
         std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

unsigned Gpu::capability() const {
  return static_cast<unsigned>(attribute(Driver::ComputeCapabilityMajor) * 10 +
                               attribute(Driver::ComputeCapabilityMinor));
}

std::string Gpu::busId() const {
  char text[64] = "";
  api.deviceGetPciBusId(text, sizeof text, handle);
  return text;
}

size_t Gpu::cacheBytes() const { return std::max(0, attribute(Driver::L2CacheSize)); }

namespace {
class GpuMemory : public DeviceMemory {
public:
  GpuMemory(Gpu &gpu, Driver::Pointer address, size_t bytes) : gpu(gpu), address(address), bytes(bytes) {}
  ~GpuMemory() override { gpu.driver().memFree(address); }

  void *begin() const override { return reinterpret_cast<void *>(address); }
  size_t size() const override { return bytes; }

  std::optional<Problem> fill(unsigned char value) override {
    return bytes ? gpu.check(gpu.driver().memsetD8Async(address, value, bytes, gpu.stream()), "cuMemsetD8Async")
                 : std::nullopt;
  }

  std::optional<Problem> upload(const void *from) override {
    if (bytes == 0)
      return std::nullopt;
    if (std::optional<Problem> problem =
            gpu.check(gpu.driver().memcpyHtoDAsync(address, from, bytes, gpu.stream()), "cuMemcpyHtoDAsync"))
      return problem;
    return gpu.synchronize();
  }

  std::optional<Problem> download(void *to) override {
    if (bytes == 0)
      return std::nullopt;
    if (std::optional<Problem> problem =
            gpu.check(gpu.driver().memcpyDtoHAsync(to, address, bytes, gpu.stream()), "cuMemcpyDtoHAsync"))
      return problem;
    return gpu.synchronize();
  }

private:
  Gpu &gpu;
  Driver::Pointer address;
  size_t bytes;
};
} // namespace

Result<std::unique_ptr<DeviceMemory>> Gpu::allocate(size_t bytes) {
  Driver::Pointer address = 0;
  // The driver has no allocation of nothing.
  if (std::optional<Problem> problem = check(api.memAlloc(&address, std::max<size_t>(1, bytes)),
                                             (std::to_string(bytes) + " bytes of the device's memory").c_str()))
    return *problem;
  return std::unique_ptr<DeviceMemory>(new GpuMemory(*this, address, bytes));
}
