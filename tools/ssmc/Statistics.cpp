#include "tools/ssmc/Statistics.h"
#include "llvm/Support/Format.h"

using namespace ssm;
using nlohmann::ordered_json;

static ordered_json describe(const emulator::GlobalCounts &counts) {
  return {{"requests", counts.requests},
          {"bytes", counts.bytes},
          {"sectors", counts.sectors},
          {"lines", counts.lines},
          {"partly_used", counts.partial},
          {"runs", counts.runs},
          {"runs_below_64_bytes", counts.shortRuns},
          {"shortest_run", counts.shortestRun}};
}

static ordered_json describe(const emulator::SharedCounts &counts) {
  return {{"requests", counts.requests},
          {"bytes", counts.bytes},
          {"wavefronts", counts.wavefronts},
          {"bank_conflicts", counts.conflicts}};
}

ordered_json ssm::describeStatistics(const RunStatistics &statistics) {
  ordered_json kernels = ordered_json::array();
  for (const emulator::KernelStatistics &kernel : statistics.kernels) {
    ordered_json operations = ordered_json::object();
    for (size_t kind = 0; kind < emulator::operationKinds; ++kind)
      operations[nameOf(static_cast<emulator::OperationKind>(kind))] = kernel.operations.counts[kind];
    kernels.push_back({{"kernel", kernel.kernel},
                       {"global_loads", describe(kernel.loads)},
                       {"global_stores", describe(kernel.stores)},
                       {"atomics", kernel.atomics},
                       {"shared_loads", describe(kernel.sharedLoads)},
                       {"shared_stores", describe(kernel.sharedStores)},
                       {"operations", std::move(operations)}});
  }
  return {{"elements", statistics.elements}, {"kernels", std::move(kernels)}};
}

/// `bank_conflicts` as words.
static std::string wordsOf(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

void ssm::printStatistics(const RunStatistics &statistics, llvm::raw_ostream &stream) {
  auto line = [&](const std::string &name, const ordered_json &count) {
    auto number = count.get<uint64_t>();
    stream << llvm::format("  %-36s %14llu", name.c_str(), static_cast<unsigned long long>(number));
    if (statistics.elements && name.find("shortest") == std::string::npos)
      stream << llvm::format(" %12.4f", static_cast<double>(number) / static_cast<double>(statistics.elements));
    stream << "\n";
  };
  const ordered_json described = describeStatistics(statistics);
  for (const ordered_json &kernel : described["kernels"]) {
    stream << kernel["kernel"].get<std::string>() << ", " << statistics.elements
           << " elements: in all, and an element\n";
    for (const auto &[name, value] : kernel.items())
      if (value.is_object())
        for (const auto &[part, count] : value.items())
          line(wordsOf(name) + ": " + wordsOf(part), count);
      else if (value.is_number())
        line(wordsOf(name), value);
  }
}
