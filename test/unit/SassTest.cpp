// Machine code as text, to blocks and loops, and to what a step of a kernel takes.

#include "codegen/sass/SteadyState.h"
#include <gtest/gtest.h>

using namespace ssm;

namespace {
SassFunction parse(const std::string &text) {
  auto functions = parseSass(text);
  EXPECT_TRUE(static_cast<bool>(functions)) << (functions ? "" : llvm::toString(functions.takeError()));
  return functions ? functions->front() : SassFunction();
}

/// Writes machine code, each instruction with the line that it comes from.
class Writer {
public:
  Writer &label(const std::string &name) {
    text += name + ":\n";
    return *this;
  }
  Writer &code(unsigned line, const std::string &instruction, int times = 1) {
    for (int i = 0; i < times; ++i)
      text += "\t//## File \"/kernels\", line " + std::to_string(line) + "\n        /*00" + std::to_string(10 + i) +
              "*/                   " + instruction + " ;\n";
    return *this;
  }
  std::string text = "\t.section\t.text.k,\"ax\",@progbits\nk:\n.text.k:\n";
};

/// Lines 1 … n, each in a loop.
CodeLines lines(std::vector<CodeLoop> loops, const std::vector<std::pair<int, bool>> &code) {
  CodeLines result;
  result.kernel = "k";
  result.loops = std::move(loops);
  for (auto [loop, isWork] : code)
    result.lines.push_back({loop, isWork, isWork});
  return result;
}
} // namespace

TEST(Sass, LoopsNestAndBranchesFall) {
  SassFunction function = parse(Writer()
                                    .code(1, "S2R R0, SR_TID.X")
                                    .label(".L_x_0")
                                    .code(2, "FFMA R1, R2, R3, R4")
                                    .label(".L_x_1")
                                    .code(3, "BRA.DIV UR4, `(.L_x_9)")
                                    .code(3, "FMUL R1, R1, R5")
                                    .code(4, "@P0 BRA `(.L_x_1)")
                                    .code(5, "BRA.U !UP0, `(.L_x_0)")
                                    .code(6, "EXIT")
                                    .label(".L_x_9")
                                    .code(7, "BRA `(.L_x_1)")
                                    .label(".L_x_2")
                                    .code(8, "BRA `(.L_x_2)")
                                    .text);
  ASSERT_EQ(function.loops.size(), 2u);
  EXPECT_EQ(function.loops[0].parent, -1);
  EXPECT_EQ(function.loops[1].parent, 0);
  // What BRA.DIV leads to is no part of a loop, and the loop that nothing reaches is none.
  EXPECT_EQ(function.loops[1].blocks.count(), 2u);
  EXPECT_EQ(function.loops[0].blocks.count(), 4u);
  EXPECT_EQ(function.instructions[1].opcode, "FFMA");
  EXPECT_EQ(function.instructions[1].line, 2u);
}

TEST(Sass, ACallOfALabelIsABranch) {
  SassFunction function = parse(Writer()
                                    .label(".L_x_0")
                                    .code(1, "FFMA R1, R2, R3, R4")
                                    .code(1, "@!P1 CALL.REL.NOINC `(.L_x_1)")
                                    .code(1, "BRA `(.L_x_0)")
                                    .label(".L_x_1")
                                    .code(1, "EXIT")
                                    .text);
  ASSERT_EQ(function.blocks.size(), 3u);
  EXPECT_EQ(function.blocks[0].successors.size(), 2u);
}

TEST(Sass, ABranchToNowhereIsRefused) {
  auto functions = parseSass(Writer().code(1, "@P0 BRA `(.L_x_7)").text);
  ASSERT_FALSE(static_cast<bool>(functions));
  EXPECT_NE(llvm::toString(functions.takeError()).find("branches to '.L_x_7', which is not there"), std::string::npos);
  auto none = parseSass("hello\n");
  ASSERT_FALSE(static_cast<bool>(none));
  llvm::consumeError(none.takeError());
}

