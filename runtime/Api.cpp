// The C functions of ssm.h.

#include "runtime/Api.h"
#include "runtime/CpuDevice.h"
#include "runtime/CpuFeatures.h"
#include "runtime/CudaDevice.h"

#include <cstring>
#include <new>
#include <system_error>

using namespace ssm;

ssm_status ssm::openApi(const char *path, ssm_bundle **bundle, ssm_error *error) {
  if (!path || !bundle)
    return fail(error, SSM_BAD_ARGUMENT, "a path and a place for the bundle are needed");
  *bundle = nullptr;
  Result<Bundle> opened = openBundle(path);
  if (!opened)
    return fail(error, SSM_BAD_BUNDLE, "%s", opened.error().c_str());
  *bundle = adoptBundle(std::move(*opened));
  return succeed(error);
}

ssm_bundle *ssm::adoptBundle(Bundle content) {
  auto made = std::make_unique<ssm_bundle>();
  made->content = std::move(content);
  for (size_t number = 0; number < made->content.manifest.functions.size(); ++number)
    made->functions.push_back({made.get(), number});
  return made.release();
}

ssm_status ssm::prepareApi(ssm_bundle *bundle, int device, unsigned threads, const std::string &only,
                           ssm_error *error) {
  const int place = ssm_bundle::placeOf(device);
  if (!bundle || place < 0)
    return fail(error, SSM_BAD_ARGUMENT, "a bundle and a device are needed: SSM_CPU or a GPU's number, 0 to %d",
                ssm_bundle::maxDevices - 1);
  std::lock_guard<std::mutex> guard(bundle->preparing);
  if (bundle->devices[place].load())
    return succeed(error);
  std::unique_ptr<Device> made;
  if (ssm_status status = device == SSM_CPU
                              ? CpuDevice::prepare(bundle->content, threads, only, hostCpuFeatures(), made, error)
                              : CudaDevice::prepare(bundle->content, device, only, made, error))
    return status;
  bundle->devices[place].store(made.release());
  return succeed(error);
}

ssm_bundle::~ssm_bundle() {
  for (std::atomic<Device *> &device : devices)
    delete device.load();
}

ssm_status ssm::chooseLoaded(const ssm_function &function, const ssm_call &call, LoadedChoice &choice,
                             ssm_error *error) {
  const Manifest::Function &manifest = function.manifest();
  const int place = ssm_bundle::placeOf(call.device);
  choice.device = place < 0 ? nullptr : function.bundle->devices[place].load();
  if (!choice.device)
    return call.device == SSM_CPU
               ? fail(error, SSM_NOT_PREPARED, "the bundle is not prepared for the processor")
               : fail(error, SSM_NOT_PREPARED, "the bundle is not prepared for device %d", call.device);
  int64_t sizes[Plan::maxSizes];
  if (ssm_status status = checkSizes(manifest, call.sizes, sizes, error))
    return status;
  if (ssm_status status = checkCall(manifest, sizes, call, error))
    return status;
  bool isUsable[ssm_function::maxPrograms];
  for (size_t number = 0; number < manifest.programs.size(); ++number)
    isUsable[number] = !choice.device->program(function.number, number).kernels.empty();
  choice.program = chooseProgram(manifest, sizes, call, isUsable);
  if (!choice.program)
    return fail(error, SSM_NO_CODE, "the bundle has no code for this device and tensors that lie so in memory");
  choice.loaded = &choice.device->program(function.number, choice.program - manifest.programs.data());
  return SSM_OK;
}

/// Runs what may allocate: no exception gets out to C.
template <typename Work> static ssm_status guarded(ssm_error *error, Work work) {
  try {
    return work();
  } catch (const std::bad_alloc &) {
    return fail(error, SSM_NO_MEMORY, "there is no memory left");
  } catch (const std::system_error &) {
    return fail(error, SSM_NO_MEMORY, "there can be no more threads");
  } catch (...) {
    return fail(error, SSM_BAD_BUNDLE, "the bundle could not be read");
  }
}

