// Asks for memory some steps ahead. Passes.td has the contract.
//
// A tensor whose memory runs along one head's channels is read a few lines a step, and each step's are in pages of
// their own. No processor sees that coming, and a step that runs through a matrix is longer than what it can look
// ahead.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace ssm {
#define GEN_PASS_DEF_PREFETCH
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Of a tensor that takes more accesses a step than this, the accesses of one step are neighbours, as a rule: that is a
/// pattern that processors do see.
constexpr size_t fewAccesses = 8;
/// Rows that an inner loop reads: longer ones processors follow themselves.
constexpr int64_t mostLines = 4, lineBits = 512;

/// Where one step reads or writes a tensor.
struct Access {
  Value offset;
  Type stored;
  bool isStore;
};

/// Whether a loop over steps has its states in memory, and runs through them in loops inside.
bool runsThroughStates(scf::ForOp loop) {
  return loop.getNumResults() == 0 && loop.getInductionVar().getType().isInteger(64) &&
         matchPattern(loop.getStep(), m_One()) && !loop.getBody()->getOps<scf::ForOp>().empty() &&
         llvm::all_of(loop.getBody()->getOps<scf::ForOp>(),
                      [](scf::ForOp inner) { return inner.getBody()->getOps<scf::ForOp>().empty(); });
}

class Prefetcher {
public:
  Prefetcher(scf::ForOp loop, int64_t distance)
      : loop(loop), distance(distance), loc(loop.getLoc()), builder(OpBuilder::atBlockTerminator(loop.getBody())) {}

  void run() {
    for (Operation &op : loop.getBody()->without_terminator())
      if (auto load = dyn_cast<TileLoadOp>(op))
        add(load, load.getResult(), /*isStore=*/false);
      else if (auto store = dyn_cast<TileStoreOp>(op))
        add(store, store.getValue(), /*isStore=*/true);
    IRMapping ahead;
    for (auto &[pointer, list] : accesses)
      if (list.size() <= fewAccesses)
        for (const Access &access : list)
          prefetch(pointer, access, ahead);
    for (auto inner : loop.getBody()->getOps<scf::ForOp>())
      prefetchRowsOf(inner);
  }

private:
  /// Notes an access to a tensor at an address that the step decides. Lanes apart from each other are left alone.
  template <typename Op> void add(Op op, Value value, bool isStore) {
    bool isArgument = isa<BlockArgument>(op.getPointer());
    bool isRow = op.getStrides().empty() || matchPattern(op.getStrides()[0], m_One());
    if (isArgument && isRow && op.getOffset().getParentBlock() == loop.getBody() &&
        op.getOffset() != loop.getInductionVar())
      accesses[op.getPointer()].push_back({op.getOffset(), op.getStored(), isStore});
  }

  void prefetch(Value pointer, const Access &access, IRMapping &ahead) {
    Value address = addressOf(builder, loc, pointer, offsetAhead(access.offset, ahead), access.stored);
    LLVM::Prefetch::create(builder, loc, address, /*rw=*/access.isStore, /*hint=*/3, /*cache=*/1);
  }

  /// What an inner loop reads element after element, a line at a time.
  void prefetchRowsOf(scf::ForOp inner) {
    std::optional<int64_t> from = getConstantIntValue(inner.getLowerBound()),
                           to = getConstantIntValue(inner.getUpperBound());
    if (!from || !to)
      return;
    llvm::DenseSet<std::pair<Value, Value>> seen;
    for (auto load : inner.getBody()->getOps<TileLoadOp>()) {
      if (!isa<BlockArgument>(load.getPointer()) || timesCounted(load.getOffset(), inner) != 1 ||
          !seen.insert({load.getPointer(), load.getOffset()}).second)
        continue;
      int64_t perLine = lineBits / load.getStored().getIntOrFloatBitWidth();
      if (*to - *from > mostLines * perLine)
        continue;
      for (int64_t first = *from; first < *to; first += perLine) {
        IRMapping ahead;
        ahead.map(inner.getInductionVar(),
                  arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(first)).getResult());
        prefetch(load.getPointer(), {load.getOffset(), load.getStored(), false}, ahead);
      }
    }
  }

  /// How often the inner loop's number is added up in the offset; 2 where it is multiplied.
  int64_t timesCounted(Value offset, scf::ForOp inner) {
    if (offset == inner.getInductionVar())
      return 1;
    Operation *op = offset.getDefiningOp();
    if (!op || op->getBlock() != inner.getBody())
      return 0;
    int64_t times = 0;
    for (Value operand : op->getOperands())
      times += timesCounted(operand, inner);
    return isa<arith::AddIOp>(op) || times == 0 ? times : 2;
  }

  /// The offset as it is `distance` steps later.
  Value offsetAhead(Value offset, IRMapping &ahead) {
    if (Value known = ahead.lookupOrNull(offset))
      return known;
    if (!loop->isAncestor(offset.getParentBlock()->getParentOp()))
      return offset;
    if (offset == loop.getInductionVar()) {
      Value steps = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(distance));
      Value later = arith::AddIOp::create(builder, loc, offset, steps);
      ahead.map(offset, later);
      return later;
    }
    Operation *op = offset.getDefiningOp();
    if (!op || op->getNumResults() != 1 || !isMemoryEffectFree(op))
      return offset;
    for (Value operand : op->getOperands())
      offsetAhead(operand, ahead);
    return builder.clone(*op, ahead)->getResult(0);
  }

  scf::ForOp loop;
  int64_t distance;
  Location loc;
  OpBuilder builder;
  llvm::MapVector<Value, SmallVector<Access>> accesses;
};

struct Prefetch : ssm::impl::PrefetchBase<Prefetch> {
  using PrefetchBase::PrefetchBase;

  void runOnOperation() override {
    getOperation().walk([&](scf::ForOp loop) {
      if (runsThroughStates(loop))
        Prefetcher(loop, distance).run();
    });
  }
};
} // namespace
