#ifndef SSM_CODEGEN_EMULATOR_SHADOW_H
#define SSM_CODEGEN_EMULATOR_SHADOW_H

#include "codegen/emulator/Program.h"

#include <cstdlib>
#include <memory>
#include <optional>
#include <unordered_map>

namespace ssm::emulator {

/// Who touched a place last: the last write, and the last read, or all reads that nothing orders.
struct Cell {
  Epoch write, read;
  uint32_t writeSite = 0, readSite = 0;
  /// Number of the ReadSet that holds the reads, 0 where `read` does.
  uint32_t reads = 0;
  /// Asynchronous copies that have not been waited for and will read it.
  uint16_t copiesFrom = 0;
  bool initialized = false;
  /// An asynchronous copy that has not been waited for writes it.
  bool copyTo : 1 = false;
  bool hasAtomics : 1 = false;
};

/// Cells that are 0 until they are touched, so that pages of them cost nothing before.
class Cells {
public:
  explicit Cells(size_t count) : cells(static_cast<Cell *>(std::calloc(std::max<size_t>(count, 1), sizeof(Cell)))) {
    if (!cells)
      throw std::bad_alloc();
  }
  Cell &operator[](size_t number) { return cells.get()[number]; }

private:
  struct Free {
    void operator()(Cell *cells) const { std::free(cells); }
  };
  std::unique_ptr<Cell, Free> cells;
};

/// What a thread did that another one also did, in words; nothing where all is in order.
using Complaint = std::optional<std::string>;

/// The rules of access: what was never written may not be read, and two accesses of which one writes have to be
/// ordered. One for all memory of a launch, each place of which has a cell.
class Shadow {
public:
  Shadow(const std::vector<Site> &sites, uint32_t threadsPerBlock) : sites(sites), threadsPerBlock(threadsPerBlock) {}

  /// One access by the thread that `clock` is of; `isWritten` says that a place holds something from the beginning.
  Complaint read(Cell &cell, const ThreadClock &clock, uint32_t site, bool isWritten);
  Complaint write(Cell &cell, const ThreadClock &clock, uint32_t site);
  Complaint atomic(Cell &cell, const ThreadClock &clock, uint32_t site, bool isWritten);
  /// A relaxed load, and what it loads by.
  struct Look {
    Epoch when;
    uint32_t site;
  };
  /// Relaxed loads of other threads that nothing orders before what `clock`'s thread stores now.
  std::vector<Look> looksBeside(const Cell &cell, const ThreadClock &clock) const;
  /// What an atomic makes known and learns; `cell` is the first that it covers. `stores` says that it stored.
  void synchronize(Cell &cell, ThreadClock &clock, const Site &site, Order order, bool stores);

  /// An asynchronous copy begins to read or write, and has been waited for.
  Complaint beginCopyFrom(Cell &cell, const ThreadClock &clock, uint32_t site, bool isWritten);
  Complaint beginCopyTo(Cell &cell, const ThreadClock &clock, uint32_t site);
  void endCopyFrom(Cell &cell, const ThreadClock &clock, uint32_t site);
  void endCopyTo(Cell &cell, const ThreadClock &clock, uint32_t site);

  /// A block's shared memory is no more.
  void forget(Cell &cell);

  /// That another access is not ordered with the one that a report is about.
  std::string conflict(const char *verb, Epoch with, uint32_t withSite) const;

private:
  struct ReadSet {
    struct OfBlock {
      uint32_t block = 0, last = 0;
      std::vector<uint32_t> ticks;
    };
    std::vector<OfBlock> blocks;
  };
  struct AtomicAccess {
    Epoch when;
    Scope scope;
    bool writes;
    uint32_t site;
  };
  struct Atomics {
    std::vector<AtomicAccess> accesses;
    PublishedValue published;
  };

  void remember(Cell &cell, const ThreadClock &clock, uint32_t site);
  void addToSet(Cell &cell, Epoch read);
  std::optional<Epoch> unorderedRead(const Cell &cell, const ThreadClock &clock) const;
  Complaint checkReads(const Cell &cell, const ThreadClock &clock) const;
  Complaint checkWrite(const Cell &cell, const ThreadClock &clock) const;
  Complaint checkAtomics(const Cell &cell, const ThreadClock &clock, uint32_t site, bool writes) const;
  Complaint checkCopies(const Cell &cell, bool writes) const;
  void dropReads(Cell &cell);
  std::string placeOf(Epoch event) const;

  const std::vector<Site> &sites;
  uint32_t threadsPerBlock;
  /// Number 0 is none.
  std::vector<ReadSet> sets = std::vector<ReadSet>(1);
  std::vector<uint32_t> freeSets;
  std::unordered_map<const Cell *, Atomics> atomics;
};

} // namespace ssm::emulator

#endif