TEST(Sass, KindsFollowOpcodes) {
  EXPECT_EQ(kindOf("IMAD.WIDE.U32"), InstructionKind::WideMultiply);
  EXPECT_EQ(kindOf("IMAD.MOV.U32"), InstructionKind::Integer);
  EXPECT_EQ(kindOf("FFMA2"), InstructionKind::Float);
  EXPECT_EQ(kindOf("F2FP.BF16.F32.PACK_AB"), InstructionKind::Conversion);
  EXPECT_EQ(kindOf("LDGSTS.E.BYPASS.128"), InstructionKind::GlobalLoad);
  EXPECT_EQ(kindOf("STL.64"), InstructionKind::Local);
  EXPECT_EQ(kindOf("BAR.SYNC.DEFER_BLOCKING"), InstructionKind::Barrier);
  EXPECT_EQ(kindOf("MUFU.EX2"), InstructionKind::Special);
  EXPECT_EQ(kindOf("WHATEVER"), InstructionKind::Other);
  // 32 lanes over 4 units of a scheduler.
  EXPECT_EQ(clocksOf("MUFU.EX2", 90).specials, 8);
  EXPECT_EQ(clocksOf("FFMA", 90).floats, 1);
  EXPECT_EQ(clocksOf("FFMA", 80).floats, 2);
  EXPECT_EQ(clocksOf("FFMA2", 100).floats, 2);
  EXPECT_EQ(clocksOf("LDS.128", 90).memory, 2);
}

/// The machine's loop makes four steps, and three more wait for it: an unrolled loop and what is left.
TEST(SteadyState, DividesByTheStepsOfAnUnrolledLoop) {
  CodeLines code = lines({{-1, {}}, {0, {}}}, {{0, false}, {1, true}, {1, true}, {1, false}, {0, false}});
  SassFunction function = parse(Writer()
                                    .label(".L_task")
                                    .code(1, "MOV R1, R2")
                                    .label(".L_four")
                                    .code(2, "MUFU.EX2 R1, R1", 4)
                                    .code(3, "FFMA R1, R2, R3, R4", 4)
                                    .code(1, "IADD3 R1, R2, R3, R4")
                                    .code(4, "@P0 BRA `(.L_four)")
                                    .label(".L_one")
                                    .code(2, "MUFU.EX2 R1, R1")
                                    .code(3, "FFMA R1, R2, R3, R4")
                                    .code(4, "@P0 BRA `(.L_one)")
                                    .code(5, "@P1 BRA `(.L_task)")
                                    .code(5, "EXIT")
                                    .text);
  auto steady = findSteadyState(function, code, {});
  ASSERT_TRUE(static_cast<bool>(steady)) << llvm::toString(steady.takeError());
  EXPECT_EQ(steady->steps, 4);
  EXPECT_EQ(steady->instructions, 10);
  EXPECT_EQ((*steady)[InstructionKind::Special], 1);
  EXPECT_EQ(steady->total(), 2.5);
}

/// Tiles of 64 steps are copied in 4 turns, and 8 groups of 8 steps run through each; beside it the masked tile.
TEST(SteadyState, AddsUpANestOfLoops) {
  CodeLines code = lines({{-1, {}}, {0, {}}, {1, 4}, {1, 8}, {0, {}}}, {{0, false},
                                                                        {2, false},
                                                                        {2, false},
                                                                        {1, false},
                                                                        {3, true},
                                                                        {3, false},
                                                                        {1, false},
                                                                        {4, true},
                                                                        {4, false},
                                                                        {0, false}});
  LoopPlan plan;
  plan.steps = 8;
  plan.tile = 64;
  Writer writer;
  writer.label(".L_task").code(1, "MOV R1, R2").label(".L_tile").code(4, "MOV R1, R2");
  writer.label(".L_copy").code(2, "LDGSTS.E.BYPASS.128 [R1], desc[UR4][R2.64]").code(3, "@P0 BRA `(.L_copy)");
  writer.code(4, "BAR.SYNC.DEFER_BLOCKING 0x0");
  writer.label(".L_group").code(5, "FFMA R1, R2, R3, R4").code(6, "@P0 BRA `(.L_group)");
  writer.code(7, "@P0 BRA `(.L_tile)");
  writer.label(".L_masked").code(8, "FFMA R1, R2, R3, R4").code(8, "FSEL R1, R2, R3, P0");
  writer.code(9, "@P0 BRA `(.L_masked)").code(10, "@P1 BRA `(.L_task)").code(10, "EXIT");
  auto steady = findSteadyState(parse(writer.text), code, plan);
  ASSERT_TRUE(static_cast<bool>(steady)) << llvm::toString(steady.takeError());
  EXPECT_EQ(steady->steps, 64);
  EXPECT_EQ((*steady)[InstructionKind::Float], 8 / 64.0);
  EXPECT_EQ((*steady)[InstructionKind::GlobalLoad], 4 / 64.0);
  EXPECT_EQ((*steady)[InstructionKind::Barrier], 1 / 64.0);
  EXPECT_EQ(steady->unknownLoops, 0);
}

