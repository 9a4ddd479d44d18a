// Arrays and shared memory: what lies where, and whether an access may touch it.

#include "codegen/emulator/Memory.h"

#include <algorithm>
#include <numeric>

using namespace ssm::emulator;

namespace {
/// A place that an element covers, may be written, and holds something from the beginning.
enum Kind : uint8_t { Exists = 1, Writable = 2, Initialized = 4 };

uint8_t kindOf(const Array &array) {
  return Exists | (array.writable ? Writable : 0) | (array.initialized ? Initialized : 0);
}

/// Calls `each` with the byte at which every element begins, from the array's data.
template <typename Each> void forElements(const Array &array, size_t axis, int64_t offset, Each each) {
  if (axis == array.shape.size())
    return each(offset);
  for (int64_t number = 0; number < array.shape[axis]; ++number)
    forElements(array, axis + 1, offset + number * array.strides[axis] * int64_t(array.bytes), each);
}

int64_t countOf(const Array &array) {
  return std::accumulate(array.shape.begin(), array.shape.end(), int64_t(1), std::multiplies<>());
}

std::unique_ptr<char, void (*)(void *)> allocateLines(size_t bytes, size_t line) {
  void *data = std::aligned_alloc(line, std::max(line, (bytes + line - 1) / line * line));
  if (!data)
    throw std::bad_alloc();
  return {static_cast<char *>(data), std::free};
}
} // namespace

SharedMemory::SharedMemory(const Program &program, size_t dynamicBytes)
    : bytes(allocateLines(program.sharedBytes + dynamicBytes, program.sharedAlignment)),
      size(program.sharedBytes + dynamicBytes), dynamicBytes(dynamicBytes), cells(size / program.sharedGranule + 1) {
  // What a block finds in shared memory is anything: NaN shows.
  std::fill_n(bytes.get(), size, static_cast<char>(0xff));
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

std::pair<uintptr_t, uintptr_t> ssm::emulator::bytesOf(const Array &array) {
  auto data = reinterpret_cast<uintptr_t>(array.data);
  if (countOf(array) == 0)
    return {data, data};
  int64_t low = 0, high = 0;
  for (size_t axis = 0; axis < array.shape.size(); ++axis) {
    int64_t reach = (array.shape[axis] - 1) * array.strides[axis] * int64_t(array.bytes);
    low += std::min<int64_t>(reach, 0);
    high += std::max<int64_t>(reach, 0);
  }
  return {data + low, data + high + array.bytes};
}

Memory::Memory(const Program &program, const std::vector<Array> &given) : program(program), arrays(given) {
  std::vector<uint32_t> order(arrays.size());
  std::iota(order.begin(), order.end(), 0u);
  for (const Array &array : arrays) {
    auto [begin, end] = bytesOf(array);
    extents.push_back({begin, end, 0});
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return extents[a].begin < extents[b].begin; });
  std::vector<uint32_t> members;
  uintptr_t end = 0;
  for (uint32_t number : order) {
    if (extents[number].begin == extents[number].end)
      continue;
    if (!members.empty() && extents[number].begin >= end) {
      addRegion(members);
      members.clear();
    }
    end = members.empty() ? extents[number].end : std::max(end, extents[number].end);
    members.push_back(number);
  }
  if (!members.empty())
    addRegion(members);
}

void Memory::addRegion(const std::vector<uint32_t> &members) {
  Region region;
  region.begin = extents[members.front()].begin;
  region.arrays = members;
  bool isUniform = true;
  for (uint32_t number : members) {
    const Array &array = arrays[number];
    Extent &extent = extents[number];
    extent.region = static_cast<uint32_t>(regions.size());
    region.end = std::max(region.end, extent.end);
    // Arrays need not be aligned to each other.
    uintptr_t misalignment = extent.begin - region.begin;
    while (region.granule > array.partBytes || misalignment % region.granule)
      region.granule /= 2;
    region.kind |= kindOf(array);
    isUniform &= extent.begin == extents[members.front()].begin && extent.end == extents[members.front()].end &&
                 extent.end - extent.begin == static_cast<uintptr_t>(countOf(array)) * array.bytes;
  }
  if (!isUniform) {
    region.kinds.resize(region.granules());
    for (uint32_t number : members) {
      const Array &array = arrays[number];
      size_t origin = reinterpret_cast<uintptr_t>(array.data) - region.begin;
      forElements(array, 0, 0, [&](int64_t offset) {
        for (uint32_t byte = 0; byte < array.bytes; byte += region.granule)
          region.kinds[(origin + offset + byte) / region.granule] |= kindOf(array);
      });
    }
  }
  if (region.kind & Writable)
    region.cells.emplace(region.granules());
  regions.push_back(std::move(region));
}

