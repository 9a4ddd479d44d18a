// Loads of the next time tile, or of the next turn's steps, while these run. Passes.td has the contract.
//
// A thread that loads a tile and uses it at once waits for memory, once a tile or twice. Here it waits no longer than
// the steps leave it to: what it loads is on its way meanwhile, in registers. Nothing is loaded that the loop would not
// load, so the first turn's is loaded before the loop where there is one, and the next one's where there is a next.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace ssm {
#define GEN_PASS_DEF_LOADAHEAD
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Loads that one thread makes under the same conditions: those of the `scf.if`s around them, outermost first.
struct Guarded {
  SmallVector<scf::IfOp> guards;
  SmallVector<LLVM::LoadOp> loads;
};

/// The kernel's argument that an address is made from; null where that is not clear.
BlockArgument argumentOf(Value address) {
  while (auto place = address.getDefiningOp<LLVM::GEPOp>())
    address = place.getBase();
  auto argument = dyn_cast<BlockArgument>(address);
  return argument && isa<func::FuncOp>(argument.getOwner()->getParentOp()) ? argument : BlockArgument();
}

/// Arrays that the kernel may write, and those that may be the same memory. Whatever takes an address and does not only
/// read there may write.
DenseSet<Value> findWritten(func::FuncOp kernel) {
  DenseSet<Value> written;
  kernel.walk([&](Operation *op) {
    if (isa<LLVM::LoadOp, LLVM::MaskedLoadOp, LLVM::masked_gather, LLVM::GEPOp, NVVM::CpAsyncOp>(op))
      return;
    for (Value operand : op->getOperands())
      if (isa<LLVM::LLVMPointerType>(getElementTypeOrSelf(operand.getType())))
        written.insert(argumentOf(operand));
  });
  for (BlockArgument argument : kernel.getArguments())
    if (!kernel.getArgAttr(argument.getArgNumber(), LLVM::LLVMDialect::getNoAliasAttrName()))
      written.insert(argument);
  return written;
}

/// A loop over tiles, or over several steps a turn.
class LoopOverTurns {
public:
  LoopOverTurns(scf::ForOp loop, const DenseSet<Value> &written) : loop(loop), written(written) {}

  void loadAhead() {
    Block *body = loop.getBody();
    auto barriers = llvm::to_vector(body->getOps<gpu::BarrierOp>());
    if (barriers.empty()) {
      // A turn of one step is what is left of others.
      if (getConstantIntValue(loop.getStep()).value_or(1) == 1 || !body->getOps<scf::ForOp>().empty())
        return;
      steps = &body->front();
      for (Guarded &group : collect(body->begin(), body->end()))
        carry(group);
      return;
    }
    SmallVector<Guarded> before = collect(body->begin(), Block::iterator(barriers.front()));
    SmallVector<Guarded> after = collect(Block::iterator(barriers.back()), body->end());
    // What the stages before the steps need for themselves is over by then.
    steps = barriers.front()->getNextNode();
    for (Guarded &group : after)
      replace(group, emit(steps, group, loop.getInductionVar(), /*exists=*/{}));
    for (Guarded &group : before)
      carry(group);
  }

private:
  /// Loads from arrays that the kernel does not write, whose addresses and conditions follow from the loop's counter.
  SmallVector<Guarded> collect(Block::iterator from, Block::iterator to) {
    SmallVector<Guarded> found;
    SmallVector<scf::IfOp> guards;
    collect(from, to, guards, found);
    return found;
  }

