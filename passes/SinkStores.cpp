// Puts stores to shared memory behind the loads that do not read what they write. Passes.td has the contract.
//
// ptxas sees one shared array, and addresses that threads compute: a load that stands behind a store stays there. Where
// a thread has several channels, it would begin the second one's chain of loads, exponentials and sums when the first
// one's is over.

#include "dialect/Ssm.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_SINKSTORES
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// The shared array that an address is in; null where that is not clear.
SharedOp arrayOf(Value address) {
  while (auto place = address.getDefiningOp<LLVM::GEPOp>())
    address = place.getBase();
  return address.getDefiningOp<SharedOp>();
}

bool isShared(Value address) {
  return cast<LLVM::LLVMPointerType>(address.getType()).getAddressSpace() ==
         static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared);
}

/// A function of numbers, of which MLIR does not know that it is no more than that.
bool isFunctionOfNumbers(Operation &op) {
  auto isNumber = [](Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); };
  return isa<LLVM::CallIntrinsicOp>(op) && op.getNumResults() == 1 && llvm::all_of(op.getResultTypes(), isNumber) &&
         llvm::all_of(op.getOperandTypes(), isNumber);
}

/// Whether the order of a store to `array` and `op` does not matter.
bool mayPass(SharedOp array, Operation &op) {
  auto isOther = [&](Value address) {
    SharedOp other = arrayOf(address);
    return !isShared(address) || (other && other != array);
  };
  if (auto load = dyn_cast<LLVM::LoadOp>(op))
    return !load.getVolatile_() && load.getOrdering() == LLVM::AtomicOrdering::not_atomic && isOther(load.getAddr());
  if (auto store = dyn_cast<LLVM::StoreOp>(op))
    return !store.getVolatile_() && store.getOrdering() == LLVM::AtomicOrdering::not_atomic && isOther(store.getAddr());
  return op.getNumRegions() == 0 && !op.hasTrait<OpTrait::IsTerminator>() &&
         (isMemoryEffectFree(&op) || isFunctionOfNumbers(op));
}

void sink(LLVM::StoreOp store) {
  SharedOp array = arrayOf(store.getAddr());
  if (!array || store.getVolatile_() || store.getOrdering() != LLVM::AtomicOrdering::not_atomic)
    return;
  Operation *last = nullptr;
  for (Operation *op = store->getNextNode(); op && mayPass(array, *op); op = op->getNextNode())
    if (auto load = dyn_cast<LLVM::LoadOp>(op); load && isShared(load.getAddr()))
      last = op;
  if (last)
    store->moveAfter(last);
}

struct SinkStores : ssm::impl::SinkStoresBase<SinkStores> {
  void runOnOperation() override {
    SmallVector<LLVM::StoreOp> stores;
    getOperation().walk([&](LLVM::StoreOp store) { stores.push_back(store); });
    // The last one first: another one of its array would be in the way.
    for (LLVM::StoreOp store : llvm::reverse(stores))
      sink(store);
  }
};
} // namespace
