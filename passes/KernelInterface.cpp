// What a kernel is called with; the host that launches and the pass that builds it share this one order.

#include "passes/KernelInterface.h"
#include "passes/ComputeType.h"
#include "schedule/ScannedTensors.h"

using namespace mlir;
using namespace ssm;

ChunkRole::ChunkRole(RecurrenceOp recurrence) : plan(recurrence->getAttrOfType<DictionaryAttr>("ssm.chunk")) {}

int64_t ChunkRole::steps() const {
  auto steps = plan ? plan.getAs<IntegerAttr>("steps") : IntegerAttr();
  return steps ? steps.getInt() : 0;
}

bool ChunkRole::isJoin() const { return plan && plan.contains("join"); }

bool ChunkRole::inTicketOrder() const { return plan && plan.contains("in_ticket_order"); }

bool ChunkRole::isPart() const { return isJoin() || (plan && plan.contains("hands_on")); }

StringRef ChunkRole::handsOn(StringRef state) const {
  auto names = plan ? plan.getAs<DictionaryAttr>("hands_on") : DictionaryAttr();
  auto workspace = names ? names.getAs<StringAttr>(state) : StringAttr();
  return workspace ? workspace.getValue() : StringRef();
}

/// The entry of a state among `starts`, or null.
static Attribute startOf(DictionaryAttr plan, StringRef state) {
  auto starts = plan ? plan.getAs<DictionaryAttr>("starts") : DictionaryAttr();
  return starts ? starts.get(state) : Attribute();
}

ChunkRole::Start ChunkRole::start(StringRef state) const {
  Attribute entry = startOf(plan, state);
  return !entry ? Start::Carried : isa<FloatAttr>(entry) ? Start::Constant : Start::Own;
}

double ChunkRole::constant(StringRef state) const { return cast<FloatAttr>(startOf(plan, state)).getValueAsDouble(); }

BlockRole::BlockRole(RecurrenceOp recurrence) : plan(recurrence->getAttrOfType<DictionaryAttr>("ssm.block")) {}

int64_t BlockRole::steps() const {
  auto steps = plan ? plan.getAs<IntegerAttr>("steps") : IntegerAttr();
  return steps ? steps.getInt() : 0;
}

int64_t BlockRole::restOf() const {
  auto steps = plan ? plan.getAs<IntegerAttr>("rest_of") : IntegerAttr();
  return steps ? steps.getInt() : 0;
}

std::pair<std::string, int64_t> BlockRole::arrayOf(StringRef name) const {
  auto arrays = plan ? plan.getAs<DictionaryAttr>("arrays") : DictionaryAttr();
  auto entry = arrays ? arrays.getAs<ArrayAttr>(name) : ArrayAttr();
  if (!entry)
    return {};
  return {cast<StringAttr>(entry[0]).getValue().str(), cast<IntegerAttr>(entry[1]).getInt()};
}

StringRef ssm::modeName(RecurrenceOp recurrence) { return RowPlan(recurrence).isInPlace() ? "step" : "forward"; }

std::string ssm::kernelName(RecurrenceOp recurrence, bool packed) {
  std::string name = recurrence.getSymName().str();
  if (!ChunkRole(recurrence).isPart())
    name += "_" + modeName(recurrence).str();
  return packed ? name : name + "_any";
}

/// States between chunks are kept in the type of the arithmetic.
static Type betweenChunks(RecurrenceOp recurrence, Type type) {
  Type compute = computeType(recurrence);
  return isa<ComplexType>(type) ? Type(ComplexType::get(compute)) : compute;
}

static void addStates(KernelInterface &interface, RecurrenceOp recurrence, const ChunkRole &chunk) {
  using Role = KernelTensor::Role;
  for (Role role : {Role::InitialState, Role::FinalState, Role::CarriedState})
    for (const State &state : getStates(recurrence)) {
      bool isCarried = role == Role::CarriedState;
      if (state.depth == 0 || (isCarried && (!chunk.steps() || chunk.start(state.name) != ChunkRole::Start::Carried)))
        continue;
      // The last kernel hands the final states back.
      if (role == Role::FinalState && chunk.isPart() && chunk.handsOn(state.name).empty())
        continue;
      KernelTensor tensor{role, state.name.str(), state.layout, state.stored ? state.stored : state.type, state.depth};
      if (isCarried)
        // A join's states have the names of buffers.
        tensor.workspace = chunk.isJoin() ? tensor.name : "after." + tensor.name;
      else if (role == Role::FinalState)
        tensor.workspace = chunk.handsOn(state.name);
      if (!tensor.workspace.empty()) {
        tensor.stored = betweenChunks(recurrence, state.type);
        tensor.perChunk = true;
      }
      interface.tensors.push_back(tensor);
    }
}