  void collect(Block::iterator from, Block::iterator to, SmallVector<scf::IfOp> &guards, SmallVector<Guarded> &found) {
    Guarded own{guards, {}};
    for (Operation &op : llvm::make_range(from, to)) {
      if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
        BlockArgument array = argumentOf(load.getAddr());
        if (array && !written.contains(array) && !load.getVolatile_() &&
            load.getOrdering() == LLVM::AtomicOrdering::not_atomic && followsFromCounter(load.getAddr()))
          own.loads.push_back(load);
      } else if (auto choice = dyn_cast<scf::IfOp>(op); choice && followsFromCounter(choice.getCondition())) {
        guards.push_back(choice);
        Block *block = choice.thenBlock();
        collect(block->begin(), block->end(), guards, found);
        guards.pop_back();
      }
    }
    if (!own.loads.empty())
      found.push_back(std::move(own));
  }

  bool followsFromCounter(Value value) {
    if (value == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(value))
      return true;
    Operation *op = value.getDefiningOp();
    return op && op->getNumRegions() == 0 && isPure(op) &&
           llvm::all_of(op->getOperands(), [&](Value operand) { return followsFromCounter(operand); });
  }

  /// A value as it is where the counter is what `map` says.
  Value clone(OpBuilder &builder, Value value, IRMapping &map) {
    if (Value known = map.lookupOrNull(value))
      return known;
    if (loop.isDefinedOutsideOfLoop(value))
      return value;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      clone(builder, operand, map);
    builder.clone(*op, map);
    return map.lookup(value);
  }

  /// Emits a group's loads for a turn in which the counter is `counter`, where `exists` holds (null: it does).
  SmallVector<Value> emit(Operation *place, Guarded &group, Value counter, Value exists) {
    OpBuilder builder(place);
    Location loc = loop.getLoc();
    IRMapping map;
    map.map(loop.getInductionVar(), counter);
    Value condition = exists;
    for (scf::IfOp guard : group.guards) {
      Value own = clone(builder, guard.getCondition(), map);
      condition = condition ? builder.createOrFold<arith::AndIOp>(loc, condition, own) : own;
    }
    auto load = [&](OpBuilder &at) {
      IRMapping inner(map);
      return llvm::map_to_vector(group.loads, [&](LLVM::LoadOp load) -> Value {
        clone(at, load.getAddr(), inner);
        return at.clone(*load, inner)->getResult(0);
      });
    };
    if (!condition)
      return load(builder);
    auto choice = scf::IfOp::create(
        builder, loc, condition, [&](OpBuilder &at, Location) { scf::YieldOp::create(at, loc, load(at)); },
        [&](OpBuilder &at, Location) {
          scf::YieldOp::create(at, loc, llvm::map_to_vector(group.loads, [&](LLVM::LoadOp load) -> Value {
                                 return ub::PoisonOp::create(at, loc, load.getType());
                               }));
        });
    return llvm::to_vector_of<Value>(choice.getResults());
  }

  static void replace(Guarded &group, ValueRange values) {
    for (auto [load, value] : llvm::zip_equal(group.loads, values)) {
      load.replaceAllUsesWith(value);
      load.erase();
    }
  }

  /// Carries what a group loads from turn to turn.
  void carry(Guarded &group) {
    OpBuilder builder(loop);
    Location loc = loop.getLoc();
    auto isBelow = [&](OpBuilder &at, Value counter) -> Value {
      return arith::CmpIOp::create(at, loc, arith::CmpIPredicate::slt, counter, loop.getUpperBound());
    };
    SmallVector<Value> first = emit(loop, group, loop.getLowerBound(), isBelow(builder, loop.getLowerBound()));
    OpBuilder inner(steps);
    Value next = arith::AddIOp::create(inner, loc, loop.getInductionVar(), loop.getStep());
    SmallVector<Value> later = emit(steps, group, next, isBelow(inner, next));
    IRRewriter rewriter(loop);
    auto carried = cast<scf::ForOp>(*cast<LoopLikeOpInterface>(*loop).replaceWithAdditionalYields(
        rewriter, first, /*replaceInitOperandUsesInLoop=*/false,
        [&](OpBuilder &, Location, ArrayRef<BlockArgument>) { return later; }));
    loop = carried;
    replace(group, carried.getRegionIterArgs().take_back(first.size()));
  }

  scf::ForOp loop;
  const DenseSet<Value> &written;
  /// The first operation behind what stages do before the steps.
  Operation *steps = nullptr;
};

struct LoadAhead : ssm::impl::LoadAheadBase<LoadAhead> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->removeAttr("ssm.load_ahead"))
      return;
    DenseSet<Value> written = findWritten(kernel);
    SmallVector<scf::ForOp> loops;
    kernel.walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      LoopOverTurns(loop, written).loadAhead();
  }
};
} // namespace
