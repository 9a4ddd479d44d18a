// From nvdisasm's text to loops.

#include "codegen/sass/SassProgram.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Regex.h"

#include <map>

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

int SassFunction::loopOf(unsigned block) const {
  int found = -1;
  for (auto [number, loop] : llvm::enumerate(loops))
    if (loop.blocks.test(block))
      found = number;
  return found;
}

bool SassFunction::contains(int outer, int inner) const {
  while (inner != -1 && inner != outer)
    inner = loops[inner].parent;
  return inner == outer;
}

namespace {
/// A function's text with what its control flow is made of.
class FunctionParser {
public:
  explicit FunctionParser(StringRef name) { function.name = name.str(); }

  void startLine(unsigned number) { line = number; }
  void label(StringRef name) { labels[name] = function.instructions.size(); }

  /// `@!P0 BRA `(.L_x_1) ` or `IMAD.WIDE R2, R3, 0x4, R4 `.
  void instruction(StringRef text) {
    bool isGuarded = text.consume_front("@");
    if (isGuarded)
      text = text.drop_until([](char c) { return c == ' '; }).ltrim();
    StringRef opcode = text.take_until([](char c) { return c == ' ' || c == ';'; });
    StringRef base = opcode.split('.').first;
    Flow flow;
    // A call of a label inside the kernel is a branch that reaches far; nothing returns from there.
    bool isBranch = base == "BRA" || base == "BRX" || base == "JMP" || (base == "CALL" && text.contains("`(.L"));
    // Where lanes have come apart all the same, out-of-line code does for each what the warp does at once.
    bool isRare = opcode.starts_with("BRA.DIV");
    flow.falls = isGuarded || isRare || !(isBranch || base == "EXIT" || base == "RET");
    // A predicate may also be the branch's first operand.
    if (isBranch && !isRare) {
      auto [operands, target] = text.drop_front(opcode.size()).split("`(");
      flow.target = target.take_until([](char c) { return c == ')'; }).str();
      flow.falls |= operands.contains('P');
    }
    flow.ends = isBranch || base == "EXIT" || base == "RET";
    function.instructions.push_back({opcode.str(), line});
    flows.push_back(flow);
  }

  Expected<SassFunction> finish() {
    if (Error error = makeBlocks())
      return std::move(error);
    findDominators();
    findLoops();
    return std::move(function);
  }

private:
  struct Flow {
    std::string target;
    bool falls = true, ends = false;
  };

  Error makeBlocks() {
    llvm::SmallVector<unsigned> starts;
    for (const auto &[name, at] : labels)
      starts.push_back(at);
    starts.push_back(0);
    for (auto [at, flow] : llvm::enumerate(flows))
      if (flow.ends)
        starts.push_back(at + 1);
    llvm::sort(starts);
    starts.erase(llvm::unique(starts), starts.end());
    unsigned count = function.instructions.size();
    std::map<unsigned, unsigned> blockAt;
    for (auto [number, begin] : llvm::enumerate(starts))
      if (begin < count) {
        blockAt[begin] = function.blocks.size();
        function.blocks.push_back(
            {begin, std::min(count, number + 1 < starts.size() ? starts[number + 1] : count), {}});
      }
    for (SassBlock &block : function.blocks) {
      const Flow &flow = flows[block.end - 1];
      if (flow.falls && blockAt.count(block.end))
        block.successors.push_back(blockAt[block.end]);
      if (flow.target.empty())
        continue;
      auto label = labels.find(flow.target);
      if (label == labels.end() || !blockAt.count(label->second))
        return llvm::createStringError("the machine code of '" + function.name + "' branches to '" + flow.target +
                                       "', which is not there");
      block.successors.push_back(blockAt[label->second]);
    }
    return Error::success();
  }

