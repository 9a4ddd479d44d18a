// The processor as hardware that bundles run on.

#include "tools/ssm-launch/Host.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace ssm;

namespace {
using Clock = std::chrono::steady_clock;

class HostMemory : public DeviceMemory {
public:
  HostMemory(void *address, size_t bytes) : address(address), bytes(bytes) {}
  ~HostMemory() override { std::free(address); }

  void *begin() const override { return address; }
  size_t size() const override { return bytes; }
  std::optional<Problem> fill(unsigned char value) override {
    std::memset(address, value, bytes);
    return std::nullopt;
  }
  std::optional<Problem> upload(const void *from) override {
    std::memcpy(address, from, bytes);
    return std::nullopt;
  }
  std::optional<Problem> download(void *to) override {
    std::memcpy(to, address, bytes);
    return std::nullopt;
  }

private:
  void *address;
  size_t bytes;
};

class HostStopwatch : public Stopwatch {
public:
  HostStopwatch(Host &host, std::unique_ptr<DeviceMemory> flushed) : host(host), flushed(std::move(flushed)) {}

  Result<Measurement> measure(unsigned count, const Call &call) override {
    Measurement result;
    const Clock::time_point start = Clock::now();
    constexpr unsigned fewest = 2;
    for (unsigned done = 0; done < fewest || Clock::now() - start < std::chrono::milliseconds(30); ++done)
      if (std::optional<Problem> problem = call())
        return *problem;
    for (unsigned done = 0; done < count; ++done) {
      flushed->fill(static_cast<unsigned char>(done));
      const Clock::time_point begin = Clock::now();
      if (std::optional<Problem> problem = call())
        return *problem;
      result.milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }
    return result;
  }

  Result<Measurement> measureCopy(unsigned count, size_t bytes) override {
    Result<std::unique_ptr<DeviceMemory>> from = host.allocate(bytes / 2), to = host.allocate(bytes / 2);
    if (!from || !to)
      return (from ? to : from).problem();
    (*from)->fill(1);
    return measure(count, [&] { return (*from)->download((*to)->begin()); });
  }

private:
  Host &host;
  std::unique_ptr<DeviceMemory> flushed;
};

/// What the processor calls itself (CPUID, leaves 0x80000002 to 0x80000004).
std::string processorName() {
  std::string name;
#if defined(__x86_64__)
  for (unsigned leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
    unsigned words[4];
    if (!__get_cpuid(leaf, &words[0], &words[1], &words[2], &words[3]))
      return "x86-64 processor";
    name.append(reinterpret_cast<const char *>(words), sizeof words);
  }
#endif
  name.resize(std::strlen(name.c_str()));
  name.erase(0, std::min(name.find_first_not_of(' '), name.size()));
  return name.empty() ? "processor" : name;
}
} // namespace

Host::Host(unsigned threads) : count(threads ? threads : std::max(1u, std::thread::hardware_concurrency())) {}

std::string Host::describe() const {
  return processorName() + ", " + std::to_string(count) + (count == 1 ? " thread" : " threads");
}

Result<std::unique_ptr<DeviceMemory>> Host::allocate(size_t bytes) {
  constexpr size_t alignment = 256;
  // aligned_alloc takes whole units.
  const size_t units = std::max<size_t>(1, bytes / alignment + (bytes % alignment != 0));
  void *address = std::aligned_alloc(alignment, units * alignment);
  if (!address)
    return Problem{"there is no memory for " + std::to_string(bytes) + " bytes"};
  return std::unique_ptr<DeviceMemory>(new HostMemory(address, bytes));
}

Result<std::unique_ptr<Stopwatch>> Host::makeStopwatch() {
  constexpr long least = 64 << 20;
  Result<std::unique_ptr<DeviceMemory>> flushed = allocate(std::max(least, 2 * sysconf(_SC_LEVEL3_CACHE_SIZE)));
  if (!flushed)
    return flushed.problem();
  return std::unique_ptr<Stopwatch>(new HostStopwatch(*this, std::move(*flushed)));
}
