// Applies a schedule: a recurrence becomes a function that runs one task (or thread) after another over register tiles.
// Passes.td has the contract.

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Passes.h"
#include "passes/TileStages.h"

namespace ssm {
#define GEN_PASS_DEF_TILE
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Builds the body of one kernel.
class KernelBuilder {
public:
  /// `whole` is the interface of the kernel, where the recurrence is a part of one in ticket order.
  KernelBuilder(RecurrenceOp recurrence, const Placement &placement, const KernelInterface &interface, bool packed,
                const KernelInterface *whole)
      : recurrence(recurrence), placement(placement), interface(interface), whole(whole),
        memory(recurrence, placement, interface, packed, whole), loc(recurrence.getLoc()) {
    if (packed && placement.stagesBlocks)
      stages.emplace(recurrence, placement, interface, memory, whole);
  }

  /// Null where what loops inside the one over time would have to keep cannot be kept, which is reported.
  func::FuncOp build(OpBuilder &builder, StringRef name) {
    llvm::Expected<TileLoopsPlan> made = TileLoopsPlan::make(recurrence, placement, memory);
    if (!made) {
      recurrence.emitError(llvm::toString(made.takeError()));
      return {};
    }
    plan = std::move(*made);
    auto type = builder.getFunctionType(memory.argumentTypes(), {});
    auto kernel = func::FuncOp::create(builder, loc, name, type);
    OpBuilder::InsertionGuard guard(builder);
    Block *entry = kernel.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    auto end = func::ReturnOp::create(builder, loc);
    builder.setInsertionPoint(end);
    memory.bindArguments(builder, *entry);
    memory.bindCoordinates(builder);
    memory.allocateScratch(builder);
    plan.allocate(builder);
    if (stages)
      if (llvm::Error error = stages->bind(builder, *entry)) {
        recurrence.emitError(llvm::toString(std::move(error)));
        return {};
      }
    markAliasing(kernel);
    if (std::optional<unsigned> rows = memory.rowDim(); rows && placement.places[*rows].loop == LoopPlace::None)
      memory.bindRow(builder);
    buildOuterLoops(builder, placement.loops(LoopPlace::Outside));
    return kernel;
  }

private:
  /// The task's tiles of the dimensions on loops around the one over time, one after another.
  void buildOuterLoops(OpBuilder &builder, ArrayRef<unsigned> nest) {
    if (nest.empty())
      return buildTile(builder);
    auto [from, to] = memory.loopBounds(builder, nest.front());
    Value extent = constantI64(builder, placement.places[nest.front()].extent());
    scf::ForOp::create(builder, loc, from, to, extent, ValueRange(),
                       [&](OpBuilder &inner, Location, Value start, ValueRange) {
                         memory.enterTile(inner, nest.front(), start);
                         if (nest.front() == memory.rowDim())
                           memory.bindRow(inner);
                         if (stages)
                           stages->enterTile(inner, nest.front(), start);
                         buildOuterLoops(inner, nest.drop_front());
                         scf::YieldOp::create(inner, loc);
                       });
  }

  /// One tile: full, or with what is past its end left out.
  void buildTile(OpBuilder &builder) {
    OpBuilder::InsertionGuard guard(builder);
    if (Value inside = memory.insideThreads(builder))
      builder.setInsertionPointToStart(scf::IfOp::create(builder, loc, inside, false).thenBlock());
    if (Value runs = memory.rowRuns()) {
      auto choice = scf::IfOp::create(builder, loc, runs, /*withElseRegion=*/true);
      OpBuilder leftOut = OpBuilder::atBlockTerminator(choice.elseBlock());
      buildZeros(leftOut);
      builder.setInsertionPoint(choice.thenYield());
    }
    Value full = memory.isFull(builder);
    if (!full)
      return buildTask(builder);
    auto choice = scf::IfOp::create(builder, loc, full, /*withElseRegion=*/true);
    OpBuilder steady = OpBuilder::atBlockTerminator(choice.thenBlock());
    buildTask(steady);
    setMasked(DimSet(~uint64_t(0)));
    OpBuilder edge = OpBuilder::atBlockTerminator(choice.elseBlock());
    buildTask(edge);
    setMasked(DimSet());
  }

