// Asks for memory some steps ahead. Passes.td has the contract.
//
// A tensor whose memory runs along one head's channels is read a few lines a step, and each step's are in pages of
// their own. No processor sees that coming, and a step that runs through a matrix is longer than what it can look
// ahead. Nor does one wait for more than a dozen lines or so at a time: what is asked for in one go holds up the rest,
// so the requests are spread over a step.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"
#include "llvm/ADT/MapVector.h"
#include <set>

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
/// Parts into which a step is cut, at most; turns of a loop, and lines, that are worth one.
constexpr int64_t mostPieces = 4, fewTurns = 8, fewLines = 4;

/// Where one step reads or writes a tensor.
struct Access {
  Value offset;
  Type stored;
  bool isStore;
  /// A loop inside that goes along the tensor's memory.
  scf::ForOp inner = {};
};

/// Whether a loop over steps has its states in memory, and runs through them in loops inside.
bool runsThroughStates(scf::ForOp loop) {
  return loop.getNumResults() == 0 && loop.getInductionVar().getType().isInteger(64) &&
         matchPattern(loop.getStep(), m_One()) && !loop.getBody()->getOps<scf::ForOp>().empty();
}

class Prefetcher {
public:
  Prefetcher(scf::ForOp loop, int64_t distance)
      : loop(loop), distance(distance), loc(loop.getLoc()), builder(OpBuilder::atBlockTerminator(loop.getBody())) {}

  void run() {
    loop.walk([&](Operation *op) {
      if (auto load = dyn_cast<TileLoadOp>(op))
        add(load, load.getResult(), /*isStore=*/false);
      else if (auto store = dyn_cast<TileStoreOp>(op))
        add(store, store.getValue(), /*isStore=*/true);
    });
    for (auto &[pointer, list] : accesses)
      llvm::erase_if(list, [&, many = static_cast<size_t>(llvm::count_if(list, isOfStep)) >
                                      fewAccesses](const Access &access) { return many && isOfStep(access); });
    scf::ForOp host = findHost();
    if (host)
      builder.setInsertionPoint(host);
    dropRepeated(host ? host->getParentOfType<scf::ForOp>() : loop);
    if (host)
      return spread(host);
    for (const Line &line : lines())
      prefetch(line);
  }

private:
  static bool isOfStep(const Access &access) { return !access.inner; }

  /// Notes an access to a tensor at an address that the step decides, or the step and the number of one loop inside it,
  /// element after element. Lanes apart from each other are left alone.
  template <typename Op> void add(Op op, Value value, bool isStore) {
    bool isArgument = isa<BlockArgument>(op.getPointer());
    bool isRow = op.getStrides().empty() || matchPattern(op.getStrides()[0], m_One()) ||
                 matchPattern(op.getStrides()[0], m_Zero());
    if (!isArgument || !isRow || isa<scf::IfOp>(op->getParentOp()) || !dependsOn(op.getOffset(), loop))
      return;
    scf::ForOp inner;
    for (auto around = op->template getParentOfType<scf::ForOp>(); around != loop;
         around = around->template getParentOfType<scf::ForOp>()) {
      int64_t times = timesCounted(op.getOffset(), around);
      if (times > 1 || (times == 1 && inner))
        return;
      if (times == 1)
        inner = around;
    }
    if (inner ? !linesOf(inner, op.getStored()) : op.getOffset() == loop.getInductionVar())
      return;
    accesses[op.getPointer()].push_back({op.getOffset(), op.getStored(), isStore, inner});
  }

  /// The numbers of an inner loop that reach another line each: the first, how far apart, and how many; none if they
  /// are not few.
  struct Lines {
    int64_t first, apart, count;
  };
  std::optional<Lines> linesOf(scf::ForOp inner, Type stored) {
    std::optional<int64_t> turns = turnsOf(inner);
    int64_t perLine = lineBits / stored.getIntOrFloatBitWidth();
    if (!turns)
      return std::nullopt;
    int64_t step = *getConstantIntValue(inner.getStep());
    if (*turns * step > mostLines * perLine)
      return std::nullopt;
    return Lines{*getConstantIntValue(inner.getLowerBound()), std::max(step, perLine),
                 static_cast<int64_t>(llvm::divideCeil(*turns * step, std::max(step, perLine)))};
  }

