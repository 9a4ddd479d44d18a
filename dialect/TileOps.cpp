// The operations of level 2: verifiers.

#include "dialect/Ssm.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Extents of a tile's axes; a scalar has none.
SmallVector<int64_t> shapeOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? SmallVector<int64_t>(vector.getShape()) : SmallVector<int64_t>();
}
} // namespace

static LogicalResult verifyLimits(Operation *op, unsigned rank, size_t limits, ArrayAttr coefficients) {
  if (coefficients.size() != limits)
    return op->emitOpError("has ") << limits << " limits but " << coefficients.size() << " lists of coefficients";
  for (auto list : coefficients.getAsRange<DenseI64ArrayAttr>())
    if (static_cast<unsigned>(list.size()) != rank)
      return op->emitOpError("expects ") << rank << " coefficients a limit, found " << list.size();
  return success();
}

static LogicalResult verifyAccess(Operation *op, unsigned rank, size_t strides, size_t limits, ArrayAttr coefficients) {
  if (strides != rank)
    return op->emitOpError("expects ") << rank << " strides, found " << strides;
  return verifyLimits(op, rank, limits, coefficients);
}

/// Runs of consecutive elements are along the last axis of extent above 1.
static LogicalResult verifyRuns(Operation *op, Type tile, std::optional<uint64_t> aligned, ArrayAttr coefficients) {
  if (!aligned)
    return success();
  if (!llvm::isPowerOf2_64(*aligned))
    return op->emitOpError("is aligned to ") << *aligned << " bytes; expected a power of two";
  SmallVector<int64_t> shape = shapeOf(tile);
  size_t axis = shape.size();
  while (axis > 0 && shape[axis - 1] == 1)
    --axis;
  for (auto list : coefficients.getAsRange<DenseI64ArrayAttr>())
    if (axis > 0 && list[axis - 1] != 0)
      return op->emitOpError("is aligned, and a limit cuts its runs along axis ") << axis - 1;
  return success();
}

LogicalResult TilePlaceOp::verify() { // tile_place_c1
  if (getLevel() != "grid" && getLevel() != "thread" && getLevel() != "tasks")
    return emitOpError("has the unknown level '") << getLevel() << "'; expected grid, thread or tasks";
  return success();
}

void TileLoadOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (getChanging())
    effects.emplace_back(MemoryEffects::Read::get(), &getPointerMutable());
}

LogicalResult TileLoadOp::verify() {
  if (failed(verifyAccess(*this, shapeOf(getType()).size(), getStrides().size(), getLimits().size(),
                          getCoefficients()))) // tile_load_c1
    return failure();
  return verifyRuns(*this, getType(), getAligned(), getCoefficients()); // tile_load_c2
}

LogicalResult TileStoreOp::verify() { // tile_store_c1
  if (failed(verifyAccess(*this, shapeOf(getValue().getType()).size(), getStrides().size(), getLimits().size(),
                          getCoefficients())))
    return failure();
  return verifyRuns(*this, getValue().getType(), getAligned(), getCoefficients());
}

LogicalResult TileCopyOp::verify() {
  size_t rank = getShape().size();
  if (rank == 0 || getPlaces().size() != rank - 1) // tile_copy_c1
    return emitOpError("of ") << rank << " axes expects a place an axis but the last, found " << getPlaces().size();
  if (failed(verifyAccess(*this, rank - 1, getStrides().size(), 0, ArrayAttr::get(getContext(), {}))) ||
      failed(verifyLimits(*this, rank, getLimits().size(), getCoefficients())))
    return failure();
  int64_t bytes = getShape().back() * getStored().getIntOrFloatBitWidth() / 8, aligned = getAligned();
  if (!llvm::is_contained({4, 8, 16}, aligned) || bytes % aligned != 0) // tile_copy_c2
    return emitOpError("copies ") << aligned << " bytes at a time of " << bytes
                                  << " along the last axis; expected 4, 8 or 16, and a multiple of it";
  for (auto list : getCoefficients().getAsRange<DenseI64ArrayAttr>()) // tile_copy_c3
    if (std::abs(list.asArrayRef().back()) > 1)
      return emitOpError("has a limit with the coefficient ") << list.asArrayRef().back() << " along the last axis";
  return success();
}

LogicalResult StageLoadOp::verify() { // stage_load_c1
  return verifyAccess(*this, getShape().size(), getStrides().size(), getLimits().size(), getCoefficients());
}

LogicalResult StageStoreOp::verify() { // stage_store_c1
  return verifyAccess(*this, getShape().size(), getStrides().size(), getLimits().size(), getCoefficients());
}

