// A scan's parts as one kernel, whose blocks take chunks by tickets. Passes.td has the contract.
//
// A block waits for blocks with smaller tickets alone. These run already, since a ticket is taken by a block that runs;
// so the smallest that is not done never waits, whatever the order in which a device starts blocks and however few of
// them are on it at a time. States are combined with what the predecessor hands on and nothing else, so the order of
// operations is that of chunks.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/KernelInterface.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_TICKETORDER
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Words of the Order.
constexpr int32_t ticketWord = 0, launchWord = 1;
/// 2^64 divided by the golden ratio. A launch's number times it is another number for every launch, and one that what
/// else stood in the flags' memory, where that moves with the sizes of a launch, is by a chance of 1 in 2^64.
constexpr int64_t oddFactor = 0x9e3779b97f4a7c15;
/// Nanoseconds between looks at a flag.
constexpr int32_t pause = 20;

struct Part {
  func::FuncOp function;
  DictionaryAttr role;

  StringRef name() const { return role.getAs<StringAttr>("part").getValue(); }
  int64_t number(StringRef of) const { return role.getAs<IntegerAttr>(of).getInt(); }
  int64_t threads() { return function->getAttrOfType<IntegerAttr>("ssm.threads").getInt(); }
};

/// Makes the last part the kernel that runs all of them.
class TicketKernel {
public:
  TicketKernel(ArrayRef<Part> parts)
      : parts(parts), last(parts.back()), entry(last.function.getBody().front()),
        levels(llvm::count_if(parts, [](const Part &part) { return part.name() == "total"; })),
        builder(last.function.getLoc(), OpBuilder::atBlockBegin(&entry)) {}

