// Occupancy by the allocation rules, against numbers worked out by hand and against NVIDIA's calculator.

#include "schedule/Machine.h"
#include <gtest/gtest.h>

#if __has_include(<cuda_occupancy.h>)
#include <cuda_occupancy.h>
#define SSM_HAS_CALCULATOR 1
#endif

using namespace ssm;

static void expectOccupancy(unsigned capability, int64_t threads, int64_t registers, int64_t shared, int64_t blocks,
                            const char *limit) {
  Occupancy found = occupancy(multiprocessor(capability), threads, registers, shared);
  EXPECT_EQ(found.blocks, blocks) << "sm_" << capability << ", " << threads << " threads, " << registers;
  EXPECT_EQ(found.limit.str(), limit) << "sm_" << capability << ", " << threads << " threads, " << registers;
}

TEST(Occupancy, FollowsTheScarcestResource) {
  // 86 registers are 88 for a warp of 32 threads: 5 warps a scheduler, so 20, so 5 blocks of 4.
  expectOccupancy(90, 128, 86, 0, 5, "registers");
  // 70 KiB and 1 KiB of the system's: three in 228 KiB, one in 100.
  expectOccupancy(90, 128, 64, 70 << 10, 3, "shared memory");
  expectOccupancy(86, 128, 64, 70 << 10, 1, "shared memory");
  expectOccupancy(90, 1024, 24, 0, 2, "warps");
  expectOccupancy(89, 1024, 24, 0, 1, "warps");
  expectOccupancy(80, 32, 24, 0, 32, "blocks");
  expectOccupancy(86, 32, 24, 0, 16, "blocks");
}

TEST(Occupancy, IsNothingWhereABlockDoesNotFit) {
  expectOccupancy(90, 128, 64, 228 << 10, 0, "shared memory");
  expectOccupancy(86, 128, 64, 100 << 10, 0, "shared memory");
  // 1024 threads of 72 registers are 72 K.
  expectOccupancy(90, 1024, 72, 0, 0, "registers");
}

#ifdef SSM_HAS_CALCULATOR
static int blocksByCalculator(unsigned capability, int threads, int registers, int shared) {
  Multiprocessor limits = multiprocessor(capability);
  cudaOccDeviceProp device;
  device.computeMajor = capability / 10;
  device.computeMinor = capability % 10;
  device.maxThreadsPerBlock = 1024;
  device.maxThreadsPerMultiprocessor = limits.warps * 32;
  device.regsPerBlock = device.regsPerMultiprocessor = 64 << 10;
  device.warpSize = 32;
  device.sharedMemPerBlock = 48 << 10;
  device.sharedMemPerMultiprocessor = limits.sharedBytes;
  device.numSms = 1;
  device.sharedMemPerBlockOptin = limits.sharedPerBlock();
  device.reservedSharedMemPerBlock = 1 << 10;
  cudaOccFuncAttributes kernel;
  kernel.maxThreadsPerBlock = 1024;
  kernel.numRegs = registers;
  kernel.sharedSizeBytes = 0;
  kernel.partitionedGCConfig = PARTITIONED_GC_OFF;
  kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  kernel.maxDynamicSharedSizeBytes = limits.sharedPerBlock();
  kernel.numBlockBarriers = 1;
  cudaOccDeviceState state;
  state.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED;
  cudaOccResult result;
  cudaOccError error = cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &kernel, &state, threads, shared);
  return error == CUDA_OCC_SUCCESS ? result.activeBlocksPerMultiprocessor : -1;
}

TEST(Occupancy, IsTheCalculators) {
  for (unsigned capability : {80, 86, 87, 89, 90, 100, 103, 120, 121})
    for (int threads : {1, 32, 64, 96, 128, 160, 256, 384, 512, 1000, 1024})
      for (int registers : {16, 32, 33, 40, 64, 72, 86, 96, 128, 168, 200, 255})
        for (int shared : {0, 100, 1 << 10, 7000, 24 << 10, 48 << 10, 70 << 10, 99 << 10, 120 << 10, 227 << 10}) {
          if (shared > multiprocessor(capability).sharedPerBlock())
            continue;
          ASSERT_EQ(occupancy(multiprocessor(capability), threads, registers, shared).blocks,
                    blocksByCalculator(capability, threads, registers, shared))
              << "sm_" << capability << ", " << threads << " threads, " << registers << " registers, " << shared
              << " bytes";
        }
}
#endif
