// A kernel's shared arrays as one.

#include "codegen/lowering/JoinShared.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

using namespace llvm;

static constexpr unsigned sharedSpace = 3;

/// The one function that uses a constant; null where there are several, or none.
static Function *userOf(const Constant &constant) {
  Function *only = nullptr;
  SmallVector<const User *> open(constant.users());
  while (!open.empty()) {
    const User *user = open.pop_back_val();
    if (auto *instruction = dyn_cast<Instruction>(user)) {
      auto *function = const_cast<Function *>(instruction->getFunction());
      if (only && only != function)
        return nullptr;
      only = function;
    } else {
      llvm::append_range(open, user->users());
    }
  }
  return only;
}

static void join(Module &module, Function &kernel, ArrayRef<GlobalVariable *> arrays) {
  const DataLayout &layout = module.getDataLayout();
  Type *byte = Type::getInt8Ty(module.getContext());
  SmallVector<uint64_t> offsets;
  uint64_t bytes = 0;
  Align widest;
  for (GlobalVariable *array : arrays) {
    Align alignment = array->getAlign().valueOrOne();
    widest = std::max(widest, alignment);
    offsets.push_back(alignTo(bytes, alignment));
    bytes = offsets.back() + layout.getTypeAllocSize(array->getValueType());
  }
  auto *type = ArrayType::get(byte, bytes);
  auto *whole =
      new GlobalVariable(module, type, /*isConstant=*/false, GlobalValue::InternalLinkage, UndefValue::get(type),
                         kernel.getName() + "_shared", arrays.front(), GlobalValue::NotThreadLocal, sharedSpace);
  whole->setAlignment(widest);
  for (auto [array, offset] : zip_equal(arrays, offsets)) {
    Constant *place = ConstantInt::get(Type::getInt64Ty(module.getContext()), offset);
    array->replaceAllUsesWith(ConstantExpr::getInBoundsGetElementPtr(byte, whole, place));
    array->eraseFromParent();
  }
}

void ssm::joinSharedArrays(Module &module) {
  MapVector<Function *, SmallVector<GlobalVariable *>> byKernel;
  for (GlobalVariable &global : module.globals())
    if (global.getAddressSpace() == sharedSpace && global.hasLocalLinkage())
      if (Function *kernel = userOf(global))
        byKernel[kernel].push_back(&global);
  for (auto &[kernel, arrays] : byKernel)
    if (arrays.size() > 1)
      join(module, *kernel, arrays);
}