  /// The outputs of a row that is left out.
  void buildZeros(OpBuilder &builder) {
    Value zero = constantI64(builder, 0), block = constantI64(builder, placement.blockSteps());
    Value steps = memory.sizeOf(builder, memory.dimensions().scan());
    memory.setMasked(DimSet(~uint64_t(0)));
    scf::ForOp::create(builder, loc, zero, steps, block, ValueRange(),
                       [&](OpBuilder &inner, Location, Value step, ValueRange) {
                         if (placement.blockSteps() > 1)
                           memory.setStepsLeft(subI64(inner, steps, step));
                         for (auto [number, tensor] : llvm::enumerate(interface.tensors))
                           if (tensor.role == KernelTensor::Role::Output)
                             storeZeros(inner, number, timeOf(inner, step, steps));
                         memory.setStepsLeft({});
                         scf::YieldOp::create(inner, loc);
                       });
    memory.setMasked(DimSet());
  }

  void storeZeros(OpBuilder &builder, unsigned number, Value time) {
    const KernelTensor &tensor = interface.tensors[number];
    auto complex = dyn_cast<ComplexType>(tensor.stored);
    DimSet own = memory.dimensions().of(tensor.layout);
    VectorType type = memory.tileType(own, memory.elementType());
    loopOverTiles(builder, memory, placement, own & placement.loopSet(LoopPlace::Inside), [&](OpBuilder &inner) {
      Value zero = arith::ConstantOp::create(inner, loc, inner.getZeroAttr(type));
      memory.store(inner, number, Tiles(complex ? 2 : 1, zero), time);
    });
  }

  void setMasked(DimSet masked) {
    memory.setMasked(masked);
    if (stages)
      stages->setMasked(masked);
  }

  /// Tensors do not overlap, but for a final state, which may take its initial state's place. What is between chunks of
  /// one kernel other blocks write while it runs.
  void markAliasing(func::FuncOp kernel) {
    using Role = KernelTensor::Role;
    unsigned argument = 0;
    for (const KernelTensor &tensor : (whole ? *whole : interface).tensors) {
      if (!tensor.isState() && tensor.role != Role::Between && !tensor.isOrder())
        kernel.setArgAttr(argument, LLVM::LLVMDialect::getNoAliasAttrName(), UnitAttr::get(kernel.getContext()));
      argument += 1 + tensor.getRank();
    }
  }

  SmallVector<unsigned> stagedTensors(KernelTensor::Role role) {
    SmallVector<unsigned> staged;
    for (auto [number, tensor] : llvm::enumerate(interface.tensors))
      if (tensor.role == role && memory.isStaged(number) && isNeeded(tensor))
        staged.push_back(number);
    return staged;
  }

  bool isNeeded(const KernelTensor &tensor) {
    if (tensor.role == KernelTensor::Role::Input)
      for (auto input : recurrence.getBody().front().getOps<InputOp>())
        if (input.getName() == tensor.name)
          return TileStep::isReadPlainly(input);
    return true;
  }

  void buildTask(OpBuilder &builder) {
    TileStep step(recurrence, placement, memory, plan, stages ? &stages->linksOfSteps() : nullptr);
    step.emitInvariant(builder);
    SmallVector<Value> carried = step.emitInitial();
    if (stages)
      stages->emitInvariant(builder);
    Value steps = memory.sizeOf(builder, memory.dimensions().scan());
    Value first = memory.firstStep(builder), end = memory.endStep(builder);
    SmallVector<unsigned> loads = stagedTensors(KernelTensor::Role::Input);
    SmallVector<unsigned> stores = stagedTensors(KernelTensor::Role::Output);
    if (loads.empty() && stores.empty() && !stages) {
      carried = buildSteps(builder, step, first, subI64(builder, end, first), carried);
    } else {
      Value tile = constantI64(builder, placement.timeTile);
      size_t states = carried.size();
      if (stages)
        llvm::append_range(carried, stages->emitAhead(builder, first, end));
      auto loop = scf::ForOp::create(
          builder, loc, first, end, tile, carried, [&](OpBuilder &inner, Location, Value first, ValueRange all) {
            ValueRange state = all.take_front(states), ahead = all.drop_front(states);
            // Where tiles fill the sequence, each is as long as the others.
            std::optional<int64_t> known = recurrence.sizeOf(recurrence.getScan());
            bool areWhole = stages && known && *known % placement.timeTile == 0;
            Value count = areWhole ? tile : arith::MinSIOp::create(inner, loc, tile, subI64(inner, end, first));
            Value time = timeOf(inner, first, steps);
            stage(inner, loads, time, count);
            if (stages)
              stages->emitBefore(inner, first, end, time, count, ahead);
            SmallVector<Value> last = buildSteps(inner, step, first, count, SmallVector<Value>(state));
            stage(inner, stores, time, count);
            if (stages)
              stages->emitAfter(inner, time, count);
            if (stages)
              llvm::append_range(last, stages->carryOn(inner, ahead));
            scf::YieldOp::create(inner, loc, last);
          });
      carried.assign(loop.result_begin(), loop.result_begin() + states);
    }
    // A final state may take the place of an initial one, which every thread that holds it has read then.
    if (threadsHoldStatesTwice())
      gpu::BarrierOp::create(builder, loc);
    step.emitFinal(builder, carried);
  }