void Memory::beginLaunch(uint32_t threadsPerBlock, std::vector<int> arguments) {
  arrayOfArgument = std::move(arguments);
  shadow.emplace(program.sites, threadsPerBlock);
  glimpses.clear();
  if (launches++ == 0)
    return;
  for (Region &region : regions)
    for (size_t number = 0; region.cells && number < region.granules(); ++number) {
      Cell fresh{};
      fresh.initialized = (*region.cells)[number].initialized;
      (*region.cells)[number] = fresh;
    }
}

void Memory::endBlock(SharedMemory &shared) {
  for (size_t number = 0; number <= shared.size / program.sharedGranule; ++number)
    shadow->forget(shared.cells[number]);
}

//===----------------------------------------------------------------------===//
// What an address is of
//===----------------------------------------------------------------------===//

std::string Memory::outside(uintptr_t address, uint32_t bytes, const std::string &what, uintptr_t begin,
                            uintptr_t end) {
  if (address < begin)
    return std::to_string(begin - address) + " bytes before " + what;
  if (address >= end)
    return std::to_string(address - end) + " bytes after the end of " + what;
  return std::to_string(address + bytes - end) + " bytes over the end of " + what;
}

Memory::Place Memory::findShared(const Site &site, uintptr_t address, uint32_t bytes, SharedMemory &shared) {
  Place place;
  auto base = reinterpret_cast<uintptr_t>(shared.bytes.get());
  auto endOf = [&](const SharedGlobal &global) {
    return base + global.offset + (global.dynamic ? shared.dynamicBytes : global.bytes);
  };
  const SharedGlobal *global = site.global >= 0 ? &program.globals[site.global] : nullptr;
  for (const SharedGlobal &other : program.globals)
    if (!global && address >= base + other.offset && address < endOf(other))
      global = &other;
  if (!global)
    place.complaint = "which is between the arrays that the block shares";
  else if (address < base + global->offset || address + bytes > endOf(*global))
    place.complaint = outside(address, bytes,
                              "the " + std::to_string(endOf(*global) - base - global->offset) + " bytes of shared '" +
                                  global->name + "'",
                              base + global->offset, endOf(*global));
  place.cells = &shared.cells;
  place.first = (address - base) / program.sharedGranule;
  place.last = (address + bytes - 1 - base) / program.sharedGranule;
  return place;
}

Memory::Place Memory::findGlobal(const Site &site, uintptr_t address, uint32_t bytes, bool writes) {
  Place place;
  int number =
      site.argument >= 0 && size_t(site.argument) < arrayOfArgument.size() ? arrayOfArgument[site.argument] : -1;
  Region *region = nullptr;
  if (number >= 0) {
    const Extent &extent = extents[number];
    if (address < extent.begin || address + bytes > extent.end) {
      place.complaint = outside(address, bytes, "'" + arrays[number].name + "'", extent.begin, extent.end);
      return place;
    }
    region = &regions[extent.region];
  } else {
    auto after = std::upper_bound(regions.begin(), regions.end(), address,
                                  [](uintptr_t value, const Region &one) { return value < one.begin; });
    if (after == regions.begin() || address + bytes > std::prev(after)->end) {
      place.complaint = "which is in none of the arrays that the kernel was given";
      return place;
    }
    region = &*std::prev(after);
  }
  place.region = region;
  place.cells = region->cells ? &*region->cells : nullptr;
  place.first = (address - region->begin) / region->granule;
  place.last = (address + bytes - 1 - region->begin) / region->granule;
  if (region->kinds.empty()) {
    if (writes && !(region->kind & Writable))
      place.complaint = "which may only be read";
    return place;
  }
  for (size_t granule = place.first; granule <= place.last; ++granule) {
    if (!(region->kinds[granule] & Exists))
      place.complaint = "which is between the elements";
    else if (writes && !(region->kinds[granule] & Writable))
      place.complaint = "which may only be read";
  }
  return place;
}

Memory::Place Memory::find(const Site &site, Space space, uintptr_t address, uint32_t bytes, bool writes,
                           SharedMemory *shared) {
  if (shared && space == Space::Any) {
    auto base = reinterpret_cast<uintptr_t>(shared->bytes.get());
    space = address >= base && address < base + shared->size ? Space::Shared : Space::Global;
  }
  Place place =
      space == Space::Shared ? findShared(site, address, bytes, *shared) : findGlobal(site, address, bytes, writes);
  if (!place.complaint && address % site.align)
    place.complaint = "which is not aligned to " + std::to_string(site.align) + " bytes";
  return place;
}

std::string Memory::nameOf(uintptr_t address, SharedMemory *shared) const {
  if (shared) {
    auto base = reinterpret_cast<uintptr_t>(shared->bytes.get());
    for (const SharedGlobal &global : program.globals)
      if (address >= base + global.offset &&
          address < base + global.offset + (global.dynamic ? shared->dynamicBytes : global.bytes))
        return " at byte " + std::to_string(address - base - global.offset) + " of shared '" + global.name + "'";
  }
  for (const Region &region : regions)
    if (address >= region.begin && address < region.end)
      for (uint32_t number : region.arrays)
        if (address >= extents[number].begin && address < extents[number].end)
          return " at byte " + std::to_string(address - reinterpret_cast<uintptr_t>(arrays[number].data)) + " of '" +
                 arrays[number].name + "'";
  return "";
}