/// The arrays of rows, before everything else; and where rows stand in the others.
static void addRows(KernelInterface &interface, RecurrenceOp recurrence) {
  using Role = KernelTensor::Role;
  RowPlan rows(recurrence);
  if (!rows)
    return;
  for (KernelTensor &tensor : interface.tensors)
    tensor.memory = tensor.isState() ? rows.stateInMemory(tensor.layout) : rows.inMemory(tensor.layout);
  std::vector<KernelTensor> arrays;
  for (StringRef name : RowPlan::arrays())
    if (rows.has(name)) {
      arrays.push_back({Role::Rows, name.str(), rows.layoutOf(name), rows.typeOf(name)});
      arrays.back().more = name == "cu_seqlens";
    }
  interface.tensors.insert(interface.tensors.begin(), arrays.begin(), arrays.end());
  if (rows.hasPool())
    interface.sizes.push_back(RowPlan::slots.str());
}

KernelInterface ssm::getKernelInterface(RecurrenceOp recurrence) {
  using Role = KernelTensor::Role;
  KernelInterface interface;
  Block &body = recurrence.getBody().front();
  ChunkRole role(recurrence);
  auto storedOf = [](std::optional<Type> stored, Type value) { return stored.value_or(value); };
  for (auto input : body.getOps<InputOp>())
    interface.tensors.push_back(
        {Role::Input, input.getName().str(), input.getLayout(), storedOf(input.getStored(), input.getType())});
  for (auto output : body.getOps<OutputOp>())
    interface.tensors.push_back({Role::Output, output.getName().str(), output.getLayout(),
                                 storedOf(output.getStored(), output.getValue().getType())});
  if (role.isJoin())
    for (KernelTensor &tensor : interface.tensors)
      tensor.workspace = tensor.name;
  for (KernelTensor &tensor : interface.tensors)
    std::tie(tensor.array, tensor.step) = BlockRole(recurrence).arrayOf(tensor.name);
  addStates(interface, recurrence, role);
  for (auto param : body.getOps<ParamOp>())
    interface.parameters.emplace_back(param.getName().str(), param.getDefaultValue().convertToDouble());
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      interface.sizes.push_back(dim.getName().str());
  addRows(interface, recurrence);
  return interface;
}

bool ssm::runsAlongSteps(RecurrenceOp recurrence, const KernelTensor &tensor) {
  using Role = KernelTensor::Role;
  return (tensor.role == Role::Input || tensor.role == Role::Output) &&
         tensorAlongScan(recurrence, tensor.name, tensor.role == Role::Input);
}

std::optional<unsigned> ssm::innermostInTile(const Placement &placement, DimSet set) {
  for (const TileAxis &axis : llvm::reverse(placement.axes))
    if (axis.dim && axis.extent > 1 && set.contains(*axis.dim))
      return axis.dim;
  return std::nullopt;
}

/// Registers that are moved at once into or out of a kernel of many steps, which has others to keep.
static constexpr int64_t mostWideRegisters = 32;

bool ssm::isHeldTwice(const Placement &placement, const DimensionAnalysis &dims, DimSet set) {
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim != dims.scan() && placement.places[dim].parts() > 1 && !set.contains(dim))
      return true;
  return false;
}

bool ssm::isStagedInput(const Placement &placement, const DimensionAnalysis &dims, InputOp input) {
  return placement.stagesBlocks && dims.variesInTime(input) &&
         !isa<ComplexType>(input.getStored().value_or(input.getType())) &&
         (placement.loadsStaged(input.getName()) ||
          (placement.stagesFree && isHeldTwice(placement, dims, dims.of(input.getResult()))));
}

int64_t ssm::stagedRun(const Placement &placement, unsigned dim) {
  // Shared memory has them in 4 bytes at least.
  int64_t extent = placement.places[dim].extent(), run = std::max<int64_t>(1, placement.accessBytes / 4);
  while (extent % run != 0)
    run /= 2;
  return run;
}

static int64_t powerOfTwoIn(int64_t number) { return number & -number; }

/// Bytes that the runs of a thread's registers of a tensor begin at multiples of in memory, where they are whole
/// accesses: of states and what does not vary in time, of the widest kind.
static int64_t alignmentOfRegisters(RecurrenceOp recurrence, const KernelTensor &tensor, const Placement &placement) {
  using Role = KernelTensor::Role;
  DimensionAnalysis dims(recurrence);
  DimSet own = dims.of(tensor.layout);
  bool isOfKind = tensor.isState() || tensor.role == Role::Input || tensor.role == Role::Output;
  unsigned rank = tensor.layout.getRank();
  if (!isOfKind || isa<ComplexType>(tensor.stored) || tensor.depth > 1 || !tensor.workspace.empty() || rank == 0)
    return 1;
  SmallVector<StringRef> last = tensor.layout.getAxis(rank - 1);
  unsigned dim = *dims.number(last.back());
  std::optional<int64_t> size = recurrence.sizeOf(last.back());
  const DimPlace &place = placement.places[dim];
  if (last.size() > 1 || !size || *size % place.extent() != 0)
    return 1;
  int64_t width = tensor.stored.getIntOrFloatBitWidth() / 8;
  if (tensor.role == Role::Input && own.contains(dims.scan()))
    for (auto input : recurrence.getBody().front().getOps<InputOp>())
      if (input.getName() == tensor.name && isStagedInput(placement, dims, input))
        return stagedRun(placement, dim) > 1 ? std::min(placement.accessBytes, stagedRun(placement, dim) * width) : 1;
  if (innermostInTile(placement, own) != dim)
    return 1;
  int64_t bytes = std::min(placement.accessBytes, powerOfTwoIn(place.regs) * width);
  if (own.contains(dims.scan()))
    return bytes > width ? bytes : 1;
  // Whole sequences move states once: there, many registers are better free.
  bool isTooMuch = place.regs > mostWideRegisters && !RowPlan(recurrence).isInPlace();
  return isTooMuch || bytes < placement.accessBytes ? 1 : bytes;
}