  /// Whether several threads that run a task together hold the same state.
  bool threadsHoldStatesTwice() {
    return !placement.exchanged.empty() && llvm::any_of(getStates(recurrence), [&](const State &state) {
      DimSet set = memory.dimensions().of(state.layout).with(placement.scan);
      return state.depth > 0 && llvm::any_of(llvm::seq<unsigned>(placement.places.size()), [&](unsigned dim) {
               return !set.contains(dim) && placement.places[dim].parts() > 1;
             });
    });
  }

  /// Copies whole loops' extents, a tile at a time.
  void stage(OpBuilder &builder, ArrayRef<unsigned> tensors, Value time, Value count) {
    DimSet loops = placement.loopSet(LoopPlace::Inside);
    for (unsigned tensor : tensors)
      loopOverTiles(builder, memory, placement, memory.dimensions().of(memory.tensor(tensor).layout) & loops,
                    [&](OpBuilder &inner) { memory.stage(inner, tensor, time, count); });
  }

  /// Coordinate of a step along the scanned dimension.
  Value timeOf(OpBuilder &builder, Value step, Value steps) {
    return recurrence.getReverse() ? subI64(builder, subI64(builder, steps, constantI64(builder, 1)), step) : step;
  }

  /// `count` steps from step `first` on.
  SmallVector<Value> buildSteps(OpBuilder &builder, TileStep &step, Value first, Value count,
                                SmallVector<Value> carried) {
    if (placement.copies() > 1 || stages)
      return buildCopies(builder, step, first, count, carried);
    Value zero = constantI64(builder, 0), block = constantI64(builder, placement.blockSteps());
    Value steps = memory.sizeOf(builder, memory.dimensions().scan());
    Value left = placement.blockSteps() > 1 ? builder.createOrFold<arith::RemSIOp>(loc, count, block) : Value();
    Value end = left ? subI64(builder, count, left) : count;
    auto loop = scf::ForOp::create(builder, loc, zero, end, block, carried,
                                   [&](OpBuilder &inner, Location, Value number, ValueRange state) {
                                     Value time = timeOf(inner, addI64(inner, first, number), steps);
                                     scf::YieldOp::create(inner, loc, step.emitStep(inner, time, number, state));
                                   });
    carried.assign(loop.result_begin(), loop.result_end());
    if (!left || getConstantIntValue(left) == 0)
      return carried;
    Value isPartial = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, left, zero);
    auto last = scf::IfOp::create(
        builder, loc, isPartial,
        [&](OpBuilder &inner, Location) {
          Value time = timeOf(inner, addI64(inner, first, end), steps);
          memory.setStepsLeft(left);
          scf::YieldOp::create(inner, loc, step.emitStep(inner, time, end, carried));
          memory.setStepsLeft({});
        },
        [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, carried); });
    return SmallVector<Value>(last.getResults());
  }

  /// As many steps a turn as there are copies of the step, then what is left one by one.
  SmallVector<Value> buildCopies(OpBuilder &builder, TileStep &step, Value first, Value count,
                                 SmallVector<Value> carried) {
    Value steps = memory.sizeOf(builder, memory.dimensions().scan());
    auto run = [&](Value from, Value to, int64_t together) {
      std::optional<int64_t> start = getConstantIntValue(from), end = getConstantIntValue(to);
      if (start && end && *start >= *end)
        return;
      auto loop =
          scf::ForOp::create(builder, loc, from, to, constantI64(builder, together), carried,
                             [&](OpBuilder &inner, Location, Value number, ValueRange state) {
                               Value time = timeOf(inner, addI64(inner, first, number), steps);
                               scf::YieldOp::create(inner, loc, step.emitSteps(inner, time, number, together, state));
                             });
      carried.assign(loop.result_begin(), loop.result_end());
    };
    Value together = constantI64(builder, placement.copies());
    Value whole = placement.copies() == 1
                      ? count
                      : subI64(builder, count, builder.createOrFold<arith::RemSIOp>(loc, count, together));
    run(constantI64(builder, 0), whole, placement.copies());
    run(whole, count, 1);
    return carried;
  }

  RecurrenceOp recurrence;
  const Placement &placement;
  const KernelInterface &interface;
  const KernelInterface *whole;
  TileMemory memory;
  TileLoopsPlan plan;
  std::optional<TileStages> stages;
  Location loc;
};