/// As many steps as there are: the code does not say how many groups a tile has, and what is left of it runs step by
/// step.
TEST(SteadyState, KnowsTilesOfOpenSizes) {
  CodeLines code = lines({{-1, {}}, {0, {}}, {1, {}}, {1, {}}},
                         {{2, true}, {2, false}, {3, true}, {3, false}, {1, false}, {0, false}});
  LoopPlan plan;
  plan.steps = 8;
  plan.tile = 32;
  Writer writer;
  writer.label(".L_task").code(6, "MOV R1, R2").label(".L_tile").code(5, "BAR.SYNC.DEFER_BLOCKING 0x0");
  writer.label(".L_group").code(1, "FFMA R1, R2, R3, R4", 2).code(2, "@P0 BRA `(.L_group)");
  writer.label(".L_rest").code(3, "FFMA R1, R2, R3, R4").code(4, "@P0 BRA `(.L_rest)");
  writer.code(5, "@P0 BRA `(.L_tile)").code(6, "@P1 BRA `(.L_task)").code(6, "EXIT");
  auto steady = findSteadyState(parse(writer.text), code, plan);
  ASSERT_TRUE(static_cast<bool>(steady)) << llvm::toString(steady.takeError());
  EXPECT_EQ(steady->steps, 32);
  // Two groups a turn, so two turns of two.
  EXPECT_EQ((*steady)[InstructionKind::Float], 4 / 32.0);
  EXPECT_EQ((*steady)[InstructionKind::Barrier], 1 / 32.0);
  EXPECT_EQ(steady->unknownLoops, 1);
}

/// A loop over another dimension inside each step, of which the machine makes two turns at a time.
TEST(SteadyState, WeighsLoopsInsideAStep) {
  CodeLines code = lines({{-1, {}}, {0, {}}, {1, 16}}, {{1, false}, {2, true}, {2, false}, {1, false}, {0, false}});
  LoopPlan plan;
  plan.inside = {16};
  Writer writer;
  writer.label(".L_task").code(5, "MOV R1, R2").label(".L_time").code(1, "LDG.E R1, desc[UR4][R2.64]");
  writer.label(".L_state").code(2, "FFMA R1, R2, R3, R4", 2).code(3, "@P0 BRA `(.L_state)");
  writer.code(4, "@P0 BRA `(.L_time)").code(5, "@P1 BRA `(.L_task)").code(5, "EXIT");
  auto steady = findSteadyState(parse(writer.text), code, plan);
  ASSERT_TRUE(static_cast<bool>(steady)) << llvm::toString(steady.takeError());
  EXPECT_EQ(steady->steps, 1);
  EXPECT_EQ((*steady)[InstructionKind::Float], 16);
  EXPECT_EQ((*steady)[InstructionKind::Control], 8 + 1);
  EXPECT_EQ((*steady)[InstructionKind::GlobalLoad], 1);
}

/// A turn takes the full body or the masked one: the masked one's instructions are none of a step's, and no more are
/// those of a division's slow way.
TEST(SteadyState, LeavesOutWhatATurnDoesInstead) {
  CodeLines code = lines({{-1, {}}}, {{0, true}, {0, true}, {0, false}});
  Writer writer;
  writer.label(".L_time").code(3, "@P1 BRA `(.L_mask)");
  writer.code(1, "FFMA R1, R2, R3, R4", 3).code(3, "@P2 BRA `(.L_next)");
  writer.code(3, "CALL.REL.NOINC `($slow)").label(".L_next").code(3, "BRA `(.L_end)");
  writer.label(".L_mask").code(2, "FMUL R1, R2, R3", 2).label(".L_end").code(3, "@P0 BRA `(.L_time)").code(3, "EXIT");
  writer.label("$slow").code(3, "RET.REL.NODEC R2 `(k)");
  auto steady = findSteadyState(parse(writer.text), code, {});
  ASSERT_TRUE(static_cast<bool>(steady)) << llvm::toString(steady.takeError());
  EXPECT_EQ(steady->opcodes.count("FMUL"), 0u);
  EXPECT_EQ(steady->opcodes.count("CALL.REL.NOINC"), 0u);
}

TEST(SteadyState, NeedsALoopWithWork) {
  CodeLines code = lines({}, {{-1, true}});
  auto steady = findSteadyState(parse(Writer().code(1, "FFMA R1, R2, R3, R4").code(1, "EXIT").text), code, {});
  ASSERT_FALSE(static_cast<bool>(steady));
  EXPECT_NE(llvm::toString(steady.takeError()).find("no loop in which a step's arithmetic is found"),
            std::string::npos);
}
