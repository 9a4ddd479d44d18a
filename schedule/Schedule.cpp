// The schedule language: text to structure and back.

#include "schedule/Schedule.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
constexpr std::pair<Level, const char *> levelNames[] = {{Level::Grid, "grid"}, {Level::Loop, "loop"},
                                                         {Level::Mma, "mma"},   {Level::Thread, "thread"},
                                                         {Level::Lane, "lane"}, {Level::Reg, "reg"}};

constexpr const char *knobNames[] = {"load",     "store", "stages", "copy", "pad",        "vec",  "blocks", "persist",
                                     "producer", "exp",   "math",   "mma",  "checkpoint", "tape", "at",     "scan"};

bool isName(StringRef text) {
  return !text.empty() && (llvm::isAlpha(text[0]) || text[0] == '_') &&
         llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; });
}

/// Parses one schedule; pieces of its text tell where they stand.
class Parser {
public:
  explicit Parser(StringRef text) : text(text) {}

  Expected<Schedule> parse() {
    Schedule schedule;
    llvm::SmallVector<StringRef> parts;
    text.split(parts, ';');
    for (StringRef part : parts) {
      part = part.trim();
      if (part.empty())
        continue;
      if (!part.contains('='))
        return fail(part, "'" + part + "' has no '='; expected dimension=levels or knob=value");
      auto [left, right] = part.split('=');
      left = left.trim();
      right = right.trim();
      StringRef head = left.take_until([](char c) { return c == '('; }).trim();
      if (!isName(head))
        return fail(left, "'" + left + "' is not the name of a dimension or a knob");
      if (llvm::is_contained(knobNames, head)) {
        Expected<Knob> knob = parseKnob(left, right);
        if (!knob)
          return knob.takeError();
        if (llvm::any_of(schedule.knobs, [&](const Knob &k) { return k.name == knob->name && k.of == knob->of; }))
          return fail(left, "'" + left + "' is set twice");
        schedule.knobs.push_back(*knob);
        continue;
      }
      if (left.contains('('))
        return fail(head, "'" + head + "' is not a knob");
      if (schedule.lookup(left))
        return fail(left, "the dimension '" + left + "' is placed twice");
      Expected<DimPlacement> placement = parsePlacement(left, right);
      if (!placement)
        return placement.takeError();
      schedule.dims.push_back(*placement);
    }
    return schedule;
  }

private:
  /// An error at a piece of the text.
  Error fail(StringRef piece, const llvm::Twine &message) {
    StringRef before = text.take_front(piece.data() - text.data());
    size_t line = before.count('\n') + 1, column = before.size() - (before.rfind('\n') + 1) + 1;
    std::string place = (line > 1 ? "line " + std::to_string(line) + ", " : "") + "column " + std::to_string(column);
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "in the schedule, " + place + ": " + message);
  }

  Expected<LevelCount> parseLevel(StringRef text) {
    auto [name, number] = text.split(':');
    LevelCount level{Level::Grid, std::nullopt};
    auto it = llvm::find_if(levelNames, [&, wanted = name.trim()](auto &entry) { return wanted == entry.second; });
    if (it == std::end(levelNames))
      return fail(name.trim(), "'" + name.trim() + "' is not a level; expected grid, loop, mma, thread, lane or reg");
    level.level = it->first;
    if (text.contains(':')) {
      int64_t count = 0;
      if (number.trim().getAsInteger(10, count) || count < 1 || count > (int64_t(1) << 31))
        return fail(text, "'" + number.trim() + "' in '" + text.trim() + "' is not a positive count");
      level.count = count;
    } else if (level.level == Level::Thread || level.level == Level::Lane) {
      return fail(text, "'" + name.trim() + "' needs a count, as in '" + name.trim() + ":16'");
    }
    return level;
  }

  Expected<DimPlacement> parsePlacement(StringRef dim, StringRef text) {
    DimPlacement placement{dim.str(), {}};
    llvm::SmallVector<StringRef> parts;
    text.split(parts, ',');
    for (StringRef part : parts) {
      Expected<LevelCount> level = parseLevel(part);
      if (!level)
        return level.takeError();
      if (!placement.levels.empty() && placement.levels.back().level >= level->level)
        return fail(part, "'" + dim + "=" + text + "' names '" + nameOf(level->level) +
                              "' out of order; the order is grid, loop, mma, thread, lane, reg, each at most once");
      placement.levels.push_back(*level);
    }
    return placement;
  }

  Expected<Knob> parseKnob(StringRef name, StringRef value) {
    Knob knob{name.take_until([](char c) { return c == '('; }).trim().str(), {}, value.str()};
    if (name.contains('(')) {
      if (!name.ends_with(")"))
        return fail(name, "expected ')' at the end of '" + name + "'");
      llvm::SmallVector<StringRef> names;
      name.drop_until([](char c) { return c == '('; }).drop_front().drop_back().split(names, ',');
      for (StringRef of : names) {
        if (!isName(of.trim()))
          return fail(of, "'" + of.trim() + "' in '" + name + "' is not a name");
        knob.of.push_back(of.trim().str());
      }
    }
    if (value.empty())
      return fail(name, "'" + name + "' has no value");
    return knob;
  }

  StringRef text;
};
} // namespace

StringRef ssm::nameOf(Level level) {
  return llvm::find_if(levelNames, [&](auto &entry) { return entry.first == level; })->second;
}

std::optional<int64_t> DimPlacement::countWritten(Level level) const {
  for (const LevelCount &entry : levels)
    if (entry.level == level)
      return entry.count;
  return std::nullopt;
}

bool DimPlacement::isOn(Level level) const {
  return llvm::any_of(levels, [&](const LevelCount &entry) { return entry.level == level; });
}

int64_t DimPlacement::countAt(Level level) const {
  for (const LevelCount &entry : levels)
    if (entry.level == level)
      return entry.count.value_or(1);
  return 1;
}

const DimPlacement *Schedule::lookup(StringRef dim) const {
  auto it = llvm::find_if(dims, [&](const DimPlacement &placement) { return placement.dim == dim; });
  return it == dims.end() ? nullptr : &*it;
}

std::optional<StringRef> Schedule::knob(StringRef name) const {
  for (const Knob &knob : knobs)
    if (knob.name == name && knob.of.empty())
      return StringRef(knob.value);
  return std::nullopt;
}

Expected<Schedule> ssm::parseSchedule(StringRef text) { return Parser(text).parse(); }

std::string ssm::printSchedule(const Schedule &schedule) {
  std::vector<std::string> parts;
  for (const DimPlacement &placement : schedule.dims) {
    auto levels = llvm::map_range(placement.levels, [](const LevelCount &level) {
      return nameOf(level.level).str() + (level.count ? ":" + std::to_string(*level.count) : "");
    });
    parts.push_back(placement.dim + "=" + llvm::join(levels, ","));
  }
  for (const Knob &knob : schedule.knobs)
    parts.push_back(knob.name + (knob.of.empty() ? "" : "(" + llvm::join(knob.of, ",") + ")") + "=" + knob.value);
  return llvm::join(parts, "; ");
}
