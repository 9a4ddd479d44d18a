// Copies between tensors that run along time and scratch that runs along a tile. Passes.td has the contract.
//
// A tile's elements are taken in row-major order, which is scratch's own. Where its innermost extent is made of whole
// blocks of `block` elements, block x block squares of element and step are moved as vectors and transposed in
// registers. Where scratch runs along time as well, rows of `block` steps are moved as they are. Both are moved at the
// turns of a loop that computes with several steps, if one follows (StageBeside.h).

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"
#include "passes/StageBeside.h"
#include "passes/TransposeRows.h"

namespace ssm {
#define GEN_PASS_DEF_STAGE
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Vectors of this many steps are moved; squares of as many elements are transposed in registers.
constexpr int64_t block = stageBlock;
/// Squares of which a step fetches a row each.
constexpr int64_t mostAhead = 4;

/// Expands one copy; `Op` is StageLoadOp or StageStoreOp.
template <typename Op> class Copier {
public:
  explicit Copier(Op op, int64_t place = 0)
      : op(op), place(place), builder(op), loc(op.getLoc()), shape(op.getShape()) {
    elements = llvm::product_of(shape);
    for (inner = shape.size(); inner > 0 && shape[inner - 1] == 1; --inner)
      ;
  }

  void expand() {
    if (!canMoveVectors()) {
      expandElements(constant(0));
      op.erase();
      return;
    }
    Value vectors = arith::DivUIOp::create(builder, loc, op.getSteps(), constant(block));
    Value done = arith::MulIOp::create(builder, loc, vectors, constant(block));
    std::optional<LoopOverSteps> beside;
    if (elements <= block)
      beside = findLoopBeside(op, op.getScratch(), isLoad ? op.getSteps() : Value());
    isFetched = prefetchInSteps(findLoopOfSteps(op));
    if (beside && (isLoad || !beside->usesScratch))
      expandBeside(*beside, done);
    else
      repeat(elements / pieceElements(),
             [&](Value number) { loopTo(constant(0), done, block, [&](Value step) { copyBlock(step, number); }); });
    // Few tiles have steps left, and going through all elements to find that takes as long as a square.
    Value isLeft = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, done, op.getSteps());
    auto rest = scf::IfOp::create(builder, loc, isLeft);
    builder.setInsertionPoint(rest.thenYield());
    expandElements(done);
    op.erase();
  }

  bool canMoveVectors() {
    return op.getLimits().empty() && stepDirection() &&
           (op.getPitch() ||
            (inner > 0 && shape[inner - 1] % block == 0 && op.getStored().getIntOrFloatBitWidth() <= 32));
  }

private:
  static constexpr bool isLoad = std::is_same_v<Op, StageLoadOp>;

