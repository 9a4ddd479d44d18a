// Asynchronous copies on the emulated device: writers of their own, that have landed only when they were waited for.

#include "EmulatorReports.h"

using namespace ssm::test;

/// Tiles of 64 words through two buffers: while one tile is used, the next one is on its way.
static const KernelText doubleBuffer{R"(
@buffers = internal addrspace(3) global [512 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %source = addrspacecast ptr %in to ptr addrspace(1)
  %word = shl i32 %t, 2
  %copies = icmp ult i32 %t, 16
  %first.to = getelementptr i32, ptr addrspace(3) @buffers, i32 %word
  %first.from = getelementptr i32, ptr addrspace(1) %source, i32 %word
  br i1 %copies, label %first, label %begin
first:
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %first.to, ptr addrspace(1) %first.from)
  br label %begin
begin:
  call void @llvm.nvvm.cp.async.commit.group()
  br label %loop
loop:
  %tile = phi i32 [ 0, %begin ], [ %next, %used ]
  %next = add i32 %tile, 1
  %more = icmp ult i32 %next, 5
  %issues = and i1 %more, %copies
  %odd = and i32 %next, 1
  %place = shl i32 %odd, 6
  %to.word = add i32 %place, %word
  %to = getelementptr i32, ptr addrspace(3) @buffers, i32 %to.word
  %from.tile = shl i32 %next, 6
  %from.word = add i32 %from.tile, %word
  %from = getelementptr i32, ptr addrspace(1) %source, i32 %from.word
  br i1 %issues, label %issue, label %issued
issue:
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %to, ptr addrspace(1) %from)
  br label %issued
issued:
  call void @llvm.nvvm.cp.async.commit.group()
  call void @llvm.nvvm.cp.async.wait.group(i32 1)
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %even = and i32 %tile, 1
  %use.place = shl i32 %even, 6
  %mirror = sub i32 63, %t
  %use.word = add i32 %use.place, %mirror
  %use = getelementptr i32, ptr addrspace(3) @buffers, i32 %use.word
  %x = load i32, ptr addrspace(3) %use, align 4
  %out.tile = shl i32 %tile, 6
  %out.word = add i32 %out.tile, %t
  %result = getelementptr i32, ptr %out, i32 %out.word
  store i32 %x, ptr %result, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %used
used:
  br i1 %more, label %loop, label %done
done:
  ret void
}
)",
                                     1, 64};

TEST(EmulatorCopies, ADoubleBufferNeedsItsWaitAndBothBarriers) {
  expectAllNeeded(doubleBuffer, {input("a", 320), output("b", 320)}, {Bug::Barrier});
  expectAllNeeded(doubleBuffer, {input("a", 320), output("b", 320)}, {Bug::Wait}, "for which it has not waited");
  // Without the guard of the first tile's copy, 48 threads more copy beyond the buffer or the array; without the
  // other's, copies run over the end of the input.
  expectAllNeeded(doubleBuffer, {input("a", 320), output("b", 320)}, {Bug::Guard}, "copies ");
}

TEST(EmulatorCopies, LandWithTheirBytes) {
  std::vector<int32_t> values(320);
  for (size_t number = 0; number < values.size(); ++number)
    values[number] = static_cast<int32_t>(number);
  auto module = doubleBuffer.compile();
  ASSERT_TRUE(static_cast<bool>(module)) << llvm::toString(module.takeError());
  for (uint64_t seed = 0; seed < 10; ++seed) {
    std::vector<Words> arrays{{"a", values}, output("b", 320)};
    ASSERT_EQ(doubleBuffer.run(**module, arrays, seed), "");
    for (int32_t number = 0; number < 320; ++number)
      EXPECT_EQ(arrays[1].values[number], number / 64 * 64 + 63 - number % 64);
  }
}

/// What a thread copied and waited for is there for it; for others there is a barrier.
TEST(EmulatorCopies, AWaitIsForTheThreadThatWaits) {
  const char *text = R"(
@shared = internal addrspace(3) global [256 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %other = xor i32 %t, DISTANCE
  %source = addrspacecast ptr %in to ptr addrspace(1)
  %own = getelementptr i32, ptr addrspace(3) @shared, i32 %t
  %from = getelementptr i32, ptr addrspace(1) %source, i32 %t
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %own, ptr addrspace(1) %from)
  call void @llvm.nvvm.cp.async.wait.all()
  BARRIER
  %use = getelementptr i32, ptr addrspace(3) @shared, i32 %other
  %x = load i32, ptr addrspace(3) %use, align 4
  %to = getelementptr i32, ptr %out, i32 %t
  store i32 %x, ptr %to, align 4
  ret void
}
)";
  auto kernelOf = [&](const std::string &distance, const std::string &barrier) {
    KernelText kernel{text, 1, 64};
    kernel.text.replace(kernel.text.find("DISTANCE"), 8, distance);
    kernel.text.replace(kernel.text.find("BARRIER"), 7, barrier);
    return kernel;
  };
  const std::vector<Words> arrays{input("a", 64), output("b", 64)};
  expectAllNeeded(kernelOf("0", ""), arrays, {Bug::Wait}, "for which it has not waited");
  expectAllNeeded(kernelOf("32", "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)"), arrays, {Bug::Barrier},
                  "which");
  expectAllNeeded(kernelOf("1", "call void @llvm.nvvm.bar.warp.sync(i32 -1)"), arrays, {Bug::WarpSync}, "which");
}

