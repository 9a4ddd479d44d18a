// Atomics, fences and spins on the emulated device: what they order, and what never comes.

#include "EmulatorReports.h"

using namespace ssm::test;

/// A running sum over blocks of 32 words in ticket order: each block takes its number from a counter, waits for the
/// total of the one before, and publishes its own.
static const KernelText gridScan{R"(
@shared = internal addrspace(3) global [8 x i8] undef, align 16
define ptx_kernel void @k(ptr %in, ptr %out, ptr %counter, ptr %flags, ptr %totals) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %leads = icmp eq i32 %t, 0
  %ticket.place = getelementptr i32, ptr addrspace(3) @shared, i32 0
  %total.place = getelementptr i32, ptr addrspace(3) @shared, i32 1
  br i1 %leads, label %draw, label %drawn
draw:
  %ticket = atomicrmw add ptr %counter, i32 1 syncscope("device") monotonic
  store i32 %ticket, ptr addrspace(3) %ticket.place, align 4
  br label %drawn
drawn:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %chunk = load i32, ptr addrspace(3) %ticket.place, align 4
  %begin = shl i32 %chunk, 5
  %word = add i32 %begin, %t
  %from = getelementptr i32, ptr %in, i32 %word
  %x = load i32, ptr %from, align 4
  br i1 %leads, label %look, label %known
look:
  %isFirst = icmp eq i32 %chunk, 0
  %before = sub i32 %chunk, 1
  br i1 %isFirst, label %publish, label %spin
spin:
  %flag.place = getelementptr i32, ptr %flags, i32 %before
  %flag = load atomic i32, ptr %flag.place syncscope("device") acquire, align 4
  %there = icmp eq i32 %flag, 1
  br i1 %there, label %read, label %spin
read:
  %before.place = getelementptr i32, ptr %totals, i32 %before
  %before.total = load i32, ptr %before.place, align 4
  br label %publish
publish:
  %carried = phi i32 [ 0, %look ], [ %before.total, %read ]
  %own = add i32 %carried, 32
  %own.place = getelementptr i32, ptr %totals, i32 %chunk
  store i32 %own, ptr %own.place, align 4
  %own.flag = getelementptr i32, ptr %flags, i32 %chunk
  store atomic i32 1, ptr %own.flag syncscope("device") release, align 4
  store i32 %carried, ptr addrspace(3) %total.place, align 4
  br label %known
known:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %sum = load i32, ptr addrspace(3) %total.place, align 4
  %y = add i32 %sum, %x
  %to = getelementptr i32, ptr %out, i32 %word
  store i32 %y, ptr %to, align 4
  ret void
}
)",
                                 12, 32};

static std::vector<Words> scanArrays() {
  std::vector<Words> arrays{input("a", 384), output("b", 384), output("counter", 1), output("flags", 12),
                            output("totals", 12)};
  // The workspace is zeroed once.
  arrays[2].initialized = arrays[3].initialized = true;
  return arrays;
}

TEST(EmulatorAtomics, AGridScanGivesTheSameInAnyOrder) {
  auto module = gridScan.compile();
  ASSERT_TRUE(static_cast<bool>(module)) << llvm::toString(module.takeError());
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    std::vector<Words> arrays = scanArrays();
    ASSERT_EQ(gridScan.run(**module, arrays, seed), "") << "seed " << seed;
    for (int32_t number = 0; number < 384; ++number)
      ASSERT_EQ(arrays[1].values[number], 7 + number / 32 * 32) << "seed " << seed;
  }
}

TEST(EmulatorAtomics, AGridScanNeedsItsReleaseAndAcquire) {
  expectAllNeeded(gridScan, scanArrays(), {Bug::Release, Bug::Acquire, Bug::Barrier}, "which");
}

