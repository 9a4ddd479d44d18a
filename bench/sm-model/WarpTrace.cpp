// The way of one warp through a kernel.

#include "bench/sm-model/WarpTrace.h"
#include "bench/sm-model/Accesses.h"
#include "bench/sm-model/Integers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace ssm::sm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
class Tracer {
public:
  Tracer(const Listing &listing, const TraceLaunch &launch, unsigned warp)
      : listing(listing), launch(launch), state(warp, launch.blocks, launch.threads, launch.arguments),
        cache(launch.cachedSectors) {
    int64_t lanes = std::min<int64_t>(WarpState::lanes, launch.threads - int64_t(warp) * WarpState::lanes);
    active = lanes == WarpState::lanes ? ~0u : (1u << lanes) - 1;
  }

  Expected<std::vector<Step>> run() {
    while (!isDone) {
      if (at >= listing.instructions.size())
        return llvm::createStringError("'" + listing.name + "' runs past its end");
      if (steps.size() >= mostSteps)
        return llvm::createStringError("a warp of '" + listing.name + "' runs more than " + llvm::Twine(mostSteps) +
                                       " instructions; give smaller sizes");
      if (Error error = step(listing.instructions[at]))
        return std::move(error);
    }
    return std::move(steps);
  }

private:
  static constexpr size_t mostSteps = 20'000'000;

  /// Lanes that go on elsewhere once the others wait for them.
  struct Path {
    unsigned at;
    uint32_t lanes;
  };
  /// A region at whose end lanes come together: how many paths there were, and the lanes, when it began.
  struct Region {
    size_t paths;
    uint32_t lanes;
  };

  Error fail(const Instruction &code, StringRef why) const {
    return llvm::createStringError(
        llvm::formatv("{0} at {1:x} of '{2}' {3}", code.opcode, code.address, listing.name, why).str());
  }
  Error dependsOnData(const Instruction &code) const {
    return fail(code, "depends on data, or on a size that is not known when compiling (--dim)");
  }

  /// Lanes that run an instruction; nothing where that is not known.
  std::optional<uint32_t> lanesOf(const Instruction &code) const {
    if (!code.guard)
      return active;
    WarpState::Predicate guard = state.read(*code.guard);
    if (active & ~guard.known)
      return std::nullopt;
    return active & guard.value;
  }

  Error step(const Instruction &code) {
    if (code.base.starts_with("ATOM") || code.base.starts_with("RED") || code.base == "MEMBAR" || code.has(".STRONG"))
      return fail(code, "has blocks wait for each other, which is not modelled");
    if (code.meaning == Meaning::None && code.unit == Unit::None && code.base != "NOP" &&
        !StringRef(code.base).ends_with("DEPBAR"))
      return fail(code, "is an opcode that the model does not know");
    std::optional<uint32_t> lanes = lanesOf(code);
    steps.push_back({at});
    switch (code.meaning) {
    case Meaning::Flow:
      return follow(code, lanes);
    case Meaning::Memory:
      ++at;
      return lanes ? access(code, *lanes) : dependsOnData(code);
    case Meaning::Integer:
      ++at;
      return compute(code, lanes);
    case Meaning::Float:
      ++at;
      forgetResults(code, lanes.value_or(active));
      return Error::success();
    case Meaning::None:
      if (code.unit == Unit::Barrier &&
          !(code.has(".SYNC") && code.operands.size() == 1 && code.operands[0].text == "0x0"))
        return fail(code, "is a barrier of another kind than the block's");
      ++at;
      return Error::success();
    }
    return Error::success();
  }

  Error compute(const Instruction &code, std::optional<uint32_t> lanes) {
    bool isUniform = code.unit == Unit::Uniform;
    for (unsigned number = 0; number < (isUniform ? 1 : WarpState::lanes); ++number) {
      if (!(isUniform ? lanes.value_or(~0u) != 0 : lanes.value_or(active) >> number & 1))
        continue;
      Lane lane(state, code, number);
      // Whether it is written is as little known as what would be written.
      if (!lanes)
        lane.markUnknown();
      if (!executeInteger(lane))
        return fail(code, "has a meaning that the model does not know");
    }
    return Error::success();
  }

  void forgetResults(const Instruction &code, uint32_t lanes) {
    // Two results where there are predicates: of a comparison both are, of a shuffle the first.
    bool hasTwo = code.operands.size() > 1 && code.operands[0].isPredicate() && code.base != "FCHK";
    for (const Operand &operand : llvm::ArrayRef(code.operands).take_front(hasTwo ? 2 : 1))
      state.forget(operand, lanes);
    // Of a conversion, the first modifier is the result's type.
    StringRef type = StringRef(code.opcode).split('.').second.split('.').first;
    if (code.unit == Unit::Double || type == "F64" || type == "U64" || type == "S64")
      state.forget(code.operands[0], lanes, 1);
    // FCHK asks whether a quotient needs a slow path, which it hardly ever does.
    if (code.base == "FCHK") {
      WarpState::Predicate &found = state.predicates[code.operands[0].index];
      found.known |= lanes;
      found.value &= ~lanes;
    }
  }

