// How loops count the bytes by which shared addresses go on, in loops of LLVM's own text, whose result can be said in
// full.

#include "codegen/lowering/UniformOffsets.h"
#include "test/unit/LoopAddresses.h"
#include "llvm/Transforms/Scalar/ADCE.h"

using namespace llvm;
using namespace ssm::test;
using ssm::UniformOffsetsPass;

namespace {
/// An element of 4 bytes of %p and %q each.
const std::string two = R"(  %pi = getelementptr float, ptr addrspace(3) %p, i64 %i
  %qi = getelementptr float, ptr addrspace(3) %q, i64 %i
  %x = load float, ptr addrspace(3) %pi
  store float %x, ptr addrspace(3) %qi
)";

/// What the pass is expected to do to a loop.
struct Outcome {
  /// Counts of bytes, and accesses that go by them.
  int64_t counts, accesses;
  /// Whether the loop ends by one of them.
  bool ends;
};

void expectOutcome(const std::string &loop, const Outcome &outcome) {
  SCOPED_TRACE(loop);
  Text text(loop);
  ASSERT_TRUE(text.module);
  int64_t before = text.counters(32);
  Value *condition = text.condition();
  Kept kept(text.function());
  runPass(text.function(), UniformOffsetsPass());
  EXPECT_EQ(text.counters(32) - before, outcome.counts);
  EXPECT_EQ(static_cast<int64_t>(movesIn(text.function()).size()), outcome.counts);
  EXPECT_EQ(kept.changed(), outcome.accesses);
  EXPECT_EQ(text.condition() != condition, outcome.ends);
  kept.expectSame();
}
} // namespace

TEST(UniformOffsets, CountOnceForWhatGoesOnAlike) {
  expectOutcome(loopOf(two), {.counts = 1, .accesses = 2, .ends = true});
  // Constants beside a root are its accesses' own.
  expectOutcome(loopOf(two + R"(  %pj = getelementptr i8, ptr addrspace(3) %pi, i64 160
  %y = load float, ptr addrspace(3) %pj
  %qj = getelementptr i8, ptr addrspace(3) %qi, i64 -32
  store float %y, ptr addrspace(3) %qj
)"),
                {.counts = 1, .accesses = 4, .ends = true});
  // A loop may go on by its condition or end by it.
  expectOutcome(loopOf(two, "icmp ne i64 %next, 5"), {.counts = 1, .accesses = 2, .ends = true});
  std::string ends = loopOf(two, "icmp eq i64 %next, 5");
  ends.replace(ends.find("label %loop, label %exit"), 24, "label %exit, label %loop");
  expectOutcome(ends, {.counts = 1, .accesses = 2, .ends = true});
  // From elsewhere, and in more than steps of 1.
  expectOutcome(loopOf(two, "icmp slt i64 %next, 31", "-9", "8"), {.counts = 1, .accesses = 2, .ends = true});
  // Once.
  expectOutcome(loopOf(two, "icmp ult i64 %next, 1"), {.counts = 1, .accesses = 2, .ends = true});
}

/// What counted the turns has no use then.
TEST(UniformOffsets, LeaveNoOtherCounter) {
  Text text(loopOf(two));
  Kept kept(text.function());
  runPass(text.function(), UniformOffsetsPass());
  auto *condition = dyn_cast<ICmpInst>(text.condition());
  ASSERT_TRUE(condition && condition->getOperand(0)->getType()->isIntegerTy(32));
  EXPECT_EQ(cast<ConstantInt>(condition->getOperand(1))->getSExtValue(), 20);
  runPass(text.function(), ADCEPass());
  EXPECT_EQ(text.counters(32), 1);
  EXPECT_EQ(text.counters(64), 0);
  EXPECT_EQ(turnsOf(text.function()), (std::map<std::string, std::string>{{"loop", "4"}}));
}

TEST(UniformOffsets, CountDown) {
  expectOutcome(loopOf(two, "icmp ne i64 %next, -1", "7", "-1"), {.counts = 1, .accesses = 2, .ends = true});
  expectOutcome(loopOf(two, "icmp sgt i64 %next, %n", "7", "-1"), {.counts = 1, .accesses = 2, .ends = false});
}