void ssm::setAlignments(KernelInterface &interface, RecurrenceOp recurrence, const Placement &placement, bool gpu) {
  for (KernelTensor &tensor : interface.tensors)
    if (gpu && !runsAlongSteps(recurrence, tensor))
      tensor.alignment = alignmentOfRegisters(recurrence, tensor, placement);
  // Packed rows begin anywhere along the steps.
  if ((placement.copies() == 1 && !placement.stagesBlocks) || RowPlan(recurrence).isPacked())
    return;
  for (KernelTensor &tensor : interface.tensors)
    if (runsAlongSteps(recurrence, tensor)) {
      tensor.alignment = placement.accessBytes;
      // In reverse, the first step stands at the end.
      if (recurrence.getReverse())
        interface.stepsMultiple = std::max<int64_t>(interface.stepsMultiple,
                                                    placement.accessBytes * 8 / tensor.stored.getIntOrFloatBitWidth());
    }
}

KernelInterface ssm::getPartInterface(RecurrenceOp part, const Placement &placement, bool gpu) {
  KernelInterface interface = getKernelInterface(part);
  setAlignments(interface, part, placement, gpu);
  DimensionAnalysis dims(part);
  for (KernelTensor &tensor : interface.tensors) {
    if (tensor.workspace.empty())
      continue;
    DimSet own = dims.of(tensor.layout);
    for (auto [dim, place] : llvm::enumerate(placement.places))
      if (place.grid && !own.contains(dim))
        tensor.perTile.push_back(dims.name(dim).str());
  }
  return interface;
}

bool ssm::isSameArray(const KernelTensor &a, const KernelTensor &b) {
  if (!a.workspace.empty() || !b.workspace.empty())
    return a.workspace == b.workspace;
  return a.role == b.role && a.name == b.name;
}

/// A layout with names of dimensions that `last` has.
static LayoutAttr namedAsIn(RecurrenceOp last, RecurrenceOp part, LayoutAttr layout) {
  SmallVector<SmallVector<StringRef>> axes;
  for (unsigned axis = 0; axis < layout.getRank(); ++axis)
    axes.push_back(llvm::map_to_vector(
        layout.getAxis(axis), [&](StringRef name) { return last.lookupDim(name) ? name : part.extentOf(name); }));
  return LayoutAttr::get(last.getContext(), axes);
}

KernelInterface ssm::joinInterfaces(ArrayRef<RecurrenceOp> parts, ArrayRef<KernelInterface> interfaces,
                                    const Placement &placement) {
  using Role = KernelTensor::Role;
  RecurrenceOp last = parts.back();
  auto word = IntegerType::get(last.getContext(), 64);
  auto none = LayoutAttr::get(last.getContext(), ArrayRef<SmallVector<StringRef>>());
  KernelTensor order{Role::Order, "order", none, word, wordsOfOrder}, flags{Role::Flags, "flags", none, word, 0, true};
  DimensionAnalysis dims(last);
  for (auto [dim, place] : llvm::enumerate(placement.places))
    if (place.grid)
      flags.perTile.push_back(dims.name(dim).str());
  KernelInterface whole = interfaces.back();
  for (KernelTensor &tensor : whole.tensors)
    if (tensor.role == Role::CarriedState)
      tensor.role = Role::Between;
  for (auto [part, interface] : llvm::zip_equal(parts.drop_back(), interfaces.drop_back())) {
    flags.depth += !ChunkRole(part).isJoin();
    for (const KernelTensor &tensor : interface.tensors) {
      if (tensor.workspace.empty() ||
          llvm::any_of(whole.tensors, [&](const KernelTensor &other) { return isSameArray(tensor, other); }))
        continue;
      whole.tensors.push_back(tensor);
      whole.tensors.back().role = Role::Between;
      whole.tensors.back().layout = namedAsIn(last, part, tensor.layout);
    }
  }
  for (KernelTensor *tensor : {&flags, &order}) {
    tensor->workspace = tensor->name;
    whole.tensors.insert(whole.tensors.begin(), *tensor);
  }
  return whole;
}

int64_t ssm::countTasks(const Placement &placement, ArrayRef<int64_t> sizes) {
  int64_t tasks = 1;
  for (auto [place, size] : llvm::zip_equal(placement.places, sizes))
    tasks *= place.gridTiles(size);
  return placement.chunk ? tasks * countChunks(placement, sizes[placement.scan]) : tasks;
}

int64_t ssm::countChunks(const Placement &placement, int64_t steps) {
  return std::max<int64_t>(1, llvm::divideCeil(steps, placement.chunk));
}
