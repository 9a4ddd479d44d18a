// Threads of the emulated device: what they see, how they wait for each other, and what is reported.

#include "codegen/emulator/HostIntrinsics.h"
#include "codegen/emulator/Threads.h"
#include "codegen/lowering/Machine.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

#include <cstring>
#include <gtest/gtest.h>
#include <set>

using namespace ssm::emulator;

namespace {
constexpr uint32_t all = ~0u;

std::string runOf(const GridOptions &options, llvm::function_ref<void()> body) {
  llvm::Error error = runGrid(options, body);
  return error ? llvm::toString(std::move(error)) : "";
}

GridOptions gridOf(unsigned blocks, unsigned threads, uint64_t seed = 0) {
  GridOptions options;
  options.kernel = "k";
  options.blocks = blocks;
  options.threads = threads;
  options.seed = seed;
  return options;
}
} // namespace

TEST(EmulatorThreads, EachThreadOfEachBlockRunsOnce) {
  for (uint64_t seed : {0, 1, 2}) {
    std::multiset<std::pair<int, int>> seen;
    EXPECT_EQ(runOf(gridOf(5, 40, seed),
                    [&] {
                      seen.insert({blockNumber(), threadNumber()});
                      EXPECT_EQ(blockCount(), 5);
                      EXPECT_EQ(threadCount(), 40);
                    }),
              "");
    EXPECT_EQ(seen.size(), 200u);
    EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 200u);
  }
}

TEST(EmulatorThreads, SeedsDrawTheOrder) {
  auto orderOf = [](uint64_t seed) {
    std::vector<std::pair<int, int>> order;
    EXPECT_EQ(runOf(gridOf(3, 4, seed), [&] { order.push_back({blockNumber(), threadNumber()}); }), "");
    return order;
  };
  std::vector<std::pair<int, int>> inOrder = orderOf(0);
  EXPECT_TRUE(llvm::is_sorted(inOrder));
  EXPECT_NE(orderOf(1), inOrder);
  EXPECT_NE(orderOf(1), orderOf(2));
  EXPECT_EQ(orderOf(1), orderOf(1));
}

TEST(EmulatorThreads, ABarrierIsPassedByAllOrNone) {
  for (uint64_t seed : {0, 3, 4}) {
    GridOptions options = gridOf(4, 70, seed);
    options.sharedBytes = 70 * sizeof(int32_t);
    EXPECT_EQ(runOf(options,
                    [&] {
                      auto *shared = static_cast<int32_t *>(sharedMemory());
                      for (int round = 0; round < 3; ++round) {
                        shared[threadNumber()] = 1000 * blockNumber() + 10 * threadNumber() + round;
                        barrier();
                        int other = 69 - threadNumber();
                        EXPECT_EQ(shared[other], 1000 * blockNumber() + 10 * other + round);
                        barrier();
                      }
                    }),
              "");
  }
}

TEST(EmulatorThreads, SharedMemoryIsNaNAtFirst) {
  GridOptions options = gridOf(2, 1);
  options.sharedBytes = 8;
  EXPECT_EQ(runOf(options,
                  [&] {
                    float values[2];
                    std::memcpy(values, sharedMemory(), sizeof values);
                    EXPECT_TRUE(std::isnan(values[0]) && std::isnan(values[1]));
                  }),
            "");
}

/// PTX ISA, shfl.sync: the source lane by mode, clamp and segment.
TEST(EmulatorThreads, Shuffles) {
  struct Mode {
    WarpOp op;
    int operand, clamp;
    int (*source)(int lane);
  };
  const Mode modes[] = {
      {WarpOp::ShuffleIdx, 7, 31, [](int) { return 7; }},
      {WarpOp::ShuffleIdx, 39, 31, [](int) { return 7; }},
      // Segments of 8: their own lane 3.
      {WarpOp::ShuffleIdx, 3, 24 << 8 | 31, [](int lane) { return lane / 8 * 8 + 3; }},
      {WarpOp::ShuffleUp, 2, 0, [](int lane) { return lane < 2 ? lane : lane - 2; }},
      {WarpOp::ShuffleUp, 2, 24 << 8, [](int lane) { return lane % 8 < 2 ? lane : lane - 2; }},
      {WarpOp::ShuffleDown, 5, 31, [](int lane) { return lane > 26 ? lane : lane + 5; }},
      {WarpOp::ShuffleXor, 16, 31, [](int lane) { return lane ^ 16; }},
  };
  for (const Mode &mode : modes)
    EXPECT_EQ(runOf(gridOf(1, 64, 5),
                    [&] {
                      int lane = threadNumber() % 32, warp = threadNumber() / 32;
                      int got = exchange(mode.op, all, 100 * warp + lane, mode.operand, mode.clamp);
                      EXPECT_EQ(got, 100 * warp + mode.source(lane)) << int(mode.op) << " in lane " << lane;
                    }),
              "");
}