/// Blocks start in any order: one whose predecessor is not on the device waits for what never comes.
TEST(EmulatorAtomics, BlockNumbersAreNoTickets) {
  KernelText kernel = gridScan;
  std::string draw = "%ticket = atomicrmw add ptr %counter, i32 1 syncscope(\"device\") monotonic";
  kernel.text.replace(kernel.text.find(draw), draw.size(), "%ticket = add i32 %b, 0");
  EXPECT_EQ(kernel.run(scanArrays()), "");
  unsigned stuck = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::string report = kernel.run(scanArrays(), seed);
    stuck += report.find("waits for another value at '%flag = load atomic i32") != std::string::npos &&
             report.find("blocks have not started, 3 are on the device") != std::string::npos;
  }
  // Of 12 blocks in random order, three that nothing comes before are rare.
  EXPECT_GE(stuck, 9u);
}

/// A scope has to reach the other block.
TEST(EmulatorAtomics, AScopeOfABlockDoesNotReachOthers) {
  for (size_t which : {0, 1}) {
    KernelText kernel = gridScan;
    std::string scope = which ? "syncscope(\"device\") release" : "syncscope(\"device\") acquire";
    kernel.text.replace(kernel.text.find(scope), 19, "syncscope(\"block\") ");
    unsigned reported = 0;
    for (uint64_t seed = 0; seed < 5; ++seed)
      reported += kernel.run(scanArrays(), seed).find("their scopes do not reach each other") != std::string::npos;
    EXPECT_EQ(reported, 5u);
  }
}

/// Fences with relaxed atomics, and with volatile accesses, order as releases and acquires do.
TEST(EmulatorAtomics, FencesOrderWhatIsAroundThem) {
  const char *text = R"(
define ptx_kernel void @k(ptr %data, ptr %flag, ptr %out) {
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %first = icmp eq i32 %b, 0
  br i1 %first, label %write, label %spin
write:
  store i32 5, ptr %data, align 4
  FENCE
  store KIND i32 1, ptr %flag SCOPE, align 4
  ret void
spin:
  call void @llvm.nvvm.nanosleep(i32 100)
  %found = load KIND i32, ptr %flag SCOPE, align 4
  %there = icmp eq i32 %found, 1
  br i1 %there, label %read, label %spin
read:
  FENCE
  %x = load i32, ptr %data, align 4
  store i32 %x, ptr %out, align 4
  ret void
}
)";
  auto kernelOf = [&](const std::string &kind, const std::string &scope, const std::string &fence) {
    KernelText kernel{text, 2, 1};
    for (auto [from, to] : {std::pair<std::string, std::string>("KIND", kind), {"SCOPE", scope}, {"FENCE", fence}})
      for (size_t at; (at = kernel.text.find(from)) != std::string::npos;)
        kernel.text.replace(at, from.size(), to);
    return kernel;
  };
  std::vector<Words> arrays{output("data", 1), output("flag", 1), output("out", 1)};
  arrays[1].initialized = true;
  const std::string relaxed = "syncscope(\"device\") monotonic";
  expectAllNeeded(kernelOf("atomic", relaxed, "fence syncscope(\"device\") acq_rel"), arrays, {Bug::Fence});
  expectAllNeeded(kernelOf("atomic", relaxed, "fence syncscope(\"device\") seq_cst"), arrays, {Bug::Fence});
  expectAllNeeded(kernelOf("volatile", "", "call void @llvm.nvvm.membar.gl()"), arrays, {Bug::Fence});
  // A block's fence is not enough.
  EXPECT_NE(
      kernelOf("atomic", relaxed, "fence syncscope(\"block\") acq_rel").run(arrays).find("nothing orders the two"),
      std::string::npos);
}

/// A word that blocks read before they count themselves, and that the last of them changes. A fence after the load and
/// one before the store order the two by the counter; without either the load may read what is stored.
TEST(EmulatorAtomics, ARelaxedLookNeedsAnOrder) {
  KernelText kernel{R"(
define ptx_kernel void @k(ptr %word, ptr %counter, ptr %out) {
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %found = load atomic i32, ptr %word syncscope("device") monotonic, align 4
  fence syncscope("device") acq_rel
  %ticket = atomicrmw add ptr %counter, i32 1 syncscope("device") monotonic
  %to = getelementptr i32, ptr %out, i32 %b
  store i32 %found, ptr %to, align 4
  %last = icmp eq i32 %ticket, 3
  br i1 %last, label %change, label %done
change:
  fence syncscope("device") acq_rel
  store atomic i32 5, ptr %word syncscope("device") monotonic, align 4
  br label %done
done:
  ret void
}
)",
                    4, 1};
  std::vector<Words> arrays{output("word", 1), output("counter", 1), output("out", 4)};
  arrays[0].initialized = arrays[1].initialized = true;
  expectAllNeeded(kernel, arrays, {Bug::Fence}, "reads once, relaxed, 4 bytes at byte 0 of 'word', which block");
  // One that only counts and never changes the word is in nobody's way.
  kernel.text.replace(kernel.text.find("i32 5"), 5, "i32 0");
  auto unordered = kernel.compile(std::pair(Bug::Fence, 0u));
  ASSERT_TRUE(static_cast<bool>(unordered)) << llvm::toString(unordered.takeError());
  EXPECT_EQ(kernel.run(**unordered, arrays, 0), "");
}

