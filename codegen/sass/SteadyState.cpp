// The steady state of a kernel: which of LLVM's loops runs over time, which of the machine's loops it became, how often
// it was unrolled there, and what one step takes.

#include "codegen/sass/SteadyState.h"
#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace ssm;
using llvm::Expected;

double SteadyState::total() const { return std::accumulate(counts.begin(), counts.end(), 0.0); }

namespace {
/// Loops over time of LLVM's code: the one that a step or a group of steps is a turn of, and the one around it that
/// also copies tiles, if there is one.
struct TimeLoops {
  int steady = -1;
  double steps = 1;
  /// The loop over groups of steps inside it, if there is one, and its turns.
  int groups = -1;
  int64_t groupTurns = 1;
};

class LoopFinder {
public:
  LoopFinder(const CodeLines &code, const LoopPlan &plan) : code(code), plan(plan), own(code.loops.size()) {
    lines.resize(code.loops.size());
    for (const CodeLine &line : code.lines)
      if (line.loop >= 0) {
        ++lines[line.loop];
        own[line.loop] += line.isWork;
      }
  }

  /// From the loops that nothing is around inwards, where most of the work is; back outwards over what is not time.
  TimeLoops find() {
    llvm::SmallVector<int> chain;
    for (int loop = heaviest(-1); loop >= 0; loop = heaviest(loop))
      chain.push_back(loop);
    // What runs inside a step has its turns from the schedule.
    llvm::SmallVector<int64_t> inside(llvm::make_filter_range(plan.inside, [](int64_t turns) { return turns > 1; }));
    while (chain.size() > 1 && !inside.empty() && code.loops[chain.back()].turns) {
      auto found = llvm::find(inside, *code.loops[chain.back()].turns);
      if (found == inside.end())
        break;
      inside.erase(found);
      chain.pop_back();
    }
    if (chain.empty())
      return {};
    TimeLoops result{chain.back(), static_cast<double>(plan.steps)};
    // Groups of steps in a tile. Where the number of steps is open the code does not say how many, and it is a whole
    // tile's in all tiles but the last.
    int64_t groups = plan.tile / plan.steps;
    if (chain.size() > 1 && groups > 1 && code.loops[chain.back()].turns.value_or(groups) == groups)
      result = {chain[chain.size() - 2], static_cast<double>(plan.tile), chain.back(), groups};
    return result;
  }

private:
  /// Turns that the code does not say, in comparisons: more than those of any loop that it does.
  static constexpr double manyTurns = 1e4;

  double turnsOf(int loop) const { return code.loops[loop].turns ? *code.loops[loop].turns : manyTurns; }

  double work(int loop) const {
    double sum = own[loop];
    for (auto [number, inner] : llvm::enumerate(code.loops))
      if (inner.parent == loop)
        sum += work(number) * turnsOf(number);
    return sum;
  }

  double size(int loop) const {
    double sum = lines[loop];
    for (auto [number, inner] : llvm::enumerate(code.loops))
      if (inner.parent == loop)
        sum += size(number) * turnsOf(number);
    return sum;
  }

  /// The loop directly inside `parent` that does most of its work; of those that do the same the smallest, since masks
  /// make the others large. None where the parent's own instructions do more.
  int heaviest(int parent) const {
    int best = -1;
    double most = parent < 0 ? 0 : own[parent];
    for (auto [number, loop] : llvm::enumerate(code.loops)) {
      if (loop.parent != parent)
        continue;
      double mine = work(number) * turnsOf(number);
      bool isAlike = best >= 0 && std::abs(mine - most) < 0.2 * most;
      if (isAlike ? size(number) < size(best) : mine > most) {
        best = number;
        most = mine;
      }
    }
    return best;
  }

  const CodeLines &code;
  const LoopPlan &plan;
  /// Work, and lines, of each loop without those inside it.
  std::vector<double> own, lines;
};

class SteadyStateFinder {
public:
  SteadyStateFinder(const SassFunction &function, const CodeLines &code, const LoopPlan &plan)
      : function(function), code(code), time(LoopFinder(code, plan).find()), copies(function.loops.size(), 1) {
    for (int loop = 0, count = function.loops.size(); loop < count; ++loop)
      origin.push_back(originOf(loop));
    for (int loop = 0, count = function.loops.size(); loop < count; ++loop)
      copies[loop] = copiesOf(loop);
  }

  Expected<SteadyState> find() {
    int loop = steadyLoop();
    if (loop < 0)
      return llvm::createStringError("the machine code of '" + function.name +
                                     "' has no loop in which a step's arithmetic is found");
    SteadyState result;
    result.steps = time.steps * copies[loop];
    llvm::BitVector path = mainPath(loop);
    std::vector<bool> isUnknown(function.loops.size());
    for (unsigned block : path.set_bits())
      count(block, loop, result, isUnknown);
    result.unknownLoops = llvm::count(isUnknown, true);
    return result;
  }

private:
  /// Calls `visit` with each instruction of a loop that is in no loop inside it.
  template <typename Visit> void forOwn(int loop, Visit visit) {
    for (unsigned block : function.loops[loop].blocks.set_bits())
      if (function.loopOf(block) == loop)
        forBlock(block, visit);
  }

  /// LLVM's loop that a loop was: that of the branch that closes it. Others in it may come from anywhere, since what
  /// does not change in a loop is computed inside it again where registers are short.
  int originOf(int loop) {
    const SassLoop &body = function.loops[loop];
    std::map<int, int> votes;
    for (unsigned block : body.blocks.set_bits())
      if (llvm::is_contained(function.blocks[block].successors, body.header))
        if (const CodeLine *line = code.lookup(function.instructions[function.blocks[block].end - 1].line))
          ++votes[line->loop];
    auto most = llvm::max_element(votes, [](auto &a, auto &b) { return a.second < b.second; });
    return most == votes.end() ? -1 : most->first;
  }

