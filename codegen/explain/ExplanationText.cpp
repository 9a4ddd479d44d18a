// An explanation for people.

#include "codegen/explain/Explain.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace ssm;

static std::string list(const std::vector<std::string> &names) { return "[" + llvm::join(names, ", ") + "]"; }

static std::string bytesText(double bytes) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (bytes < 1024)
    stream << llvm::format("%.0f B", bytes);
  else if (bytes < 1024.0 * 1024)
    stream << llvm::format("%.1f KiB", bytes / 1024);
  else
    stream << llvm::format("%.1f MiB", bytes / 1024 / 1024);
  return text;
}

static void printTensors(llvm::raw_ostream &stream, const Explanation &explanation) {
  stream << "\ntensors\n";
  for (const ExplainedTensor &tensor : explanation.tensors) {
    stream << "  " << llvm::left_justify(tensor.role, 7) << tensor.name << " " << list(tensor.dims) << " : "
           << tensor.type;
    if (tensor.bytes)
      stream << ", " << bytesText(*tensor.bytes);
    stream << "\n           " << tensor.place << "\n";
  }
}

static void printBounds(llvm::raw_ostream &stream, const Explanation &explanation) {
  stream << "\nan element of " << list(explanation.element) << " takes\n";
  stream << llvm::format("  %10.2f bytes to and from memory\n", explanation.bytesPerElement);
  for (const auto &[kind, count] : explanation.operations)
    stream << llvm::format("  %10.2f ", count) << kind << " operations\n";
  if (!explanation.sharedOver.empty())
    stream << "  (what is shared along " << list(explanation.sharedOver) << ", of open size, counts as free)\n";
  stream << "\nbound, by arithmetic and not by measurement (" << explanation.machine << ")\n";
  for (const ExplainedBound &bound : explanation.bounds) {
    stream << llvm::format("  %10.3f", bound.clocks) << " clocks an element a "
           << (explanation.target.starts_with("sm_") ? "multiprocessor" : "core") << ": " << bound.name;
    if (bound.seconds)
      stream << llvm::format(", %.4f ms a call on the whole machine", *bound.seconds * 1e3);
    stream << "\n";
  }
}

std::string ssm::explanationText(const Explanation &explanation) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << explanation.recurrence << " for " << explanation.target << "\n\nstructure\n";
  for (const ExplainedStates &group : explanation.states) {
    stream << "  " << llvm::join(group.states, ", ") << ": " << group.structure << "\n";
    if (!group.reason.empty())
      stream << "    " << group.reason << "\n";
  }
  stream << "\nschedule\n  " << explanation.schedule << "\n";
  for (const std::string &reason : explanation.reasons)
    stream << "  - " << reason << "\n";
  printTensors(stream, explanation);
  stream << "\nvalues at each step (line:column, operation, dimensions)\n";
  for (const ExplainedValue &value : explanation.values)
    stream << "  " << llvm::left_justify(value.location, 8) << llvm::left_justify(value.operation, 18)
           << list(value.dims) << "\n";
  printBounds(stream, explanation);
  if (explanation.machineCode)
    printMachineCode(stream, *explanation.machineCode);
  else if (!explanation.noMachineCode.empty())
    stream << "\nkernels\n  registers and occupancy are not known: " << explanation.noMachineCode << "\n";
  return text;
}
