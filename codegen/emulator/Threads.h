#ifndef SSM_CODEGEN_EMULATOR_THREADS_H
#define SSM_CODEGEN_EMULATOR_THREADS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>

namespace ssm::emulator {

/// How a launch's threads run.
struct GridOptions {
  std::string kernel;
  unsigned blocks = 1, threads = 1;
  /// Blocks that are on the device at a time; a block starts when one of them has ended.
  unsigned residentBlocks = 3;
  /// Bytes that each block shares.
  size_t sharedBytes = 0;
  /// Draws the order in which blocks start and threads go on.
  uint64_t seed = 0;
};

/// Runs `body` once a thread, each on a fiber of its own, until all threads of all blocks have ended. A thread runs
/// until it waits for others. Errors, with kernel, block and thread: a barrier or an exchange that not all threads
/// reach which it waits for, and an exchange with a lane that takes no part.
llvm::Error runGrid(const GridOptions &options, llvm::function_ref<void()> body);

//===----------------------------------------------------------------------===//
// What a running thread asks for
//===----------------------------------------------------------------------===//

/// Operations of a warp, after their PTX names; all lanes of the mask wait for each other.
enum class WarpOp : int32_t { Sync, ShuffleIdx, ShuffleUp, ShuffleDown, ShuffleXor, Any, All, Ballot };

int32_t threadNumber();
int32_t threadCount();
int32_t blockNumber();
int32_t blockCount();
void *sharedMemory();
void barrier();
/// The word that this lane gets: of a shuffle that of the lane `lane` says (a distance, or a number), within the
/// segment that `clamp` says, as in PTX's shfl.sync; of a vote its result.
int32_t exchange(WarpOp op, uint32_t mask, int32_t word, int32_t lane, int32_t clamp);

} // namespace ssm::emulator

#endif
