// What the emulated device says of accesses to memory: kernels in LLVM IR, one rule each, kept and broken.

#include "EmulatorReports.h"

using namespace ssm::test;

//===----------------------------------------------------------------------===//
// Bounds, alignment, what is written
//===----------------------------------------------------------------------===//

static const KernelText copyWords{R"(
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %from = getelementptr i32, ptr %in, i32 %t
  %x = load i32, ptr %from, align 4
  %to = getelementptr i32, ptr %out, i32 %t
  store i32 %x, ptr %to, align 4
  ret void
}
)"};

TEST(EmulatorMemory, AnAccessBeyondAnArrayIsReported) {
  expectReport(copyWords, {input("a", 32), output("b", 32)}, "");
  expectReport(copyWords, {input("a", 31), output("b", 32)},
               "block 0, thread 31 reads 4 bytes, 0 bytes after the end of 'a'; at '%x = load i32, ptr "
               "%from, align 4'");
  expectReport(copyWords, {input("a", 32), output("b", 30)},
               "block 0, thread 30 writes 4 bytes, 0 bytes after the end of 'b'; at 'store i32 %x, ptr %to, "
               "align 4'");
}

TEST(EmulatorMemory, AWriteToAnInputIsReported) {
  expectReport(copyWords, {input("a", 32), input("b", 32)},
               "block 0, thread 0 writes 4 bytes at byte 0 of 'b', which may only be read; at 'store i32 %x, ptr %to, "
               "align 4'");
}

TEST(EmulatorMemory, AReadOfWhatNothingHasWrittenIsReported) {
  expectReport(copyWords, {output("a", 32), output("b", 32)},
               "block 0, thread 0 reads 4 bytes at byte 0 of 'a', which nothing has written; at '%x = load i32, ptr "
               "%from, align 4'");
}

/// Elements of a strided array are its own, what is between them is not.
TEST(EmulatorMemory, WhatIsBetweenElementsIsNoOnes) {
  std::vector<int32_t> memory(64, 5);
  ssm::emulator::Array apart{"a", memory.data(), 4, 4, {4, 8}, {16, 1}, false, true};
  ssm::emulator::Program program;
  ssm::emulator::Site site;
  site.bytes = 4;
  site.reads = true;
  program.sites = {site};
  ssm::emulator::Memory checked(program, {apart});
  checked.beginLaunch(1, {0});
  ssm::emulator::BlockClock block;
  block.threads = 1;
  ssm::emulator::ThreadClock clock(block, 0);
  auto complaintOf = [&](size_t word) {
    return checked.access(clock, 0, reinterpret_cast<uintptr_t>(&memory[word]), 4, nullptr).value_or("");
  };
  EXPECT_EQ(complaintOf(0), "");
  EXPECT_EQ(complaintOf(16 + 7), "");
  EXPECT_EQ(complaintOf(48 + 7), "");
  EXPECT_NE(complaintOf(8).find("between the elements"), std::string::npos);
  EXPECT_NE(complaintOf(56).find("in none of the arrays"), std::string::npos);
}

TEST(EmulatorMemory, AMisalignedAccessIsReported) {
  KernelText kernel{R"(
define ptx_kernel void @k(ptr %in, ptr %out) {
  %from = getelementptr i32, ptr %in, i32 2
  %x = load <4 x i32>, ptr %from, align 16
  store <4 x i32> %x, ptr %out, align 16
  ret void
}
)"};
  kernel.threads = 1;
  expectReport(
      kernel, {input("a", 8), output("b", 4)},
      "block 0, thread 0 reads 16 bytes at byte 8 of 'a', which is not aligned to 16 bytes; at '%x = load <4 x "
      "i32>, ptr %from, align 16'");
}

/// Each thread's own memory has bounds too.
TEST(EmulatorMemory, AnAccessBeyondOwnMemoryIsReported) {
  KernelText kernel{R"(
define ptx_kernel void @k(ptr %in, ptr %out) {
  %own = alloca [4 x i32], align 4
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %to = getelementptr i32, ptr %own, i32 %t
  store volatile i32 %t, ptr %out, align 4
  store i32 %t, ptr %to, align 4
  ret void
}
)"};
  kernel.threads = 5;
  expectReport(kernel, {input("a", 1), output("b", 1)},
               "block 0, thread 4 writes 4 bytes at byte 16 of 16 bytes of its own memory, which is outside; at 'store "
               "i32 %t, ptr %to, align 4'");
}

