#include "bench/sm-model/Accesses.h"
#include "bench/sm-model/Integers.h"
#include "bench/sm-model/Replay.h"

#include "gtest/gtest.h"

using namespace ssm::sm;

namespace {
/// An instruction as nvdisasm prints it, and the control bits that go with it.
struct Written {
  std::string text;
  ControlBits control = {};
};

Written after(unsigned stall, std::string text, unsigned writes = ControlBits::none, unsigned waits = 0) {
  return {std::move(text), {stall, writes, ControlBits::none, waits}};
}

/// The listing of a kernel `k`. A text that ends in a colon is a label.
std::string listingText(llvm::ArrayRef<Written> code) {
  std::string text = "//--------------------- .text.k      --------------------------\n";
  unsigned address = 0;
  char line[160];
  for (const Written &written : code) {
    if (llvm::StringRef(written.text).ends_with(":")) {
      text += written.text + "\n";
      continue;
    }
    const ControlBits &control = written.control;
    uint64_t bits = control.stall | control.writes << 5 | control.reads << 8 | control.waits << 11;
    std::snprintf(line, sizeof line, "  /*%04x*/  %s ;  /* 0x0000000000000000 */\n  /* 0x%016llx */\n", address,
                  written.text.c_str(), static_cast<unsigned long long>(bits << 41));
    text += line;
    address += 16;
  }
  return text;
}

Listing parse(llvm::ArrayRef<Written> code) {
  llvm::Expected<std::vector<Listing>> listings = parseListing(listingText(code));
  EXPECT_TRUE(static_cast<bool>(listings)) << llvm::toString(listings.takeError());
  return listings->front();
}

std::vector<Written> repeated(unsigned count, const Written &written) {
  std::vector<Written> code(count, written);
  code.push_back(after(1, "EXIT"));
  return code;
}

/// What `warps` warps that all run this take, without what differs from draw to draw.
ReplayResult replayed(llvm::ArrayRef<Written> code, unsigned warps = 1, int64_t blocks = 1) {
  Listing listing = parse(code);
  Parameters parameters;
  parameters.latencySpread = 0;
  Workload workload = {&listing.instructions, {}, blocks, 1};
  for (unsigned warp = 0; warp < warps; ++warp) {
    auto trace = traceWarp(listing, {1, warps * 32, {}, {}, 0}, warp);
    EXPECT_TRUE(static_cast<bool>(trace)) << llvm::toString(trace.takeError());
    workload.traces.push_back(std::move(*trace));
  }
  llvm::Expected<ReplayResult> result = replay(workload, parameters);
  EXPECT_TRUE(static_cast<bool>(result)) << llvm::toString(result.takeError());
  return *result;
}

/// Why a kernel is not traced.
std::string refusal(llvm::ArrayRef<Written> code) {
  auto trace = traceWarp(parse(code), {1, 32, {}, {}, 0}, 0);
  EXPECT_FALSE(static_cast<bool>(trace));
  return trace ? "" : llvm::toString(trace.takeError());
}

class SmModelIntegers : public testing::Test {
protected:
  void run(const std::string &text) {
    Listing listing = parse({after(1, text)});
    Lane lane(state, listing.instructions.front(), 0);
    ASSERT_TRUE(executeInteger(lane)) << text;
  }
  uint32_t &reg(unsigned number) { return state.registers[number].value[0]; }

  WarpState state{/*warp=*/0, /*blocks=*/1, /*threads=*/32, {0x1122334455667788}};
};
} // namespace

// Of instructions that ptxas 12.8 made, from nvdisasm -hex.
TEST(SmModel, DecodesControlBits) {
  ControlBits load = decodeControlBits(0x000e300000002500); // S2UR UR4, SR_CTAID.X
  EXPECT_EQ(load.stall, 8u);
  EXPECT_EQ(load.writes, 0u);
  EXPECT_EQ(load.reads, ControlBits::none);
  EXPECT_EQ(load.waits, 0u);
  ControlBits use = decodeControlBits(0x001fc8000bf03070); // ISETP.LE.U32.AND P0, PT, R2, UR4, PT
  EXPECT_EQ(use.stall, 4u);
  EXPECT_EQ(use.writes, ControlBits::none);
  EXPECT_EQ(use.waits, 1u);
}

