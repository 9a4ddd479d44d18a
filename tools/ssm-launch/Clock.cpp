// libnvidia-ml.so.1, which is found at run time as the driver is.

#include "tools/ssm-launch/Clock.h"

#include <cstring>
#include <dlfcn.h>

using namespace ssm;

template <typename Function> static bool find(void *library, const char *name, Function &function) {
  void *symbol = dlsym(library, name);
  std::memcpy(&function, &symbol, sizeof symbol);
  return symbol != nullptr;
}

Clock::Clock(const std::string &busId) {
  library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    why = "there is no libnvidia-ml.so.1";
    return;
  }
  int (*init)() = nullptr;
  int (*getHandle)(const char *busId, void **device) = nullptr;
  if (!find(library, "nvmlInit_v2", init) || !find(library, "nvmlShutdown", shutdown) ||
      !find(library, "nvmlDeviceGetHandleByPciBusId_v2", getHandle) ||
      !find(library, "nvmlDeviceGetClockInfo", getClockInfo))
    why = "libnvidia-ml.so.1 is too old";
  else if (init() != 0)
    why = "libnvidia-ml.so.1 does not start";
  else if (getHandle(busId.c_str(), &device) != 0 || !read())
    why = "libnvidia-ml.so.1 tells no clock of this device";
}

Clock::~Clock() {
  // It stays loaded: unloading it is not worth what can go wrong.
  if (library && why.empty())
    shutdown();
}

std::optional<unsigned> Clock::read() const {
  constexpr int ofMultiprocessors = 1;
  unsigned megahertz = 0;
  if (!why.empty() || getClockInfo(device, ofMultiprocessors, &megahertz) != 0)
    return std::nullopt;
  return megahertz;
}
