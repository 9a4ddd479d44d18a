// Which comparisons look at 32 bits.

#include "codegen/lowering/NarrowCompares.h"
#include "test/unit/LoopAddresses.h"

using namespace llvm;
using namespace ssm::test;
using ssm::NarrowComparesPass;

namespace {
/// The comparison %c of a body after the pass: what is stored comes of it.
struct Compared {
  explicit Compared(const std::string &text) : text(text) {
    Function &function = this->text.function();
    std::map<std::string, std::string> turns = turnsOf(function);
    runPass(function, NarrowComparesPass());
    EXPECT_EQ(turnsOf(function), turns);
    auto *store =
        cast<StoreInst>(&*llvm::find_if(instructions(function), [](Instruction &i) { return isa<StoreInst>(i); }));
    compare = cast<ICmpInst>(store->getValueOperand());
  }
  unsigned bits() { return compare->getOperand(0)->getType()->getScalarSizeInBits(); }
  int64_t bound() { return cast<ConstantInt>(compare->getOperand(1))->getSExtValue(); }
  CmpInst::Predicate predicate() { return compare->getPredicate(); }

  Text text;
  ICmpInst *compare = nullptr;
};

const std::string stored = "  store i1 %c, ptr addrspace(1) %g\n";
const StringRef predicates[] = {"eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge"};
} // namespace

TEST(NarrowCompares, LookAt32BitsOfBoundedCounters) {
  for (StringRef predicate : predicates)
    for (int64_t bound : {int64_t(0), int64_t(50), int64_t(2147483647)}) {
      std::string text = loopOf("  %c = icmp " + predicate.str() + " i64 %i, " + std::to_string(bound) + "\n" + stored,
                                "icmp ult i64 %next, 100");
      SCOPED_TRACE(text);
      Compared compared(text);
      EXPECT_EQ(compared.bits(), 32u);
      EXPECT_EQ(compared.bound(), bound);
      EXPECT_EQ(CmpInst::getPredicateName(compared.predicate()), predicate);
      auto *narrowed = dyn_cast<TruncInst>(compared.compare->getOperand(0));
      ASSERT_TRUE(narrowed);
      EXPECT_EQ(narrowed->getOperand(0), &compared.text.named("i"));
    }
}

/// What ends the loop is one of them, and it still ends.
TEST(NarrowCompares, EndLoops) {
  for (const char *goesOn : {"icmp ult i64 %next, 100", "icmp slt i64 %next, 100", "icmp ne i64 %next, 100"}) {
    SCOPED_TRACE(goesOn);
    Compared compared(loopOf("  %c = icmp eq i64 %i, 7\n" + stored, goesOn));
    auto *condition = dyn_cast<ICmpInst>(compared.text.condition());
    ASSERT_TRUE(condition);
    EXPECT_TRUE(condition->getOperand(0)->getType()->isIntegerTy(32));
  }
}

/// Ranges of other numbers, at the border.
TEST(NarrowCompares, LookAt32BitsOfWhatHasNoMore) {
  Compared compared(loopOf("  %m = and i64 %n, 2147483647\n  %c = icmp slt i64 %m, 2147483647\n" + stored));
  EXPECT_EQ(compared.bits(), 32u);
}

TEST(NarrowCompares, LeaveOthersAlone) {
  const std::string bodies[] = {
      // Of unknown range.
      "  %c = icmp PRED i64 %n, 50\n",
      // A number that has 32 bits, whose sign would be another.
      "  %m = and i64 %n, 4294967295\n  %c = icmp PRED i64 %m, 50\n",
      "  %m = and i64 %n, 2147483648\n  %c = icmp PRED i64 %m, 50\n",
      // Or a sign of its own.
      "  %m = sub i64 %i, 1\n  %c = icmp PRED i64 %m, 50\n",
      // Constants that do.
      "  %c = icmp PRED i64 %i, 2147483648\n",
      "  %c = icmp PRED i64 %i, 4294967346\n",
      "  %c = icmp PRED i64 %i, -1\n",
      // No constant.
      "  %c = icmp PRED i64 %i, %n\n",
  };
  for (std::string body : bodies)
    for (StringRef predicate : predicates) {
      std::string text = body + stored;
      text.replace(text.find("PRED"), 4, predicate);
      SCOPED_TRACE(text);
      Compared compared(loopOf(text));
      EXPECT_EQ(compared.compare, &compared.text.named("c"));
      EXPECT_EQ(compared.bits(), 64u);
    }
  // Counters whose end is not known.
  for (const char *goesOn : {"icmp ult i64 %next, %n", "icmp ult i64 %next, 3000000000"}) {
    SCOPED_TRACE(goesOn);
    Compared compared(loopOf("  %c = icmp ult i64 %i, 50\n" + stored, goesOn));
    EXPECT_EQ(compared.bits(), 64u);
  }
}

/// Other widths are none of its business.
TEST(NarrowCompares, TakeNumbersOf64Bits) {
  Compared narrow(loopOf("  %c = icmp ult i16 %i, 50\n" + stored, "icmp ult i16 %next, 100", "0", "1", "i16"));
  EXPECT_EQ(narrow.bits(), 16u);
  Compared wide(loopOf("  %c = icmp ult i128 %i, 50\n" + stored, "icmp ult i128 %next, 100", "0", "1", "i128"));
  EXPECT_EQ(wide.bits(), 128u);
}