  /// Drops accesses that reach the lines of another one, rather than one that goes along with `around`.
  void dropRepeated(scf::ForOp around) {
    std::set<std::tuple<void *, void *, int64_t, int64_t, int64_t>> known;
    Value zero = constant(0);
    auto isNew = [&](Value pointer, Access access) {
      Lines lines = access.inner ? *linesOf(access.inner, access.stored) : Lines{0, 0, 1};
      IRMapping ahead;
      if (access.inner)
        ahead.map(access.inner.getInductionVar(), zero);
      Value offset = offsetAhead(access.offset, ahead);
      return known
          .insert({pointer.getAsOpaquePointer(), offset.getAsOpaquePointer(), lines.first, lines.apart, lines.count})
          .second;
    };
    for (auto &[pointer, list] : accesses) {
      SmallVector<Access> kept;
      for (bool isWithAround : {true, false})
        for (const Access &access : list)
          if ((access.inner == around) == isWithAround && isNew(pointer, access))
            kept.push_back(access);
      list = std::move(kept);
    }
  }

  /// One line of an access: its number among those of the inner loop.
  struct Line {
    Value pointer;
    Access access;
    Value number;
  };

  SmallVector<Line> lines() {
    SmallVector<Line> result;
    for (auto &[pointer, list] : accesses)
      for (const Access &access : list) {
        if (!access.inner) {
          result.push_back({pointer, access, {}});
          continue;
        }
        Lines lines = *linesOf(access.inner, access.stored);
        for (int64_t number = 0; number < lines.count; ++number)
          result.push_back({pointer, access, constant(lines.first + number * lines.apart)});
      }
    return result;
  }

  void prefetch(Line line) {
    IRMapping ahead;
    if (line.number)
      ahead.map(line.access.inner.getInductionVar(), line.number);
    Value offset = offsetAhead(line.access.offset, ahead);
    if (!asked.insert({line.pointer, offset}).second)
      return;
    Value address = addressOf(builder, loc, line.pointer, offset, line.access.stored);
    LLVM::Prefetch::create(builder, loc, address, /*rw=*/line.access.isStore, /*hint=*/3, /*cache=*/1);
  }

  //===--------------------------------------------------------------------===//
  // In pieces
  //===--------------------------------------------------------------------===//

  /// The first innermost loop that takes a step's time, inside no more than one other.
  scf::ForOp findHost() {
    scf::ForOp host;
    loop.walk([&](scf::ForOp inner) {
      if (inner == loop || !matchPattern(inner.getStep(), m_One()) ||
          turnsOf(inner).value_or(0) < mostPieces * fewTurns || !inner.getBody()->getOps<scf::ForOp>().empty())
        return;
      scf::ForOp around = inner->getParentOfType<scf::ForOp>();
      bool isNear =
          inner->getParentOp() == around &&
          (around == loop || (around->getParentOp() == loop && turnsOf(around) && around.getNumResults() == 0));
      if (isNear && (!host || *turnsOf(inner) > *turnsOf(host)))
        host = inner;
    });
    return host;
  }

  /// What to ask for at each turn of a loop around the host: lines that it goes along itself, and a share of others.
  SmallVector<Line> linesOfTurn(scf::ForOp around) {
    SmallVector<Line> result;
    int64_t turns = *turnsOf(around);
    Value from = once(arith::SubIOp::create(builder, loc, around.getInductionVar(), around.getLowerBound()));
    Value turn = once(arith::DivSIOp::create(builder, loc, from, around.getStep()));
    for (auto &[pointer, list] : accesses)
      for (const Access &access : list) {
        if (!access.inner || access.inner == around) {
          result.push_back({pointer, access, {}});
          continue;
        }
        Lines lines = *linesOf(access.inner, access.stored);
        int64_t share = llvm::divideCeil(lines.count, turns);
        Value first = once(arith::MulIOp::create(builder, loc, turn, constant(share * lines.apart)));
        for (int64_t number = 0; number < share; ++number) {
          Value apart = constant(lines.first + number * lines.apart);
          result.push_back({pointer, access, once(arith::AddIOp::create(builder, loc, first, apart))});
        }
      }
    return result;
  }

