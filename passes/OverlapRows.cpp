// Puts the operations of rows that do not depend on each other between each other. Passes.td has the contract.
//
// Rows stand in one piece each, so that few registers are live. A row is a chain of operations that each wait four
// clocks or more for the one before, and a processor looks for work in some hundred operations that wait: that is two
// chains of an exponential, where it takes eight to fill two pipes. In the order of a list scheduler what comes next is
// ready as a rule, and little waits.

#include "dialect/Ssm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace ssm {
#define GEN_PASS_DEF_OVERLAPROWS
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Operations that begin in one clock.
constexpr int64_t pipes = 2;
/// Clocks until a result is there.
constexpr int64_t latency = 4, loadLatency = 7, divisionLatency = 14;
/// How far ahead of the first operation that waits another may be taken.
constexpr size_t window = 96;
/// Constants that are worth a register each; others are read from memory where they are used.
constexpr int64_t mostConstants = 8;
/// Registers of one row's chain: what it begins with, a sum, and what is multiplied in at its end.
constexpr int64_t chain = 3;
/// Registers for what the code generator keeps of its own: broadcasts and loads that it does not fold.
constexpr int64_t spare = 4;

/// Registers for what comparisons have found.
constexpr int64_t masks = 5;

bool isMask(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getElementType().isInteger(1);
}
bool isRow(Type type) { return isa<VectorType>(type) && !isMask(type); }

/// Addresses, constants, and what takes no instruction of its own: it goes where it is first used.
bool isHelper(Operation &op) {
  if (op.hasTrait<OpTrait::ConstantLike>() || isa<vector::BroadcastOp>(op))
    return true;
  return isMemoryEffectFree(&op) && op.getNumResults() == 1 &&
         isa<IntegerType, IndexType, LLVM::LLVMPointerType>(op.getResult(0).getType());
}

/// The array that an access is to, where arrays of different values are different memory: an argument, or memory that
/// this function has set aside.
Value arrayOf(Value pointer) {
  while (auto element = pointer.getDefiningOp<LLVM::GEPOp>())
    pointer = element.getBase();
  bool isArgument = isa<BlockArgument>(pointer) && isa<func::FuncOp>(pointer.getParentBlock()->getParentOp());
  return isArgument || pointer.getDefiningOp<LLVM::AllocaOp>() ? pointer : Value();
}

Value arrayOf(Operation *op) {
  if (auto load = dyn_cast<TileLoadOp>(op))
    return arrayOf(load.getPointer());
  return arrayOf(cast<TileStoreOp>(op).getPointer());
}

int64_t latencyOf(Operation *op) {
  if (isa<TileLoadOp>(op))
    return loadLatency;
  if (isa<TileStoreOp, arith::BitcastOp>(op))
    return 0;
  if (isa<arith::DivFOp, math::SqrtOp>(op))
    return divisionLatency;
  return latency;
}

/// Whether the pass knows all that the operation depends on and does.
bool canMove(Operation &op) {
  return op.getNumRegions() == 0 && !op.hasTrait<OpTrait::IsTerminator>() &&
         (isa<TileLoadOp, TileStoreOp, LLVM::Prefetch, LLVM::CallIntrinsicOp>(op) || isMemoryEffectFree(&op));
}

/// Operations in a row that all can move.
class Scheduler {
public:
  Scheduler(ArrayRef<Operation *> operations, int64_t registers) : operations(operations) {
    for (auto [place, op] : llvm::enumerate(operations))
      places[op] = place;
    for (Operation *op : operations)
      if (!isHelper(*op)) {
        numbers[op] = works.size();
        works.emplace_back().op = op;
      }
    for (Work &work : works)
      addOperands(work);
    addMemory();
    countRegisters(registers);
  }

  void run() {
    if (works.size() < 2 * pipes)
      return;
    Operation *end = operations.back()->getNextNode();
    SmallVector<Operation *> order;
    while (first < works.size())
      take(choose(), order);
    for (Operation *op : operations)
      emit(op, order);
    for (Operation *op : order)
      op->moveBefore(end);
  }

private:
  struct Work {
    Operation *op = nullptr;
    /// Numbers of works that must come before, and those that wait for this one alone or with others.
    SmallVector<size_t> before, after;
    size_t waitsFor = 0;
    int64_t ready = 0;
    bool taken = false;
  };

  bool isHere(Operation *op) const { return op && places.contains(op); }

  /// The works, through helpers, whose results an operation takes.
  void findSources(Operation *op, llvm::SmallSetVector<size_t, 8> &sources) {
    for (Value operand : op->getOperands())
      if (Operation *from = operand.getDefiningOp(); isHere(from)) {
        if (auto it = numbers.find(from); it != numbers.end())
          sources.insert(it->second);
        else
          findSources(from, sources);
      }
  }

  void addOperands(Work &work) {
    llvm::SmallSetVector<size_t, 8> sources;
    findSources(work.op, sources);
    for (size_t source : sources)
      addOrder(source, &work - works.data());
  }

  void addOrder(size_t earlier, size_t later) {
    if (llvm::is_contained(works[later].before, earlier))
      return;
    works[later].before.push_back(earlier);
    works[earlier].after.push_back(later);
    ++works[later].waitsFor;
  }

  /// Accesses to one array stay in order where one of two writes.
  void addMemory() {
    SmallVector<size_t> accesses;
    for (size_t later = 0; later < works.size(); ++later) {
      Operation *op = works[later].op;
      if (!isa<TileLoadOp, TileStoreOp>(op))
        continue;
      for (size_t earlier : llvm::reverse(accesses)) {
        Operation *other = works[earlier].op;
        if (isa<TileLoadOp>(op) && isa<TileLoadOp>(other))
          continue;
        Value here = arrayOf(op), there = arrayOf(other);
        if (here && there && here != there)
          continue;
        addOrder(earlier, later);
        // What is before that one is before this one too.
        if (isa<TileStoreOp>(other) && here && here == there)
          break;
      }
      accesses.push_back(later);
    }
  }

