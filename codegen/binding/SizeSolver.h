#ifndef SSM_CODEGEN_BINDING_SIZESOLVER_H
#define SSM_CODEGEN_BINDING_SIZESOLVER_H

#include "dialect/Ssm.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <map>
#include <string>

namespace ssm {

/// Solves the sizes of a recurrence's dimensions from axes of known extent. Dimensions that are `like` each other are
/// one.
class SizeSolver {
public:
  explicit SizeSolver(RecurrenceOp recurrence) : recurrence(recurrence) {}

  /// States that `dim` has this size; `source` says who says so, as in `--dim time=7`.
  llvm::Error set(llvm::StringRef dim, int64_t size, const std::string &source);
  /// Adds an axis of a tensor to what is to be solved. `tensor` is its name in messages.
  void addAxis(const std::string &tensor, unsigned axis, int64_t size, llvm::ArrayRef<llvm::StringRef> parts);
  /// Solves; every axis is then checked against the sizes of its parts.
  llvm::Error solve();
  /// Sizes found, by dimension (the one whose extent others share).
  std::map<std::string, int64_t> sizes() const;

private:
  struct Axis {
    std::string tensor;
    unsigned number;
    int64_t size;
    llvm::SmallVector<std::string> parts, extents;
    bool done = false;
  };
  struct Known {
    int64_t size;
    std::string source;
  };

  /// Whether the axis told something new.
  llvm::Expected<bool> visit(Axis &axis);
  /// Gives one open part before the last of some axis its default, or 1. Whether there was one.
  bool assumeOne();
  llvm::Error refuse(const Axis &axis) const;
  std::string describe(const Axis &axis) const;

  RecurrenceOp recurrence;
  llvm::SmallVector<Axis> axes;
  llvm::StringMap<Known> known;
};

} // namespace ssm

#endif
