// Counts registers of a GPU's thread for the default rules.

#include "schedule/GpuRegisters.h"
#include "schedule/Machine.h"
#include "schedule/ScannedTensors.h"

using namespace mlir;
using namespace ssm;

/// Bytes of the widest access, and registers that it takes while it is on its way.
static constexpr int64_t accessBytes = 16, ofAccess = 4;
/// Where threads hold more than a few coordinates, numbers are widened on their way, and a row has an address in each
/// of the bodies for whole tiles, parts of tiles and single steps: seen in machine code.
static constexpr int64_t fewRows = 2, ofWidened = 16;

int64_t GpuRegisters::widestOfStep(CountOf countOf) {
  int64_t widest = 1;
  for (Operation &op : recurrence.getBody().front())
    for (Value value : op.getResults())
      if (dims.variesInTime(value))
        widest = std::max(widest, elementsOf(dims.of(value), value.getType(), countOf));
  return widest;
}

int64_t GpuRegisters::readAtStep(CountOf countOf) {
  int64_t sum = 0;
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    if (dims.variesInTime(input))
      sum += elementsOf(dims.of(input.getResult()), input.getType(), countOf);
  return sum;
}

int64_t GpuRegisters::gatheredAtStep(CountOf countOf) {
  int64_t sum = 0;
  for (const ScannedTensor &tensor : tensorsAlongScan(recurrence))
    if (tensor.isInput)
      sum += elementsOf(dims.of(tensor.layout).without(dims.scan()), tensor.stored, countOf);
  return sum;
}

/// The operations that a value is computed by, up to sums and their like.
static llvm::SetVector<Operation *> operationsBefore(Value value) {
  llvm::SetVector<Operation *> before;
  SmallVector<Value> open = {value};
  while (!open.empty())
    if (Operation *def = open.pop_back_val().getDefiningOp();
        def && !isa<SumOp, MaxOp, MeanOp>(def) && before.insert(def))
      llvm::append_range(open, def->getOperands());
  return before;
}

int64_t GpuRegisters::heldOverSums(CountOf countOf) {
  DenseSet<Operation *> ofStates;
  llvm::SetVector<Operation *> inputs;
  for (Operation &op : recurrence.getBody().front()) {
    if (isa<PreviousOp>(op) ||
        llvm::any_of(op.getOperands(), [&](Value value) { return ofStates.contains(value.getDefiningOp()); }))
      ofStates.insert(&op);
    if (!isa<SumOp, MaxOp, MeanOp>(op) || ofStates.contains(&op))
      continue;
    DimSet over = dims.of(op.getOperand(0)) - dims.of(op.getResult(0));
    llvm::SetVector<Operation *> before = operationsBefore(op.getOperand(0));
    for (Operation *part : before)
      if (llvm::any_of(part->getUsers(), [&](Operation *user) { return user != &op && !before.contains(user); }))
        for (Operation *source : operationsBefore(part->getResult(0)))
          if (isa<InputOp>(source) && dims.variesInTime(source->getResult(0)) &&
              !(dims.of(source->getResult(0)) & over).empty())
            inputs.insert(source);
  }
  int64_t sum = 0;
  for (Operation *input : inputs)
    sum += elementsOf(dims.of(input->getResult(0)), input->getResult(0).getType(), countOf);
  return sum;
}

int64_t GpuRegisters::sumsOver(unsigned dim, CountOf countOf) {
  int64_t sum = 0;
  for (Operation &op : recurrence.getBody().front())
    if (isa<SumOp, MaxOp, MeanOp>(op) && dims.variesInTime(op.getResult(0)) &&
        (dims.of(op.getOperand(0)) - dims.of(op.getResult(0))).contains(dim))
      sum += elementsOf(dims.of(op.getResult(0)), op.getResult(0).getType(), countOf);
  return sum;
}

static int64_t largestDivisor(int64_t number, int64_t atMost) {
  int64_t divisor = std::max<int64_t>(1, std::min(number, atMost));
  while (number % divisor)
    --divisor;
  return divisor;
}

/// Accesses of one thread: threads are spread over the runs of a row first, then over rows, a dimension after another.
int64_t GpuRegisters::accessesOfTile(DimSet set, CountOf ofBlock, int64_t runs, int64_t threads) {
  int64_t along = largestDivisor(runs, std::min<int64_t>(threads, PeerLevel::warpSize)), accesses = runs / along;
  threads /= along;
  for (unsigned dim = dims.count(); dim-- > 0;)
    if (dim != dims.scan() && set.contains(dim)) {
      int64_t shared = largestDivisor(ofBlock(dim), threads);
      accesses = llvm::SaturatingMultiply<uint64_t>(accesses, ofBlock(dim) / shared);
      threads /= shared;
    }
  return accesses;
}

int64_t GpuRegisters::registersOfTiles(CountOf ofBlock, CountOf countOf, int64_t steps, int64_t threads) {
  int64_t addresses = 0;
  // What has the same dimensions is moved together.
  llvm::MapVector<std::pair<uint64_t, unsigned>, int64_t> moved;
  for (const ScannedTensor &tensor : tensorsAlongScan(recurrence)) {
    DimSet set = dims.of(tensor.layout).without(dims.scan());
    int64_t runs = std::max<int64_t>(1, steps * tensor.bytes() / accessBytes);
    int64_t accesses = accessesOfTile(set, ofBlock, runs, threads);
    addresses += accesses;
    moved[{set.raw(), unsigned(tensor.isInput)}] +=
        accesses * (elementsOf(set, tensor.stored, countOf) > fewRows ? ofWidened : ofAccess);
  }
  int64_t most = 0;
  for (auto [group, registers] : moved)
    most = std::max(most, registers);
  return most + ofAddress * addresses;
}

int64_t GpuRegisters::bytesOfTiles(CountOf ofBlock, int64_t steps) {
  int64_t rows = 0;
  for (const ScannedTensor &tensor : tensorsAlongScan(recurrence)) {
    int64_t own = 1;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dims.of(tensor.layout).contains(dim) && dim != dims.scan())
        own = llvm::SaturatingMultiply<uint64_t>(own, ofBlock(dim));
    rows += own;
  }
  return llvm::SaturatingMultiply<uint64_t>(rows, steps * elementBytes);
}

int64_t GpuRegisters::widestOfTiles(CountOf ofBlock) {
  int64_t widest = 1;
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    if (dims.variesInTime(input))
      widest = std::max(widest, elementsOf(dims.of(input.getResult()).without(dims.scan()), input.getType(), ofBlock));
  return widest;
}
