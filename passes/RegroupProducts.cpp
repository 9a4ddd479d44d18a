// Orders products by what their factors vary along. Passes.td has the contract.

#include "dialect/DimensionAnalysis.h"
#include "dialect/RowPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Passes.h"
#include <numbers>

namespace ssm {
#define GEN_PASS_DEF_REGROUPPRODUCTS
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// A size that is not known is taken to be this.
constexpr double typicalSize = 64;

struct Factor {
  Value value;
  DimSet set;
};

class Regrouper {
public:
  explicit Regrouper(RecurrenceOp recurrence)
      : recurrence(recurrence), dims(recurrence), isShort(RowPlan(recurrence).isInPlace()), builder(recurrence) {}

  void run() {
    SmallVector<arith::MulFOp> products;
    SmallVector<math::ExpOp> exponentials;
    for (Operation &op : recurrence.getBody().front())
      if (auto product = dyn_cast<arith::MulFOp>(op); product && !isInner(product))
        products.push_back(product);
      else if (auto exponential = dyn_cast<math::ExpOp>(op))
        exponentials.push_back(exponential);
    for (math::ExpOp exponential : exponentials)
      useBaseTwo(exponential);
    for (arith::MulFOp product : products)
      regroup(product);
    eraseDead();
  }

private:
  /// Operations that one step does for a value that varies along `set`.
  double costOf(DimSet set) {
    if (!set.contains(dims.scan()) && !isShort)
      return 0;
    double cost = 1;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && set.contains(dim))
        cost *= std::max<double>(1, recurrence.sizeOf(dims.name(dim)).value_or(typicalSize));
    return cost;
  }

  /// Dimensions of a value, one made here among them.
  DimSet setOf(Value value) {
    auto it = made.find(value);
    return it == made.end() ? dims.of(value) : it->second;
  }
  Value record(Value value, DimSet set) {
    made[value] = set;
    return value;
  }

  /// Whether the product is a factor of another one, and nothing else.
  bool isInner(arith::MulFOp product) { return product->hasOneUse() && isa<arith::MulFOp>(*product->user_begin()); }

  /// Appends the factors of `value`; returns what the products among them cost.
  double collect(Value value, SmallVectorImpl<Factor> &factors, bool isRoot) {
    auto product = value.getDefiningOp<arith::MulFOp>();
    if (!product || (!isRoot && !isInner(product))) {
      factors.push_back({value, setOf(value)});
      return 0;
    }
    double below = collect(product.getLhs(), factors, false) + collect(product.getRhs(), factors, false);
    return below + costOf(setOf(value));
  }

  /// Multiplies factors that do not vary in time into one: in f64, from before they were rounded.
  void joinFixed(SmallVectorImpl<Factor> &factors, Location loc) {
    SmallVector<Factor> fixed, rest;
    for (const Factor &factor : factors)
      (isFixed(factor) ? fixed : rest).push_back(factor);
    if (fixed.size() < 2 || isShort)
      return;
    Type type = fixed.front().value.getType(), f64 = builder.getF64Type();
    Factor product;
    for (const Factor &factor : fixed) {
      Value wide = factor.value;
      if (auto rounded = wide.getDefiningOp<arith::TruncFOp>(); rounded && rounded.getIn().getType() == f64)
        wide = rounded.getIn();
      else if (type != f64)
        wide = arith::ExtFOp::create(builder, loc, f64, wide);
      product.value = product.value ? Value(arith::MulFOp::create(builder, loc, product.value, wide)) : wide;
      product.set = product.set | factor.set;
    }
    if (type != f64)
      product.value = arith::TruncFOp::create(builder, loc, type, product.value);
    record(product.value, product.set);
    factors.assign(1, product);
    factors.append(rest);
  }

  bool isFixed(const Factor &factor) { return !factor.set.contains(dims.scan()); }

  /// Multiplies, one after another, the two factors whose product costs least, the first such two. Makes operations if
  /// `make`; returns the cost.
  double multiply(SmallVectorImpl<Factor> &factors, bool make, Location loc) {
    double cost = 0;
    while (factors.size() > 1) {
      size_t left = 0, right = 1;
      for (size_t i = 0; i < factors.size(); ++i)
        for (size_t j = i + 1; j < factors.size(); ++j)
          if (costOf(factors[i].set | factors[j].set) < costOf(factors[left].set | factors[right].set))
            left = i, right = j;
      factors[left].set = factors[left].set | factors[right].set;
      cost += costOf(factors[left].set);
      if (make)
        factors[left].value =
            record(arith::MulFOp::create(builder, loc, factors[left].value, factors[right].value), factors[left].set);
      factors.erase(factors.begin() + right);
    }
    return cost;
  }

  void regroup(arith::MulFOp product) {
    SmallVector<Factor> factors;
    double before = collect(product, factors, /*isRoot=*/true);
    SmallVector<Factor> trial = factors;
    if (factors.size() < 3 || multiply(trial, /*make=*/false, product.getLoc()) >= before)
      return;
    builder.setInsertionPoint(product);
    joinFixed(factors, product.getLoc());
    multiply(factors, /*make=*/true, product.getLoc());
    product.replaceAllUsesWith(factors.front().value);
  }

  /// exp(x·c), where c does not vary in time, is 2^(x·(c·log2(e))).
  void useBaseTwo(math::ExpOp exponential) {
    Value exponent = exponential.getOperand();
    double base = std::numbers::log2e;
    if (auto negated = exponent.getDefiningOp<arith::NegFOp>()) {
      exponent = negated.getOperand();
      base = -base;
    }
    if (!setOf(exponent).contains(dims.scan()) || !exponent.getDefiningOp<arith::MulFOp>())
      return;
    SmallVector<Factor> factors;
    collect(exponent, factors, /*isRoot=*/true);
    if (llvm::none_of(factors, [&](const Factor &factor) { return isFixed(factor); }))
      return;
    builder.setInsertionPoint(exponential);
    Location loc = exponential.getLoc();
    Value number = arith::ConstantOp::create(builder, loc, builder.getF64FloatAttr(base));
    if (!exponent.getType().isF64())
      number = arith::TruncFOp::create(builder, loc, exponent.getType(), number);
    factors.push_back({number, DimSet()});
    joinFixed(factors, loc);
    multiply(factors, /*make=*/true, loc);
    Value power = math::Exp2Op::create(builder, loc, factors.front().value, exponential.getFastmath());
    exponential.replaceAllUsesWith(record(power, factors.front().set));
  }

  /// Erases what was replaced and what only that used.
  void eraseDead() {
    SmallVector<Operation *> body = llvm::to_vector(llvm::make_pointer_range(recurrence.getBody().front()));
    for (Operation *op : llvm::reverse(body))
      if (isa<arith::MulFOp, arith::NegFOp, arith::TruncFOp, math::ExpOp>(op) && op->use_empty())
        op->erase();
  }

  RecurrenceOp recurrence;
  DimensionAnalysis dims;
  /// Few steps: what does not vary in time is computed as often as the rest, or nearly.
  bool isShort;
  OpBuilder builder;
  llvm::DenseMap<Value, DimSet> made;
};

struct RegroupProducts : ssm::impl::RegroupProductsBase<RegroupProducts> {
  void runOnOperation() override { Regrouper(getOperation()).run(); }
};
} // namespace
