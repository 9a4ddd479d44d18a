#ifndef SSM_DIALECT_ROWPLAN_H
#define SSM_DIALECT_ROWPLAN_H

#include "dialect/Ssm.h"
#include "llvm/Support/Error.h"

namespace ssm {

/// What ssm-pack has made of a recurrence, kept on it as the attribute `ssm.rows`: along one dimension, each row has
/// its own steps and its own place among the states in memory, which arrays say that the host never reads. False where
/// a recurrence has no such plan.
///
/// | array | entries | an entry |
/// |---|---|---|
/// | `cu_seqlens` | rows + 1 | the step, of all rows' steps one after another, at which a row begins; the next one ends
/// it | | `slots_in` | rows | the place in the pool of the state before a row's first step; a row of which it is
/// negative is left out | | `slots_out` | rows | the same of the state after its last step | | `has_state` | rows | 0
/// where a row begins with the description's initial value instead | | `slots_at` | steps | where it is not negative:
/// the place in the pool that the state after that step is written to |
class RowPlan {
public:
  explicit RowPlan(RecurrenceOp recurrence);
  explicit operator bool() const { return bool(plan); }

  /// The dimension of rows.
  llvm::StringRef dim() const;
  /// All rows' steps stand one after another along the scanned dimension, without an axis of rows.
  bool isPacked() const { return has("cu_seqlens"); }
  /// The description has no dimension of rows: inputs and outputs have no axis of it in memory. Else one of extent 1,
  /// where they are packed.
  bool isAdded() const;
  /// States are updated where they stand: a row's state goes back to where it came from, unless `slots_out` is given.
  bool isInPlace() const;
  /// States stand in a pool, of which `slots` is the size, one a slot.
  bool hasPool() const { return has("slots_in") || has("slots_out") || has("slots_at"); }
  bool has(llvm::StringRef array) const { return bool(typeOf(array)); }
  /// i32 or i64; null for an array that there is not.
  mlir::Type typeOf(llvm::StringRef array) const;

  /// The axes of one of the arrays; `cu_seqlens` has one entry more.
  LayoutAttr layoutOf(llvm::StringRef array) const;
  /// The axes in memory of an input or output, and of a state. An axis that is made of no dimension has extent 1.
  LayoutAttr inMemory(LayoutAttr layout) const;
  LayoutAttr stateInMemory(LayoutAttr layout) const;

  /// Names of all arrays that there can be, in the order in which kernels take them.
  static llvm::ArrayRef<llvm::StringRef> arrays();
  /// Whether an array may be left out at launch, as a null pointer.
  static bool isOptional(llvm::StringRef array) { return array != "cu_seqlens" && array != "slots_at"; }
  /// The size of the pool, as sizes are named.
  static constexpr llvm::StringRef slots = "slots";
  static constexpr llvm::StringRef attribute = "ssm.rows";

private:
  RecurrenceOp recurrence;
  mlir::DictionaryAttr plan;
};

/// Whether a layout has a dimension as an axis of its own.
bool hasAxis(LayoutAttr layout, llvm::StringRef dim);

/// The dimension of a recurrence that can be that of rows, packed or not (ssm-pack has the rule), or why there is none.
llvm::Expected<llvm::StringRef> findRows(RecurrenceOp recurrence, bool isPacked);

} // namespace ssm

#endif