  void countRegisters(int64_t registers) {
    llvm::SmallPtrSet<Attribute, 16> constants;
    llvm::SmallPtrSet<Value, 16> carried;
    for (Operation *op : operations) {
      bool isWork = numbers.contains(op);
      for (Value operand : op->getOperands()) {
        if (isWork && isa<VectorType>(operand.getType()))
          users[operand].insert(op);
        if (!isRow(operand.getType()))
          continue;
        Operation *from = operand.getDefiningOp();
        if (auto constant = from ? dyn_cast<arith::ConstantOp>(from) : nullptr)
          constants.insert(constant.getValue());
        else if (!from && operand.getParentBlock() == op->getBlock())
          carried.insert(operand);
      }
    }
    temporaries = std::max(registers - static_cast<int64_t>(carried.size()) -
                               std::min<int64_t>(constants.size(), mostConstants) - spare,
                           chain);
  }

  /// How many more registers of one kind hold something after an operation than before it.
  int64_t growth(Operation *op, bool (*isKind)(Type)) {
    int64_t sum = llvm::count_if(op->getResultTypes(), isKind);
    llvm::SmallPtrSet<Value, 4> seen;
    for (Value operand : op->getOperands())
      if (auto it = users.find(operand);
          it != users.end() && isKind(operand.getType()) && seen.insert(operand).second && isLast(operand, it->second))
        --sum;
    return sum;
  }

  /// Whether a value that one more operation waits for is a register less after it.
  bool isLast(Value value, const llvm::SmallPtrSet<Operation *, 4> &waiting) {
    Operation *from = value.getDefiningOp();
    if (waiting.size() != 1)
      return false;
    if (!from)
      return value.getParentBlock() == operations.front()->getBlock();
    return numbers.contains(from) && llvm::all_of(value.getUsers(), [&](Operation *user) { return isHere(user); });
  }

  /// Whether a chain begins with an operation: it takes nothing that was computed here.
  bool isStart(Operation *op) {
    return llvm::none_of(op->getOperands(), [&](Value operand) {
      Operation *from = operand.getDefiningOp();
      return isRow(operand.getType()) && numbers.contains(from) && !isa<TileLoadOp>(from);
    });
  }

  /// Whether there are registers for an operation: what begins a chain leaves room for what follows.
  bool hasRegisters(Operation *op) {
    if (growth(op, isMask) > 0 && liveMasks == masks)
      return false;
    return growth(op, isRow) <= 0 || live + (isStart(op) ? chain : 1) <= temporaries;
  }

  /// The first work, in the order that they came in, whose operands are there and for which there are registers.
  /// For the first of all there are.
  size_t choose() {
    if (begun == pipes) {
      begun = 0;
      ++now;
    }
    for (;; ++now, begun = 0) {
      size_t seen = 0;
      int64_t next = std::numeric_limits<int64_t>::max();
      for (size_t number = first; number < works.size() && seen < window; ++number) {
        Work &work = works[number];
        if (work.taken)
          continue;
        ++seen;
        if (work.waitsFor || (number != first && !hasRegisters(work.op)))
          continue;
        if (work.ready <= now)
          return number;
        next = std::min(next, work.ready);
      }
      now = std::max(now, next - 1);
    }
  }

  void take(size_t number, SmallVectorImpl<Operation *> &order) {
    Work &work = works[number];
    live += growth(work.op, isRow);
    liveMasks += growth(work.op, isMask);
    for (Value operand : work.op->getOperands())
      if (auto it = users.find(operand); it != users.end())
        it->second.erase(work.op);
    work.taken = true;
    begun += !isa<TileLoadOp, TileStoreOp, arith::BitcastOp>(work.op);
    for (size_t later : work.after) {
      --works[later].waitsFor;
      works[later].ready = std::max(works[later].ready, now + latencyOf(work.op));
    }
    while (first < works.size() && works[first].taken)
      ++first;
    emit(work.op, order);
  }

  void emit(Operation *op, SmallVectorImpl<Operation *> &order) {
    if (!emitted.insert(op).second)
      return;
    for (Value operand : op->getOperands())
      if (Operation *from = operand.getDefiningOp(); isHere(from))
        emit(from, order);
    order.push_back(op);
  }

  ArrayRef<Operation *> operations;
  llvm::DenseMap<Operation *, size_t> places, numbers;
  std::vector<Work> works;
  /// Of each row, the works that take it and have not been taken themselves.
  llvm::DenseMap<Value, llvm::SmallPtrSet<Operation *, 4>> users;
  llvm::SmallPtrSet<Operation *, 32> emitted;
  int64_t temporaries = 0, live = 0, liveMasks = 0, now = 0, begun = 0;
  size_t first = 0;
};

struct OverlapRows : ssm::impl::OverlapRowsBase<OverlapRows> {
  using OverlapRowsBase::OverlapRowsBase;

  void runOnOperation() override {
    getOperation().walk([&](scf::ForOp loop) {
      SmallVector<Operation *> piece;
      for (Operation &op : llvm::make_early_inc_range(*loop.getBody())) {
        if (canMove(op)) {
          piece.push_back(&op);
          continue;
        }
        schedule(piece);
        piece.clear();
      }
    });
  }

  void schedule(ArrayRef<Operation *> piece) {
    if (!piece.empty())
      Scheduler(piece, registers).run();
  }
};
} // namespace