  Error access(const Instruction &code, uint32_t lanes) {
    Step &step = steps.back();
    step.isIdle = lanes == 0;
    std::optional<Access> access = addressesOf(code, state, lanes);
    if (!access)
      return dependsOnData(code);
    if (code.base == "LDL" || code.base == "STL") {
      accessLocal(code, *access);
      return Error::success();
    }
    if (code.unit == Unit::SharedLoad || code.unit == Unit::SharedStore) {
      step.count = sharedPasses(*access);
    } else {
      std::set<uint64_t> sectors = sectorsOf(*access);
      step.lines = countLines(sectors);
      step.count = code.unit == Unit::GlobalLoad ? cache.load(sectors) : sectors.size();
      step.hitsCache = !sectors.empty() && step.count == 0;
      for (uint64_t sector : sectors) {
        size_t array = sector * 32 >> TraceLaunch::addressBits;
        step.fromDram |= array > 0 && array <= launch.fromDram.size() && launch.fromDram[array - 1];
      }
    }
    if (code.unit == Unit::SharedLoad || code.unit == Unit::GlobalLoad)
      forgetLoaded(code, lanes);
    return Error::success();
  }

  /// A thread's own memory keeps numbers that addresses may follow from. Loads have it in the first cache; stores go
  /// through to the second.
  void accessLocal(const Instruction &code, const Access &access) {
    bool isLoad = code.base == "LDL";
    Step &step = steps.back();
    step.hitsCache = isLoad;
    step.count = isLoad ? 0 : WarpState::lanes * code.bytes / 32;
    step.lines = 1;
    const Operand &named = code.operands[isLoad ? 0 : 1];
    for (unsigned half = 0; half < std::max(1u, code.bytes / 4); ++half)
      for (unsigned lane = 0; lane < WarpState::lanes; ++lane) {
        if (!(access.mask >> lane & 1) || named.isZero())
          continue;
        WarpState::Register &kept = state.local[access.address[lane] + 4 * half],
                            &inRegister = state.registers[named.index + half], &from = isLoad ? kept : inRegister,
                            &to = isLoad ? inRegister : kept;
        uint32_t bit = 1u << lane;
        to.value[lane] = from.value[lane];
        to.known = (to.known & ~bit) | (from.known & bit);
      }
  }

  void forgetLoaded(const Instruction &code, uint32_t lanes) {
    for (unsigned half = 0; half < std::max(1u, code.bytes / 4); ++half)
      state.forget(code.operands[0], lanes, half);
  }

  Error follow(const Instruction &code, std::optional<uint32_t> lanes) {
    if (code.base == "EXIT")
      return lanes ? (exit(*lanes), Error::success()) : dependsOnData(code);
    if (code.base == "BSSY") {
      regions[code.operands[0].text] = {paths.size(), active};
      ++at;
      return Error::success();
    }
    if (code.base == "BSYNC")
      return meet(code);
    // Out-of-line code for lanes that came apart where they may not: they have not.
    if (code.has(".DIV") || code.has(".CONV")) {
      ++at;
      return Error::success();
    }
    std::optional<uint32_t> taken = takenBy(code, lanes);
    if (!taken)
      return dependsOnData(code);
    steps.back().taken = *taken != 0;
    return branch(code, *taken), Error::success();
  }

  /// The lanes that a branch sends to its target, of those for which its guard holds.
  std::optional<uint32_t> takenBy(const Instruction &code, std::optional<uint32_t> lanes) const {
    for (const Operand &operand : llvm::ArrayRef(code.operands).drop_back()) {
      if (!operand.isPredicate())
        continue;
      WarpState::Predicate predicate = state.read(operand);
      if (lanes && !(*lanes & ~predicate.known))
        lanes = *lanes & predicate.value;
      else
        lanes = std::nullopt;
    }
    if (lanes)
      return lanes;
    // Operands that a division or a root has out-of-line code for are rare: no lane is taken to have any.
    if (calls(at + 1, code.target))
      return active;
    return calls(code.target, listing.instructions.size()) ? std::optional(0u) : std::nullopt;
  }

  /// Whether straight code between two places comes to a call.
  bool calls(size_t begin, size_t end) const {
    for (; begin < end; ++begin) {
      const std::string &base = listing.instructions[begin].base;
      if (base == "CALL" || base == "BRA" || base == "EXIT" || base == "BSYNC")
        return base == "CALL";
    }
    return false;
  }

  void branch(const Instruction &code, uint32_t lanes) {
    if (lanes && lanes != active) {
      paths.push_back({code.target, lanes});
      active &= ~lanes;
    }
    at = lanes == active ? code.target : at + 1;
  }

  void exit(uint32_t lanes) {
    for (auto &[name, region] : regions)
      region.lanes &= ~lanes;
    active &= ~lanes;
    ++at;
    if (active)
      return;
    isDone = paths.empty();
    if (!isDone)
      resume();
  }

  Error meet(const Instruction &code) {
    auto region = regions.find(code.operands[0].text);
    if (region == regions.end())
      return fail(code, "ends what did not begin");
    if (paths.size() > region->second.paths) {
      resume();
      return Error::success();
    }
    active = region->second.lanes;
    ++at;
    return Error::success();
  }

  void resume() {
    at = paths.back().at;
    active = paths.back().lanes;
    paths.pop_back();
  }

  const Listing &listing;
  const TraceLaunch &launch;
  WarpState state;
  SectorCache cache;
  std::vector<Step> steps;
  std::vector<Path> paths;
  std::map<std::string, Region> regions;
  uint32_t active = ~0u;
  unsigned at = 0;
  bool isDone = false;
};
} // namespace

Expected<std::vector<Step>> ssm::sm::traceWarp(const Listing &listing, const TraceLaunch &launch, unsigned warp) {
  return Tracer(listing, launch, warp).run();
}
