#include "tools/ssm-launch/Timing.h"

#include <algorithm>
#include <chrono>

using namespace ssm;

double Measurement::median() const {
  std::vector<double> sorted = milliseconds;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Measurement::least() const { return *std::min_element(milliseconds.begin(), milliseconds.end()); }

double Measurement::most() const { return *std::max_element(milliseconds.begin(), milliseconds.end()); }

namespace {
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
} // namespace

Result<std::unique_ptr<Stopwatch>> Stopwatch::make(Gpu &gpu) {
  const size_t least = size_t(64) << 20;
  Result<std::unique_ptr<DeviceMemory>> flushed = DeviceMemory::allocate(gpu, std::max(least, 2 * gpu.cacheBytes()));
  if (!flushed)
    return flushed.problem();
  return std::unique_ptr<Stopwatch>(new Stopwatch(gpu, std::move(*flushed)));
}

std::optional<Problem> Stopwatch::callOnce(const std::function<std::optional<Problem>()> &enqueue, void *begin,
                                           void *end) {
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

std::optional<Problem> Stopwatch::warmUp(const std::function<std::optional<Problem>()> &enqueue) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  do {
    for (int call = 0; call < 10; ++call)
      if (std::optional<Problem> problem = callOnce(enqueue, nullptr, nullptr))
        return problem;
    if (std::optional<Problem> problem = gpu.synchronize())
      return problem;
  } while (Clock::now() - start < std::chrono::milliseconds(30));
  return std::nullopt;
}

Result<Measurement> Stopwatch::measure(unsigned count, const std::function<std::optional<Problem>()> &enqueue) {
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

Result<Measurement> Stopwatch::measureCopy(unsigned count, size_t bytes) {
  Result<std::unique_ptr<DeviceMemory>> from = DeviceMemory::allocate(gpu, bytes / 2),
                                        to = DeviceMemory::allocate(gpu, bytes / 2);
  if (!from || !to)
    return (from ? to : from).problem();
  if (std::optional<Problem> problem = (*from)->fill(1))
    return *problem;
  return measure(count, [&] {
    return gpu.check(gpu.driver().memcpyDtoDAsync((*to)->begin(), (*from)->begin(), bytes / 2, gpu.stream()),
                     "cuMemcpyDtoDAsync");
  });
}