  /// Cuts the loop in pieces, and asks for some lines before each of them: a processor waits for no more than a dozen
  /// or so at a time.
  void spread(scf::ForOp host) {
    auto around = host->getParentOfType<scf::ForOp>();
    builder.setInsertionPoint(host);
    SmallVector<Line> wanted = around == loop ? lines() : linesOfTurn(around);
    int64_t pieces = std::clamp<int64_t>(wanted.size() / fewLines, 1, mostPieces);
    int64_t from = *getConstantIntValue(host.getLowerBound()), turns = *turnsOf(host);
    Value end = host.getUpperBound();
    ArrayRef<Line> rest = wanted;
    scf::ForOp piece = host;
    for (int64_t number = 0; number < pieces; ++number) {
      builder.setInsertionPoint(piece);
      size_t count = llvm::divideCeil(rest.size(), pieces - number);
      for (const Line &line : rest.take_front(count))
        prefetch(line);
      rest = rest.drop_front(count);
      bool isLast = number == pieces - 1;
      Value until = isLast ? end
                           : arith::ConstantOp::create(builder, loc,
                                                       builder.getI64IntegerAttr(from + turns * (number + 1) / pieces))
                                 .getResult();
      scf::ForOp next;
      if (!isLast) {
        builder.setInsertionPointAfter(piece);
        next = cast<scf::ForOp>(builder.clone(*piece));
        piece->replaceAllUsesWith(next->getResults());
        next.setLowerBound(until);
        next.getInitArgsMutable().assign(piece.getResults());
      }
      piece.setUpperBound(until);
      piece = next;
    }
  }

  bool dependsOn(Value offset, scf::ForOp around) {
    if (offset == around.getInductionVar())
      return true;
    Operation *op = offset.getDefiningOp();
    return op && loop->isAncestor(op) &&
           llvm::any_of(op->getOperands(), [&](Value operand) { return dependsOn(operand, around); });
  }

  Value constant(int64_t number) {
    return once(arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(number)));
  }

  /// The result of an operation just made, or of an equal one made before.
  Value once(Operation *op) {
    for (Operation *before : made)
      if (OperationEquivalence::isEquivalentTo(before, op, OperationEquivalence::IgnoreLocations)) {
        op->erase();
        return before->getResult(0);
      }
    made.push_back(op);
    return op->getResult(0);
  }

  /// The offset as it is `distance` steps later.
  Value offsetAhead(Value offset, IRMapping &ahead) {
    if (Value known = ahead.lookupOrNull(offset))
      return known;
    if (!loop->isAncestor(offset.getParentBlock()->getParentOp()))
      return offset;
    Value later = offset;
    Operation *op = offset.getDefiningOp();
    if (offset == loop.getInductionVar()) {
      later = once(arith::AddIOp::create(builder, loc, offset, constant(distance)));
    } else if (op && op->getNumResults() == 1 && isMemoryEffectFree(op)) {
      for (Value operand : op->getOperands())
        offsetAhead(operand, ahead);
      later = once(builder.clone(*op, ahead));
    }
    ahead.map(offset, later);
    return later;
  }

  scf::ForOp loop;
  int64_t distance;
  Location loc;
  OpBuilder builder;
  llvm::MapVector<Value, SmallVector<Access>> accesses;
  SmallVector<Operation *> made;
  llvm::DenseSet<std::pair<Value, Value>> asked;
};

struct Prefetch : ssm::impl::PrefetchBase<Prefetch> {
  using PrefetchBase::PrefetchBase;

  void runOnOperation() override {
    getOperation().walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      if (!runsThroughStates(loop))
        return WalkResult::advance();
      Prefetcher(loop, distance).run();
      return WalkResult::skip();
    });
  }
};
} // namespace