  /// How many turns of its origin one turn of a loop makes: how often its single instructions are there.
  double copiesOf(int loop) {
    std::map<unsigned, int> work, memory;
    forOwn(loop, [&](const SassInstruction &instruction) {
      const CodeLine *line = code.lookup(instruction.line);
      if (line && line->loop == origin[loop] && line->isSingle)
        ++(line->isWork ? work : memory)[instruction.line];
    });
    const std::map<unsigned, int> &seen = work.empty() ? memory : work;
    std::vector<int> counts;
    for (auto [line, count] : seen)
      counts.push_back(count);
    if (counts.empty())
      return 1;
    llvm::sort(counts);
    return std::max(1, counts[counts.size() / 2]);
  }

  /// Of the loops that the loop over time became, the one that is unrolled most: what is left of it runs in the others.
  int steadyLoop() {
    int best = -1;
    for (int loop = 0, count = function.loops.size(); loop < count; ++loop)
      if (time.steady >= 0 && origin[loop] == time.steady && (best < 0 || copies[loop] > copies[best]))
        best = loop;
    return best;
  }

  /// Blocks that a turn can pass which passes the work too: not those of masked bodies beside it. Nor, if there is a
  /// way around them, those that call: divisions and roots do so for the few numbers that their fast way is wrong for.
  llvm::BitVector mainPath(int loop) {
    const SassLoop &body = function.loops[loop];
    int heart = -1;
    int most = 0;
    for (unsigned block : body.blocks.set_bits()) {
      int work = 0;
      forBlock(block, [&](const SassInstruction &instruction) {
        const CodeLine *line = code.lookup(instruction.line);
        work += line && line->isWork && code.contains(time.steady, line->loop);
      });
      if (work > most) {
        most = work;
        heart = block;
      }
    }
    if (heart < 0)
      return body.blocks;
    llvm::BitVector calling(function.blocks.size());
    for (unsigned block : body.blocks.set_bits())
      forBlock(block, [&](const SassInstruction &instruction) {
        if (llvm::StringRef(instruction.opcode).starts_with("CALL"))
          calling.set(block);
      });
    llvm::BitVector path = pathThrough(body, heart, calling);
    bool closes = llvm::any_of(path.set_bits(), [&](unsigned block) {
      return llvm::is_contained(function.blocks[block].successors, body.header);
    });
    return closes && path.test(body.header) ? path : pathThrough(body, heart, llvm::BitVector(calling.size()));
  }

  template <typename Visit> void forBlock(unsigned block, Visit visit) {
    for (unsigned at = function.blocks[block].begin; at < function.blocks[block].end; ++at)
      visit(function.instructions[at]);
  }

  /// Blocks of a turn that reach `heart` or are reached from it without passing those that are closed.
  llvm::BitVector pathThrough(const SassLoop &body, unsigned heart, const llvm::BitVector &closed) {
    llvm::BitVector path = reached(body, heart, closed);
    for (unsigned block : body.blocks.set_bits())
      if (!path.test(block) && reached(body, block, closed).test(heart))
        path.set(block);
    return path;
  }

  /// Blocks of the loop that are reached from one of them before the next turn.
  llvm::BitVector reached(const SassLoop &body, unsigned from, const llvm::BitVector &closed) {
    llvm::BitVector seen(function.blocks.size());
    llvm::SmallVector<unsigned> open = {from};
    while (!open.empty()) {
      unsigned block = open.pop_back_val();
      if (seen.test(block) || closed.test(block))
        continue;
      seen.set(block);
      for (unsigned next : function.blocks[block].successors)
        if (body.blocks.test(next) && next != body.header)
          open.push_back(next);
    }
    return seen;
  }

  double mostCopies(int from) {
    double most = 1;
    for (int loop = 0, count = function.loops.size(); loop < count; ++loop)
      if (origin[loop] == from)
        most = std::max(most, copies[loop]);
    return most;
  }

  /// How often a block runs in one turn of the steady loop.
  double weightOf(unsigned block, int steady, std::vector<bool> &isUnknown) {
    double weight = 1;
    for (int loop = function.loopOf(block); loop >= 0 && loop != steady; loop = function.loops[loop].parent) {
      std::optional<int64_t> turns = origin[loop] >= 0 ? code.loops[origin[loop]].turns : std::nullopt;
      if (origin[loop] >= 0 && origin[loop] == time.groups)
        // What ptxas leaves over of a loop that it unrolled.
        turns = copies[loop] < mostCopies(time.groups) ? 0 : time.groupTurns;
      if (!turns)
        isUnknown[loop] = true;
      weight *= turns && *turns ? std::max(1.0, *turns / copies[loop]) : 0;
    }
    return weight;
  }

  void count(unsigned block, int steady, SteadyState &result, std::vector<bool> &isUnknown) {
    double weight = weightOf(block, steady, isUnknown) / result.steps;
    if (weight == 0)
      return;
    forBlock(block, [&](const SassInstruction &instruction) {
      result.counts[static_cast<unsigned>(kindOf(instruction.opcode))] += weight;
      result.opcodes[instruction.opcode] += weight;
      ++result.instructions;
    });
  }

  const SassFunction &function;
  const CodeLines &code;
  TimeLoops time;
  std::vector<int> origin;
  std::vector<double> copies;
};
} // namespace

Expected<SteadyState> ssm::findSteadyState(const SassFunction &function, const CodeLines &code, const LoopPlan &plan) {
  return SteadyStateFinder(function, code, plan).find();
}
