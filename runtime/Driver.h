#ifndef SSM_RUNTIME_DRIVER_H
#define SSM_RUNTIME_DRIVER_H

#include "runtime/Status.h"

#include <cstdint>
#include <string>

namespace ssm {

/// The CUDA driver's functions that are used here, found at run time, under the names that a driver exports.
/// A CUresult is an int, a CUdevice an int, a CUdeviceptr 64 bits, and every handle a pointer.
struct Driver {
  using Result = int;
  using Pointer = unsigned long long;

  Result (*init)(unsigned flags);
  Result (*driverGetVersion)(int *version);
  Result (*getErrorName)(Result error, const char **text);
  Result (*getErrorString)(Result error, const char **text);
  Result (*deviceGet)(int *device, int ordinal);
  Result (*deviceGetCount)(int *count);
  Result (*deviceGetName)(char *name, int length, int device);
  Result (*deviceGetAttribute)(int *value, int attribute, int device);
  Result (*deviceGetPciBusId)(char *text, int length, int device);
  Result (*primaryCtxRetain)(void **context, int device);
  Result (*primaryCtxRelease)(int device);
  Result (*ctxPushCurrent)(void *context);
  Result (*ctxPopCurrent)(void **context);
  Result (*moduleLoadDataEx)(void **module, const void *image, unsigned count, int *options, void **values);
  Result (*moduleUnload)(void *module);
  Result (*moduleGetFunction)(void **function, void *module, const char *name);
  Result (*funcGetAttribute)(int *value, int attribute, void *function);
  Result (*funcSetAttribute)(void *function, int attribute, int value);
  Result (*launchKernel)(void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                         unsigned blockY, unsigned blockZ, unsigned sharedBytes, void *stream, void **parameters,
                         void **extra);
  Result (*memAlloc)(Pointer *pointer, size_t bytes);
  Result (*memFree)(Pointer pointer);
  Result (*memcpyHtoDAsync)(Pointer to, const void *from, size_t bytes, void *stream);
  Result (*memcpyDtoHAsync)(void *to, Pointer from, size_t bytes, void *stream);
  Result (*memcpyDtoDAsync)(Pointer to, Pointer from, size_t bytes, void *stream);
  Result (*memsetD8Async)(Pointer to, unsigned char value, size_t bytes, void *stream);
  Result (*streamCreate)(void **stream, unsigned flags);
  Result (*streamDestroy)(void *stream);
  Result (*streamSynchronize)(void *stream);
  Result (*eventCreate)(void **event, unsigned flags);
  Result (*eventRecord)(void *event, void *stream);
  Result (*eventSynchronize)(void *event);
  Result (*eventQuery)(void *event);
  Result (*eventElapsedTime)(float *milliseconds, void *begin, void *end);
  Result (*eventDestroy)(void *event);
  /// Since CUDA 12.4; null in an older driver.
  Result (*funcGetParamInfo)(void *function, size_t index, size_t *offset, size_t *bytes);

  // Numbers of attributes, options and results.
  enum DeviceAttribute {
    MultiprocessorCount = 16,
    L2CacheSize = 38,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76
  };
  enum FunctionAttribute {
    MaxThreadsPerBlock = 0,
    SharedSizeBytes = 1,
    LocalSizeBytes = 3,
    NumRegs = 4,
    BinaryVersion = 6,
    MaxDynamicSharedSizeBytes = 8
  };
  enum JitOption { InfoLogBuffer = 3, InfoLogBufferSize = 4, ErrorLogBuffer = 5, ErrorLogBufferSize = 6 };
  enum StreamFlag { NonBlocking = 1 };

  /// Opens libcuda.so.1 and initializes it; it stays open for the rest of the process, as a driver must.
  static ssm_status open(Driver &driver, ssm_error *error);

  /// `what` and the driver's words for a result that is not success.
  ssm_status check(Result result, const char *what, ssm_error *error) const;
};

} // namespace ssm

#endif
