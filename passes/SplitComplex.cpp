// Real times complex first, where upstream would multiply by the zero imaginary part; then upstream's own conversion.

#include "mlir/Conversion/ComplexToStandard/ComplexToStandard.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_SPLITCOMPLEX
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;

namespace {
/// The real number that was widened to `value`, or null.
Value widenedReal(Value value) {
  auto create = value.getDefiningOp<complex::CreateOp>();
  return create && matchPattern(create.getImaginary(), m_AnyZeroFloat()) ? create.getReal() : Value();
}

struct ScaleByReal : OpRewritePattern<complex::MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(complex::MulOp op, PatternRewriter &rewriter) const override {
    Value real = widenedReal(op.getRhs()), number = op.getLhs();
    if (!real) {
      real = widenedReal(op.getLhs());
      number = op.getRhs();
    }
    if (!real)
      return rewriter.notifyMatchFailure(op, "neither factor is a real number");
    Location loc = op.getLoc();
    Value re = arith::MulFOp::create(rewriter, loc, complex::ReOp::create(rewriter, loc, number), real);
    Value im = arith::MulFOp::create(rewriter, loc, complex::ImOp::create(rewriter, loc, number), real);
    rewriter.replaceOpWithNewOp<complex::CreateOp>(op, op.getType(), re, im);
    return success();
  }
};

struct DivideByReal : OpRewritePattern<complex::DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(complex::DivOp op, PatternRewriter &rewriter) const override {
    Value real = widenedReal(op.getRhs());
    if (!real)
      return rewriter.notifyMatchFailure(op, "the divisor is not a real number");
    Location loc = op.getLoc();
    Value re = arith::DivFOp::create(rewriter, loc, complex::ReOp::create(rewriter, loc, op.getLhs()), real);
    Value im = arith::DivFOp::create(rewriter, loc, complex::ImOp::create(rewriter, loc, op.getLhs()), real);
    rewriter.replaceOpWithNewOp<complex::CreateOp>(op, op.getType(), re, im);
    return success();
  }
};

struct AddReal : OpRewritePattern<complex::AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(complex::AddOp op, PatternRewriter &rewriter) const override {
    Value real = widenedReal(op.getRhs()), number = op.getLhs();
    if (!real) {
      real = widenedReal(op.getLhs());
      number = op.getRhs();
    }
    if (!real)
      return rewriter.notifyMatchFailure(op, "neither operand is a real number");
    Location loc = op.getLoc();
    Value re = arith::AddFOp::create(rewriter, loc, complex::ReOp::create(rewriter, loc, number), real);
    Value im = complex::ImOp::create(rewriter, loc, number);
    rewriter.replaceOpWithNewOp<complex::CreateOp>(op, op.getType(), re, im);
    return success();
  }
};

struct SplitComplex : ssm::impl::SplitComplexBase<SplitComplex> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet simplify(context);
    simplify.add<ScaleByReal, DivideByReal, AddReal>(context);
    complex::ReOp::getCanonicalizationPatterns(simplify, context);
    complex::ImOp::getCanonicalizationPatterns(simplify, context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(simplify))))
      return signalPassFailure();

    RewritePatternSet convert(context);
    populateComplexToStandardConversionPatterns(convert, complex::ComplexRangeFlags::improved);
    ConversionTarget target(*context);
    target.addLegalDialect<arith::ArithDialect, math::MathDialect, ssm::SsmDialect>();
    target.addLegalOp<complex::ConstantOp, complex::CreateOp, complex::ImOp, complex::ReOp>();
    target.addIllegalDialect<complex::ComplexDialect>();
    if (failed(applyPartialConversion(getOperation(), target, std::move(convert))))
      return signalPassFailure();
    // Parts of what has just been created fold away.
    if (failed(applyPatternsGreedily(getOperation(), RewritePatternSet(context))))
      return signalPassFailure();
  }
};
} // namespace