  /// The blocks through which every way to a block leads, for each block that is reached.
  void findDominators() {
    unsigned count = function.blocks.size();
    dominators.assign(count, llvm::BitVector(count, true));
    reachable.resize(count);
    if (!count)
      return;
    reachable.set(0);
    dominators[0] = llvm::BitVector(count);
    dominators[0].set(0);
    for (bool changed = true; changed;) {
      changed = false;
      for (unsigned block = 0; block < count; ++block)
        for (unsigned next : function.blocks[block].successors) {
          llvm::BitVector through = dominators[block];
          through &= dominators[next];
          through.set(next);
          changed |= through != dominators[next] || (reachable.test(block) && !reachable.test(next));
          dominators[next] = through;
          if (reachable.test(block))
            reachable.set(next);
        }
    }
  }

  /// Blocks from which `latch` is reached without passing `header`.
  llvm::BitVector bodyOf(unsigned header, unsigned latch) {
    llvm::BitVector body(function.blocks.size());
    body.set(header);
    llvm::SmallVector<unsigned> open = {latch};
    while (!open.empty()) {
      unsigned block = open.pop_back_val();
      if (body.test(block))
        continue;
      body.set(block);
      for (auto [number, other] : llvm::enumerate(function.blocks))
        if (reachable.test(number) && llvm::is_contained(other.successors, block))
          open.push_back(number);
    }
    return body;
  }

  void findLoops() {
    std::map<unsigned, llvm::BitVector> byHeader;
    for (auto [number, block] : llvm::enumerate(function.blocks))
      for (unsigned header : block.successors)
        // The endless loop after the end is not reached.
        if (reachable.test(number) && dominators[number].test(header)) {
          auto [it, isNew] = byHeader.try_emplace(header, function.blocks.size());
          it->second |= bodyOf(header, number);
        }
    for (auto &[header, blocks] : byHeader)
      function.loops.push_back({header, blocks, -1});
    llvm::sort(function.loops, [](const SassLoop &a, const SassLoop &b) {
      return std::pair(b.blocks.count(), a.header) < std::pair(a.blocks.count(), b.header);
    });
    for (auto [number, loop] : llvm::enumerate(function.loops))
      for (unsigned outer = 0; outer < number; ++outer)
        if (function.loops[outer].blocks.test(loop.header))
          loop.parent = outer;
  }

  SassFunction function;
  std::vector<Flow> flows;
  llvm::StringMap<unsigned> labels;
  std::vector<llvm::BitVector> dominators;
  llvm::BitVector reachable;
  unsigned line = 0;
};
} // namespace

Expected<std::vector<SassFunction>> ssm::parseSass(StringRef text) {
  llvm::Regex section("^\\.text\\.(.+):$"), label("^(\\.L[A-Za-z0-9_]*|[A-Za-z_$][A-Za-z0-9_$]*):$"),
      place("//## File \".*\", line ([0-9]+)"), code("^/\\*([0-9a-f]+)\\*/ +([^;]+);");
  std::vector<SassFunction> functions;
  std::optional<FunctionParser> parser;
  auto finish = [&]() -> Error {
    if (!parser)
      return Error::success();
    Expected<SassFunction> function = parser->finish();
    parser.reset();
    if (!function)
      return function.takeError();
    functions.push_back(std::move(*function));
    return Error::success();
  };
  llvm::SmallVector<StringRef> lines, found;
  text.split(lines, '\n');
  for (StringRef line : lines) {
    line = line.trim();
    if (section.match(line, &found)) {
      if (Error error = finish())
        return std::move(error);
      parser.emplace(found[1]);
    } else if (parser && label.match(line, &found)) {
      parser->label(found[1]);
    } else if (parser && place.match(line, &found)) {
      unsigned number = 0;
      (void)found[1].getAsInteger(10, number);
      parser->startLine(number);
    } else if (parser && code.match(line, &found)) {
      parser->instruction(found[2].trim());
    }
  }
  if (Error error = finish())
    return std::move(error);
  if (functions.empty())
    return llvm::createStringError("nvdisasm printed no machine code");
  return functions;
}
