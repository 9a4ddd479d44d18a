// The search: batches chosen by the corrected model and around the best, raced against it. Search.h says how.

#include "tools/ssmc/explore/Search.h"
#include "llvm/ADT/STLExtras.h"

using namespace ssm;

/// Variants compiled and raced together, and of these how many come from the neighbourhood of the best.
static constexpr size_t batchSize = 8, neighboursOfBatch = 4;
/// The best variants whose neighbours are looked at.
static constexpr size_t centres = 3;
/// A race: repetitions, and how far behind the best a variant may be to go on.
static constexpr std::pair<unsigned, double> heats[] = {{2, 1.5}, {3, 1.15}, {4, 1.05}};
/// The part of the time that the last comparison is kept.
static constexpr double confirmShare = 0.2;

double ssm::medianOf(std::vector<double> values) {
  if (values.empty())
    return 0;
  llvm::sort(values);
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double Variant::median() const { return medianOf(confirmed.empty() ? seconds : confirmed); }
double Variant::minimum() const {
  const std::vector<double> &values = confirmed.empty() ? seconds : confirmed;
  return values.empty() ? 0 : *llvm::min_element(values);
}

static unsigned distance(const Variant &a, const Variant &b) {
  unsigned differing = std::max(a.choices.size(), b.choices.size()) - std::min(a.choices.size(), b.choices.size());
  for (auto [left, right] : llvm::zip(a.choices, b.choices))
    differing += left != right;
  return differing;
}

namespace {
class Searcher {
public:
  Searcher(std::vector<Variant> &variants, size_t first, const SearchLimits &limits, Trials &trials,
           SearchCounts &counts)
      : variants(variants), first(first), limits(limits), trials(trials), counts(counts) {}

  llvm::Expected<size_t> run() {
    if (llvm::Error error = begin())
      return std::move(error);
    while (hasBudget()) {
      std::vector<size_t> batch = chooseBatch();
      if (batch.empty())
        break;
      if (llvm::Error error = tryBatch(batch))
        return std::move(error);
    }
    settleYardstick();
    return confirm();
  }

private:
  bool hasBudget() const {
    return !trials.stopped() && counts.measured < limits.budget &&
           trials.elapsed() < limits.seconds * (1 - confirmShare);
  }

  /// What is known from before counts as measured; the first is always measured anew, as the others are held against
  /// it.
  llvm::Error begin() {
    best = first;
    trials.progress("compiling");
    compile({first});
    if (!variants[first].error.empty())
      return llvm::createStringError(variants[first].error);
    Variant *one[] = {&variants[first]};
    double before = variants[first].median();
    variants[first].seconds.clear();
    if (llvm::Error error = trials.measure(one, heats[0].first + heats[1].first,
                                           [](Variant &variant, double value) { variant.seconds.push_back(value); }))
      return error;
    double now = variants[first].median();
    yardstick = now;
    counts.measured = 1;
    for (size_t number = 0; number < variants.size(); ++number)
      if (number != first && variants[number].isOld && variants[number].isMeasured()) {
        ++counts.measured;
        // Times of another hour are held against the first's of that hour.
        if (before > 0)
          for (double &value : variants[number].seconds)
            value *= now / before;
      }
    std::vector<size_t> faster = bestMeasured(centres);
    llvm::erase(faster, first);
    return faster.empty() ? llvm::Error::success() : tryBatch(faster);
  }

  void compile(std::vector<size_t> numbers) {
    std::vector<Variant *> pointers;
    for (size_t number : numbers)
      pointers.push_back(&variants[number]);
    trials.compile(pointers);
    for (Variant *variant : pointers)
      ++(variant->error.empty() ? counts.compiled : counts.failed);
  }

  bool isOpen(size_t number) const { return !variants[number].isMeasured() && variants[number].error.empty(); }

  /// The model's seconds times how far it was off for the nearest variants that are measured.
  double corrected(size_t number) const {
    unsigned nearest = ~0u;
    double sum = 0, count = 0;
    for (const Variant &other : variants) {
      if (!other.isMeasured() || other.prediction.seconds <= 0)
        continue;
      unsigned apart = distance(variants[number], other);
      if (apart > nearest)
        continue;
      if (apart < nearest) {
        nearest = apart;
        sum = count = 0;
      }
      sum += std::log(other.median() / other.prediction.seconds);
      ++count;
    }
    return variants[number].prediction.seconds * (count ? std::exp(sum / count) : 1);
  }

  std::vector<size_t> chooseBatch() {
    std::vector<std::pair<double, size_t>> open;
    bool isSearch = limits.order == SearchLimits::Order::Search;
    for (size_t number = 0; number < variants.size(); ++number)
      if (isOpen(number) || limits.order == SearchLimits::Order::Spread)
        open.emplace_back(isSearch ? corrected(number) : variants[number].prediction.seconds, number);
    llvm::sort(open);
    if (limits.order == SearchLimits::Order::Spread)
      return chooseSpread(open);
    size_t size = std::min(batchSize, limits.budget - std::min(limits.budget, counts.measured));
    std::vector<size_t> batch;
    auto add = [&](size_t number) {
      if (batch.size() < size && !llvm::is_contained(batch, number))
        batch.push_back(number);
    };
    if (isSearch && counts.measured >= batchSize)
      for (auto [value, number] : open)
        if (batch.size() < std::min(size, neighboursOfBatch) && isNeighbourOfBest(number))
          add(number);
    for (auto [value, number] : open)
      add(number);
    return batch;
  }

  /// The next of those that divide the order of predictions into as many parts as variants are to be measured.
  std::vector<size_t> chooseSpread(llvm::ArrayRef<std::pair<double, size_t>> ranked) {
    std::vector<size_t> batch;
    size_t left = limits.budget - std::min(limits.budget, counts.measured);
    for (; spread < limits.budget && batch.size() < std::min(batchSize, left); ++spread)
      if (size_t number = ranked[spread * ranked.size() / limits.budget].second;
          isOpen(number) && !llvm::is_contained(batch, number))
        batch.push_back(number);
    return batch;
  }

  bool isNeighbourOfBest(size_t number) {
    std::vector<size_t> ranked = bestMeasured(centres);
    return llvm::any_of(ranked, [&](size_t centre) { return distance(variants[number], variants[centre]) == 1; });
  }

  std::vector<size_t> bestMeasured(size_t most) const {
    std::vector<size_t> measured;
    for (size_t number = 0; number < variants.size(); ++number)
      if (variants[number].isMeasured() && variants[number].error.empty())
        measured.push_back(number);
    llvm::sort(measured, [&](size_t a, size_t b) { return variants[a].median() < variants[b].median(); });
    measured.resize(std::min(most, measured.size()));
    return measured;
  }

  llvm::Error tryBatch(const std::vector<size_t> &batch) {
    trials.progress("compiling");
    compile(batch);
    std::vector<size_t> racing;
    for (size_t number : batch)
      if (variants[number].error.empty())
        racing.push_back(number);
    for (size_t number : racing)
      variants[number].seconds.clear();
    for (auto [rounds, reach] : heats) {
      if (racing.empty() || trials.stopped())
        break;
      trials.progress("measuring");
      if (llvm::Error error = race(racing, rounds))
        return error;
      llvm::erase_if(racing,
                     [&](size_t number) { return variants[number].median() > reach * variants[best].median(); });
    }
    size_t before = best;
    for (size_t number : batch) {
      counts.measured += variants[number].isMeasured() && !variants[number].isOld;
      if (variants[number].isMeasured() && variants[number].error.empty() &&
          variants[number].median() < variants[best].median())
        best = number;
    }
    // The best stays compiled, since later batches race against it.
    for (size_t number : batch)
      if (number != best)
        trials.forget(variants[number]);
    if (before != best && before != first)
      trials.forget(variants[before]);
    return llvm::Error::success();
  }

  /// Repetitions of the first and the best run in turn with the others'. What these took is scaled by how the first
  /// fared this time: it is the one yardstick, since a winner's time owes something to luck.
  llvm::Error race(const std::vector<size_t> &numbers, unsigned rounds) {
    std::vector<Variant *> pointers{&variants[first]};
    if (best != first)
      pointers.push_back(&variants[best]);
    for (size_t number : numbers)
      if (number != best && number != first)
        pointers.push_back(&variants[number]);
    std::map<Variant *, std::vector<double>> samples;
    if (llvm::Error error = trials.measure(pointers, rounds,
                                           [&](Variant &variant, double value) { samples[&variant].push_back(value); }))
      return error;
    double reference = medianOf(samples[pointers.front()]);
    llvm::append_range(references, samples[pointers.front()]);
    double scale = reference > 0 ? yardstick / reference : 1;
    for (Variant *variant : llvm::ArrayRef(pointers).drop_front())
      for (double value : samples[variant])
        variant->seconds.push_back(value * scale);
    return llvm::Error::success();
  }

  /// What the first takes is known better at the end than at the beginning.
  void settleYardstick() {
    if (references.empty() || yardstick <= 0)
      return;
    double scale = medianOf(references) / yardstick;
    for (size_t number = 0; number < variants.size(); ++number)
      if (number != first)
        for (double &value : variants[number].seconds)
          value *= scale;
    variants[first].seconds = references;
  }

  llvm::Expected<size_t> confirm() {
    std::vector<size_t> finalists = bestMeasured(limits.finalists);
    if (!llvm::is_contained(finalists, first))
      finalists.push_back(first);
    trials.progress("comparing the best");
    compileAgain(finalists);
    std::vector<Variant *> pointers;
    for (size_t number : finalists)
      if (variants[number].error.empty())
        pointers.push_back(&variants[number]);
    std::map<Variant *, std::vector<double>> samples;
    if (!trials.stopped())
      if (llvm::Error error = trials.measure(pointers, limits.confirmations, [&](Variant &variant, double value) {
            samples[&variant].push_back(value);
          }))
        return std::move(error);
    // A comparison that was cut short compares nothing.
    bool isWhole = llvm::all_of(pointers, [&](Variant *one) { return samples[one].size() == limits.confirmations; });
    if (!isWhole)
      return best;
    for (Variant *variant : pointers)
      variant->confirmed = samples[variant];
    size_t winner = first;
    for (size_t number : finalists)
      if (variants[number].error.empty() && variants[number].median() < variants[winner].median())
        winner = number;
    return winner;
  }

  void compileAgain(const std::vector<size_t> &numbers) {
    std::vector<Variant *> pointers;
    for (size_t number : numbers)
      pointers.push_back(&variants[number]);
    trials.compile(pointers);
  }

  std::vector<Variant> &variants;
  size_t first, best = 0, spread = 0;
  /// Seconds of the first variant.
  double yardstick = 0;
  std::vector<double> references;
  const SearchLimits &limits;
  Trials &trials;
  SearchCounts &counts;
};
} // namespace

llvm::Expected<size_t> ssm::search(std::vector<Variant> &variants, size_t first, const SearchLimits &limits,
                                   Trials &trials, SearchCounts &counts) {
  return Searcher(variants, first, limits, trials, counts).run();
}