/// wait.group n leaves the last n groups on their way.
TEST(EmulatorCopies, TheLastGroupsAreNotWaitedFor) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [256 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %source = addrspacecast ptr %in to ptr addrspace(1)
  %second = getelementptr i32, ptr addrspace(3) @shared, i32 4
  call void @llvm.nvvm.cp.async.ca.shared.global.16(ptr addrspace(3) @shared, ptr addrspace(1) %source)
  call void @llvm.nvvm.cp.async.commit.group()
  call void @llvm.nvvm.cp.async.ca.shared.global.8(ptr addrspace(3) %second, ptr addrspace(1) %source)
  call void @llvm.nvvm.cp.async.commit.group()
  call void @llvm.nvvm.cp.async.wait.group(i32 1)
  %x = load i32, ptr addrspace(3) PLACE, align 4
  store i32 %x, ptr %out, align 4
  ret void
}
)",
                    1, 1};
  auto with = [&](const std::string &place) {
    KernelText changed = kernel;
    changed.text.replace(changed.text.find("PLACE"), 5, place);
    return changed.run({input("a", 4), output("b", 1)});
  };
  EXPECT_EQ(with("@shared"), "");
  EXPECT_EQ(
      with("%second"),
      "emulated device: kernel k, block 0, thread 0 reads 4 bytes at byte 16 of shared 'shared', which a cp.async "
      "of block 0, thread 0 writes, for which it has not waited (there: 'call void "
      "@llvm.nvvm.cp.async.ca.shared.global.8(ptr addrspace(3) %second, ptr addrspace(1) %source)'); at '%x = "
      "load i32, ptr addrspace(3) %second, align 4'");
}

/// The source is read at some time before the wait is over.
TEST(EmulatorCopies, TheSourceStaysUntilTheWait) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [16 x i8] undef, align 16
define ptx_kernel void @k(ptr %out) {
  store i32 1, ptr %out, align 4
  %source = addrspacecast ptr %out to ptr addrspace(1)
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) @shared, ptr addrspace(1) %source)
  call void @llvm.nvvm.cp.async.wait.all()
  store i32 2, ptr %out, align 4
  ret void
}
)",
                    1, 1};
  expectAllNeeded(kernel, {output("b", 1)}, {Bug::Wait}, "for which it has not waited");
}

TEST(EmulatorCopies, WhatTheSourceLacksIsZero) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [16 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out) {
  %source = addrspacecast ptr %in to ptr addrspace(1)
  call void @llvm.nvvm.cp.async.cg.shared.global.16.s(ptr addrspace(3) @shared, ptr addrspace(1) %source, i32 BYTES)
  call void @llvm.nvvm.cp.async.wait.all()
  %x = load <4 x i32>, ptr addrspace(3) @shared, align 16
  store <4 x i32> %x, ptr %out, align 4
  ret void
}
)",
                    1, 1};
  auto with = [&](const char *bytes, std::vector<Words> &arrays) {
    KernelText changed = kernel;
    changed.text.replace(changed.text.find("BYTES"), 5, bytes);
    auto module = changed.compile();
    return module ? changed.run(**module, arrays, 0) : llvm::toString(module.takeError());
  };
  std::vector<Words> arrays{input("a", 2), output("b", 4)};
  EXPECT_EQ(with("8", arrays), "");
  EXPECT_EQ(arrays[1].values, (std::vector<int32_t>{7, 7, 0, 0}));
  arrays = {input("a", 2), output("b", 4)};
  EXPECT_EQ(with("0", arrays), "");
  EXPECT_EQ(arrays[1].values, (std::vector<int32_t>(4)));
  // No more is read than the source has.
  arrays = {input("a", 2), output("b", 4)};
  EXPECT_NE(with("12", arrays).find("copies from 12 bytes at byte 0 of 'a', 4 bytes over the end of 'a'"),
            std::string::npos);
}

TEST(EmulatorCopies, AreAligned) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [32 x i8] undef, align 16
define ptx_kernel void @k(ptr %in) {
  %source = addrspacecast ptr %in to ptr addrspace(1)
  %from = getelementptr i32, ptr addrspace(1) %source, i32 1
  call void @llvm.nvvm.cp.async.ca.shared.global.16(ptr addrspace(3) @shared, ptr addrspace(1) %from)
  ret void
}
)",
                    1, 1};
  expectReport(kernel, {input("a", 8)},
               "block 0, thread 0 copies from 16 bytes at byte 4 of 'a', which is not aligned to 16 bytes; at 'call "
               "void @llvm.nvvm.cp.async.ca.shared.global.16(ptr addrspace(3) @shared, ptr addrspace(1) %from)'");
}

TEST(EmulatorCopies, OthersAreRefused) {
  KernelText kernel{R"(
define ptx_kernel void @k(ptr %in) {
  call void @llvm.nvvm.cp.async.mbarrier.arrive(ptr %in)
  ret void
}
)",
                    1, 1};
  EXPECT_EQ(kernel.run({input("a", 8)}),
            "emulated device: the intrinsic llvm.nvvm.cp.async.mbarrier.arrive is not known to it");
}