/// A count for each step; one of them ends the loop.
TEST(UniformOffsets, CountEachStep) {
  const std::string third = R"(  %ri = getelementptr double, ptr addrspace(3) %r, i64 %i
  %y = load float, ptr addrspace(3) %ri
)";
  expectOutcome(loopOf(two + third), {.counts = 2, .accesses = 3, .ends = true});
  expectOutcome(loopOf(third + two), {.counts = 2, .accesses = 3, .ends = true});
  expectOutcome(loopOf(two + R"(  %j = sub i64 0, %i
  %rj = getelementptr float, ptr addrspace(3) %r, i64 %j
  %y = load float, ptr addrspace(3) %rj
)"),
                {.counts = 2, .accesses = 3, .ends = true});
  // No more roots than steps: there is nothing to share.
  expectOutcome(loopOf(R"(  %pi = getelementptr float, ptr addrspace(3) %p, i64 %i
  %x = load float, ptr addrspace(3) %pi
)" + third),
                {.counts = 0, .accesses = 0, .ends = false});
}

/// Not only in the loop's first block, and by roots that are computed of what is known before it.
TEST(UniformOffsets, GoIntoBranches) {
  const char *text = R"(  %i = phi i64 [ 0, %entry ], [ %next, %latch ]
  %k = mul i64 %n, 24
  %ki = add i64 %k, %i
  %pi = getelementptr float, ptr addrspace(3) %p, i64 %ki
  %x = load float, ptr addrspace(3) %pi
  br i1 %b, label %then, label %latch
then:
  %qi = getelementptr float, ptr addrspace(3) %q, i64 %i
  store float %x, ptr addrspace(3) %qi
  br label %latch
latch:
  %next = add i64 %i, 1
  %go = icmp ult i64 %next, 5
  br i1 %go, label %loop, label %exit
exit:
  ret void
}
)";
  Text branches(head + text);
  Kept kept(branches.function());
  runPass(branches.function(), UniformOffsetsPass());
  EXPECT_EQ(movesIn(branches.function()).size(), 1u);
  EXPECT_EQ(kept.changed(), 2);
  kept.expectSame();
}

/// Roots that an outer loop goes on with.
TEST(UniformOffsets, StayInInnermostLoops) {
  Text nest(head + R"(  %o = phi i64 [ 0, %entry ], [ %nextO, %latch ]
  %ro = getelementptr float, ptr addrspace(3) %r, i64 %o
  %z = load float, ptr addrspace(3) %ro
  %go1 = getelementptr float, ptr addrspace(3) %q, i64 %o
  store float %z, ptr addrspace(3) %go1
  br label %inner
inner:
  %i = phi i64 [ 0, %loop ], [ %next, %inner ]
  %oi = mul i64 %o, 7
  %k = add i64 %oi, %i
  %pi = getelementptr float, ptr addrspace(3) %p, i64 %k
  %qi = getelementptr float, ptr addrspace(3) %q, i64 %i
  %x = load float, ptr addrspace(3) %pi
  store float %x, ptr addrspace(3) %qi
  %next = add i64 %i, 1
  %go = icmp ult i64 %next, 5
  br i1 %go, label %inner, label %latch
latch:
  %nextO = add i64 %o, 1
  %goO = icmp ult i64 %nextO, %n
  br i1 %goO, label %loop, label %exit
exit:
  ret void
}
)");
  Kept kept(nest.function());
  runPass(nest.function(), UniformOffsetsPass());
  ASSERT_EQ(movesIn(nest.function()).size(), 1u);
  EXPECT_EQ(movesIn(nest.function()).front()->getParent()->getName(), "inner");
  EXPECT_EQ(kept.changed(), 2);
  kept.expectSame();
}

/// What would be no better, or is not known.
TEST(UniformOffsets, LeaveOthersAlone) {
  const std::string loops[] = {
      // One address, at two constants.
      R"(  %pi = getelementptr float, ptr addrspace(3) %p, i64 %i
  %x = load float, ptr addrspace(3) %pi
  %pj = getelementptr i8, ptr addrspace(3) %pi, i64 64
  store float %x, ptr addrspace(3) %pj
)",
      // Steps that only the call knows.
      R"(  %j = mul i64 %i, %s
  %pi = getelementptr float, ptr addrspace(3) %p, i64 %j
  %x = load float, ptr addrspace(3) %pi
  %qi = getelementptr float, ptr addrspace(3) %q, i64 %j
  store float %x, ptr addrspace(3) %qi
)",
      // Steps that change.
      R"(  %j = mul i64 %i, %i
  %pi = getelementptr float, ptr addrspace(3) %p, i64 %j
  %x = load float, ptr addrspace(3) %pi
  %qi = getelementptr float, ptr addrspace(3) %q, i64 %j
  store float %x, ptr addrspace(3) %qi
)",
      // Addresses that stay.
      R"(  %x = load float, ptr addrspace(3) %p
  store float %x, ptr addrspace(3) %q
)",
      // Other memory beside one address.
      R"(  %pi = getelementptr float, ptr addrspace(3) %p, i64 %i
  %x = load float, ptr addrspace(3) %pi
  %gi = getelementptr float, ptr addrspace(1) %g, i64 %i
  store float %x, ptr addrspace(1) %gi
)",
  };
  for (const std::string &body : loops)
    expectOutcome(loopOf(body), {.counts = 0, .accesses = 0, .ends = false});
}