/// The default schedule, without steps that run as one: those are another recurrence's.
llvm::Expected<Schedule> stepwiseDefault(RecurrenceOp recurrence, const Target &machine) {
  llvm::Expected<Schedule> wanted = defaultSchedule(recurrence, machine, SizeHints());
  if (!wanted || !blockedSteps(recurrence, *wanted, machine))
    return wanted;
  return scheduleOfBlocks(*wanted, recurrence.getScan(), 1);
}

/// A recurrence with its schedule.
struct Placed {
  RecurrenceOp recurrence;
  Schedule schedule;
  Placement placement;
};

/// What ssm-ticket-order has to know of a part.
DictionaryAttr describePart(RecurrenceOp recurrence, const KernelInterface &whole) {
  Builder builder(recurrence.getContext());
  ChunkRole role(recurrence);
  StringRef part = role.isJoin() ? "join" : role.isPart() ? "total" : "last";
  unsigned order = 0, flags = 0, arguments = 0;
  for (const KernelTensor &tensor : whole.tensors) {
    if (tensor.isOrder())
      (tensor.role == KernelTensor::Role::Order ? order : flags) = arguments;
    arguments += 1 + tensor.getRank();
  }
  arguments += whole.parameters.size();
  StringRef scanned = recurrence.extentOf(recurrence.getScan());
  arguments += llvm::find(whole.sizes, scanned.str()) - whole.sizes.begin();
  return builder.getDictionaryAttr({
      builder.getNamedAttr("part", builder.getStringAttr(part)),
      builder.getNamedAttr("chunk", builder.getI64IntegerAttr(role.steps())),
      builder.getNamedAttr("order", builder.getI64IntegerAttr(order)),
      builder.getNamedAttr("flags", builder.getI64IntegerAttr(flags)),
      builder.getNamedAttr("size", builder.getI64IntegerAttr(arguments)),
  });
}

struct Tile : ssm::impl::TileBase<Tile> {
  using TileBase::TileBase;

  void runOnOperation() override {
    SmallVector<Placed, 1> parts;
    for (auto recurrence : llvm::make_early_inc_range(getOperation().getOps<RecurrenceOp>())) {
      if (failed(place(recurrence, parts.emplace_back())))
        return signalPassFailure();
      // The parts of a kernel stand before its last.
      ChunkRole role(recurrence);
      if (role.inTicketOrder() && role.isPart())
        continue;
      if (failed(role.inTicketOrder() ? tileParts(parts) : tileAlone(parts.back())))
        return signalPassFailure();
      parts.clear();
    }
  }

  LogicalResult place(RecurrenceOp recurrence, Placed &placed) {
    if (llvm::any_of(recurrence.getBody().front(), [](Operation &op) {
          return isa<OptionOp, GivenOp, DerivativeOp>(op) ||
                 (isa<complex::ComplexDialect>(op.getDialect()) &&
                  !isa<complex::CreateOp, complex::ReOp, complex::ImOp, complex::ConstantOp>(op));
        }))
      return recurrence.emitError(
          "cannot be tiled before it is specialized, discretized and its complex arithmetic is split");
    for (auto scan : recurrence.getBody().front().getOps<ScanOp>())
      if (scan.isRankOne())
        return scan.emitError("is diagonal plus rank one, of which no pass makes tiles: two such steps are no such "
                              "step; without ssm-linearize it runs one step after another");
    Target machine{gpu, vectorBytes, vectorRegisters};
    auto own = recurrence->getAttrOfType<StringAttr>("ssm.schedule");
    // A recurrence's own may be empty: nothing is named.
    llvm::Expected<Schedule> wanted = own                ? parseSchedule(own.getValue())
                                      : schedule.empty() ? stepwiseDefault(recurrence, machine)
                                                         : parseSchedule(schedule);
    if (!wanted)
      return recurrence.emitError(llvm::toString(wanted.takeError()));
    llvm::Expected<Placement> placement = placeSchedule(recurrence, *wanted, machine);
    if (!placement)
      return recurrence.emitError(llvm::toString(placement.takeError()));
    if (!recurrence.getBody().front().getOps<ScanOp>().empty() && !placement->loops(LoopPlace::Inside).empty())
      return recurrence.emitError("has scans, of which no pass runs a part: a dimension on a loop inside that of '")
             << recurrence.getScan() << "' cannot be tiled; place it on reg or lane, or tile without ssm-linearize";
    placed = {recurrence, *wanted, *placement};
    return success();
  }