  LogicalResult build() {
    for (Part part : parts)
      if (part.threads() < last.threads() && waitsForThreads(part))
        return part.function.emitError("has ")
               << part.threads() << " threads that wait for each other in a kernel of " << last.threads();
    // What the last part does stays behind all that is built.
    shareMemory();
    takeTicket();
    int64_t level = 0;
    for (size_t number = 0; number + 1 < parts.size(); ++number) {
      inlinePart(parts[number]);
      bool isJoined = parts[number + 1].name() == "join";
      if (!isJoined)
        handOn(level);
      waitFor(level);
      if (isJoined) {
        inlinePart(parts[++number]);
        handOn(level);
      }
      ++level;
    }
    placeTask();
    hoistMemory();
    last.function->removeAttr("ssm.ticket_order");
    return success();
  }

private:
  static bool waitsForThreads(Part part) {
    return part.function
        .walk([](Operation *op) {
          return isa<gpu::BarrierOp, NVVM::ShflOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  }

  Value constant(int64_t value) { return arith::ConstantOp::create(builder, builder.getI64IntegerAttr(value)); }
  Value isEqual(Value a, Value b) { return arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, a, b); }

  //===--------------------------------------------------------------------===//
  // Words that blocks agree by
  //===--------------------------------------------------------------------===//

  Value wordAt(Value pointer, LLVM::GEPArg index) {
    return LLVM::GEPOp::create(builder, pointer.getType(), builder.getI64Type(), pointer,
                               ArrayRef<LLVM::GEPArg>{index});
  }
  Value orderWord(int32_t number) { return wordAt(entry.getArgument(last.number("order")), number); }

  /// The flag of a level of the task with a ticket.
  Value flagOf(Value ticket, int64_t level) {
    Value number =
        arith::AddIOp::create(builder, arith::MulIOp::create(builder, ticket, constant(levels)), constant(level));
    return wordAt(entry.getArgument(last.number("flags")), number);
  }

  Value load(Value address, LLVM::AtomicOrdering ordering) {
    return LLVM::LoadOp::create(builder, builder.getI64Type(), address, /*alignment=*/8, false, false, false, false,
                                ordering, scope);
  }
  void store(Value value, Value address, LLVM::AtomicOrdering ordering) {
    LLVM::StoreOp::create(builder, value, address, /*alignment=*/8, false, false, false, ordering, scope);
  }

  void fence() { LLVM::FenceOp::create(builder, LLVM::AtomicOrdering::acq_rel, scope); }

  /// Emits what one thread of the block does where `condition` holds.
  void inOneThread(Value condition, llvm::function_ref<void()> body) {
    OpBuilder::InsertionGuard guard(builder);
    auto choice = scf::IfOp::create(builder, condition, /*withElseRegion=*/false);
    builder.setInsertionPointToStart(choice.thenBlock());
    body();
  }

  //===--------------------------------------------------------------------===//
  // Tickets and flags
  //===--------------------------------------------------------------------===//

  /// The launch number is read before a ticket is taken. So when the last ticket of a launch is taken all tasks have
  /// it, and the block that has that ticket makes the words ready for the next launch.
  void takeTicket() {
    Value place = TilePlaceOp::create(builder, builder.getI64Type(), "thread");
    Value tasks = TilePlaceOp::create(builder, builder.getI64Type(), "tasks");
    auto type = LLVM::LLVMPointerType::get(builder.getContext(), unsigned(NVVM::NVVMMemorySpace::Shared));
    Value told = SharedOp::create(builder, type, 2 * sizeof(int64_t));
    isFirstThread = isEqual(place, constant(0));
    inOneThread(isFirstThread, [&] {
      Value launch = load(orderWord(launchWord), LLVM::AtomicOrdering::monotonic);
      Value next = arith::AddIOp::create(builder, launch, constant(1));
      // Fences and not an order of the addition itself, of which LLVM's NVPTX back end makes nothing.
      fence();
      Value taken = LLVM::AtomicRMWOp::create(builder, LLVM::AtomicBinOp::add, orderWord(ticketWord), constant(1),
                                              LLVM::AtomicOrdering::monotonic, scope, /*alignment=*/8);
      inOneThread(isEqual(taken, arith::SubIOp::create(builder, tasks, constant(1))), [&] {
        fence();
        store(constant(0), orderWord(ticketWord), LLVM::AtomicOrdering::monotonic);
        store(next, orderWord(launchWord), LLVM::AtomicOrdering::monotonic);
      });
      LLVM::StoreOp::create(builder, taken, wordAt(told, 0));
      LLVM::StoreOp::create(builder, arith::MulIOp::create(builder, next, constant(oddFactor)), wordAt(told, 1));
    });
    gpu::BarrierOp::create(builder);
    ticket = LLVM::LoadOp::create(builder, builder.getI64Type(), wordAt(told, 0));
    mark = LLVM::LoadOp::create(builder, builder.getI64Type(), wordAt(told, 1));
    // Tickets run through the tiles of a chunk, then through the next chunk's: chains of several tiles go on side by
    // side.
    Value steps = entry.getArgument(last.number("size"));
    Value chunks = arith::MaxUIOp::create(
        builder, arith::CeilDivUIOp::create(builder, steps, constant(last.number("chunk"))), constant(1));
    tiles = arith::DivUIOp::create(builder, tasks, chunks);
    Value chunk = arith::DivUIOp::create(builder, ticket, tiles), tile = arith::RemUIOp::create(builder, ticket, tiles);
    task = arith::AddIOp::create(builder, arith::MulIOp::create(builder, tile, chunks), chunk);
    thread = place;
  }

  /// What this block's threads have stored so far is there for the block that sees the flag.
  void handOn(int64_t level) {
    gpu::BarrierOp::create(builder);
    inOneThread(isFirstThread, [&] { store(mark, flagOf(ticket, level), LLVM::AtomicOrdering::release); });
  }

  /// Waits for the predecessor, and for what this block's threads have stored so far.
  void waitFor(int64_t level) {
    Value hasPredecessor = arith::CmpIOp::create(builder, arith::CmpIPredicate::uge, ticket, tiles);
    inOneThread(arith::AndIOp::create(builder, isFirstThread, hasPredecessor), [&] {
      Value flag = flagOf(arith::SubIOp::create(builder, ticket, tiles), level);
      auto spin = scf::WhileOp::create(builder, TypeRange(), ValueRange());
      OpBuilder::InsertionGuard guard(builder);
      builder.createBlock(&spin.getBefore());
      Value isThere = isEqual(load(flag, LLVM::AtomicOrdering::acquire), mark);
      Value waits = arith::XOrIOp::create(
          builder, isThere, arith::ConstantOp::create(builder, builder.getIntegerAttr(builder.getI1Type(), 1)));
      scf::ConditionOp::create(builder, waits, ValueRange());
      builder.createBlock(&spin.getAfter());
      NVVM::NanosleepOp::create(builder, arith::ConstantOp::create(builder, builder.getI32IntegerAttr(pause)));
      scf::YieldOp::create(builder, ValueRange());
    });
    gpu::BarrierOp::create(builder);
  }

  //===--------------------------------------------------------------------===//
  // Parts
  //===--------------------------------------------------------------------===//

  /// Moves a part's operations to where the kernel is built, for the threads that it has.
  void inlinePart(Part part) {
    Block &body = part.function.getBody().front();
    for (auto [from, to] : llvm::zip_equal(body.getArguments(), entry.getArguments()))
      from.replaceAllUsesWith(to);
    body.getTerminator()->erase();
    if (part.threads() == last.threads()) {
      entry.getOperations().splice(builder.getInsertionPoint(), body.getOperations());
    } else {
      Value takesPart = arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, thread, constant(part.threads()));
      inOneThread(takesPart, [&] {
        builder.getInsertionBlock()->getOperations().splice(builder.getInsertionPoint(), body.getOperations());
      });
    }
    part.function.erase();
  }

