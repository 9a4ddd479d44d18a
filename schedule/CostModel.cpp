// What cost models of CPUs and GPUs have in common.

#include "schedule/CostModel.h"
#include "llvm/Support/FormatVariadic.h"

using namespace ssm;

/// Registers that states may take, over those that there are: beyond it every step spills most of them.
static constexpr double mostRegisters = 3;
/// Bytes of a task's own memory: within the MiB that it may keep, which passes count more exactly.
static constexpr double mostOwnBytes = 768 << 10;

std::string ssm::oneDecimal(double value) { return llvm::formatv("{0:f1}", value).str(); }

bool ssm::fitsMachine(const Estimate &estimate, const Target &target) {
  if (target.gpu)
    return estimate.residentBlocks > 0;
  return estimate.registers <= mostRegisters * static_cast<double>(target.vectorRegisters) &&
         estimate.ownBytes <= mostOwnBytes;
}

std::vector<std::string> ssm::predictionTexts(const Prediction &prediction) {
  std::vector<std::string> lines;
  auto milliseconds = [](double seconds) { return llvm::formatv("{0:f3} ms", seconds * 1e3).str(); };
  lines.push_back(milliseconds(prediction.seconds) + " predicted" +
                  (prediction.terms.empty() ? "" : ", most of it " + prediction.terms.front().name));
  for (const CostTerm &term : prediction.terms)
    if (term.seconds > 0.02 * prediction.seconds)
      lines.push_back(term.name + ": " + milliseconds(term.seconds) + " by itself, " + term.why);
  return lines;
}
