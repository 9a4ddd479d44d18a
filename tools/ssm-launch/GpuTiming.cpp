// Times calls on a GPU.

#include "tools/ssm-launch/Clock.h"
#include "tools/ssm-launch/Gpu.h"

#include <algorithm>
#include <chrono>

using namespace ssm;

namespace {
Driver::Pointer pointer(const DeviceMemory &memory) { return reinterpret_cast<Driver::Pointer>(memory.begin()); }

/// Events that are destroyed with the list.
class Events {
public:
  explicit Events(Gpu &gpu) : gpu(gpu) {}
  ~Events() {
    for (void *event : events)
      gpu.driver().eventDestroy(event);
  }
  Events(const Events &) = delete;

  Result<void *> make() {
    void *event = nullptr;
    if (std::optional<Problem> problem = gpu.check(gpu.driver().eventCreate(&event, 0), "cuEventCreate"))
      return *problem;
    events.push_back(event);
    return event;
  }

private:
  Gpu &gpu;
  std::vector<void *> events;
};

class GpuStopwatch : public Stopwatch {
public:
  GpuStopwatch(Gpu &gpu, std::unique_ptr<DeviceMemory> flushed)
      : gpu(gpu), flushed(std::move(flushed)), reader(gpu.busId()) {}

  Result<Measurement> measure(unsigned count, const Call &enqueue) override;
  Result<Measurement> measureCopy(unsigned count, size_t bytes) override;
  std::string clockAbsence() const override { return reader.absence(); }

private:
  /// At least 10 calls and 30 ms.
  std::optional<Problem> warmUp(const Call &enqueue);
  /// Empties the cache, then calls.
  std::optional<Problem> callOnce(const Call &enqueue, void *begin, void *end);

  Gpu &gpu;
  std::unique_ptr<DeviceMemory> flushed;
  Clock reader;
};
} // namespace

std::optional<Problem> GpuStopwatch::callOnce(const Call &enqueue, void *begin, void *end) {
  const Driver &driver = gpu.driver();
  if (std::optional<Problem> problem = flushed->fill(0))
    return problem;
  if (begin)
    if (std::optional<Problem> problem = gpu.check(driver.eventRecord(begin, gpu.stream()), "cuEventRecord"))
      return problem;
  if (std::optional<Problem> problem = enqueue())
    return problem;
  return end ? gpu.check(driver.eventRecord(end, gpu.stream()), "cuEventRecord") : std::nullopt;
}

std::optional<Problem> GpuStopwatch::warmUp(const Call &enqueue) {
  using Time = std::chrono::steady_clock;
  const Time::time_point start = Time::now();
  do {
    for (int call = 0; call < 10; ++call)
      if (std::optional<Problem> problem = callOnce(enqueue, nullptr, nullptr))
        return problem;
    if (std::optional<Problem> problem = gpu.synchronize())
      return problem;
  } while (Time::now() - start < std::chrono::milliseconds(30));
  return std::nullopt;
}

Result<Measurement> GpuStopwatch::measure(unsigned count, const Call &enqueue) {
  if (std::optional<Problem> problem = warmUp(enqueue))
    return *problem;
  Events events(gpu);
  std::vector<std::pair<void *, void *>> pairs;
  for (unsigned call = 0; call < count; ++call) {
    Result<void *> begin = events.make(), end = events.make();
    if (!begin || !end)
      return (begin ? end : begin).problem();
    pairs.emplace_back(*begin, *end);
  }
  for (auto [begin, end] : pairs)
    if (std::optional<Problem> problem = callOnce(enqueue, begin, end))
      return *problem;
  Measurement result;
  // The calls are still under way: now is when the clock matters.
  constexpr size_t mostReadings = 100;
  while (result.clocks.size() < mostReadings && gpu.driver().eventQuery(pairs.back().second) != 0) {
    std::optional<unsigned> megahertz = reader.read();
    if (!megahertz)
      break;
    result.clocks.push_back(*megahertz);
  }
  if (std::optional<Problem> problem = gpu.synchronize())
    return *problem;
  for (auto [begin, end] : pairs) {
    float milliseconds = 0;
    if (std::optional<Problem> problem =
            gpu.check(gpu.driver().eventElapsedTime(&milliseconds, begin, end), "cuEventElapsedTime"))
      return *problem;
    result.milliseconds.push_back(milliseconds);
  }
  return result;
}

Result<Measurement> GpuStopwatch::measureCopy(unsigned count, size_t bytes) {
  Result<std::unique_ptr<DeviceMemory>> from = gpu.allocate(bytes / 2), to = gpu.allocate(bytes / 2);
  if (!from || !to)
    return (from ? to : from).problem();
  if (std::optional<Problem> problem = (*from)->fill(1))
    return *problem;
  return measure(count, [&] {
    return gpu.check(gpu.driver().memcpyDtoDAsync(pointer(**to), pointer(**from), bytes / 2, gpu.stream()),
                     "cuMemcpyDtoDAsync");
  });
}

Result<std::unique_ptr<Stopwatch>> Gpu::makeStopwatch() {
  const size_t least = size_t(64) << 20;
  Result<std::unique_ptr<DeviceMemory>> flushed = allocate(std::max(least, 2 * cacheBytes()));
  if (!flushed)
    return flushed.problem();
  return std::unique_ptr<Stopwatch>(new GpuStopwatch(*this, std::move(*flushed)));
}