TEST(EmulatorThreads, VotesAndHalvesOfAWarp) {
  EXPECT_EQ(runOf(gridOf(1, 32, 6),
                  [&] {
                    int lane = threadNumber();
                    uint32_t half = lane < 16 ? 0xffffu : 0xffff0000u;
                    uint32_t odd = 0xaaaaaaaau & half;
                    EXPECT_EQ(exchange(WarpOp::Ballot, half, lane % 2, 0, 0), int32_t(odd));
                    EXPECT_EQ(exchange(WarpOp::Any, half, lane == 20, 0, 0), lane >= 16);
                    EXPECT_EQ(exchange(WarpOp::All, half, lane != 20, 0, 0), lane < 16);
                    exchange(WarpOp::Sync, all, 0, 0, 0);
                  }),
            "");
}

TEST(EmulatorThreads, ABarrierThatAThreadSkipsIsReported) {
  EXPECT_EQ(runOf(gridOf(1, 3),
                  [] {
                    if (threadNumber() != 1)
                      barrier();
                  }),
            "emulated device: kernel k, block 0, thread 0 waits at a barrier that others do not reach: thread 1 has "
            "ended");
}

TEST(EmulatorThreads, AnExchangeThatALaneSkipsIsReported) {
  EXPECT_EQ(
      runOf(gridOf(1, 64),
            [] {
              if (threadNumber() == 40)
                barrier();
              else
                exchange(WarpOp::ShuffleXor, all, 0, 1, 31);
            }),
      "emulated device: kernel k, block 0, thread 32 waits in a shfl.sync of the lanes FFFFFFFF that others do not "
      "reach: thread 40 waits at a barrier");
}

TEST(EmulatorThreads, AMaskWithoutTheLaneOrItsSourceIsReported) {
  EXPECT_EQ(runOf(gridOf(1, 32), [] { exchange(WarpOp::Sync, 1, 0, 0, 0); }),
            "emulated device: kernel k, block 0, thread 1 runs a bar.warp.sync whose mask 1 lacks its lane");
  EXPECT_EQ(runOf(gridOf(1, 2), [] { exchange(WarpOp::ShuffleIdx, 3, 0, 2, 31); }),
            "emulated device: kernel k, block 0, thread 0 reads lane 2 by a shfl.sync whose mask 3 lacks it");
}

TEST(EmulatorThreads, AMaskOfLanesThatThereAreNotIsReported) {
  EXPECT_EQ(
      runOf(gridOf(1, 2), [] { exchange(WarpOp::Sync, all, 0, 0, 0); }),
      "emulated device: kernel k, block 0, thread 0 waits in a bar.warp.sync of the lanes FFFFFFFF that others do "
      "not reach");
}

TEST(EmulatorThreads, AnUnknownIntrinsicIsNamed) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic problem;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString("declare void @llvm.nvvm.fence.proxy.async()\n"
                                                                   "define void @k() {\n"
                                                                   "  call void @llvm.nvvm.fence.proxy.async()\n"
                                                                   "  ret void\n"
                                                                   "}\n",
                                                                   problem, context);
  ASSERT_TRUE(module) << problem.getMessage().str();
  Program program;
  EXPECT_EQ(llvm::toString(replaceIntrinsics(*module, program)),
            "emulated device: the intrinsic llvm.nvvm.fence.proxy.async is not known to it");
}

/// A kernel in whose last round the first thread leaves before the barrier: what waits there is unwound, compiled code
/// and all.
TEST(EmulatorThreads, CompiledCodeThatWaitsForeverIsReported) {
  auto context = std::make_unique<llvm::LLVMContext>();
  llvm::SMDiagnostic problem;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(R"(
@shared = internal addrspace(3) global [256 x i8] undef, align 16
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
define void @k() {
  %thread = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %place = getelementptr i32, ptr addrspace(3) @shared, i32 %thread
  store i32 %thread, ptr addrspace(3) %place
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %first = icmp eq i32 %thread, 0
  br i1 %first, label %done, label %wait
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %done
done:
  ret void
}
)",
                                                                   problem, *context);
  ASSERT_TRUE(module) << problem.getMessage().str();
  GridOptions options = gridOf(2, 64);
  Program program;
  llvm::Error error = replaceIntrinsics(*module, program);
  ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  ASSERT_EQ(program.globals.size(), 1u);
  EXPECT_EQ(program.globals[0].bytes, 256u);
  options.program = &program;
  // It makes this processor known to LLVM.
  llvm::Expected<ssm::CompileTarget> host = ssm::parseTarget("cpu");
  ASSERT_TRUE(static_cast<bool>(host));
  ASSERT_TRUE(static_cast<bool>(ssm::createMachine(*host)));
  llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> jit = llvm::orc::LLJITBuilder().create();
  ASSERT_TRUE(static_cast<bool>(jit)) << llvm::toString(jit.takeError());
  module->setDataLayout((*jit)->getDataLayout());
  ASSERT_FALSE(static_cast<bool>(defineSymbols(**jit)));
  ASSERT_FALSE(
      static_cast<bool>((*jit)->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context)))));
  auto address = (*jit)->lookup("k");
  ASSERT_TRUE(static_cast<bool>(address)) << llvm::toString(address.takeError());
  EXPECT_EQ(runOf(options, [&] { address->toPtr<void()>()(); }),
            "emulated device: kernel k, block 0, thread 1 waits at a barrier that others do not reach: thread 0 has "
            "ended");
}
