// Reads schedule/machines.json, and the user's calibrated parameters beside it.

#include "schedule/MachineData.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <cstdlib>

using namespace ssm;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

extern const char *const ssmMachinesText;

const json::Object &ssm::machineData() {
  static const json::Value data = llvm::cantFail(json::parse(ssmMachinesText));
  return *data.getAsObject();
}

namespace {
/// A number of CpuParameters and its key.
struct Field {
  const char *key;
  double CpuParameters::*number;
};
} // namespace

static constexpr Field fields[] = {
    {"clock", &CpuParameters::clock},
    {"pipes", &CpuParameters::pipes},
    {"loads", &CpuParameters::loads},
    {"stores", &CpuParameters::stores},
    {"shuffles", &CpuParameters::shuffles},
    {"issue", &CpuParameters::issue},
    {"scalar", &CpuParameters::scalar},
    {"gather_element", &CpuParameters::gatherElement},
    {"scatter_element", &CpuParameters::scatterElement},
    {"transpose_element", &CpuParameters::transposeElement},
    {"copy_element", &CpuParameters::copyElement},
    {"l2_bandwidth", &CpuParameters::l2Bandwidth},
    {"memory_bandwidth", &CpuParameters::memoryBandwidth},
    {"piece_bytes", &CpuParameters::pieceBytes},
    {"turn", &CpuParameters::turn},
    {"phase", &CpuParameters::phase},
    {"step", &CpuParameters::step},
    {"tile", &CpuParameters::tile},
    {"task", &CpuParameters::task},
};

StringRef ssm::nameOf(CpuTerm term) {
  static constexpr const char *names[numCpuTerms] = {"arithmetic", "accesses", "apart",  "spills", "loops",
                                                     "chain",      "own",      "copies", "tasks",  "memory"};
  return names[static_cast<unsigned>(term)];
}

Expected<CpuParameters> ssm::readCpuParameters(const json::Object &object) {
  CpuParameters parameters;
  auto positive = [&](StringRef key) -> Expected<double> {
    std::optional<double> number = object.getNumber(key);
    if (!number || !(*number > 0) || *number > 1e15)
      return llvm::createStringError("'" + key + "' is not a positive number");
    return *number;
  };
  for (const Field &field : fields) {
    Expected<double> number = positive(field.key);
    if (!number)
      return number.takeError();
    parameters.*field.number = *number;
  }
  for (auto [key, target] : {std::pair("vector_bytes", &parameters.vectorBytes),
                             {"l1_bytes", &parameters.l1Bytes},
                             {"l2_bytes", &parameters.l2Bytes}}) {
    Expected<double> number = positive(key);
    if (!number)
      return number.takeError();
    *target = static_cast<int64_t>(*number);
  }
  const json::Object *weights = object.getObject("weights");
  for (unsigned term = 0; term < numCpuTerms; ++term) {
    StringRef name = nameOf(static_cast<CpuTerm>(term));
    std::optional<double> weight = weights ? weights->getNumber(name) : std::nullopt;
    if (!weight || !(*weight >= 0) || *weight > 1e3)
      return llvm::createStringError("the weight of '" + name + "' is not a number from 0 to 1000");
    parameters.weights[term] = *weight;
  }
  parameters.source = object.getString("source").value_or("").str();
  return parameters;
}

json::Object ssm::toJson(const CpuParameters &parameters) {
  json::Object object{{"vector_bytes", parameters.vectorBytes},
                      {"l1_bytes", parameters.l1Bytes},
                      {"l2_bytes", parameters.l2Bytes},
                      {"source", parameters.source}};
  for (const Field &field : fields)
    object[field.key] = parameters.*field.number;
  json::Object weights;
  for (unsigned term = 0; term < numCpuTerms; ++term)
    weights[nameOf(static_cast<CpuTerm>(term))] = parameters.weights[term];
  object["weights"] = std::move(weights);
  return object;
}

std::string ssm::userDataFile(StringRef name) {
  llvm::SmallString<128> path;
  if (const char *data = std::getenv("XDG_DATA_HOME"); data && *data)
    path = data;
  else if (const char *home = std::getenv("HOME"); home && *home)
    llvm::sys::path::append(path, home, ".local", "share");
  else
    return "";
  llvm::sys::path::append(path, "ssmc", name);
  return path.str().str();
}

/// The user's calibration; nothing where there is none, or none that can be read.
static std::optional<CpuParameters> readCalibration() {
  auto buffer = llvm::MemoryBuffer::getFile(userDataFile("cpu.json"));
  if (!buffer || (*buffer)->getBufferSize() > 1 << 16)
    return std::nullopt;
  Expected<json::Value> value = json::parse((*buffer)->getBuffer());
  if (!value) {
    llvm::consumeError(value.takeError());
    return std::nullopt;
  }
  const json::Object *object = value->getAsObject();
  Expected<CpuParameters> parameters =
      object ? readCpuParameters(*object) : Expected<CpuParameters>(llvm::createStringError("not an object"));
  if (parameters)
    return *parameters;
  llvm::consumeError(parameters.takeError());
  return std::nullopt;
}

CpuParameters ssm::cpuParameters(int64_t vectorBytes) {
  static const std::optional<CpuParameters> calibrated = readCalibration();
  if (calibrated && calibrated->vectorBytes == vectorBytes)
    return *calibrated;
  CpuParameters found;
  for (const json::Value &value : *machineData().getArray("cpus")) {
    CpuParameters row = llvm::cantFail(readCpuParameters(*value.getAsObject()));
    if (found.clock == 0 || row.vectorBytes >= vectorBytes)
      found = row;
  }
  return found;
}

/// The row of an operation, or that of all others.
static const json::Object &operationRow(StringRef table, StringRef name) {
  const json::Object &rows = *machineData().getObject(table);
  const json::Object *row = rows.getObject(name);
  return row ? *row : *rows.getObject("default");
}

CpuOperation ssm::cpuOperation(StringRef name) {
  const json::Object &row = operationRow("cpu_operations", name);
  return {*row.getNumber("pipe"), *row.getNumber("latency")};
}

GpuOperation ssm::gpuOperation(StringRef name) {
  const json::Object &row = operationRow("gpu_operations", name);
  return {*row.getNumber("arithmetic"), *row.getNumber("special")};
}

GpuParameters ssm::gpuParameters(unsigned capability) {
  const json::Object &costs = *machineData().getObject("gpu_costs"), &latency = *costs.getObject("latency");
  auto number = [&](StringRef key) { return *costs.getNumber(key); };
  auto clocks = [&](StringRef key) { return *latency.getNumber(key); };
  int64_t l2 = 0;
  for (const json::Value &value : *machineData().getArray("gpus"))
    if (const json::Object &row = *value.getAsObject(); *row.getInteger("capability") <= capability || l2 == 0)
      l2 = *row.getInteger("l2_mib") << 20;
  return {number("integer"),
          number("shuffle"),
          number("shared"),
          number("global"),
          number("conversion"),
          number("warp_interval"),
          clocks("arithmetic"),
          clocks("special"),
          clocks("shuffle"),
          clocks("shared"),
          clocks("global"),
          clocks("barrier"),
          number("l2_bandwidth_ratio"),
          l2,
          number("launch_s"),
          number("block_s"),
          number("look_back_s")};
}
