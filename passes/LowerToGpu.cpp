// Kernels into a gpu.module: blocks stride over tasks. Passes.td has the contract.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_LOWERTOGPU
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
Value asI64(OpBuilder &builder, Location loc, Value index) {
  return arith::IndexCastUIOp::create(builder, loc, builder.getI64Type(), index);
}

/// What a block's threads share are globals of the module, or, where these are more than PTX allows, parts of one whose
/// size the launch gives.
class SharedMemory {
public:
  SharedMemory(OpBuilder &builder, gpu::GPUFuncOp kernel) : builder(builder), kernel(kernel) {}

  void place() {
    int64_t bytes = 0;
    SmallVector<SharedOp> parts;
    kernel.walk([&](SharedOp part) {
      parts.push_back(part);
      bytes += llvm::alignTo(part.getBytes(), alignment);
    });
    kernel->setAttr("ssm.shared", builder.getI64IntegerAttr(bytes));
    if (bytes > mostStatic) {
      placeAtLaunch(parts);
      kernel->setAttr("ssm.dynamic_shared", builder.getI64IntegerAttr(bytes));
      return;
    }
    for (auto [number, part] : llvm::enumerate(parts)) {
      std::string name = (kernel.getName() + "_shared" + llvm::Twine(number)).str();
      replace(part, addGlobal(part, name, part.getBytes(), LLVM::Linkage::Internal), 0);
    }
  }

private:
  static constexpr int64_t alignment = 16, mostStatic = 48 << 10;

  LLVM::GlobalOp addGlobal(SharedOp part, StringRef name, int64_t bytes, LLVM::Linkage linkage) {
    builder.setInsertionPoint(kernel);
    auto pointer = cast<LLVM::LLVMPointerType>(part.getType());
    return LLVM::GlobalOp::create(builder, part.getLoc(), LLVM::LLVMArrayType::get(builder.getI8Type(), bytes),
                                  /*isConstant=*/false, linkage, name, Attribute(), alignment,
                                  pointer.getAddressSpace());
  }

  void placeAtLaunch(ArrayRef<SharedOp> parts) {
    std::string name = (kernel.getName() + "_shared").str();
    LLVM::GlobalOp global = addGlobal(parts.front(), name, 0, LLVM::Linkage::External);
    int64_t offset = 0;
    for (SharedOp part : parts) {
      int64_t bytes = llvm::alignTo(part.getBytes(), alignment);
      replace(part, global, offset);
      offset += bytes;
    }
  }

  void replace(SharedOp part, LLVM::GlobalOp global, int64_t offset) {
    builder.setInsertionPoint(part);
    Value place = LLVM::AddressOfOp::create(builder, part.getLoc(), global);
    if (offset)
      place = LLVM::GEPOp::create(builder, part.getLoc(), place.getType(), builder.getI8Type(), place,
                                  ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    part.replaceAllUsesWith(place);
    part.erase();
  }

  OpBuilder &builder;
  gpu::GPUFuncOp kernel;
};

/// A loop whose bounds are known counts in 32 bits, half of what 64 take. One with loops inside counts tiles, whose
/// addresses are of 64 bits: it would widen its counter by a multiplication for each.
void narrowCounter(scf::ForOp loop) {
  std::optional<int64_t> from = getConstantIntValue(loop.getLowerBound()),
                         to = getConstantIntValue(loop.getUpperBound()), step = getConstantIntValue(loop.getStep());
  if (!loop.getInductionVar().getType().isInteger(64) || !from || !to || !step || *from < 0 ||
      !llvm::isInt<32>(*to + *step) || !loop.getBody()->getOps<scf::ForOp>().empty())
    return;
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(static_cast<int32_t>(value)));
  };
  auto narrow = scf::ForOp::create(builder, loc, constant(*from), constant(*to), constant(*step), loop.getInitArgs());
  if (loop.getInitArgs().empty())
    narrow.getBody()->getTerminator()->erase();
  builder.setInsertionPointToStart(narrow.getBody());
  Value number = arith::ExtUIOp::create(builder, loc, builder.getI64Type(), narrow.getInductionVar());
  loop.getInductionVar().replaceAllUsesWith(number);
  for (auto [old, fresh] : llvm::zip_equal(loop.getRegionIterArgs(), narrow.getRegionIterArgs()))
    old.replaceAllUsesWith(fresh);
  narrow.getBody()->getOperations().splice(narrow.getBody()->end(), loop.getBody()->getOperations());
  loop.replaceAllUsesWith(narrow.getResults());
  loop.erase();
}

gpu::GPUFuncOp moveKernel(OpBuilder &builder, func::FuncOp kernel) {
  Location loc = kernel.getLoc();
  // How many tasks there are is the host's to say: it is the last argument.
  SmallVector<Type> types(kernel.getArgumentTypes());
  types.push_back(builder.getI64Type());
  auto moved = gpu::GPUFuncOp::create(builder, loc, kernel.getName(), builder.getFunctionType(types, {}));
  moved->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  auto threads = static_cast<int32_t>(kernel->getAttrOfType<IntegerAttr>("ssm.threads").getInt());
  moved.setKnownBlockSizeAttr(builder.getDenseI32ArrayAttr({threads, 1, 1}));
  moved->setAttr("ssm.schedule", kernel->getAttr("ssm.schedule"));
  if (auto blocks = kernel->getAttrOfType<IntegerAttr>("ssm.resident_blocks"))
    moved->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), builder.getI32IntegerAttr(blocks.getInt()));
  for (unsigned number = 0; number < kernel.getNumArguments(); ++number)
    if (kernel.getArgAttr(number, LLVM::LLVMDialect::getNoAliasAttrName()))
      moved.setArgAttr(number, LLVM::LLVMDialect::getNoAliasAttrName(), builder.getUnitAttr());

  Block &entry = moved.getBody().front();
  builder.setInsertionPointToStart(&entry);
  Value first = asI64(builder, loc, gpu::BlockIdOp::create(builder, loc, gpu::Dimension::x));
  Value stride = asI64(builder, loc, gpu::GridDimOp::create(builder, loc, gpu::Dimension::x));
  Value thread = asI64(builder, loc, gpu::ThreadIdOp::create(builder, loc, gpu::Dimension::x));
  auto loop = scf::ForOp::create(builder, loc, first, entry.getArguments().back(), stride);
  gpu::ReturnOp::create(builder, loc);

  Block &body = kernel.getBody().front();
  for (auto [from, to] : llvm::zip(body.getArguments(), entry.getArguments()))
    from.replaceAllUsesWith(to);
  body.getTerminator()->erase();
  loop.getBody()->getOperations().splice(loop.getBody()->begin(), body.getOperations());
  moved.walk([&](TilePlaceOp place) {
    place.replaceAllUsesWith(place.getLevel() == "grid"    ? loop.getInductionVar()
                             : place.getLevel() == "tasks" ? entry.getArguments().back()
                                                           : thread);
    place.erase();
  });
  SharedMemory(builder, moved).place();
  SmallVector<scf::ForOp> loops;
  moved.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  llvm::for_each(loops, narrowCounter);
  return moved;
}

struct LowerToGpu : ssm::impl::LowerToGpuBase<LowerToGpu> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder builder(module.getBodyRegion());
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), builder.getUnitAttr());
    auto kernels = gpu::GPUModuleOp::create(builder, module.getLoc(), "kernels");
    for (auto kernel : llvm::to_vector(module.getOps<func::FuncOp>())) {
      builder.setInsertionPointToEnd(kernels.getBody());
      moveKernel(builder, kernel);
      kernel.erase();
    }
  }
};
} // namespace
