#ifndef SSM_PASSES_EXPONENTIALSPLIT_H
#define SSM_PASSES_EXPONENTIALSPLIT_H

#include "mlir/IR/Builders.h"
#include "schedule/Placement.h"
#include "llvm/ADT/DenseMap.h"

namespace ssm {

/// Which of a GPU kernel's exponentials are polynomials: so many of each sixteen that stand in one block of code,
/// spread evenly, so that special functions and arithmetic run side by side.
class ExponentialSplit {
public:
  explicit ExponentialSplit(int64_t ofSixteen) : ofSixteen(ofSixteen) {}

  /// Decides for one more, which is to be emitted where `builder` stands.
  bool isPolynomial(mlir::OpBuilder &builder) {
    int64_t &number = seen[builder.getInsertionBlock()];
    int64_t before = number * ofSixteen / Placement::allPolynomials;
    bool isNext = ++number * ofSixteen / Placement::allPolynomials > before;
    ++(isNext ? polynomials : special);
    return isNext;
  }

  /// How many there are of both kinds.
  int64_t polynomials = 0, special = 0;

private:
  int64_t ofSixteen;
  llvm::DenseMap<mlir::Block *, int64_t> seen;
};

} // namespace ssm

#endif