/// Without the writer nothing ever comes; a thread that gives up after some tries is no deadlock.
TEST(EmulatorAtomics, WhatNeverComesIsReported) {
  KernelText kernel{R"(
define ptx_kernel void @k(ptr %flag) {
  br label %spin
spin:
  %try = phi i32 [ 0, %0 ], [ %next, %spin ]
  %next = add i32 %try, 1
  %found = load atomic i32, ptr %flag syncscope("device") acquire, align 4
  %there = icmp eq i32 %found, 1
  %enough = icmp eq i32 %next, LIMIT
  %stop = or i1 %there, %enough
  br i1 %stop, label %done, label %spin
done:
  ret void
}
)",
                    2, 1};
  auto with = [&](const char *limit) {
    KernelText changed = kernel;
    changed.text.replace(changed.text.find("LIMIT"), 5, limit);
    std::vector<Words> arrays{output("flag", 1)};
    arrays[0].initialized = true;
    return changed.run(arrays);
  };
  EXPECT_EQ(with("1000"), "");
  EXPECT_EQ(with("0"),
            "emulated device: kernel k, block 0, thread 0 waits for another value at '%found = load atomic "
            "i32, ptr %flag syncscope(\"device\") acquire, align 4' that never comes; block 1, thread 0 waits "
            "for another value at '%found = load atomic i32, ptr %flag syncscope(\"device\") acquire, align "
            "4'");
}

/// One that polls while its block waits at barriers, round after round, and says so in shared memory.
TEST(EmulatorAtomics, APollOfABlockThatNeverComesIsReported) {
  KernelText kernel{R"(
@shared = internal addrspace(3) global [4 x i8] undef, align 16
define ptx_kernel void @k(ptr %flag) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %leads = icmp eq i32 %t, 0
  br label %spin
spin:
  br i1 %leads, label %poll, label %polled
poll:
  %found = load atomic i32, ptr %flag syncscope("device") acquire, align 4
  store i32 %found, ptr addrspace(3) @shared, align 4
  br label %polled
polled:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %x = load i32, ptr addrspace(3) @shared, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %there = icmp eq i32 %x, 1
  br i1 %there, label %done, label %spin
done:
  ret void
}
)",
                    1, 40};
  for (uint64_t seed : {0, 1, 2}) {
    std::vector<Words> arrays{output("flag", 1)};
    arrays[0].initialized = true;
    EXPECT_NE(kernel.run(arrays, seed).find("waits for another value at '%found"), std::string::npos);
  }
}

/// An atomic and a plain access of one place need an order, too.
TEST(EmulatorAtomics, APlainAccessRacesWithAnAtomic) {
  KernelText kernel{R"(
define ptx_kernel void @k(ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %first = icmp eq i32 %t, 0
  %old = atomicrmw add ptr %out, i32 1 syncscope("device") monotonic
  br i1 %first, label %read, label %done
read:
  %x = load i32, ptr %out, align 4
  br label %done
done:
  ret void
}
)",
                    1, 2};
  std::vector<Words> arrays{output("b", 1)};
  arrays[0].initialized = true;
  unsigned reported = 0;
  for (uint64_t seed = 0; seed < 10; ++seed)
    reported += kernel.run(arrays, seed).find("nothing orders the two") != std::string::npos;
  EXPECT_EQ(reported, 10u);
}