  /// All parts run the task of the ticket.
  void placeTask() {
    last.function.walk([&](TilePlaceOp place) {
      if (place.getLevel() == "grid") {
        place.replaceAllUsesWith(task);
        place.erase();
      }
    });
  }

  /// Memory of a thread's own is the function's, not that of the threads that a part has.
  void hoistMemory() {
    SmallVector<LLVM::AllocaOp> buffers;
    last.function.walk([&](LLVM::AllocaOp buffer) { buffers.push_back(buffer); });
    for (LLVM::AllocaOp buffer : buffers) {
      Operation *count = buffer.getArraySize().getDefiningOp();
      count->moveBefore(&entry, entry.begin());
      buffer->moveAfter(count);
    }
  }

  /// What one part shares among threads is over before the next part begins: they take the same memory.
  void shareMemory() {
    SmallVector<SmallVector<SharedOp>> taken;
    for (Part part : parts)
      part.function.walk([&, &own = taken.emplace_back()](SharedOp shared) { own.push_back(shared); });
    SmallVector<SharedOp> buffers;
    for (SmallVector<SharedOp> &own : taken)
      for (auto [number, shared] : llvm::enumerate(own)) {
        if (number == buffers.size())
          buffers.push_back(SharedOp::create(builder, shared.getType(), shared.getBytes()));
        SharedOp whole = buffers[number];
        whole.setBytes(std::max(whole.getBytes(), shared.getBytes()));
        shared->replaceAllUsesWith(whole);
        // The last part may begin with it.
        if (Block::iterator(shared) == builder.getInsertionPoint())
          builder.setInsertionPointAfter(shared);
        shared->erase();
      }
  }

  ArrayRef<Part> parts;
  Part last;
  Block &entry;
  int64_t levels;
  ImplicitLocOpBuilder builder;
  StringRef scope = "device";
  Value thread, isFirstThread, ticket, mark, tiles, task;
};

struct TicketOrder : ssm::impl::TicketOrderBase<TicketOrder> {
  void runOnOperation() override {
    SmallVector<Part> parts;
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      auto role = function->getAttrOfType<DictionaryAttr>("ssm.ticket_order");
      if (!role)
        continue;
      parts.push_back({function, role});
      if (parts.back().name() != "last")
        continue;
      if (failed(TicketKernel(parts).build()))
        return signalPassFailure();
      parts.clear();
    }
  }
};
} // namespace
