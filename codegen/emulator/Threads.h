#ifndef SSM_CODEGEN_EMULATOR_THREADS_H
#define SSM_CODEGEN_EMULATOR_THREADS_H

#include "codegen/emulator/Memory.h"
#include "codegen/emulator/Requests.h"
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
  /// Bytes that each block shares beside those of the program: dynamic shared memory.
  size_t sharedBytes = 0;
  /// Draws the order in which blocks start and threads go on, at which accesses another one goes on, and when
  /// asynchronous copies land; 0 is the order of their numbers, without switches but where a thread waits or polls.
  uint64_t seed = 0;
  /// What accesses are numbered by; nothing where the code has none.
  const Program *program = nullptr;
  /// Checks accesses where it is given.
  Memory *memory = nullptr;
  /// Counts requests where it is given.
  Requests *requests = nullptr;
};

/// Runs `body` once a thread, each on a fiber of its own, until all threads of all blocks have ended. A thread runs
/// until it waits for others. Errors, with kernel, block and thread: a barrier or an exchange that not all threads
/// reach which it waits for, an exchange with a lane that takes no part, resident blocks none of which goes on, and
/// what Memory complains of.
llvm::Error runGrid(const GridOptions &options, llvm::function_ref<void()> body);

//===----------------------------------------------------------------------===//
// What a running thread asks for
//===----------------------------------------------------------------------===//

/// Operations of a warp, after their PTX names; all lanes of the mask wait for each other.
enum class WarpOp : int32_t { Sync, ShuffleIdx, ShuffleUp, ShuffleDown, ShuffleXor, Any, All, Ballot };

const char *nameOf(WarpOp op);

int32_t threadNumber();
int32_t threadCount();
int32_t blockNumber();
int32_t blockCount();
void *sharedMemory();
void barrier();
/// The word that this lane gets: of a shuffle that of the lane `lane` says (a distance, or a number), within the
/// segment that `clamp` says, as in PTX's shfl.sync; of a vote its result.
int32_t exchange(WarpOp op, uint32_t mask, int32_t word, int32_t lane, int32_t clamp);
/// Lets others run.
void pause();

/// What the thread is about to do to memory, by the number of its site. The access follows at once.
void access(const void *address, int64_t bytes, int32_t site);
/// To memory of its own, that has `size` bytes from `base` on.
void accessLocal(const void *address, const void *base, int64_t size, int32_t site);
/// Before and after an atomic access, or one that is volatile.
void beginAtomic(const void *address, int32_t site);
void endAtomic(const void *address, int32_t site);
void fence(int32_t order, int32_t scope);

void copyAsync(void *to, const void *from, int32_t bytes, int32_t sourceBytes, int32_t site);
void commitCopies();
/// For all groups but the last so many; for all copies where it is negative.
void waitForCopies(int32_t groups);

} // namespace ssm::emulator

#endif