extern "C" {

ssm_status ssm_open(const char *path, ssm_bundle **bundle, ssm_error *error) {
  return guarded(error, [&] { return openApi(path, bundle, error); });
}

void ssm_close(ssm_bundle *bundle) { delete bundle; }

const ssm_function *ssm_find(const ssm_bundle *bundle, const char *mode, int number) {
  if (bundle)
    for (const ssm_function &function : bundle->functions)
      if ((!mode || function.manifest().mode == mode) && number-- == 0)
        return &function;
  return nullptr;
}

const ssm_function *ssm_find_dtype(const ssm_bundle *bundle, const char *mode, const char *dtype) {
  for (int number = 0; const ssm_function *function = ssm_find(bundle, mode, number); ++number)
    if (!dtype || function->manifest().dtype == dtype)
      return function;
  return nullptr;
}

const char *ssm_mode(const ssm_function *function) { return function->manifest().mode.c_str(); }

const char *ssm_dtype(const ssm_function *function) { return function->manifest().dtype.c_str(); }

int ssm_dim_count(const ssm_function *function) { return static_cast<int>(function->manifest().dims.size()); }

const char *ssm_dim_name(const ssm_function *function, int dim) {
  const auto &dims = function->manifest().dims;
  return dim < 0 || static_cast<size_t>(dim) >= dims.size() ? nullptr : dims[dim].name.c_str();
}

int64_t ssm_dim_size(const ssm_function *function, int dim) {
  const auto &dims = function->manifest().dims;
  return dim < 0 || static_cast<size_t>(dim) >= dims.size() ? -1 : dims[dim].size.value_or(-1);
}

int ssm_tensor_count(const ssm_function *function) { return static_cast<int>(function->manifest().tensors.size()); }

ssm_status ssm_tensor_at(const ssm_function *function, int tensor, ssm_tensor_info *info, ssm_error *error) {
  const auto &tensors = function->manifest().tensors;
  if (tensor < 0 || static_cast<size_t>(tensor) >= tensors.size() || !info)
    return fail(error, SSM_BAD_ARGUMENT, "there is no tensor %d", tensor);
  const Manifest::Tensor &found = tensors[tensor];
  // Names of types are literals, which end in a zero.
  *info = {found.name.c_str(), dtypeName(found.dtype).data(), static_cast<ssm_role>(found.role),
           static_cast<int>(found.rank())};
  return succeed(error);
}

ssm_status ssm_tensor_shape(const ssm_function *function, int tensor, const int64_t *sizes, int64_t *shape,
                            ssm_error *error) {
  const Manifest::Function &manifest = function->manifest();
  if (tensor < 0 || static_cast<size_t>(tensor) >= manifest.tensors.size() || !shape)
    return fail(error, SSM_BAD_ARGUMENT, "there is no tensor %d", tensor);
  int64_t checked[Plan::maxSizes];
  if (ssm_status status = checkSizes(manifest, sizes, checked, error))
    return status;
  const Manifest::Tensor &found = manifest.tensors[tensor];
  size_t bytes;
  if (ssm_status status = shapeOf(found, checked, shape, bytes, error))
    return status;
  return succeed(error);
}

int ssm_parameter_count(const ssm_function *function) {
  return static_cast<int>(function->manifest().parameters.size());
}

const char *ssm_parameter_name(const ssm_function *function, int parameter) {
  const auto &parameters = function->manifest().parameters;
  return parameter < 0 || static_cast<size_t>(parameter) >= parameters.size() ? nullptr
                                                                              : parameters[parameter].name.c_str();
}

ssm_status ssm_prepare(ssm_bundle *bundle, int device, ssm_error *error) {
  return guarded(error, [&] { return prepareApi(bundle, device, 0, "", error); });
}

ssm_status ssm_prepare_cpu(ssm_bundle *bundle, int threads, ssm_error *error) {
  if (threads < 0 || threads > CpuDevice::mostThreads)
    return fail(error, SSM_BAD_ARGUMENT, "there can be 1 to %d threads, or 0 for one a core", CpuDevice::mostThreads);
  return guarded(error, [&] { return prepareApi(bundle, SSM_CPU, static_cast<unsigned>(threads), "", error); });
}

ssm_status ssm_workspace(const ssm_function *function, const int64_t *sizes, size_t *bytes, ssm_error *error) {
  if (!function || !bytes)
    return fail(error, SSM_BAD_ARGUMENT, "a function and a place for the size are needed");
  *bytes = 0;
  // Whichever program a device and the tensors' strides choose.
  for (const Manifest::Program &program : function->manifest().programs) {
    Plan plan;
    if (ssm_status status = plan.begin(function->manifest(), program, sizes, error))
      return status;
    *bytes = std::max(*bytes, plan.workspace());
  }
  return succeed(error);
}

ssm_status ssm_launch(const ssm_function *function, const ssm_call *call, ssm_error *error) {
  if (!function || !call)
    return fail(error, SSM_BAD_ARGUMENT, "a function and a call are needed");
  LoadedChoice choice;
  if (ssm_status status = chooseLoaded(*function, *call, choice, error))
    return status;
  Plan plan;
  if (ssm_status status = plan.begin(function->manifest(), *choice.program, call->sizes, error))
    return status;
  if (call->workspace_size < plan.workspace() || (!call->workspace && plan.workspace()))
    return fail(error, SSM_BAD_ARGUMENT, "the workspace has %zu bytes; %zu are needed", call->workspace_size,
                plan.workspace());
  if (plan.workspace() && reinterpret_cast<uintptr_t>(call->workspace) % Plan::alignment)
    return fail(error, SSM_BAD_ARGUMENT, "the workspace is not aligned to %zu bytes", Plan::alignment);
  if (ssm_status status = choice.device->launch(*choice.program, *choice.loaded, plan, *call, error))
    return status;
  return succeed(error);
}

ssm_status ssm_time(const ssm_function *function, const ssm_call *call, int count, float *milliseconds,
                    ssm_error *error) {
  if (!function || !call || count < 0 || (count && !milliseconds))
    return fail(error, SSM_BAD_ARGUMENT, "a function, a call, and room for as many times as calls are needed");
  return guarded(error, [&] {
    LoadedChoice choice;
    if (ssm_status status = chooseLoaded(*function, *call, choice, error))
      return status;
    if (ssm_status status = choice.device->time([&] { return ssm_launch(function, call, error); }, call->stream, count,
                                                milliseconds, error))
      return status;
    return succeed(error);
  });
}

} // extern "C"