TEST(SmModel, ReadsAddresses) {
  Operand operand = parseOperand("desc[UR4][R2.64+UR6+-0x10]");
  EXPECT_EQ(operand.kind, Operand::Kind::Memory);
  EXPECT_EQ(operand.index, 2u);
  EXPECT_EQ(operand.uniform, 6u);
  EXPECT_TRUE(operand.isWide);
  EXPECT_EQ(static_cast<int32_t>(operand.value), -16);
  EXPECT_EQ(parseOperand("-R7.reuse").index, 7u);
  EXPECT_TRUE(parseOperand("-R7.reuse").negated);
  EXPECT_EQ(parseOperand("1.5").kind, Operand::Kind::Other);
}

// The lower halves borrow: 0x1'00000000 - 1.
TEST_F(SmModelIntegers, SubtractsPairs) {
  reg(2) = 0, reg(3) = 1, reg(4) = 1, reg(5) = 0;
  run("IADD3 R6, P0, R2, -R4, RZ");
  run("IADD3.X R7, R3, ~R5, RZ, P0, !PT");
  EXPECT_EQ(reg(6), 0xffffffffu);
  EXPECT_EQ(reg(7), 0u);
}

TEST_F(SmModelIntegers, MultipliesWide) {
  reg(2) = 0xffffffff, reg(4) = 5, reg(5) = 7;
  run("IMAD.WIDE.U32 R6, R2, 0x10, R4");
  EXPECT_EQ(reg(6), 0xfffffff5u);
  EXPECT_EQ(reg(7), 7u + 15u);
  run("IMAD.WIDE R6, R2, 0x10, RZ"); // -16
  EXPECT_EQ(reg(6), 0xfffffff0u);
  EXPECT_EQ(reg(7), 0xffffffffu);
}

TEST_F(SmModelIntegers, AddsShiftedPairs) {
  reg(2) = 0x80000000, reg(3) = 1, reg(4) = 0, reg(5) = 100;
  run("LEA R6, P0, R2, R4, 0x2");
  run("LEA.HI.X R7, R2, R5, R3, 0x2, P0");
  EXPECT_EQ(reg(6), 0u);
  EXPECT_EQ(reg(7), 106u);
}

TEST_F(SmModelIntegers, ReadsArguments) {
  run("LDC.64 R2, c[0x0][0x210]");
  EXPECT_EQ(reg(2), 0x55667788u);
  EXPECT_EQ(reg(3), 0x11223344u);
}

TEST_F(SmModelIntegers, ComparesPairs) {
  reg(2) = 5, reg(3) = 1, reg(4) = 9, reg(5) = 1;
  run("ISETP.LT.U32.AND P0, PT, R2, R4, PT");
  run("ISETP.LT.AND.EX P1, P2, R3, R5, PT, P0");
  EXPECT_TRUE(state.predicates[1].value & 1);
  EXPECT_FALSE(state.predicates[2].value & 1);
}

TEST_F(SmModelIntegers, WhatFollowsFromDataIsNotKnown) {
  state.registers[2].known = 0;
  run("IADD3 R6, R2, 0x1, RZ");
  EXPECT_FALSE(state.registers[6].known & 1);
  run("MOV R6, 0x1");
  EXPECT_TRUE(state.registers[6].known & 1);
}

TEST(SmModel, CountsPassesOfBanks) {
  auto passes = [](unsigned stride, unsigned bytes) {
    Access access;
    access.mask = ~0u;
    access.bytes = bytes;
    for (unsigned lane = 0; lane < WarpState::lanes; ++lane)
      access.address[lane] = lane * stride;
    return sharedPasses(access);
  };
  EXPECT_EQ(passes(0, 4), 1u) << "one word for all";
  EXPECT_EQ(passes(4, 4), 1u);
  EXPECT_EQ(passes(8, 4), 2u);
  EXPECT_EQ(passes(128, 4), 32u);
  EXPECT_EQ(passes(132, 4), 1u);
  EXPECT_EQ(passes(16, 16), 4u);
}

