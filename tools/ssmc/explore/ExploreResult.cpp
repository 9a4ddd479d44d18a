#include "tools/ssmc/explore/ExploreResult.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <numeric>

using namespace ssm;
using nlohmann::ordered_json;

static std::vector<double> ranksOf(llvm::ArrayRef<double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    for (end = begin; end < order.size() && values[order[end]] == values[order[begin]]; ++end)
      ;
    for (size_t at = begin; at < end; ++at)
      ranks[order[at]] = (begin + end - 1) / 2.0;
  }
  return ranks;
}

double ssm::rankCorrelation(llvm::ArrayRef<double> a, llvm::ArrayRef<double> b) {
  std::vector<double> left = ranksOf(a), right = ranksOf(b);
  double mean = (left.size() - 1) / 2.0, product = 0, ofLeft = 0, ofRight = 0;
  for (auto [x, y] : llvm::zip_equal(left, right)) {
    product += (x - mean) * (y - mean);
    ofLeft += (x - mean) * (x - mean);
    ofRight += (y - mean) * (y - mean);
  }
  return ofLeft > 0 && ofRight > 0 ? product / std::sqrt(ofLeft * ofRight) : 0;
}

std::optional<double> ExploreResult::correlation() const {
  std::vector<double> predicted, measured;
  for (const Variant &variant : variants)
    if (variant.isMeasured() && variant.error.empty()) {
      predicted.push_back(variant.prediction.seconds);
      measured.push_back(variant.median());
    }
  return predicted.size() < 3 ? std::nullopt : std::optional(rankCorrelation(predicted, measured));
}

std::vector<size_t> ExploreResult::ranking() const {
  std::vector<size_t> order(variants.size());
  std::iota(order.begin(), order.end(), 0);
  auto rank = [&](size_t number) {
    const Variant &variant = variants[number];
    bool counts = variant.isMeasured() && variant.error.empty();
    // What was compared in the end stands before what was raced: these times were taken side by side.
    return std::tuple(!counts, variant.confirmed.empty(), counts ? variant.median() : variant.prediction.seconds,
                      number);
  };
  llvm::sort(order, [&](size_t a, size_t b) { return rank(a) < rank(b); });
  return order;
}

ordered_json ssm::describeVariant(const Variant &variant) {
  ordered_json json = {{"schedule", variant.schedule}, {"predicted_s", variant.prediction.seconds}};
  if (variant.isMeasured()) {
    json["median_s"] = variant.median();
    json["min_s"] = variant.minimum();
    json["repetitions"] = variant.confirmed.empty() ? variant.seconds.size() : variant.confirmed.size();
    json["registers"] = variant.prediction.registers;
    json["bytes"] = variant.prediction.bytes;
  }
  if (variant.isRefined || !variant.counted.empty()) {
    json["registers"] = variant.prediction.registers;
    json["registers_assembled"] = variant.isRefined;
    json["bytes"] = variant.prediction.bytes;
    json["resident_blocks"] = variant.prediction.residentBlocks;
    json["waves"] = variant.prediction.waves;
  }
  if (!variant.counted.empty()) {
    ordered_json counts = ordered_json::object(), predicted = ordered_json::object();
    for (const auto &[kind, count] : variant.counted)
      counts[kind] = count;
    for (const auto &[kind, count] : variant.prediction.operations)
      predicted[kind] = count;
    json["counted"] = std::move(counts);
    json["predicted_counts"] = std::move(predicted);
  }
  ordered_json terms = ordered_json::object();
  for (const CostTerm &term : variant.prediction.terms)
    terms[term.name] = term.seconds;
  json["terms_s"] = std::move(terms);
  if (!variant.error.empty())
    json["error"] = variant.error;
  return json;
}

ordered_json ssm::toJson(const ExploreResult &result, size_t most) {
  ordered_json dims = ordered_json::object(), variants = ordered_json::array();
  for (const auto &[name, size] : result.dims)
    dims[name] = size;
  size_t unmeasured = 0;
  for (size_t number : result.ranking()) {
    const Variant &variant = result.variants[number];
    if (variant.isMeasured() || !variant.error.empty() || !variant.counted.empty() || unmeasured++ < most)
      variants.push_back(describeVariant(variant));
  }
  auto correlation = result.correlation();
  return {{"model", result.model},
          {"mode", result.mode},
          {"device", result.device},
          {"target", result.target},
          {"threads", result.threads},
          {"dims", dims},
          {"best", describeVariant(result.variants[result.best])},
          {"auto", describeVariant(result.variants[result.automatic])},
          {"counts",
           {{"written", result.written},
            {"legal", result.legal},
            {"distinct", result.distinct},
            {"after_resources", result.fitting},
            {"compiled", result.counts.compiled},
            {"failed", result.counts.failed},
            {"measured", result.counts.measured},
            {"known", result.known}}},
          {"rank_correlation", correlation ? ordered_json(*correlation) : ordered_json()},
          {"seconds", result.seconds},
          {"interrupted", result.interrupted},
          {"variants", variants}};
}

