// libcuda.so.1, which comes with the kernel's driver and is there only where a GPU is.

#include "runtime/Driver.h"

#include <cstring>
#include <dlfcn.h>

using namespace ssm;

namespace {
struct Symbol {
  const char *name;
  void *where;
};

constexpr int outOfMemory = 2, noDevice = 100, invalidDevice = 101;
} // namespace

ssm_status Driver::open(Driver &driver, ssm_error *error) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail(error, SSM_NO_DEVICE, "there is no CUDA driver here: %s", dlerror());
  // Where a function has had two forms, the second, as the toolkit's header does.
  const Symbol symbols[] = {
      {"cuInit", &driver.init},
      {"cuDriverGetVersion", &driver.driverGetVersion},
      {"cuGetErrorName", &driver.getErrorName},
      {"cuGetErrorString", &driver.getErrorString},
      {"cuDeviceGet", &driver.deviceGet},
      {"cuDeviceGetCount", &driver.deviceGetCount},
      {"cuDeviceGetName", &driver.deviceGetName},
      {"cuDeviceGetAttribute", &driver.deviceGetAttribute},
      {"cuDeviceGetPCIBusId", &driver.deviceGetPciBusId},
      {"cuDevicePrimaryCtxRetain", &driver.primaryCtxRetain},
      {"cuDevicePrimaryCtxRelease_v2", &driver.primaryCtxRelease},
      {"cuCtxPushCurrent_v2", &driver.ctxPushCurrent},
      {"cuCtxPopCurrent_v2", &driver.ctxPopCurrent},
      {"cuModuleLoadDataEx", &driver.moduleLoadDataEx},
      {"cuModuleUnload", &driver.moduleUnload},
      {"cuModuleGetFunction", &driver.moduleGetFunction},
      {"cuFuncGetAttribute", &driver.funcGetAttribute},
      {"cuFuncSetAttribute", &driver.funcSetAttribute},
      {"cuLaunchKernel", &driver.launchKernel},
      {"cuMemAlloc_v2", &driver.memAlloc},
      {"cuMemFree_v2", &driver.memFree},
      {"cuMemcpyHtoDAsync_v2", &driver.memcpyHtoDAsync},
      {"cuMemcpyDtoHAsync_v2", &driver.memcpyDtoHAsync},
      {"cuMemcpyDtoDAsync_v2", &driver.memcpyDtoDAsync},
      {"cuMemsetD8Async", &driver.memsetD8Async},
      {"cuStreamCreate", &driver.streamCreate},
      {"cuStreamDestroy_v2", &driver.streamDestroy},
      {"cuStreamSynchronize", &driver.streamSynchronize},
      {"cuEventCreate", &driver.eventCreate},
      {"cuEventRecord", &driver.eventRecord},
      {"cuEventSynchronize", &driver.eventSynchronize},
      {"cuEventQuery", &driver.eventQuery},
      {"cuEventElapsedTime", &driver.eventElapsedTime},
      {"cuEventDestroy_v2", &driver.eventDestroy},
  };
  for (const Symbol &symbol : symbols) {
    void *found = dlsym(library, symbol.name);
    if (!found)
      return fail(error, SSM_NO_DEVICE, "the CUDA driver has no %s: it is too old", symbol.name);
    std::memcpy(symbol.where, &found, sizeof found);
  }
  void *optional = dlsym(library, "cuFuncGetParamInfo");
  std::memcpy(&driver.funcGetParamInfo, &optional, sizeof optional);
  if (Result result = driver.init(0)) {
    const char *name = nullptr;
    driver.getErrorName(result, &name);
    return fail(error, SSM_NO_DEVICE, "the CUDA driver finds no device to use: %s", name ? name : "unknown error");
  }
  return SSM_OK;
}

ssm_status Driver::check(Result result, const char *what, ssm_error *error) const {
  if (result == 0)
    return SSM_OK;
  const char *name = nullptr, *text = nullptr;
  getErrorName(result, &name);
  getErrorString(result, &text);
  const bool isDevice = result == noDevice || result == invalidDevice;
  const ssm_status status = result == outOfMemory ? SSM_NO_MEMORY : isDevice ? SSM_NO_DEVICE : SSM_DRIVER;
  return fail(error, status, "%s: %s (%s)", what, text ? text : "unknown error", name ? name : "no name");
}