TEST(EmulatorMemory, SharedArraysHaveBounds) {
  KernelText kernel{R"(
@first = internal addrspace(3) global [64 x i8] undef, align 16
@second = internal addrspace(3) global [64 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %to = getelementptr i32, ptr addrspace(3) @first, i32 %t
  store i32 %t, ptr addrspace(3) %to, align 4
  %also = getelementptr i32, ptr addrspace(3) @second, i32 %t
  store i32 %t, ptr addrspace(3) %also, align 4
  ret void
}
)"};
  kernel.threads = 16;
  expectReport(kernel, {input("a", 1), output("b", 1)}, "");
  kernel.threads = 17;
  expectReport(kernel, {input("a", 1), output("b", 1)},
               "block 0, thread 16 writes 4 bytes, 0 bytes after the end of the 64 bytes of shared 'first'; "
               "at 'store i32 %t, ptr addrspace(3) %to, align 4'");
}

/// Dynamic shared memory has the bytes that the launch gives it.
TEST(EmulatorMemory, DynamicSharedMemoryHasBounds) {
  KernelText kernel{R"(
@fixed = internal addrspace(3) global [64 x i8] undef, align 16
@dynamic = external addrspace(3) global [0 x i8], align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %to = getelementptr i32, ptr addrspace(3) @dynamic, i32 %t
  store i32 %t, ptr addrspace(3) %to, align 4
  ret void
}
)"};
  kernel.threads = 32;
  kernel.dynamicSharedBytes = 128;
  expectReport(kernel, {input("a", 1), output("b", 1)}, "");
  kernel.dynamicSharedBytes = 124;
  expectReport(kernel, {input("a", 1), output("b", 1)},
               "block 0, thread 31 writes 4 bytes, 0 bytes after the end of the 124 bytes of shared "
               "'dynamic'; at 'store i32 %t, ptr addrspace(3) %to, align 4'");
}

TEST(EmulatorMemory, SharedMemoryThatNothingHasWrittenIsReported) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [128 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %from = getelementptr i32, ptr addrspace(3) @shared, i32 %t
  %x = load i32, ptr addrspace(3) %from, align 4
  %to = getelementptr i32, ptr %out, i32 %t
  store i32 %x, ptr %to, align 4
  ret void
}
)"};
  expectReport(kernel, {input("a", 1), output("b", 32)},
               "block 0, thread 0 reads 4 bytes at byte 0 of shared 'shared', which nothing has written; at '%x = load "
               "i32, ptr addrspace(3) %from, align 4'");
}

//===----------------------------------------------------------------------===//
// Races
//===----------------------------------------------------------------------===//

TEST(EmulatorRaces, BarriersOrderABlock) {
  // Rounds: each writes its word, and reads that of the one opposite. Without the first barrier a read races with a
  // write, without the second a write with a read of the round before.
  KernelText kernel{R"(
@shared = internal addrspace(3) global [256 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %other = sub i32 63, %t
  %own = getelementptr i32, ptr addrspace(3) @shared, i32 %t
  %from = getelementptr i32, ptr addrspace(3) @shared, i32 %other
  br label %loop
loop:
  %round = phi i32 [ 0, %0 ], [ %next, %loop ]
  store i32 %round, ptr addrspace(3) %own, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %x = load i32, ptr addrspace(3) %from, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %next = add i32 %round, 1
  %more = icmp ult i32 %next, 3
  br i1 %more, label %loop, label %done
done:
  %to = getelementptr i32, ptr %out, i32 %t
  store i32 %x, ptr %to, align 4
  ret void
}
)"};
  kernel.threads = 64;
  expectAllNeeded(kernel, {input("a", 1), output("b", 64)}, {Bug::Barrier});
}

