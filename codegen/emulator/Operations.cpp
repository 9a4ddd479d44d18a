// Operations of a kernel, counted by what a GPU has units for.

#include "codegen/emulator/Operations.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Operator.h"

using namespace ssm::emulator;
using llvm::Instruction;
using llvm::StringRef;

namespace {
uint64_t widthOf(const llvm::Type *type) {
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  return vector ? vector->getNumElements() : 1;
}

bool mayContract(const llvm::Value *value, unsigned opcode) {
  auto *operation = llvm::dyn_cast<Instruction>(value);
  return operation && operation->getOpcode() == opcode &&
         llvm::cast<llvm::FPMathOperator>(operation)->hasAllowContract();
}

/// The product that NVPTX makes one operation with this sum.
const Instruction *productOf(const Instruction &sum) {
  if (!mayContract(&sum, Instruction::FAdd) && !mayContract(&sum, Instruction::FSub))
    return nullptr;
  for (const llvm::Value *operand : sum.operands())
    if (mayContract(operand, Instruction::FMul) && llvm::cast<Instruction>(operand)->getParent() == sum.getParent())
      return llvm::cast<Instruction>(operand);
  return nullptr;
}

/// A product all of whose uses are sums that take it in.
bool isTakenIn(const Instruction &product) {
  return mayContract(&product, Instruction::FMul) && !product.use_empty() &&
         llvm::all_of(product.users(),
                      [&](const llvm::User *user) { return productOf(*llvm::cast<Instruction>(user)) == &product; });
}

std::optional<OperationKind> kindOfIntrinsic(StringRef name, const llvm::Type *type) {
  bool isFloat64 = type->getScalarType()->isDoubleTy();
  if (name.consume_front("llvm.nvvm.")) {
    for (StringRef function : {"ex2.", "lg2.", "rcp.", "rsqrt.", "sqrt.", "sin.", "cos.", "tanh.", "div."})
      if (name.starts_with(function))
        return OperationKind::Special;
    if (name.starts_with("fma."))
      return isFloat64 ? OperationKind::Float64 : OperationKind::Fma;
    if (name.starts_with("shfl."))
      return OperationKind::Shuffle;
    if (name.starts_with("vote."))
      return OperationKind::Vote;
    if (name == "bar.warp.sync")
      return OperationKind::WarpSync;
    if (name.starts_with("barrier"))
      return OperationKind::Barrier;
    if (name.starts_with("f2") || name.starts_with("ff2") || name.starts_with("d2") || name.starts_with("i2"))
      return OperationKind::Conversion;
    return std::nullopt;
  }
  name.consume_front("llvm.");
  if (name.starts_with("fma.") || name.starts_with("fmuladd."))
    return isFloat64 ? OperationKind::Float64 : OperationKind::Fma;
  for (StringRef function : {"exp2.", "log2.", "sqrt.", "sin.", "cos."})
    if (name.starts_with(function))
      return isFloat64 ? OperationKind::Float64 : OperationKind::Special;
  // |x| is a modifier of what uses it.
  if (name.starts_with("fabs."))
    return std::nullopt;
  for (StringRef function :
       {"min", "max", "copysign.", "floor.", "ceil.", "trunc.", "rint.", "roundeven.", "nearbyint."})
    if (name.starts_with(function))
      return isFloat64 ? OperationKind::Float64 : OperationKind::Float32;
  for (StringRef function :
       {"umin", "umax", "smin", "smax", "abs.", "ctpop.", "ctlz.", "cttz.", "fshl.", "fshr.", "bswap.", "bitreverse."})
    if (name.starts_with(function))
      return OperationKind::Integer;
  return std::nullopt;
}

/// How many operations of a GPU an instruction is: it bounds two numbers of 16 bits at once.
uint64_t timesOf(const Instruction &instruction) {
  const llvm::Type *type = instruction.getNumOperands() ? instruction.getOperand(0)->getType() : instruction.getType();
  auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
  bool isOfPairs = call && type->isFPOrFPVectorTy() && type->getScalarSizeInBits() == 16 &&
                   llvm::is_contained({llvm::Intrinsic::maximum, llvm::Intrinsic::minimum}, call->getIntrinsicID());
  return isOfPairs ? llvm::divideCeil(widthOf(type), 2) : widthOf(type);
}

std::optional<OperationKind> kindOf(const Instruction &instruction) {
  if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction)) {
    const llvm::Function *callee = call->getCalledFunction();
    return callee ? kindOfIntrinsic(callee->getName(), call->getType()) : std::nullopt;
  }
  bool isFloat64 = instruction.getNumOperands() && instruction.getOperand(0)->getType()->getScalarType()->isDoubleTy();
  switch (instruction.getOpcode()) {
  case Instruction::FDiv:
  case Instruction::FRem:
    return isFloat64 ? OperationKind::Float64 : OperationKind::Special;
  case Instruction::FAdd:
  case Instruction::FSub:
    if (productOf(instruction))
      return isFloat64 ? OperationKind::Float64 : OperationKind::Fma;
    [[fallthrough]];
  case Instruction::FMul:
    if (isTakenIn(instruction))
      return std::nullopt;
    [[fallthrough]];
  case Instruction::FCmp:
  case Instruction::FNeg:
    return isFloat64 ? OperationKind::Float64 : OperationKind::Float32;
  case Instruction::FPExt:
  case Instruction::FPTrunc:
  case Instruction::FPToSI:
  case Instruction::FPToUI:
  case Instruction::SIToFP:
  case Instruction::UIToFP:
    return OperationKind::Conversion;
  case Instruction::GetElementPtr:
    // A constant offset is part of the access.
    return llvm::cast<llvm::GetElementPtrInst>(instruction).hasAllConstantIndices()
               ? std::nullopt
               : std::optional(OperationKind::Integer);
  case Instruction::Select:
  case Instruction::ICmp:
  case Instruction::SExt:
    return OperationKind::Integer;
  default:
    return instruction.isBinaryOp() ? std::optional(OperationKind::Integer) : std::nullopt;
  }
}
} // namespace

OperationProfile ssm::emulator::profileOperations(llvm::Module &module) {
  OperationProfile profile;
  std::vector<llvm::BasicBlock *> blocks;
  for (llvm::Function &function : module)
    for (llvm::BasicBlock &block : function) {
      OperationCounts counts;
      for (const Instruction &instruction : block)
        if (std::optional<OperationKind> kind = kindOf(instruction))
          counts[*kind] += timesOf(instruction);
      blocks.push_back(&block);
      profile.stretches.push_back({function.getName().str(), counts});
    }
  profile.runs = std::make_unique<uint64_t[]>(blocks.size());
  llvm::IRBuilder<> builder(module.getContext());
  for (auto [number, block] : llvm::enumerate(blocks)) {
    builder.SetInsertPoint(block, block->getFirstInsertionPt());
    auto address = reinterpret_cast<uintptr_t>(&profile.runs[number]);
    llvm::Value *place = llvm::ConstantExpr::getIntToPtr(builder.getInt64(address), builder.getPtrTy());
    builder.CreateStore(builder.CreateAdd(builder.CreateLoad(builder.getInt64Ty(), place), builder.getInt64(1)), place);
  }
  return profile;
}

OperationCounts OperationProfile::take(StringRef kernel) {
  OperationCounts sum;
  for (auto [number, stretch] : llvm::enumerate(stretches)) {
    if (stretch.kernel != kernel)
      continue;
    for (size_t kind = 0; kind < operationKinds; ++kind)
      sum.counts[kind] += runs[number] * stretch.counts.counts[kind];
    runs[number] = 0;
  }
  return sum;
}
