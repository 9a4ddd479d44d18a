// A kernel's tasks as a loop over a range, called through an array of words. Passes.td has the contract.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_LOWERTOCPU
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Adds the task's number as the kernel's last argument.
LogicalResult takeTask(func::FuncOp kernel) {
  Type i64 = IntegerType::get(kernel.getContext(), 64);
  unsigned last = kernel.getNumArguments();
  if (failed(kernel.insertArgument(last, i64, {}, kernel.getLoc())))
    return failure();
  Value task = kernel.getArgument(last);
  WalkResult walk = kernel.walk([&](TilePlaceOp place) {
    if (place.getLevel() != "grid") {
      place.emitError("a CPU has no level '") << place.getLevel() << "'";
      return WalkResult::interrupt();
    }
    place.replaceAllUsesWith(task);
    place.erase();
    return WalkResult::advance();
  });
  kernel.setPrivate();
  return failure(walk.wasInterrupted());
}

/// Reads argument `number` from the array of words.
Value readWord(OpBuilder &builder, Location loc, Value words, unsigned number, Type type) {
  Value address = LLVM::GEPOp::create(builder, loc, words.getType(), builder.getI64Type(), words,
                                      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(number)});
  return LLVM::LoadOp::create(builder, loc, type, address, 8);
}

void buildTasks(func::FuncOp kernel) {
  OpBuilder builder(kernel->getContext());
  builder.setInsertionPointAfter(kernel);
  Location loc = kernel.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext()), i64 = builder.getI64Type();
  auto tasks = func::FuncOp::create(builder, loc, (kernel.getName() + "_tasks").str(),
                                    builder.getFunctionType({pointer, i64, i64}, {}));
  Block *entry = tasks.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  SmallVector<Value> arguments;
  ArrayRef<Type> types = kernel.getArgumentTypes().drop_back();
  for (auto [number, type] : llvm::enumerate(types))
    arguments.push_back(readWord(builder, loc, entry->getArgument(0), number, type));
  arguments.push_back({});
  Value one = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(1));
  scf::ForOp::create(builder, loc, entry->getArgument(1), entry->getArgument(2), one, ValueRange(),
                     [&](OpBuilder &inner, Location, Value task, ValueRange) {
                       arguments.back() = task;
                       func::CallOp::create(inner, loc, kernel, arguments);
                       scf::YieldOp::create(inner, loc);
                     });
  func::ReturnOp::create(builder, loc);
}

struct LowerToCpu : ssm::impl::LowerToCpuBase<LowerToCpu> {
  void runOnOperation() override {
    for (auto kernel : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (kernel.isExternal())
        continue;
      if (failed(takeTask(kernel)))
        return signalPassFailure();
      buildTasks(kernel);
    }
  }
};
} // namespace
