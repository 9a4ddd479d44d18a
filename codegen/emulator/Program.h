#ifndef SSM_CODEGEN_EMULATOR_PROGRAM_H
#define SSM_CODEGEN_EMULATOR_PROGRAM_H

#include "codegen/emulator/Clocks.h"

#include <cstddef>
#include <string>
#include <vector>

namespace ssm::emulator {

/// Where an address points, by the pointer's type; Any is told by the address.
enum class Space : uint8_t { Any, Shared, Global };

/// One instruction that touches memory, as reports name it.
struct Site {
  std::string kernel, text;
  /// Where in the description it comes from; empty where that is not known.
  std::string location;
  /// Bytes of one access, 0 where they vary, and the alignment that the instruction promises.
  uint32_t bytes = 0, align = 1;
  bool reads = false, writes = false;
  bool atomic = false;
  /// Stores only where it finds what it compares with.
  bool compares = false;
  Order order = Order::Relaxed, failureOrder = Order::Relaxed;
  Scope scope = Scope::Device;
  Space space = Space::Any;
  /// The kernel's argument, or the global that blocks share, that the address is made from; -1 where that is not clear.
  int argument = -1, global = -1;
};

/// A global that a block's threads share, in the block's memory. A dynamic one takes what the launch gives it.
struct SharedGlobal {
  std::string name;
  size_t offset = 0, bytes = 0;
  bool dynamic = false;
};

/// What is known of a compiled module beside its code.
struct Program {
  std::vector<Site> sites;
  std::vector<SharedGlobal> globals;
  /// Bytes of what blocks share, dynamic ones aside, and the least alignment with which that is accessed.
  size_t sharedBytes = 0;
  uint32_t sharedGranule = 4;
  /// Where it begins: a line of banks, or what a part of it asks for.
  size_t sharedAlignment = 128;
};

/// `model.ssm:12:3 '%5 = load float, …'`.
std::string describe(const Site &site);

} // namespace ssm::emulator

#endif