TEST(EmulatorRaces, TheTwoSidesAreNamed) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [128 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  store i32 %t, ptr addrspace(3) @shared, align 4
  ret void
}
)"};
  kernel.threads = 64;
  expectReport(kernel, {input("a", 1), output("b", 1)},
               "block 0, thread 1 writes 4 bytes at byte 0 of shared 'shared', which block 0, thread 0 writes, and "
               "nothing orders the two (there: 'store i32 %t, ptr addrspace(3) @shared, align 4'); at 'store i32 %t, "
               "ptr addrspace(3) @shared, align 4'");
}

/// All threads read one word, round after round, before it is written again.
TEST(EmulatorRaces, AWriteAfterReadsOfAll) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [4 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %first = icmp eq i32 %t, 70
  br label %loop
loop:
  %round = phi i32 [ 0, %0 ], [ %next, %after ]
  br i1 %first, label %write, label %after
write:
  store i32 %round, ptr addrspace(3) @shared, align 4
  br label %after
after:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %x = load i32, ptr addrspace(3) @shared, align 4
  %y = load i32, ptr addrspace(3) @shared, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %next = add i32 %round, 1
  %more = icmp ult i32 %next, 3
  br i1 %more, label %loop, label %done
done:
  %to = getelementptr i32, ptr %out, i32 %t
  store i32 %y, ptr %to, align 4
  ret void
}
)"};
  kernel.threads = 96;
  expectAllNeeded(kernel, {input("a", 1), output("b", 96)}, {Bug::Barrier});
  // The write is another one's too where it is not for one thread alone.
  expectAllNeeded(kernel, {input("a", 1), output("b", 96)}, {Bug::Guard});
}

/// bar.warp.sync orders the lanes of its mask; exchanges of registers order nothing.
TEST(EmulatorRaces, SyncsOrderAWarp) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [256 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %other = xor i32 %t, 1
  %own = getelementptr i32, ptr addrspace(3) @shared, i32 %t
  %from = getelementptr i32, ptr addrspace(3) @shared, i32 %other
  store i32 %t, ptr addrspace(3) %own, align 4
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %x = load i32, ptr addrspace(3) %from, align 4
  %y = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %x, i32 1, i32 31)
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  store i32 %y, ptr addrspace(3) %own, align 4
  ret void
}
)"};
  kernel.threads = 64;
  expectAllNeeded(kernel, {input("a", 1), output("b", 64)}, {Bug::WarpSync});
}

TEST(EmulatorRaces, ASyncOfAWarpDoesNotOrderOthers) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [256 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %other = xor i32 %t, 32
  %own = getelementptr i32, ptr addrspace(3) @shared, i32 %t
  %from = getelementptr i32, ptr addrspace(3) @shared, i32 %other
  store i32 %t, ptr addrspace(3) %own, align 4
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %x = load i32, ptr addrspace(3) %from, align 4
  ret void
}
)"};
  kernel.threads = 64;
  for (uint64_t seed = 1; seed < 5; ++seed) {
    std::string report = kernel.run({input("a", 1), output("b", 1)}, seed);
    EXPECT_TRUE(report.find("nothing orders the two") != std::string::npos ||
                report.find("nothing has written") != std::string::npos)
        << report;
  }
}

/// Halves of words are two places.
TEST(EmulatorRaces, NeighboursDoNotRace) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [64 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %to = getelementptr i16, ptr addrspace(3) @shared, i32 %t
  store i16 1, ptr addrspace(3) %to, align 2
  ret void
}
)"};
  expectReport(kernel, {input("a", 1), output("b", 1)}, "");
}

TEST(EmulatorRaces, BlocksRaceInGlobalMemory) {
  KernelText kernel{R"(
define ptx_kernel void @k(ptr %in, ptr %out) {
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  store i32 %b, ptr %out, align 4
  ret void
}
)"};
  kernel.threads = 1;
  expectReport(kernel, {input("a", 1), output("b", 1)}, "");
  kernel.blocks = 2;
  // Whether they are on the device together or not.
  for (unsigned resident : {1, 3}) {
    kernel.residentBlocks = resident;
    expectReport(
        kernel, {input("a", 1), output("b", 1)},
        "block 1, thread 0 writes 4 bytes at byte 0 of 'b', which block 0, thread 0 writes, and nothing orders "
        "the two (there: 'store i32 %b, ptr %out, align 4'); at 'store i32 %b, ptr %out, align 4'");
  }
}
