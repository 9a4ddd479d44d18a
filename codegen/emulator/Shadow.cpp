// What was done to each place of memory last, and whether that is ordered with what is done now.

#include "codegen/emulator/Shadow.h"

#include <algorithm>

using namespace ssm::emulator;

std::string ssm::emulator::describe(const Site &site) {
  return site.location.empty() ? "'" + site.text + "'" : site.location + " '" + site.text + "'";
}

std::string Shadow::placeOf(Epoch event) const {
  return "block " + std::to_string(event.thread / threadsPerBlock) + ", thread " +
         std::to_string(event.thread % threadsPerBlock);
}

std::string Shadow::conflict(const char *verb, Epoch with, uint32_t withSite) const {
  return "which " + placeOf(with) + " " + verb + ", and nothing orders the two (there: " + describe(sites[withSite]) +
         ")";
}

//===----------------------------------------------------------------------===//
// Reads that nothing orders
//===----------------------------------------------------------------------===//

/// One read is enough to remember where it is after the ones before, since what is after it is after them.
void Shadow::remember(Cell &cell, const ThreadClock &clock, uint32_t site) {
  Epoch now = clock.now();
  if (!cell.reads) {
    if (cell.read == now)
      return;
    if (!cell.read.tick || clock.isAfter(cell.read)) {
      cell.read = now;
      cell.readSite = site;
      return;
    }
    if (freeSets.empty()) {
      freeSets.push_back(static_cast<uint32_t>(sets.size()));
      sets.emplace_back();
    }
    cell.reads = freeSets.back();
    freeSets.pop_back();
    addToSet(cell, cell.read);
  } else if (ReadSet &set = sets[cell.reads]; set.blocks.size() == 1 && set.blocks[0].last < clock.getBlock().floor &&
                                              set.blocks[0].block == clock.getBlock().number) {
    // A barrier has ordered all of them.
    dropReads(cell);
    cell.read = now;
    cell.readSite = site;
    return;
  }
  addToSet(cell, now);
  cell.readSite = site;
}

void Shadow::addToSet(Cell &cell, Epoch read) {
  ReadSet &set = sets[cell.reads];
  uint32_t block = read.thread / threadsPerBlock;
  auto own = std::find_if(set.blocks.begin(), set.blocks.end(), [&](const auto &one) { return one.block == block; });
  if (own == set.blocks.end()) {
    set.blocks.push_back({block, 0, std::vector<uint32_t>(threadsPerBlock)});
    own = std::prev(set.blocks.end());
  }
  own->ticks[read.thread % threadsPerBlock] = read.tick;
  own->last = std::max(own->last, read.tick);
}

void Shadow::dropReads(Cell &cell) {
  if (cell.reads) {
    sets[cell.reads].blocks.clear();
    freeSets.push_back(cell.reads);
  }
  cell.reads = 0;
  cell.read = {};
}