// The last instruction is issued at clock 4 n.
TEST(SmModel, ADependentChainTakesItsStalls) {
  EXPECT_EQ(replayed(repeated(50, after(4, "FFMA R0, R0, R1, R2"))).clocks, 4 * 50 + 1);
}

TEST(SmModel, TwoPipesMultiplyFloatsAndOneIntegers) {
  EXPECT_EQ(replayed(repeated(50, after(1, "FFMA R0, R1, R2, R3"))).clocks, 50 + 1);
  EXPECT_EQ(replayed(repeated(50, after(1, "IMAD R0, R1, R2, R3"))).clocks, 2 * 50);
}

TEST(SmModel, AWarpSchedulerStartsASpecialFunctionInEightClocks) {
  std::vector<Written> code = repeated(100, after(1, "MUFU.EX2 R0, R1", /*writes=*/0));
  ReplayResult one = replayed(code), four = replayed(code, /*warps=*/4);
  // The queue holds the last few when the warp is through.
  EXPECT_NEAR(one.clocks, 8 * 100, 60);
  EXPECT_EQ(four.clocks, one.clocks) << "each scheduler has units of its own";
  EXPECT_NEAR(four.specialShare, 4 * one.specialShare, 1e-9);
  EXPECT_GT(one.waitShares[static_cast<unsigned>(Reason::SpecialQueue)], 0.1);
}

TEST(SmModel, SharedMemoryIsOneForAllSchedulers) {
  std::vector<Written> code = {after(8, "S2R R0, SR_TID.X", /*writes=*/0)};
  code.push_back(after(4, "SHF.L.U32 R0, R0, 0x7, RZ", ControlBits::none, /*waits=*/1));
  for (const Written &load : repeated(50, after(1, "LDS R2, [R0]", /*writes=*/1)))
    code.push_back(load);
  // 128 bytes from lane to lane: 32 passes a load.
  EXPECT_NEAR(replayed(code).clocks, 50 * 32, 200);
  EXPECT_NEAR(replayed(code, /*warps=*/4).clocks, 4 * 50 * 32, 600);
  // All lanes read one word: no pass but one, and the port is what limits.
  code[1].text = "SHF.L.U32 R0, RZ, 0x7, RZ";
  EXPECT_LT(replayed(code).clocks, 200);
}

TEST(SmModel, ALoadIsWaitedForByItsScoreboard) {
  Parameters parameters;
  double latency = parameters.queueDelay + parameters.l2Latency;
  std::vector<Written> code = {after(2, "LDG.E R2, desc[UR4][R4.64]", /*writes=*/3),
                               after(1, "FADD R3, R2, R2", ControlBits::none, /*waits=*/1 << 3), after(1, "EXIT")};
  EXPECT_NEAR(replayed(code).clocks, latency, 4);
}

// The wait for all groups takes a load's time, that for all but the last closed one only what the copies before took.
TEST(SmModel, AsynchronousCopiesAreWaitedForByGroups) {
  Parameters parameters;
  double latency = parameters.queueDelay + parameters.l2Latency;
  Written copy = after(2, "LDGSTS.E.BYPASS.128 [R6], desc[UR4][R4.64]"), close = after(2, "LDGDEPBAR"),
          end = after(1, "EXIT");
  EXPECT_NEAR(replayed({copy, close, after(1, "DEPBAR.LE SB0, 0x0"), end}).clocks, latency, 8);
  EXPECT_LT(replayed({copy, close, after(1, "DEPBAR.LE SB0, 0x1"), end}).clocks, 12);
  EXPECT_NEAR(
      replayed({copy, close, after(15, "NOP"), after(15, "NOP"), copy, close, after(1, "DEPBAR.LE SB0, 0x1"), end})
          .clocks,
      latency, 8);
}

