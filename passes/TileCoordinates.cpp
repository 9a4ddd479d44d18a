// Coordinates: which of each dimension a task and a thread have, and where what they have passes the end.

#include "passes/Peers.h"
#include "passes/TileMemory.h"

using namespace mlir;
using namespace ssm;

/// Coordinates from one thread's first element to the next thread's: threads stand together where the elements of each
/// stand apart.
static int64_t betweenThreads(const Placement &placement, unsigned dim) {
  const DimPlace &place = placement.places[dim];
  SmallVector<int64_t> axes = placement.axesOf(dim);
  bool isApart = place.threads > 1 && axes.size() == 1 && placement.axes[axes[0]].step == place.threads;
  return isApart ? 1 : place.tile();
}

/// A dimension's size, at least 1 where a task runs even if there is nothing of it.
Value TileMemory::orOne(OpBuilder &builder, unsigned dim) const {
  Value size = sizeOf(builder, dim);
  if (!placement.places[dim].runsEmpty)
    return size;
  return builder.createOrFold<arith::MaxSIOp>(recurrence.getLoc(), size, constantI64(builder, 1));
}

void TileMemory::bindCoordinates(OpBuilder &builder) {
  Location loc = recurrence.getLoc();
  Value zero = constantI64(builder, 0);
  for (SmallVector<Value> *values : {&taskBases, &threadOffsets, &starts})
    values->assign(dims.count(), zero);
  Value task = TilePlaceOp::create(builder, loc, builder.getI64Type(), "grid");
  Value thread =
      placement.threads() > 1 ? Value(TilePlaceOp::create(builder, loc, builder.getI64Type(), "thread")) : zero;
  auto takeFrom = [&](Value &number, Value count) {
    Value taken = builder.createOrFold<arith::RemUIOp>(loc, number, count);
    number = builder.createOrFold<arith::DivUIOp>(loc, number, count);
    return taken;
  };
  if (placement.chunk)
    chunk = takeFrom(task, chunkCount(builder, sizeOf(builder, dims.scan()), placement.chunk));
  gridTiles.assign(dims.count(), zero);
  gridCounts.assign(dims.count(), constantI64(builder, 1));
  for (unsigned dim = dims.count(); dim-- > 0;)
    if (placement.places[dim].grid) {
      Value span = constantI64(builder, placement.places[dim].span());
      gridCounts[dim] = builder.createOrFold<arith::CeilDivUIOp>(loc, orOne(builder, dim), span);
      gridTiles[dim] = takeFrom(task, gridCounts[dim]);
      taskBases[dim] = mulI64(builder, gridTiles[dim], span);
    }
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    threadOffsets[dim] = mulI64(builder, peerPosition(builder, thread, placement.peersOf(dim)),
                                constantI64(builder, betweenThreads(placement, dim)));
  bases.resize(dims.count());
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    leaveTile(builder, dim);
}

void TileMemory::enterTile(OpBuilder &builder, unsigned dim, Value start) {
  bases[dim] = addI64(builder, start, threadOffsets[dim]);
  starts[dim] = subI64(builder, start, taskBases[dim]);
}

void TileMemory::leaveTile(OpBuilder &builder, unsigned dim) { enterTile(builder, dim, taskBases[dim]); }

std::pair<Value, Value> TileMemory::loopBounds(OpBuilder &builder, unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  Value end = place.loop == LoopPlace::Outside ? orOne(builder, dim) : sizeOf(builder, dim);
  if (place.grid)
    end = arith::MinSIOp::create(builder, recurrence.getLoc(), end,
                                 addI64(builder, taskBases[dim], constantI64(builder, place.span())));
  return {taskBases[dim], end};
}

bool TileMemory::mayPassEnd(unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
  bool isEmpty = place.runsEmpty && place.loop != LoopPlace::Inside;
  // A thread with nothing of a dimension runs only where others wait for it.
  int64_t extent = placement.exchanged.empty() ? place.tile() : place.extent();
  return isEmpty || (extent > 1 && (!size || *size % extent != 0));
}

int64_t TileMemory::tileCount(unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  return llvm::divideCeil(place.grid ? place.span() : *recurrence.sizeOf(dims.name(dim)), place.extent());
}

Value TileMemory::firstStep(OpBuilder &builder) const {
  return chunk ? mulI64(builder, chunk, constantI64(builder, placement.chunk)) : constantI64(builder, 0);
}

Value TileMemory::endStep(OpBuilder &builder) const {
  Value steps = sizeOf(builder, dims.scan());
  if (!chunk)
    return steps;
  Value end = addI64(builder, firstStep(builder), constantI64(builder, placement.chunk));
  return arith::MinSIOp::create(builder, recurrence.getLoc(), end, steps);
}

