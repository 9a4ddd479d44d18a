// The report: the result as JSON inside a page whose script draws it (report.html).

#include "tools/ssmc/explore/Report.h"
#include "codegen/emit/Emit.h"
#include "schedule/Machine.h"
#include "tools/ssmc/OutputFile.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/Compression.h"

using namespace ssm;
using nlohmann::ordered_json;

extern const char *const ssmcReportPage;

/// Variants whose code is on the page.
static constexpr size_t mostCode = 60;

/// Text as the page's script inflates it; nothing where this LLVM has no zlib.
static std::optional<std::string> deflate(const std::string &text) {
  if (!llvm::compression::zlib::isAvailable())
    return std::nullopt;
  llvm::SmallVector<uint8_t, 0> bytes;
  llvm::compression::zlib::compress(llvm::arrayRefFromStringRef(text), bytes);
  return llvm::encodeBase64(llvm::toStringRef(bytes));
}

static ordered_json codeOf(const Subject &subject, const std::string &schedule) {
  ordered_json code = ordered_json::object();
  LoweringOptions options;
  options.target = subject.target();
  options.schedule = schedule;
  for (const char *level : {"tiled", subject.target().isGpu() ? "ptx" : "asm"})
    if (auto emitted = emit(subject.recurrence(), level, options)) {
      if (std::optional<std::string> text = deflate(emitted->content))
        code[level] = std::move(*text);
    } else {
      llvm::consumeError(emitted.takeError());
    }
  return code;
}

static ordered_json machineOf(const CompileTarget &target, unsigned threads) {
  if (target.isGpu()) {
    Machine machine = gpuMachine(target.capability);
    return {{"operations_per_s", machine.arithmetic * machine.units * machine.clock},
            {"bytes_per_s", machine.bandwidth}};
  }
  CpuParameters cpu = cpuParameters(target.machine.vectorBytes);
  return {{"operations_per_s", cpu.pipes * cpu.clock * threads}, {"bytes_per_s", cpu.memoryBandwidth * threads}};
}

/// JSON that may stand inside a script element: nothing in it ends one.
static std::string scriptText(const ordered_json &json) {
  std::string text = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos;)
    text.replace(at, 1, "\\u003c");
  return text;
}

llvm::Error ssm::writeReport(const std::string &path, const Subject &subject, const ExploreResult &result,
                             size_t most) {
  ordered_json json = toJson(result, most);
  llvm::StringMap<const Variant *> bySchedule;
  for (const Variant &variant : result.variants)
    bySchedule[variant.schedule] = &variant;
  auto explain = [&](ordered_json &line) {
    const Variant &variant = *bySchedule.lookup(line["schedule"].get<std::string>());
    line["explanation"] = predictionTexts(variant.prediction);
    line["operations"] = variant.prediction.operations.empty() ? 0.0 : variant.prediction.operations.front().second;
    line["bytes"] = variant.prediction.bytes;
  };
  size_t coded = 0;
  for (ordered_json &line : json["variants"]) {
    explain(line);
    if (line.contains("median_s") && !line.contains("error") && coded++ < mostCode)
      line["code"] = codeOf(subject, line["schedule"]);
  }
  explain(json["best"]);
  explain(json["auto"]);
  json["machine"] = machineOf(subject.target(), result.threads);
  std::string page = ssmcReportPage;
  const std::string mark = "@DATA@";
  page.replace(page.find(mark), mark.size(), scriptText(json));
  return writeResult(path, page);
}