TEST(SmModel, ABarrierWaitsForTheLastWarp) {
  Listing listing = parse({after(4, "FFMA R0, R0, R1, R2"), after(1, "BAR.SYNC.DEFER_BLOCKING 0x0"), after(1, "EXIT")});
  Parameters parameters;
  std::vector<Step> slow(25, Step{0}), quick = {Step{1}, Step{2}};
  slow.insert(slow.end(), quick.begin(), quick.end());
  llvm::Expected<ReplayResult> result = replay({&listing.instructions, {slow, quick}, 1, 1}, parameters);
  ASSERT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result->clocks, 4 * 25 + static_cast<int64_t>(parameters.barrierClocks) + 1);
}

TEST(SmModel, BlocksOneAfterAnotherTakeTheirSum) {
  std::vector<Written> code = repeated(1000, after(4, "FFMA R0, R0, R1, R2"));
  int64_t one = replayed(code).clocks, three = replayed(code, /*warps=*/1, /*blocks=*/3).clocks;
  EXPECT_NEAR(three, 3 * one + 2 * Parameters().blockStart, 4);
}

// The lanes that stay come to the end of the region first, and wait there for those that branch.
TEST(SmModel, LanesThatPartRunBothWays) {
  Listing listing = parse({after(1, "S2R R0, SR_TID.X"),
                           after(1, "ISETP.LT.U32.AND P0, PT, R0, 0x10, PT"),
                           after(1, "BSSY B0, `(.L_x_2)"),
                           after(1, "@P0 BRA `(.L_x_1)"),
                           after(1, "NOP"),
                           after(1, "BSYNC B0"),
                           {".L_x_1:"},
                           after(1, "FADD R1, R1, R1"),
                           after(1, "BSYNC B0"),
                           {".L_x_2:"},
                           after(1, "EXIT")});
  auto trace = traceWarp(listing, {1, 32, {}, {}, 0}, 0);
  ASSERT_TRUE(static_cast<bool>(trace)) << llvm::toString(trace.takeError());
  std::vector<uint32_t> way;
  for (const Step &step : *trace)
    way.push_back(step.instruction);
  EXPECT_EQ(way, (std::vector<uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

// As ptxas writes a division: the call is for operands that the short way is not exact for.
TEST(SmModel, CodeForRareOperandsIsNotRun) {
  Listing listing = parse({after(1, "FSETP.GT.AND P0, PT, |R0|, 1.4e-39, PT"),
                           after(1, "@P0 BRA `(.L_x_1)"),
                           after(1, "MOV R2, 0x30"),
                           after(1, "CALL.REL.NOINC `($__internal_0_$slow)"),
                           {".L_x_1:"},
                           after(1, "EXIT")});
  auto trace = traceWarp(listing, {1, 32, {}, {}, 0}, 0);
  ASSERT_TRUE(static_cast<bool>(trace)) << llvm::toString(trace.takeError());
  ASSERT_EQ(trace->size(), 3u);
  EXPECT_EQ(trace->back().instruction, 4u);
}

TEST(SmModel, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refusal({after(1, "POPC R0, R1")}), "POPC at 0x0 of 'k' is an opcode that the model does not know");
  EXPECT_EQ(refusal({after(1, "IADD3 R0, R1, R1, RZ"), after(1, "PRMT.B4E R0, R1, R2, R3")}),
            "PRMT.B4E at 0x10 of 'k' has a meaning that the model does not know");
  EXPECT_EQ(refusal({after(1, "ATOMG.E.ADD PT, R0, desc[UR4][R2.64], R3")}),
            "ATOMG.E.ADD at 0x0 of 'k' has blocks wait for each other, which is not modelled");
  std::string data = "depends on data, or on a size that is not known when compiling (--dim)";
  EXPECT_EQ(refusal({after(1, "LDG.E R0, desc[UR4][R2.64]"), after(1, "ISETP.NE.AND P0, PT, R0, RZ, PT"),
                     after(1, "@P0 EXIT")}),
            "EXIT at 0x20 of 'k' " + data);
  EXPECT_EQ(refusal({after(1, "LDG.E.64 R2, desc[UR4][R2.64]"), after(1, "LDG.E R0, desc[UR4][R2.64]")}),
            "LDG.E at 0x10 of 'k' " + data);
}
