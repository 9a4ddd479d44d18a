#ifndef SSM_SCHEDULE_OPERATIONCOUNTS_H
#define SSM_SCHEDULE_OPERATIONCOUNTS_H

#include "dialect/DimensionAnalysis.h"
#include <array>

namespace ssm {

/// Kinds of operations by what executes them.
enum class OperationKind { Arithmetic, Division, Special, Reduction };
llvm::StringRef nameOf(OperationKind kind);

/// Operations of one time step, by kind and by the dimensions along which each is repeated.
struct OperationCounts {
  struct Entry {
    OperationKind kind;
    DimSet dims;
    double count = 0;
    /// Arithmetic that stands for it where there is no unit for it: the length of its polynomial.
    double arithmetic = 0;
  };
  llvm::SmallVector<Entry> entries;

  void add(OperationKind kind, DimSet dims, double count, double arithmetic);
};

/// Counts what a prepared recurrence computes at each step; what does not vary in time is computed once and left out.
OperationCounts countOperations(RecurrenceOp recurrence, const DimensionAnalysis &dims);

} // namespace ssm

#endif