LogicalResult TileReduceOp::verify() {
  if (getKind() != "add" && getKind() != "max") // tile_reduce_c1
    return emitOpError("has the unknown kind '") << getKind() << "'; expected add or max";
  SmallVector<int64_t> shape = shapeOf(getValue().getType());
  if (failed(verifyLimits(*this, shape.size(), getLimits().size(), getCoefficients()))) // tile_reduce_c2
    return failure();
  for (int64_t axis : getAxes()) { // tile_reduce_c1
    if (axis < 0 || axis >= static_cast<int64_t>(shape.size()))
      return emitOpError("reduces axis ") << axis << " of a tile of rank " << shape.size();
    shape[axis] = 1;
  }
  SmallVector<int64_t> result = shapeOf(getType());
  // A row reduces to a scalar.
  if (result != shape && !(result.empty() && shape.size() == 1 && shape[0] == 1)) // tile_reduce_c1
    return emitOpError("expects a result of the operand's shape with 1 along the reduced axes, found ") << getType();
  return success();
}

LogicalResult TileMoveOp::verify() { // tile_move_c1
  SmallVector<int64_t> source = shapeOf(getValue().getType()), target = shapeOf(getType());
  int64_t rank = source.size();
  if (static_cast<int64_t>(target.size()) != rank)
    return emitOpError("changes the rank of a tile");
  int64_t held[2] = {1, 1};
  const ArrayRef<int64_t> sides[2] = {getFrom(), getTo()};
  for (auto [which, axes] : llvm::enumerate(sides))
    for (int64_t axis : axes) {
      if (axis < 0 || axis >= rank)
        return emitOpError("moves along axis ") << axis << " of a tile of rank " << rank;
      held[which] *= which ? target[axis] : source[axis];
    }
  if (held[0] < static_cast<int64_t>(getSize()) || held[1] < static_cast<int64_t>(getSize()))
    return emitOpError("moves ") << getSize() << " values between axes that hold " << held[0] << " and " << held[1];
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(getFrom(), axis) && !llvm::is_contained(getTo(), axis) && source[axis] != target[axis])
      return emitOpError("changes the extent of axis ") << axis << ", along which nothing moves";
  return success();
}

LogicalResult TileDelayOp::verify() { // tile_delay_c1
  if (getValues().empty())
    return emitOpError("expects a tile or more");
  if (!llvm::all_equal(getValues().getTypes()))
    return emitOpError("expects operands of one type");
  SmallVector<int64_t> shape = shapeOf(getValues().front().getType());
  int64_t axis = getAxis();
  if (axis < 0 || axis >= static_cast<int64_t>(shape.size()) || shape[axis] != 1)
    return emitOpError("expects operands of extent 1 along axis ") << axis;
  SmallVector<int64_t> result = shapeOf(getType());
  if (result.size() != shape.size() || result[axis] < static_cast<int64_t>(getValues().size()))
    return emitOpError("expects a result that holds ") << getValues().size() << " tiles along axis " << axis;
  return success();
}

/// Axes that number the steps of a block: they exist and differ.
static LogicalResult verifySteps(Operation *op, ArrayRef<int64_t> along, int64_t rank) {
  for (auto [number, axis] : llvm::enumerate(along))
    if (axis < 0 || axis >= rank || llvm::is_contained(along.take_front(number), axis))
      return op->emitOpError("numbers its steps along axis ") << axis << ", which is none or the same again";
  return success();
}

/// Whether a tile can be stretched to `shape`, `along` aside, where it has `extent` (0: any).
static bool stretchesTo(Type type, ArrayRef<int64_t> shape, ArrayRef<int64_t> along, int64_t extent) {
  SmallVector<int64_t> own = shapeOf(type);
  if (own.size() != shape.size())
    return false;
  for (auto [axis, size] : llvm::enumerate(own))
    if (llvm::is_contained(along, static_cast<int64_t>(axis)) ? extent && size != extent
                                                              : size != 1 && size != shape[axis])
      return false;
  return true;
}

/// Pairs of how many threads and how far apart.
static LogicalResult verifyPeers(Operation *op, ArrayRef<int64_t> peers) {
  if (peers.size() % 2)
    return op->emitOpError("expects a count and a distance for each level of threads");
  for (size_t level = 0; level < peers.size(); level += 2)
    if (peers[level] < 2 || peers[level + 1] < 1)
      return op->emitOpError("is shared by ") << peers[level] << " threads at distance " << peers[level + 1];
  return success();
}

LogicalResult TileCombineOp::verify() { // tile_combine_c1
  if (getKind() != "add" && getKind() != "max")
    return emitOpError("has the unknown kind '") << getKind() << "'; expected add or max";
  if (getPeers().empty())
    return emitOpError("expects a count and a distance of threads");
  return verifyPeers(*this, getPeers());
}

int64_t TileShareOp::getLaneCount() {
  int64_t lanes = 1;
  for (size_t level = 0; level < getPeers().size(); level += 2)
    lanes *= getPeers()[level];
  return lanes;
}