  Value constant(int64_t value) { return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value)); }
  Value add(Value a, Value b) { return builder.createOrFold<arith::AddIOp>(loc, a, b); }
  Value sub(Value a, Value b) { return builder.createOrFold<arith::SubIOp>(loc, a, b); }
  Value mul(Value a, Value b) { return builder.createOrFold<arith::MulIOp>(loc, a, b); }

  std::optional<int64_t> stepDirection() {
    APInt value;
    if (matchPattern(op.getStepStride(), m_ConstantInt(&value)) && (value == 1 || value.isAllOnes()))
      return value.getSExtValue();
    return std::nullopt;
  }

  /// Runs `body` for `count` numbers from 0 on.
  void repeat(int64_t count, llvm::function_ref<void(Value)> body) {
    if (count == 1)
      return body(constant(0));
    loopTo(constant(0), constant(count), 1, body);
  }

  void loopTo(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(builder, loc, from, to, constant(step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar());
  }

  /// Coordinates along all axes of the element `number` of the tile.
  SmallVector<Value> coordinatesOf(Value number) {
    SmallVector<Value> index(shape.size());
    for (size_t axis = shape.size(); axis-- > 0;) {
      Value extent = constant(shape[axis]);
      index[axis] = builder.createOrFold<arith::RemUIOp>(loc, number, extent);
      number = builder.createOrFold<arith::DivUIOp>(loc, number, extent);
    }
    return index;
  }

  Value offsetOf(ArrayRef<Value> index) {
    Value offset = op.getOffset();
    for (auto [i, stride] : llvm::zip_equal(index, op.getStrides()))
      offset = add(offset, mul(i, stride));
    return offset;
  }

  /// Whether an element is within all limits; null where there are none.
  Value insideLimits(ArrayRef<Value> index) {
    Value inside;
    for (auto [limit, list] :
         llvm::zip_equal(op.getLimits(), op.getCoefficients().template getAsRange<DenseI64ArrayAttr>())) {
      Value position = constant(0);
      for (auto [i, coefficient] : llvm::zip_equal(index, list.asArrayRef()))
        position = add(position, mul(i, constant(coefficient)));
      Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, position, limit);
      inside = inside ? Value(arith::AndIOp::create(builder, loc, inside, below)) : below;
    }
    return inside;
  }

  Value memoryAt(Value offset) { return addressOf(builder, loc, op.getPointer(), offset, op.getStored()); }
  Value scratchAt(Value step, Value element) {
    Value offset =
        op.getPitch() ? add(mul(element, constant(*op.getPitch())), step) : add(mul(step, constant(elements)), element);
    return addressOf(builder, loc, op.getScratch(), offset, op.getElement());
  }

  Value load(Type type, Value address) {
    return fromBits(builder, loc, loadPlain(builder, loc, bitsOf(type), address), type);
  }
  void store(Value value, Value address) { storePlain(builder, loc, toBits(builder, loc, value), address); }

  /// Steps from `first` on, an element at a time; the inner loop runs along memory.
  void expandElements(Value first) {
    repeat(elements, [&](Value element) {
      SmallVector<Value> index = coordinatesOf(element);
      Value inside = insideLimits(index);
      Value base = offsetOf(index);
      auto copyAll = [&] {
        loopTo(first, op.getSteps(), 1, [&](Value step) {
          Value memory = memoryAt(add(base, mul(step, op.getStepStride())));
          Value scratch = scratchAt(step, element);
          if (isLoad)
            store(convertStored(builder, loc, load(op.getStored(), memory), op.getElement()), scratch);
          else
            store(convertStored(builder, loc, load(op.getElement(), scratch), op.getStored()), memory);
        });
      };
      if (!inside)
        return copyAll();
      auto choice = scf::IfOp::create(builder, loc, inside, /*withElseRegion=*/isLoad);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(choice.thenYield());
      copyAll();
      if (!isLoad)
        return;
      builder.setInsertionPoint(choice.elseYield());
      loopTo(first, op.getSteps(), 1, [&](Value step) {
        store(arith::ConstantOp::create(builder, loc, builder.getZeroAttr(op.getElement())), scratchAt(step, element));
      });
    });
  }

  /// Blocks of steps at the turns of a loop that computes meanwhile.
  void expandBeside(LoopOverSteps beside, Value end) {
    // What the loop reads is there a block ahead of it.
    int64_t group = *getConstantIntValue(beside.loop.getStep());
    int64_t delay = place % (block / group) * group;
    Value ahead = constant((beside.usesScratch ? block : 0) - delay);
    if (beside.usesScratch)
      copyIf(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, end, constant(0)), constant(0));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(beside.loop.getBody());
    Value turn = beside.loop.getInductionVar(), step = add(turn, ahead);
    Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                          arith::RemUIOp::create(builder, loc, turn, constant(block)), constant(delay));
    Value isThere = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, step, end);
    copyIf(arith::AndIOp::create(builder, loc, isFirst, isThere), step);
    if (isLoad)
      return;
    // It may have fewer turns than steps are to be stored.
    builder.setInsertionPointAfter(beside.loop);
    Value turns = arith::AddIOp::create(builder, loc, beside.loop.getUpperBound(), constant(block - 1 - delay));
    Value blocks = arith::DivUIOp::create(builder, loc, turns, constant(block));
    loopTo(mul(blocks, constant(block)), end, block, [&](Value later) { copyBlocks(later); });
  }

  void copyIf(Value condition, Value step) {
    auto choice = scf::IfOp::create(builder, loc, condition);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(choice.thenYield());
    copyBlocks(step);
  }

  /// Elements that are moved together.
  int64_t pieceElements() { return op.getPitch() && elements % block != 0 ? 1 : block; }

  void copyBlocks(Value step) {
    repeat(elements / pieceElements(), [&](Value number) { copyBlock(step, number); });
  }

  void copyBlock(Value step, Value number) {
    Value element = mul(number, constant(pieceElements()));
    if (!op.getPitch())
      return copySquare(step, element, offsetOf(coordinatesOf(element)), op.getStrides()[inner - 1]);
    for (int64_t i = 0; i < pieceElements(); ++i)
      copyRow(step, add(element, constant(i)));
  }

  /// Steps from `step` on of one element; descending ones are read in ascending order and turned around.
  void copyRow(Value step, Value element) {
    bool descends = *stepDirection() < 0;
    Value along = mul(descends ? add(step, constant(block - 1)) : step, op.getStepStride());
    Value memory = memoryAt(add(offsetOf(coordinatesOf(element)), along)), scratch = scratchAt(step, element);
    Type inMemory = VectorType::get({block}, op.getStored()), inScratch = VectorType::get({block}, op.getElement());
    Value row = load(isLoad ? inMemory : inScratch, isLoad ? memory : scratch);
    if (descends) {
      SmallVector<int64_t> backwards = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(block)));
      row = vector::ShuffleOp::create(builder, loc, row, row, backwards);
    }
    row = convertStored(builder, loc, row, isLoad ? op.getElement() : op.getStored());
    store(row, isLoad ? scratch : memory);
  }

  /// Element e of the square runs along memory at base + e·between, its steps one after another; descending steps are
  /// read in ascending order and taken backwards.
  void copySquare(Value step, Value element, Value base, Value between) {
    bool descends = *stepDirection() < 0;
    Value along = mul(descends ? add(step, constant(block - 1)) : step, op.getStepStride());
    auto memoryRow = [&](int64_t e) { return memoryAt(add(add(base, along), mul(between, constant(e)))); };
    auto scratchRow = [&](int64_t s) { return scratchAt(add(step, constant(descends ? block - 1 - s : s)), element); };
    auto inMemory = VectorType::get({block}, op.getStored()), inScratch = VectorType::get({block}, op.getElement());
    SmallVector<Value> rows;
    for (int64_t i = 0; i < block; ++i)
      rows.push_back(isLoad ? convertStored(builder, loc, load(inMemory, memoryRow(i)), op.getElement())
                            : load(inScratch, scratchRow(i)));
    if (!isFetched)
      for (int64_t i = 0; i < block; ++i)
        prefetch(add(add(base, along), mul(between, constant(i))));
    transposeSquare(builder, loc, rows);
    for (int64_t i = 0; i < block; ++i)
      if (isLoad)
        store(rows[i], scratchRow(i));
      else
        store(convertStored(builder, loc, rows[i], op.getStored()), memoryRow(i));
  }

  /// What the next copy moves is far away in memory, a row in each page, where the processor does not look ahead.
  void prefetch(Value offset) {
    Value steps = op.getSteps();
    if (auto choice = steps.getDefiningOp<arith::SelectOp>())
      steps = choice.getTrueValue();
    Value ahead = mul(steps, op.getStepStride());
    LLVM::Prefetch::create(builder, loc, memoryAt(add(offset, ahead)), /*rw=*/!isLoad, /*hint=*/3, /*cache=*/1);
  }

  /// A row of each square at each step of the loop that follows: all rows at once take a core's buffers for
  /// lines on their way, for which the copy's own accesses wait. False where there is no such loop.
  bool prefetchInSteps(scf::ForOp loop) {
    if (!loop || op.getPitch() || elements > mostAhead * block)
      return false;
    OpBuilder::InsertionGuard guard(builder);
    SmallVector<Value> bases;
    for (int64_t first = 0; first < elements; first += block)
      bases.push_back(offsetOf(coordinatesOf(constant(first))));
    Value between = op.getStrides()[inner - 1];
    builder.setInsertionPointToStart(loop.getBody());
    Value number = loop.getInductionVar(), row = arith::RemUIOp::create(builder, loc, number, constant(block));
    Value along = mul(sub(number, row), op.getStepStride());
    for (Value base : bases)
      prefetch(add(add(base, along), mul(between, row)));
    return true;
  }

  Op op;
  /// The number of the copy: neighbours take turns of a loop beside them in turns.
  int64_t place;
  OpBuilder builder;
  Location loc;
  ArrayRef<int64_t> shape;
  int64_t elements;
  /// Whether another loop fetches what the next copy moves.
  bool isFetched = false;
  /// Axes up to the innermost one of extent above 1.
  size_t inner;
};

struct Stage : ssm::impl::StageBase<Stage> {
  void runOnOperation() override {
    delayStores(getOperation(), [](StageStoreOp store) { return Copier<StageStoreOp>(store).canMoveVectors(); });
    SmallVector<Operation *> copies;
    getOperation().walk([&](Operation *op) {
      if (isa<StageLoadOp, StageStoreOp>(op))
        copies.push_back(op);
    });
    for (auto [place, copy] : llvm::enumerate(copies))
      if (auto load = dyn_cast<StageLoadOp>(copy))
        Copier<StageLoadOp>(load, place).expand();
      else
        Copier<StageStoreOp>(cast<StageStoreOp>(copy), place).expand();
  }
};
} // namespace