/// What is not known stays beside what is.
TEST(UniformOffsets, TakeWhatTheyCan) {
  expectOutcome(loopOf(two + R"(  %j = mul i64 %i, %s
  %rj = getelementptr float, ptr addrspace(3) %r, i64 %j
  %y = load float, ptr addrspace(3) %rj
  %gi = getelementptr float, ptr addrspace(1) %g, i64 %i
  store float %y, ptr addrspace(1) %gi
)"),
                {.counts = 1, .accesses = 2, .ends = true});
}

/// The loop then has to count its turns as before.
TEST(UniformOffsets, EndByTheirOwnConditionWhereTurnsAreUnknown) {
  expectOutcome(loopOf(two, "icmp ult i64 %next, %n"), {.counts = 1, .accesses = 2, .ends = false});
  // More bytes than 32 bits count.
  expectOutcome(loopOf(two, "icmp ult i64 %next, 1073741824"), {.counts = 1, .accesses = 2, .ends = false});
  // Two ways out: the turns until the last one are known, but not that they are all taken.
  Text exits(head + R"(  %i = phi i64 [ 0, %entry ], [ %next, %latch ]
)" + two + R"(  %stop = fcmp oeq float %x, 1.0
  br i1 %stop, label %exit, label %latch
latch:
  %next = add i64 %i, 1
  %go = icmp ult i64 %next, 5
  br i1 %go, label %loop, label %exit
exit:
  ret void
}
)");
  // The way out at the beginning: what is counted at the end is another number there.
  Text first(head + R"(  %i = phi i64 [ 0, %entry ], [ %next, %latch ]
  %go = icmp ult i64 %i, 5
  br i1 %go, label %latch, label %exit
latch:
)" + two + R"(  %next = add i64 %i, 1
  br label %loop
exit:
  ret void
}
)");
  for (Text *text : {&exits, &first}) {
    SCOPED_TRACE(text == &exits ? "two exits" : "an exit at the beginning");
    Kept kept(text->function());
    Value *use = text->named("go").getUniqueUndroppableUser();
    runPass(text->function(), UniformOffsetsPass());
    EXPECT_EQ(kept.changed(), 2);
    EXPECT_TRUE(isa_and_present<BranchInst>(use));
    EXPECT_EQ(text->named("go").getUniqueUndroppableUser(), use);
    kept.expectSame();
  }
}

/// A count of turns is without a sign, however narrow the counter that gives it.
TEST(UniformOffsets, TakeTurnsOfNarrowCounters) {
  const std::string body = "  %w = zext i8 %i to i64\n" + two;
  std::string narrow = body;
  for (size_t at; (at = narrow.find("i64 %i\n")) != std::string::npos;)
    narrow.replace(at, 7, "i64 %w\n");
  for (const char *bound : {"100", "-56", "-1"})
    expectOutcome(loopOf(narrow, std::string("icmp ult i8 %next, ") + bound, "0", "1", "i8"),
                  {.counts = 1, .accesses = 2, .ends = true});
}

/// No loop takes so many, but the product of turns and bytes must not come round to a small number.
TEST(UniformOffsets, DoNotWrapTheirEnd) {
  for (const char *turns : {"4611686018427387905", "4611686018427387909"})
    expectOutcome(loopOf(two, std::string("icmp ult i64 %next, ") + turns),
                  {.counts = 1, .accesses = 2, .ends = false});
}

/// Nor is there so much shared memory, but a count must not lose what its 32 bits do not hold.
TEST(UniformOffsets, LeaveStepsThatAreTooLong) {
  expectOutcome(loopOf(R"(  %pi = getelementptr [1073741824 x i32], ptr addrspace(3) %p, i64 %i
  %x = load float, ptr addrspace(3) %pi
  %qi = getelementptr [1073741824 x i32], ptr addrspace(3) %q, i64 %i
  store float %x, ptr addrspace(3) %qi
)"),
                {.counts = 0, .accesses = 0, .ends = false});
}