std::optional<Epoch> Shadow::unorderedRead(const Cell &cell, const ThreadClock &clock) const {
  if (!cell.reads)
    return cell.read.tick && !clock.isAfter(cell.read) ? std::optional(cell.read) : std::nullopt;
  for (const ReadSet::OfBlock &own : sets[cell.reads].blocks) {
    if (own.block == clock.getBlock().number && own.last < clock.getBlock().floor)
      continue;
    for (uint32_t thread = 0; thread < own.ticks.size(); ++thread) {
      Epoch read{own.block * threadsPerBlock + thread, own.ticks[thread]};
      if (read.tick && !clock.isAfter(read))
        return read;
    }
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

Complaint Shadow::checkReads(const Cell &cell, const ThreadClock &clock) const {
  if (std::optional<Epoch> other = unorderedRead(cell, clock))
    return conflict("reads", *other, cell.readSite);
  return std::nullopt;
}

Complaint Shadow::checkWrite(const Cell &cell, const ThreadClock &clock) const {
  if (cell.write.tick && !clock.isAfter(cell.write))
    return conflict("writes", cell.write, cell.writeSite);
  return std::nullopt;
}

Complaint Shadow::checkAtomics(const Cell &cell, const ThreadClock &clock, uint32_t site, bool writes) const {
  auto found = atomics.find(&cell);
  if (found == atomics.end())
    return std::nullopt;
  const Site &own = sites[site];
  for (const AtomicAccess &other : found->second.accesses) {
    if ((!writes && !other.writes) || clock.isAfter(other.when))
      continue;
    bool isSameBlock = other.when.thread / threadsPerBlock == clock.getBlock().number;
    if (own.atomic && (isSameBlock || (own.scope == Scope::Device && other.scope == Scope::Device)))
      continue;
    std::string text = conflict(other.writes ? "writes" : "reads", other.when, other.site);
    return own.atomic ? text + ": their scopes do not reach each other" : text;
  }
  return std::nullopt;
}

Complaint Shadow::checkCopies(const Cell &cell, bool writes) const {
  if (cell.copyTo)
    return "which a cp.async of " + placeOf(cell.write) +
           " writes, for which it has not waited (there: " + describe(sites[cell.writeSite]) + ")";
  if (writes && cell.copiesFrom)
    return "which a cp.async of " + placeOf(cell.read) +
           " reads, for which it has not waited (there: " + describe(sites[cell.readSite]) + ")";
  return std::nullopt;
}

static Complaint firstOf(Complaint a, Complaint b) { return a ? a : b; }

Complaint Shadow::read(Cell &cell, const ThreadClock &clock, uint32_t site, bool isWritten) {
  if (cell.copyTo || cell.hasAtomics)
    if (Complaint found = firstOf(checkCopies(cell, false), checkAtomics(cell, clock, site, false)))
      return found;
  if (!cell.initialized && !isWritten)
    return "which nothing has written";
  if (Complaint found = checkWrite(cell, clock))
    return found;
  remember(cell, clock, site);
  return std::nullopt;
}

Complaint Shadow::write(Cell &cell, const ThreadClock &clock, uint32_t site) {
  if (cell.copyTo || cell.copiesFrom || cell.hasAtomics)
    if (Complaint found = firstOf(checkCopies(cell, true), checkAtomics(cell, clock, site, true)))
      return found;
  if (Complaint found = firstOf(checkWrite(cell, clock), checkReads(cell, clock)))
    return found;
  dropReads(cell);
  cell.write = clock.now();
  cell.writeSite = site;
  cell.initialized = true;
  return std::nullopt;
}

Complaint Shadow::atomic(Cell &cell, const ThreadClock &clock, uint32_t site, bool isWritten) {
  const Site &own = sites[site];
  if (own.reads && !cell.initialized && !isWritten)
    return "which nothing has written";
  if (Complaint found = firstOf(checkCopies(cell, own.writes), checkWrite(cell, clock)))
    return found;
  if (Complaint found =
          firstOf(own.writes ? checkReads(cell, clock) : std::nullopt, checkAtomics(cell, clock, site, own.writes)))
    return found;
  cell.hasAtomics = true;
  cell.initialized |= own.writes;
  // What is after a thread's last is after those before.
  std::vector<AtomicAccess> &accesses = atomics[&cell].accesses;
  AtomicAccess now{clock.now(), own.scope, own.writes, site};
  for (AtomicAccess &other : accesses)
    if (other.when.thread == now.when.thread && other.writes == now.writes && other.scope == now.scope) {
      other = now;
      return std::nullopt;
    }
  accesses.push_back(now);
  return std::nullopt;
}

std::vector<Shadow::Look> Shadow::looksBeside(const Cell &cell, const ThreadClock &clock) const {
  std::vector<Look> looks;
  if (auto found = atomics.find(&cell); found != atomics.end())
    for (const AtomicAccess &other : found->second.accesses)
      if (!other.writes && !acquires(sites[other.site].order) && !clock.isAfter(other.when))
        looks.push_back({other.when, other.site});
  return looks;
}

void Shadow::synchronize(Cell &cell, ThreadClock &clock, const Site &site, Order order, bool stores) {
  PublishedValue &published = atomics[&cell].published;
  if (site.reads)
    clock.read(published, order, site.scope);
  if (!stores)
    return;
  // A store ends what was published before; what reads and writes at once goes on with it.
  if (!site.reads)
    published = {};
  clock.release(published, order, site.scope);
}

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

Complaint Shadow::beginCopyFrom(Cell &cell, const ThreadClock &clock, uint32_t site, bool isWritten) {
  if (Complaint found = read(cell, clock, site, isWritten))
    return found;
  ++cell.copiesFrom;
  return std::nullopt;
}

void Shadow::endCopyFrom(Cell &cell, const ThreadClock &clock, uint32_t site) {
  --cell.copiesFrom;
  remember(cell, clock, site);
}

Complaint Shadow::beginCopyTo(Cell &cell, const ThreadClock &clock, uint32_t site) {
  if (Complaint found = write(cell, clock, site))
    return found;
  cell.copyTo = true;
  return std::nullopt;
}

void Shadow::endCopyTo(Cell &cell, const ThreadClock &clock, uint32_t site) {
  cell.copyTo = false;
  cell.write = clock.now();
  cell.writeSite = site;
}

void Shadow::forget(Cell &cell) {
  dropReads(cell);
  if (cell.hasAtomics)
    atomics.erase(&cell);
  cell = {};
}
