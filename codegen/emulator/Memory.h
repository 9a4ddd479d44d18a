#ifndef SSM_CODEGEN_EMULATOR_MEMORY_H
#define SSM_CODEGEN_EMULATOR_MEMORY_H

#include "codegen/emulator/Shadow.h"

namespace ssm::emulator {

/// An array that kernels are given.
struct Array {
  std::string name;
  const void *data = nullptr;
  /// Bytes of an element, and of the numbers that it is made of.
  uint32_t bytes = 4, partBytes = 4;
  /// Strides are in elements.
  std::vector<int64_t> shape, strides;
  bool writable = false;
  /// Holds something before the first kernel.
  bool initialized = false;
};

/// The bytes from an array's first to its last, as addresses.
std::pair<uintptr_t, uintptr_t> bytesOf(const Array &array);

/// What a block's threads share, and who touched it.
struct SharedMemory {
  SharedMemory(const Program &program, size_t dynamicBytes);

  std::unique_ptr<char, void (*)(void *)> bytes;
  size_t size, dynamicBytes;
  Cells cells;
};

/// The memory of one call's kernels: its arrays, with what was done to every place of them.
class Memory {
public:
  /// `kernels` has for each of the kernel's arguments the number of its array, -1 for what is none.
  Memory(const Program &program, const std::vector<Array> &arrays);

  /// A launch after those before it: what these wrote is there, and all of it is ordered.
  void beginLaunch(uint32_t threadsPerBlock, std::vector<int> arrayOfArgument);

  /// One access of `bytes` bytes.
  Complaint access(const ThreadClock &clock, uint32_t site, uintptr_t address, uint32_t bytes, SharedMemory *shared);
  /// An atomic access, and afterwards what it makes known; `changed` says that memory did.
  Complaint atomic(const ThreadClock &clock, uint32_t site, uintptr_t address, SharedMemory *shared);
  void synchronize(ThreadClock &clock, uint32_t site, uintptr_t address, SharedMemory *shared, bool changed);

  /// An asynchronous copy that begins, of which `sourceBytes` bytes are read; and one that has been waited for.
  Complaint beginCopy(const ThreadClock &clock, uint32_t site, uintptr_t to, uint32_t bytes, uintptr_t from,
                      uint32_t sourceBytes, SharedMemory *shared);
  void endCopy(const ThreadClock &clock, uint32_t site, uintptr_t to, uint32_t bytes, uintptr_t from,
               uint32_t sourceBytes, SharedMemory *shared);

  void endBlock(SharedMemory &shared);
  /// What is wrong with an access of a launch that is over, and whose it was.
  std::optional<std::pair<Epoch, std::string>> endLaunch() const;

private:
  /// A relaxed load of a thread that has not looked at the place again since another thread changed it, and nothing
  /// orders the two: it may have read what it read or what the other one stored. Who looks again waits for that.
  struct Glimpse {
    const Cell *cell;
    Epoch when;
    std::string report;
  };
  /// Arrays that overlap are one region.
  struct Region {
    uintptr_t begin = 0, end = 0;
    uint32_t granule = 8;
    /// Of all of it, or of each granule where elements differ or are apart.
    uint8_t kind = 0;
    std::vector<uint8_t> kinds;
    /// Nothing for what is only read.
    std::optional<Cells> cells;
    std::vector<uint32_t> arrays;

    size_t granules() const { return (end - begin + granule - 1) / granule; }
    uint8_t kindOf(size_t number) const { return kinds.empty() ? kind : kinds[number]; }
  };
  struct Extent {
    uintptr_t begin = 0, end = 0;
    uint32_t region = 0;
  };
  /// Cells of an access, or what is wrong with it.
  struct Place {
    Cells *cells = nullptr;
    const Region *region = nullptr;
    size_t first = 0, last = 0;
    Complaint complaint;

    bool isWritten(size_t number) const { return region && (region->kindOf(number) & 4); }
  };

  void addRegion(const std::vector<uint32_t> &members);
  Place find(const Site &site, Space space, uintptr_t address, uint32_t bytes, bool writes, SharedMemory *shared);
  Place findShared(const Site &site, uintptr_t address, uint32_t bytes, SharedMemory &shared);
  Place findGlobal(const Site &site, uintptr_t address, uint32_t bytes, bool writes);
  std::string nameOf(uintptr_t address, SharedMemory *shared) const;
  static std::string outside(uintptr_t address, uint32_t bytes, const std::string &what, uintptr_t begin,
                             uintptr_t end);
  std::string sentence(const Site &site, const char *verb, uintptr_t address, uint32_t bytes, SharedMemory *shared,
                       const std::string &problem) const;
  template <typename Each>
  Complaint forCells(const Site &site, Space space, const char *verb, uintptr_t address, uint32_t bytes, bool writes,
                     SharedMemory *shared, Each each);

  const Program &program;
  std::vector<Array> arrays;
  std::vector<Extent> extents;
  /// In the order of their addresses.
  std::vector<Region> regions;
  std::vector<int> arrayOfArgument;
  std::optional<Shadow> shadow;
  std::vector<Glimpse> glimpses;
  size_t launches = 0;
};

} // namespace ssm::emulator

#endif