std::string ssm::toCsv(const ExploreResult &result, size_t most) {
  std::string text = "schedule,predicted_s,median_s,min_s,repetitions,registers,bytes,error\n";
  llvm::raw_string_ostream stream(text);
  auto quoted = [](std::string field) {
    for (size_t at = 0; (at = field.find('"', at)) != std::string::npos; at += 2)
      field.insert(at, 1, '"');
    return "\"" + field + "\"";
  };
  size_t unmeasured = 0;
  for (size_t number : result.ranking()) {
    const Variant &variant = result.variants[number];
    if (!variant.isMeasured() && variant.error.empty() && unmeasured++ >= most)
      continue;
    stream << quoted(variant.schedule) << ',' << llvm::format("%.6g", variant.prediction.seconds) << ',';
    if (variant.isMeasured())
      stream << llvm::format("%.6g,%.6g,%zu", variant.median(), variant.minimum(),
                             variant.confirmed.empty() ? variant.seconds.size() : variant.confirmed.size());
    else
      stream << ",,";
    stream << ',' << llvm::format("%g,%.0f,", variant.prediction.registers, variant.prediction.bytes)
           << (variant.error.empty() ? "" : quoted(variant.error)) << "\n";
  }
  return text;
}

static std::string bar(double share, int width) {
  static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  int parts = std::clamp(static_cast<int>(share * width * 8 + 0.5), 1, width * 8);
  std::string text;
  for (int full = 0; full < parts / 8; ++full)
    text += "█";
  return text + eighths[parts % 8];
}

static void printBest(const ExploreResult &result, llvm::raw_ostream &stream) {
  if (result.interrupted)
    stream << "\ninterrupted: what was measured is kept\n";
  const Variant &best = result.variants[result.best];
  stream << "\nbest: " << best.schedule << "\n";
  for (const std::string &line : predictionTexts(best.prediction))
    stream << "  " << line << "\n";
}

/// Where nothing is measured: predictions, and what was counted beside what the model counts.
static void printPredicted(const ExploreResult &result, llvm::raw_ostream &stream, const std::vector<size_t> &ranking,
                           size_t rows) {
  stream << "predicted ms  registers  blocks/SM  waves\n";
  size_t shown = 0;
  for (size_t number : ranking) {
    const Variant &variant = result.variants[number];
    bool isNamed = number == result.best || number == result.automatic;
    if (!variant.error.empty() || (shown++ >= rows && !isNamed))
      continue;
    const Prediction &predicted = variant.prediction;
    stream << llvm::format("%12.4f %9.0f%c %10lld %6lld  ", predicted.seconds * 1e3, predicted.registers,
                           variant.isRefined ? ' ' : '~', static_cast<long long>(predicted.residentBlocks),
                           static_cast<long long>(predicted.waves))
           << variant.schedule << (number == result.best ? "  (best)" : "")
           << (number == result.automatic ? "  (auto)" : "") << "\n";
    for (const auto &[kind, count] : variant.counted) {
      auto own = llvm::find_if(predicted.operations, [&](const auto &one) { return one.first == kind; });
      stream << llvm::format("%16s counted %14.0f", kind.c_str(), count);
      if (own != predicted.operations.end())
        stream << llvm::format(", predicted %14.0f", own->second);
      stream << "\n";
    }
  }
  printBest(result, stream);
}

void ssm::printTable(const ExploreResult &result, llvm::raw_ostream &stream, size_t rows) {
  stream << result.legal << " legal of " << result.written << " written, " << result.distinct << " different kernels, "
         << result.fitting << " after resources, " << result.counts.compiled << " compiled, " << result.counts.measured
         << " measured";
  if (result.known)
    stream << ", " << result.known << " of them before";
  stream << "\n\n";
  std::vector<size_t> ranking = result.ranking();
  bool isMeasured = llvm::any_of(result.variants, [](const Variant &variant) { return variant.isMeasured(); });
  if (!isMeasured)
    return printPredicted(result, stream, ranking, rows);
  double longest = 0;
  size_t shown = 0;
  for (size_t number : ranking)
    if (result.variants[number].isMeasured() && shown++ < rows)
      longest = std::max(longest, result.variants[number].median());
  stream << "   median ms       min  predicted\n";
  shown = 0;
  for (size_t number : ranking) {
    const Variant &variant = result.variants[number];
    bool isNamed = number == result.best || number == result.automatic;
    if (!variant.isMeasured() || !variant.error.empty() || (shown++ >= rows && !isNamed))
      continue;
    std::string measured = bar(variant.median() / longest, 20);
    stream << llvm::format("%12.4f %9.4f  %9.4f  ", variant.median() * 1e3, variant.minimum() * 1e3,
                           variant.prediction.seconds * 1e3)
           << measured;
    // A bar's parts are one column each, and several bytes.
    int columns = llvm::count_if(measured, [](char c) { return (c & 0xC0) != 0x80; });
    stream.indent(21 - std::min(columns, 20)) << variant.schedule << (number == result.best ? "  (best)" : "")
                                              << (number == result.automatic ? "  (auto)" : "") << "\n";
  }
  printBest(result, stream);
  if (std::optional<double> correlation = result.correlation())
    stream << llvm::format("rank correlation of predicted with measured: %.2f\n", *correlation);
}
