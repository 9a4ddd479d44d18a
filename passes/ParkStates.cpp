// Keeps states out of registers between two loops over steps. Passes.td has the contract.
//
// What LLVM carries in registers around a loop, it tries to keep in registers through everything that stands there. A
// copy or an activation that needs all of them makes it spill, and what it then spills is chosen for the whole of the
// outer loop: it is loaded and stored at every step of the inner one.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_PARKSTATES
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// The loop over steps to which an outer loop hands all that it carries, and nothing else happens to that; null if
/// there is none or nothing to gain.
scf::ForOp findInner(scf::ForOp outer) {
  SmallVector<scf::ForOp> loops(outer.getBody()->getOps<scf::ForOp>());
  if (loops.size() < 2 || outer.getNumResults() == 0)
    return nullptr;
  for (scf::ForOp inner : loops)
    if (inner.getInitArgs() == ValueRange(outer.getRegionIterArgs()) &&
        ValueRange(inner.getResults()) == outer.getYieldedValues() &&
        llvm::all_of(outer.getRegionIterArgs(),
                     [](Value value) { return isa<VectorType>(value.getType()) && value.hasOneUse(); }) &&
        llvm::all_of(inner.getResults(), [](Value value) { return value.hasOneUse(); }))
      return inner;
  return nullptr;
}

struct ParkStates : ssm::impl::ParkStatesBase<ParkStates> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> outers;
    getOperation().walk([&](scf::ForOp loop) { outers.push_back(loop); });
    for (scf::ForOp outer : outers)
      if (scf::ForOp inner = findInner(outer))
        park(outer, inner);
  }

  void park(scf::ForOp outer, scf::ForOp inner) {
    OpBuilder builder(&getContext());
    Location loc = outer.getLoc();
    builder.setInsertionPointToStart(&getOperation().getBody().front());
    Value one = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(1));
    SmallVector<Value> places;
    for (Value value : outer.getInitArgs())
      places.push_back(LLVM::AllocaOp::create(builder, loc, LLVM::LLVMPointerType::get(&getContext()), value.getType(),
                                              one, /*alignment=*/64));
    builder.setInsertionPoint(outer);
    store(builder, loc, outer.getInitArgs(), places);
    builder.setInsertionPoint(inner);
    SmallVector<Value> loaded = load(builder, loc, outer.getInitArgs().getTypes(), places);
    inner.getInitArgsMutable().assign(loaded);
    builder.setInsertionPointAfter(inner);
    store(builder, loc, inner.getResults(), places);

    builder.setInsertionPoint(outer);
    auto parked = scf::ForOp::create(builder, loc, outer.getLowerBound(), outer.getUpperBound(), outer.getStep());
    parked.getBody()->getTerminator()->erase();
    outer.getInductionVar().replaceAllUsesWith(parked.getInductionVar());
    parked.getBody()->getOperations().splice(parked.getBody()->end(), outer.getBody()->getOperations());
    auto yield = cast<scf::YieldOp>(parked.getBody()->getTerminator());
    builder.setInsertionPoint(yield);
    scf::YieldOp::create(builder, loc);
    yield.erase();
    builder.setInsertionPointAfter(parked);
    outer.replaceAllUsesWith(load(builder, loc, outer.getResultTypes(), places));
    outer.erase();
  }

  // Volatile, or LLVM would put them back into registers.
  static void store(OpBuilder &builder, Location loc, ValueRange values, ArrayRef<Value> places) {
    for (auto [value, place] : llvm::zip_equal(values, places))
      LLVM::StoreOp::create(builder, loc, value, place, /*alignment=*/64, /*isVolatile=*/true);
  }
  static SmallVector<Value> load(OpBuilder &builder, Location loc, TypeRange types, ArrayRef<Value> places) {
    SmallVector<Value> values;
    for (auto [type, place] : llvm::zip_equal(types, places))
      values.push_back(LLVM::LoadOp::create(builder, loc, type, place, /*alignment=*/64, /*isVolatile=*/true));
    return values;
  }
};
} // namespace