Value TileMemory::insideThreads(OpBuilder &builder) {
  Value inside;
  if (!placement.exchanged.empty())
    return inside;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (placement.places[dim].parts() > 1)
      inside = andI1(builder, inside,
                     arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::slt, bases[dim],
                                           orOne(builder, dim)));
  return inside;
}

/// Whether a thread may run with nothing of a dimension that is not the scanned one.
bool TileMemory::mayHoldNone(unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
  bool isPadded = !place.grid && place.loop == LoopPlace::None && size && *size <= place.extent() - place.tile();
  return place.parts() > 1 && !placement.exchanged.empty() && (isMasked(dim) || isPadded);
}

Value TileMemory::holdsSome(OpBuilder &builder, DimSet set) {
  Value holds;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (set.contains(dim) && dim != dims.scan() && mayHoldNone(dim))
      holds = andI1(builder, holds,
                    arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::slt, bases[dim],
                                          sizeOf(builder, dim)));
  return holds;
}

bool TileMemory::isMasked(unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  return masked.contains(dim) && (place.grid || place.loop != LoopPlace::None || place.runsEmpty) && mayPassEnd(dim);
}

Value TileMemory::isFull(OpBuilder &builder) {
  Value full;
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    const DimPlace &place = placement.places[dim];
    bool isEntered =
        place.loop == LoopPlace::Outside || (place.grid && place.loop == LoopPlace::None) || place.runsEmpty;
    if (!isEntered || !mayPassEnd(dim))
      continue;
    // The same for all threads that wait for each other.
    Value end = placement.exchanged.empty() ? addI64(builder, bases[dim], constantI64(builder, place.tile()))
                                            : addI64(builder, addI64(builder, taskBases[dim], starts[dim]),
                                                     constantI64(builder, place.extent()));
    full = andI1(
        builder, full,
        arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::sle, end, sizeOf(builder, dim)));
  }
  return full;
}

Value TileMemory::timeOfThread(OpBuilder &builder, Value time) const {
  Value offset = threadOffsets[dims.scan()];
  return recurrence.getReverse() ? subI64(builder, time, offset) : addI64(builder, time, offset);
}

/// Whether this thread runs though it may have nothing of the dimension.
bool TileMemory::mayBeOutside(unsigned dim) const {
  if (dim == dims.scan())
    return stepsLeft && placement.places[dim].parts() > 1 && !placement.exchanged.empty();
  return mayHoldNone(dim);
}

/// The coordinate of this thread's tile, or the last one where it has nothing of the dimension but runs all the same: a
/// load's first address is read whatever the limits are.
Value TileMemory::firstCoordinate(OpBuilder &builder, unsigned dim, Value time) const {
  Location loc = recurrence.getLoc();
  bool isScanned = dim == dims.scan();
  Value coordinate = isScanned ? timeOfThread(builder, time) : bases[dim];
  if (!mayBeOutside(dim))
    return coordinate;
  Value zero = constantI64(builder, 0);
  if (isScanned && recurrence.getReverse())
    return arith::MaxSIOp::create(builder, loc, coordinate, zero);
  Value last = subI64(builder, sizeOf(builder, dim), constantI64(builder, 1));
  return arith::MinSIOp::create(builder, loc, coordinate, arith::MaxSIOp::create(builder, loc, last, zero));
}

int64_t TileMemory::stepAlong(const TileAxis &axis) const {
  return axis.dim == dims.scan() && recurrence.getReverse() ? -axis.step : axis.step;
}

void TileMemory::limitsOf(OpBuilder &builder, DimSet set, SmallVectorImpl<Value> &limits,
                          SmallVectorImpl<Attribute> &coefficients) const {
  auto add = [&](unsigned dim, Value limit) {
    limits.push_back(limit);
    coefficients.push_back(builder.getDenseI64ArrayAttr(llvm::map_to_vector(
        placement.axes, [&](const TileAxis &axis) { return axis.dim == dim ? axis.step : int64_t(0); })));
  };
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    if (!set.contains(dim))
      continue;
    if (dim == dims.scan()) {
      if (stepsLeft)
        add(dim, subI64(builder, stepsLeft, threadOffsets[dim]));
      continue;
    }
    const DimPlace &place = placement.places[dim];
    std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
    bool padded = !place.grid && place.loop == LoopPlace::None && size && *size < place.extent();
    if (padded || isMasked(dim))
      add(dim, subI64(builder, sizeOf(builder, dim), bases[dim]));
  }
}

VectorType TileMemory::tileType(DimSet set, Type element) const {
  return VectorType::get(llvm::map_to_vector(placement.axes,
                                             [&](const TileAxis &axis) {
                                               return axis.dim && set.contains(*axis.dim) ? axis.extent : int64_t(1);
                                             }),
                         element);
}