std::string Memory::sentence(const Site &site, const char *verb, uintptr_t address, uint32_t bytes,
                             SharedMemory *shared, const std::string &problem) const {
  return std::string(verb) + " " + std::to_string(bytes) + " bytes" + nameOf(address, shared) + ", " + problem +
         "; at " + describe(site);
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

template <typename Each>
Complaint Memory::forCells(const Site &site, Space space, const char *verb, uintptr_t address, uint32_t bytes,
                           bool writes, SharedMemory *shared, Each each) {
  if (bytes == 0)
    return std::nullopt;
  Place place = find(site, space, address, bytes, writes, shared);
  if (place.cells)
    for (size_t number = place.first; number <= place.last && !place.complaint; ++number)
      place.complaint = each((*place.cells)[number], place.isWritten(number));
  if (place.complaint)
    place.complaint = sentence(site, verb, address, bytes, shared, *place.complaint);
  return place.complaint;
}

Complaint Memory::access(const ThreadClock &clock, uint32_t number, uintptr_t address, uint32_t bytes,
                         SharedMemory *shared) {
  const Site &site = program.sites[number];
  if (site.writes)
    return forCells(site, site.space, "writes", address, bytes, true, shared,
                    [&](Cell &cell, bool) { return shadow->write(cell, clock, number); });
  return forCells(site, site.space, "reads", address, bytes, false, shared,
                  [&](Cell &cell, bool isWritten) { return shadow->read(cell, clock, number, isWritten); });
}

Complaint Memory::atomic(const ThreadClock &clock, uint32_t number, uintptr_t address, SharedMemory *shared) {
  const Site &site = program.sites[number];
  return forCells(site, site.space, site.writes ? "writes" : "reads", address, site.bytes, site.writes, shared,
                  [&](Cell &cell, bool isWritten) {
                    if (!site.writes)
                      std::erase_if(glimpses, [&](const Glimpse &own) {
                        return own.cell == &cell && own.when.thread == clock.now().thread;
                      });
                    return shadow->atomic(cell, clock, number, isWritten);
                  });
}

void Memory::synchronize(ThreadClock &clock, uint32_t number, uintptr_t address, SharedMemory *shared, bool changed) {
  const Site &site = program.sites[number];
  Place place = find(site, site.space, address, site.bytes, site.writes, shared);
  // What compares and finds another value has not stored.
  bool failed = site.compares && !changed;
  if (!place.cells)
    return;
  Cell &cell = (*place.cells)[place.first];
  if (site.writes && changed)
    for (Shadow::Look look : shadow->looksBeside(cell, clock)) {
      const Site &reader = program.sites[look.site];
      glimpses.push_back({&cell, look.when,
                          sentence(reader, "reads once, relaxed,", address, reader.bytes, shared,
                                   shadow->conflict("writes", clock.now(), number))});
    }
  shadow->synchronize(cell, clock, site, failed ? site.failureOrder : site.order, site.writes && !failed);
}

std::optional<std::pair<Epoch, std::string>> Memory::endLaunch() const {
  if (glimpses.empty())
    return std::nullopt;
  return std::pair(glimpses.front().when, glimpses.front().report);
}

Complaint Memory::beginCopy(const ThreadClock &clock, uint32_t number, uintptr_t to, uint32_t bytes, uintptr_t from,
                            uint32_t sourceBytes, SharedMemory *shared) {
  const Site &site = program.sites[number];
  if (Complaint found = forCells(site, Space::Shared, "copies to", to, bytes, true, shared,
                                 [&](Cell &cell, bool) { return shadow->beginCopyTo(cell, clock, number); }))
    return found;
  return forCells(site, Space::Global, "copies from", from, sourceBytes, false, shared,
                  [&](Cell &cell, bool isWritten) { return shadow->beginCopyFrom(cell, clock, number, isWritten); });
}

void Memory::endCopy(const ThreadClock &clock, uint32_t number, uintptr_t to, uint32_t bytes, uintptr_t from,
                     uint32_t sourceBytes, SharedMemory *shared) {
  const Site &site = program.sites[number];
  forCells(site, Space::Shared, "", to, bytes, true, shared, [&](Cell &cell, bool) -> Complaint {
    shadow->endCopyTo(cell, clock, number);
    return std::nullopt;
  });
  forCells(site, Space::Global, "", from, sourceBytes, false, shared, [&](Cell &cell, bool) -> Complaint {
    shadow->endCopyFrom(cell, clock, number);
    return std::nullopt;
  });
}
