#ifndef SSM_CODEGEN_EXPLAIN_EXPLAIN_H
#define SSM_CODEGEN_EXPLAIN_EXPLAIN_H

#include "codegen/lowering/CompileTarget.h"
#include "codegen/sass/MachineCode.h"
#include "dialect/Ssm.h"

#include <optional>
#include <string>
#include <vector>

namespace ssm {

/// A group of states that the compiler proved a structure of.
struct ExplainedStates {
  std::vector<std::string> states;
  /// In the words of the documentation: `diagonal, time-varying, real, decay over [batch, channel]`.
  std::string structure;
  /// Why it is not more than that: where linearity ends, with file and line; empty otherwise.
  std::string reason;
};

/// An input, output or state.
struct ExplainedTensor {
  std::string role, name, type;
  std::vector<std::string> dims;
  /// Where it is while the kernel runs.
  std::string place;
  /// Bytes of the whole array, where its sizes are known.
  std::optional<double> bytes;
};

/// A value that is computed at every step.
struct ExplainedValue {
  std::string operation, location;
  std::vector<std::string> dims;
};

/// One limit on speed.
struct ExplainedBound {
  std::string name;
  /// Clocks an element of one core or multiprocessor; seconds of a call on the whole machine, where sizes are known.
  double clocks = 0;
  std::optional<double> seconds;
};

/// What the compiler knows of a recurrence and does with it.
struct Explanation {
  std::string recurrence, target, schedule, machine;
  /// Why `auto` chose the schedule, for a GPU.
  std::vector<std::string> reasons;
  std::vector<ExplainedStates> states;
  std::vector<ExplainedTensor> tensors;
  std::vector<ExplainedValue> values;
  /// What an element is: a coordinate of these dimensions (the first output's).
  std::vector<std::string> element;
  double bytesPerElement = 0;
  /// Operations an element, by kind.
  std::vector<std::pair<std::string, double>> operations;
  std::vector<ExplainedBound> bounds;
  /// Dimensions of open size over which something is shared: it counts as free.
  std::vector<std::string> sharedOver;
  /// What a GPU's kernels take, and with a disassembler what they do; or why that is not known.
  std::optional<MachineCode> machineCode;
  std::string noMachineCode;
};

/// Explains a specialized and discretized recurrence. `schedule` may be `auto`. Errors: a schedule that is not legal, a
/// size that counting needs and that is open. A GPU's kernels are assembled where there is a toolkit; with
/// `disassembled`, their machine code is read as well, and it is an error if it cannot be.
llvm::Expected<Explanation> explain(RecurrenceOp recurrence, const CompileTarget &target, const std::string &schedule,
                                    bool disassembled = false);

/// The explanation as text for a terminal.
std::string explanationText(const Explanation &explanation);
/// The part of it about machine code.
void printMachineCode(llvm::raw_ostream &stream, const MachineCode &code);

} // namespace ssm

#endif
