// The opcodes that the model knows.

#include "bench/sm-model/Unit.h"
#include "llvm/ADT/StringSwitch.h"

using namespace ssm::sm;

bool ssm::sm::usesMemoryQueue(Unit unit) { return unit >= Unit::SharedLoad && unit <= Unit::AsyncCopy; }

std::optional<UnitAndMeaning> ssm::sm::lookUpOpcode(llvm::StringRef base) {
  using Entry = std::optional<UnitAndMeaning>;
  auto is = [](Unit unit, Meaning meaning) { return Entry({unit, meaning}); };
  return llvm::StringSwitch<Entry>(base)
      .Cases({"FFMA", "FMUL", "FADD"}, is(Unit::Fma, Meaning::Float))
      .Cases({"HMUL2", "HADD2"}, is(Unit::FmaHeavy, Meaning::Float))
      // HFMA2 also puts constants into registers of integers.
      .Cases({"HFMA2", "IMAD"}, is(Unit::FmaHeavy, Meaning::Integer))
      .Cases({"FMNMX", "FSEL", "FSETP", "FCHK", "HMNMX2", "HSETP2", "F2FP", "I2FP"}, is(Unit::Alu, Meaning::Float))
      .Cases({"DADD", "DMUL", "DFMA", "DSETP"}, is(Unit::Double, Meaning::Float))
      .Cases({"MUFU", "F2F", "F2I", "I2F", "FRND"}, is(Unit::Special, Meaning::Float))
      .Cases({"MOV", "IADD3", "VIADD", "LEA", "SHF", "LOP3", "PLOP3", "ISETP"}, is(Unit::Alu, Meaning::Integer))
      .Cases({"SEL", "SGXT", "IMNMX", "VIMNMX", "PRMT", "IABS", "P2R", "R2P"}, is(Unit::Alu, Meaning::Integer))
      .Cases({"UMOV", "UIADD3", "ULEA", "USHF", "ULOP3", "UPLOP3"}, is(Unit::Uniform, Meaning::Integer))
      .Cases({"UISETP", "USEL", "USGXT", "UIMAD", "UPRMT", "ULDC"}, is(Unit::Uniform, Meaning::Integer))
      .Cases({"LDC", "S2R", "S2UR", "CS2R", "R2UR"}, is(Unit::Constant, Meaning::Integer))
      .Case("LDS", is(Unit::SharedLoad, Meaning::Memory))
      .Case("STS", is(Unit::SharedStore, Meaning::Memory))
      .Case("SHFL", is(Unit::Shuffle, Meaning::Float))
      .Cases({"LDG", "LDL"}, is(Unit::GlobalLoad, Meaning::Memory))
      .Cases({"STG", "STL"}, is(Unit::GlobalStore, Meaning::Memory))
      .Case("LDGSTS", is(Unit::AsyncCopy, Meaning::Memory))
      .Case("BAR", is(Unit::Barrier, Meaning::None))
      .Cases({"BRA", "EXIT", "BSSY", "BSYNC"}, is(Unit::Branch, Meaning::Flow))
      .Case("WARPSYNC", is(Unit::Branch, Meaning::None))
      .Cases({"NOP", "LDGDEPBAR", "DEPBAR"}, is(Unit::None, Meaning::None))
      .Default(std::nullopt);
}
