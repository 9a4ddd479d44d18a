// What a GPU has instructions for on numbers of 16 bits: rounding to them, and bounds of pairs.

#include "codegen/emulator/Rounding.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

using namespace llvm;

/// Adds half a unit in the last place, less one where the kept part is even, and keeps the upper half.
static Value *roundToBf16(IRBuilder<> &builder, Value *value) {
  Type *words = value->getType()->getWithNewType(builder.getInt32Ty());
  Type *halves = value->getType()->getWithNewType(builder.getInt16Ty());
  auto constant = [&](uint64_t bits) { return ConstantInt::get(words, bits); };
  Value *bits = builder.CreateBitCast(value, words);
  Value *odd = builder.CreateAnd(builder.CreateLShr(bits, constant(16)), constant(1));
  Value *rounded = builder.CreateAdd(bits, builder.CreateAdd(odd, constant(0x7fff)));
  Value *isNan = builder.CreateFCmpUNO(value, value);
  Value *kept = builder.CreateSelect(isNan, constant(0x7fff), builder.CreateLShr(rounded, constant(16)));
  return builder.CreateBitCast(builder.CreateTrunc(kept, halves),
                               value->getType()->getWithNewType(builder.getBFloatTy()));
}

/// As f32. A bf16 is the upper half of one.
static Value *widen(IRBuilder<> &builder, Value *value) {
  Type *type = value->getType(), *floats = type->getWithNewType(builder.getFloatTy());
  if (!type->getScalarType()->isBFloatTy())
    return builder.CreateFPExt(value, floats);
  Type *words = type->getWithNewType(builder.getInt32Ty());
  Value *bits = builder.CreateZExt(builder.CreateBitCast(value, type->getWithNewType(builder.getInt16Ty())), words);
  return builder.CreateBitCast(builder.CreateShl(bits, ConstantInt::get(words, 16)), floats);
}

void ssm::emulator::widenBounds(Module &module) {
  SmallVector<IntrinsicInst *> found;
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *bound = dyn_cast<IntrinsicInst>(&instruction);
          bound && is_contained({Intrinsic::maximum, Intrinsic::minimum}, bound->getIntrinsicID()) &&
          bound->getType()->getScalarSizeInBits() == 16)
        found.push_back(bound);
  for (IntrinsicInst *bound : found) {
    IRBuilder<> builder(bound);
    Value *wide = builder.CreateBinaryIntrinsic(bound->getIntrinsicID(), widen(builder, bound->getArgOperand(0)),
                                                widen(builder, bound->getArgOperand(1)));
    bound->replaceAllUsesWith(builder.CreateFPTrunc(wide, bound->getType()));
    bound->eraseFromParent();
  }
}

void ssm::emulator::expandBf16Rounding(Module &module) {
  SmallVector<FPTruncInst *> found;
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *narrow = dyn_cast<FPTruncInst>(&instruction);
          narrow && narrow->getType()->getScalarType()->isBFloatTy() &&
          narrow->getOperand(0)->getType()->getScalarType()->isFloatTy())
        found.push_back(narrow);
  for (FPTruncInst *narrow : found) {
    IRBuilder<> builder(narrow);
    narrow->replaceAllUsesWith(roundToBf16(builder, narrow->getOperand(0)));
    narrow->eraseFromParent();
  }
}