  LogicalResult tileAlone(Placed &placed) {
    KernelInterface interface = getKernelInterface(placed.recurrence);
    setAlignments(interface, placed.recurrence, placed.placement, gpu);
    return tile(placed, interface);
  }

  /// The parts of one kernel in ticket order: functions of the same arguments.
  LogicalResult tileParts(MutableArrayRef<Placed> parts) {
    const Placement &last = parts.back().placement;
    SmallVector<RecurrenceOp> recurrences;
    SmallVector<KernelInterface> interfaces;
    for (Placed &part : parts) {
      // All have the tasks of the last one.
      for (auto [own, of] : llvm::zip(part.placement.places, last.places))
        own.runsEmpty = of.runsEmpty;
      recurrences.push_back(part.recurrence);
      interfaces.push_back(getPartInterface(part.recurrence, part.placement, gpu));
    }
    KernelInterface whole = joinInterfaces(recurrences, interfaces, last);
    for (auto [part, interface] : llvm::zip_equal(parts, interfaces))
      if (failed(tile(part, interface, &whole)))
        return failure();
    return success();
  }

  /// Steps with code of their own where these read memory themselves, and values of one kind that they keep in all.
  static constexpr int64_t mostCopies = 8, mostCopied = 64;

  /// Where memory runs anyhow, nothing is staged, and each number has an address of its own: fewer steps have code of
  /// their own where a thread has many numbers.
  static void takeFewerCopies(RecurrenceOp recurrence, Placement &placement) {
    DimensionAnalysis dims(recurrence);
    int64_t widest = 1;
    for (Operation &op : recurrence.getBody().front())
      for (Value value : op.getResults()) {
        int64_t elements = 1;
        for (unsigned dim = 0; dim < dims.count(); ++dim)
          if (dim != placement.scan && dims.of(value).contains(dim))
            elements *= placement.places[dim].regs;
        widest = std::max(widest, elements);
      }
    int64_t &copies = placement.places[placement.scan].copies, most = mostCopied / (recurrence.getReverse() ? 2 : 1);
    while (copies % 2 == 0 && (copies > mostCopies || copies * widest > most))
      copies /= 2;
  }

  LogicalResult tile(Placed &placed, const KernelInterface &interface, const KernelInterface *whole = nullptr) {
    RecurrenceOp recurrence = placed.recurrence;
    if (gpu && !packed)
      takeFewerCopies(recurrence, placed.placement);
    // What joins chunks reads maps of all states, and of few chunks. Where memory runs anyhow, nothing is staged and
    // each number has an address of its own: those of several steps are more than there are registers.
    bool loadsAhead = placed.placement.loadsAhead && packed && !ChunkRole(recurrence).isJoin();
    OpBuilder builder(recurrence);
    func::FuncOp kernel = KernelBuilder(recurrence, placed.placement, interface, packed, whole)
                              .build(builder, kernelName(recurrence, packed));
    if (!kernel)
      return failure();
    kernel->setAttr("ssm.schedule", builder.getStringAttr(printSchedule(placed.schedule)));
    kernel->setAttr("ssm.threads", builder.getI64IntegerAttr(placed.placement.threads()));
    if (int64_t blocks = placed.placement.residentBlocks)
      kernel->setAttr("ssm.resident_blocks", builder.getI64IntegerAttr(blocks));
    if (loadsAhead)
      kernel->setAttr("ssm.load_ahead", builder.getUnitAttr());
    if (std::optional<int64_t> polynomials = placed.placement.polynomials)
      kernel->setAttr("ssm.polynomials", builder.getI64IntegerAttr(*polynomials));
    if (whole)
      kernel->setAttr("ssm.ticket_order", describePart(recurrence, *whole));
    recurrence.erase();
    return success();
  }
};
} // namespace