LogicalResult TileShareOp::verify() { // tile_share_c1, tile_share_c2
  if (getKind() != "add" && getKind() != "max")
    return emitOpError("has the unknown kind '") << getKind() << "'; expected add or max";
  if (getPeers().empty())
    return emitOpError("expects a count and a distance of lanes");
  if (failed(verifyPeers(*this, getPeers())))
    return failure();
  for (size_t level = 0; level < getPeers().size(); level += 2)
    if (getPeers()[level] * getPeers()[level + 1] > 32)
      return emitOpError("expects lanes of one warp");
  auto value = cast<VectorType>(getValue().getType()), result = cast<VectorType>(getType());
  int64_t elements = value.getShape().back();
  if (!llvm::isPowerOf2_64(elements))
    return emitOpError("shares out ") << elements << " elements; expected a power of two";
  SmallVector<int64_t> shape(value.getShape());
  shape.back() = std::max<int64_t>(1, elements / getLaneCount());
  auto expected = VectorType::get(shape, value.getElementType());
  if (result != expected)
    return emitOpError("expects the result ") << expected << ", found " << result;
  return success();
}

LogicalResult TileExchangeOp::verify() { // tile_exchange_c1
  if (getSources().empty() || getResults().size() != getSources().size() * getValues().size())
    return emitOpError("of ") << getValues().size() << " tiles and " << getSources().size() << " threads has "
                              << getResults().size() << " results";
  for (auto [number, result] : llvm::enumerate(getResults()))
    if (result.getType() != getValues()[number % getValues().size()].getType())
      return emitOpError("expects results of the types of its tiles, found ") << result.getType();
  return success();
}

LogicalResult SharedOp::verify() { // shared_c1
  if (int64_t(getBytes()) < 1)
    return emitOpError("of ") << int64_t(getBytes()) << " bytes";
  return success();
}

LogicalResult TileScanOp::verify() {
  size_t parts = getComplex() ? 2 : 1, tiles = getDrive().size(), states = getStateCount();
  if (tiles == 0 || tiles % parts != 0 || getStreams().size() != tiles || getCarry().size() != tiles) // tile_scan_c1
    return emitOpError("of ") << tiles << " drives has " << getCarry().size() << " carries and " << getStreams().size()
                              << " results; expected as many, of complex states pairs";
  Type type = getDrive().front().getType();
  SmallVector<int64_t> shape = shapeOf(type);
  if (failed(verifySteps(*this, getAlong(), shape.size()))) // tile_scan_c3
    return failure();
  SmallVector<int64_t> before = shape;
  for (int64_t axis : getAlong())
    before[axis] = 1;
  for (auto [drive, carry, stream] : llvm::zip_equal(getDrive(), getCarry(), getStreams()))
    if (drive.getType() != type || stream.getType() != type || shapeOf(carry.getType()) != before ||
        getElementTypeOrSelf(carry.getType()) != getElementTypeOrSelf(type)) // tile_scan_c1
      return emitOpError("expects drives and results of one type, and carries of it with extent 1 along the steps");
  size_t numbers = getTransition().size();
  if (numbers != 0 && numbers != states * states && numbers != 2 * states * states) // tile_scan_c2
    return emitOpError("of ") << states << " states has a transition of " << numbers << " tiles";
  if (numbers == 2 * states * states && !getComplex()) // tile_scan_c2
    return emitOpError("has a complex transition of real states");
  if (getOver().size() != getFrom().size() || getOver().size() != getSizes().size() ||
      (!getOver().empty() && (states != 1 || numbers == 0))) // tile_scan_c3
    return emitOpError("expects one state, a matrix, and as many axes of columns as of rows, each with its size");
  SmallVector<int64_t> free(getFrom());
  llvm::append_range(free, getAlong());
  for (int64_t axis : llvm::concat<const int64_t>(getOver(), getFrom()))
    if (axis < -1 || axis >= static_cast<int64_t>(shape.size())) // tile_scan_c3
      return emitOpError("has a matrix along axis ") << axis << " of tiles of rank " << shape.size();
  for (Value entry : getTransition())
    if (!stretchesTo(entry.getType(), shape, free, 0)) // tile_scan_c2
      return emitOpError("has a transition ") << entry.getType() << " that cannot be stretched to " << type;
  if ((getLog() && numbers != 1) || (getMax() && (getLog() || getComplex()))) // tile_scan_c4
    return emitOpError("expects log of one real decay, and neither log nor complex of maxima");
  return verifyPeers(*this, getPeers()); // tile_scan_c5
}

LogicalResult TileShiftOp::verify() { // tile_shift_c1
  SmallVector<int64_t> shape = shapeOf(getType());
  if (failed(verifySteps(*this, getAlong(), shape.size())))
    return failure();
  if (int64_t(getBy()) < 1 || getFill().empty())
    return emitOpError("expects a positive number of steps, and a fill");
  for (Value fill : getFill())
    if (!stretchesTo(fill.getType(), shape, getAlong(), 1) ||
        getElementTypeOrSelf(fill.getType()) != getElementTypeOrSelf(getType()))
      return emitOpError("has a fill ") << fill.getType() << " that is no step of " << getType();
  return verifyPeers(*this, getPeers());
}
