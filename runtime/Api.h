#ifndef SSM_RUNTIME_API_H
#define SSM_RUNTIME_API_H

#include "runtime/Device.h"

#include <array>
#include <atomic>
#include <mutex>

/// One mode of a bundle, by its place in the manifest.
struct ssm_function {
  static constexpr size_t maxPrograms = 4096;

  const ssm_bundle *bundle;
  size_t number;

  inline const ssm::Manifest::Function &manifest() const;
};

struct ssm_bundle {
  static constexpr int maxDevices = 64;

  ~ssm_bundle();

  ssm::Bundle content;
  std::vector<ssm_function> functions;
  /// The processor's place, then those of GPUs. Null where a device is not prepared; what is there stays until the
  /// bundle is closed.
  std::array<std::atomic<ssm::Device *>, 1 + maxDevices> devices{};
  /// A device's place among them; negative where there is no such device.
  static int placeOf(int device) {
    return device == SSM_CPU ? 0 : device >= 0 && device < maxDevices ? 1 + device : -1;
  }
  std::mutex preparing;
};

const ssm::Manifest::Function &ssm_function::manifest() const { return bundle->content.manifest.functions[number]; }

namespace ssm {

/// ssm_open, which may throw what allocation throws.
ssm_status openApi(const char *path, ssm_bundle **bundle, ssm_error *error);
/// A bundle that is in memory already. May throw what allocation throws.
ssm_bundle *adoptBundle(Bundle content);
/// The code that a call runs.
struct LoadedChoice {
  const Device *device = nullptr;
  const Manifest::Program *program = nullptr;
  const LoadedProgram *loaded = nullptr;
};

/// Checks a call, and finds what it runs. Allocates nothing.
ssm_status chooseLoaded(const ssm_function &function, const ssm_call &call, LoadedChoice &choice, ssm_error *error);

/// ssm_prepare and ssm_prepare_cpu, taking code of the kind `only` alone where it is not empty. May throw what
/// allocation and the making of threads throw.
ssm_status prepareApi(ssm_bundle *bundle, int device, unsigned threads, const std::string &only, ssm_error *error);

} // namespace ssm

#endif
