#ifndef SSM_TEST_SUPPORT_PLANTEDBUGS_H
#define SSM_TEST_SUPPORT_PLANTEDBUGS_H

#include "llvm/IR/Module.h"

#include <string>

namespace ssm::test {

/// What is taken out of a module of NVVM kernels, or put in the place of something.
enum class Bug {
  /// A barrier of the block, a bar.warp.sync, a wait for asynchronous copies, a fence.
  Barrier,
  WarpSync,
  Wait,
  Fence,
  /// An atomic's order becomes relaxed.
  Release,
  Acquire,
  /// A branch around an access always takes it, and a masked access has all elements.
  Guard,
  /// A block takes its own number for a ticket.
  Ticket,
};
const char *nameOf(Bug bug);

/// How many there are in the module.
unsigned countPlaces(llvm::Module &module, Bug bug);
/// Takes out that of a number, and says what it was.
std::string plantBug(llvm::Module &module, Bug bug, unsigned number);

} // namespace ssm::test

#endif
