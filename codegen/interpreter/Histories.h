#ifndef SSM_CODEGEN_INTERPRETER_HISTORIES_H
#define SSM_CODEGEN_INTERPRETER_HISTORIES_H

#include "codegen/interpreter/Arguments.h"
#include "codegen/interpreter/Columns.h"

#include <deque>

namespace ssm {

/// A state and its past: `past[k]` is its column k+1 steps ago. A window of one tap has no past.
struct History {
  State state;
  Grid grid;
  Addressing addressing;
  /// Of the array that carries it from call to call: the layout's axes, and where more than one step is carried a last
  /// axis of them, newest first.
  Shape shape;
  int64_t depth = 1;
  /// The value that becomes the newest of the past after each step.
  std::optional<Operand> next;
  std::deque<Column> past;
};

/// The states of a recurrence as it runs.
class Histories {
public:
  Histories(RecurrenceOp recurrence, const DimensionAnalysis &dims, llvm::ArrayRef<int64_t> sizes, Columns &columns)
      : recurrence(recurrence), dims(dims), sizes(sizes), columns(columns) {}

  /// Finds the states. An error if the shape of one cannot be represented.
  llvm::Error declare();
  History &of(llvm::StringRef state) { return histories.at(state.str()); }
  /// Gives every state its values before the first step. An error if an array does not fit its state.
  llvm::Error start(const std::map<std::string, Tensor> &arrays);
  /// After a step: every state's next value becomes the newest of its past.
  void advance();
  /// The arrays that carry the states on.
  llvm::Expected<std::map<std::string, Tensor>> handBack() const;

private:
  llvm::Error seed(History &history, const std::map<std::string, Tensor> &arrays, unsigned chain);
  llvm::Error fill(History &history, const Tensor &array) const;

  RecurrenceOp recurrence;
  const DimensionAnalysis &dims;
  llvm::ArrayRef<int64_t> sizes;
  Columns &columns;
  std::map<std::string, History> histories;
};

} // namespace ssm

#endif
