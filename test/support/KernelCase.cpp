// Makes a failing case smaller, one step after another, as long as it fails.

#include "test/support/KernelCase.h"
#include "schedule/Schedule.h"
#include "llvm/ADT/StringExtras.h"

#include <vector>

using namespace ssm;
using namespace ssm::test;
using llvm::StringRef;

std::string KernelCase::print() const {
  std::string list;
  for (auto &[name, size] : sizes)
    list += (list.empty() ? "" : ",") + name + "=" + std::to_string(size) + (known.count(name) ? "" : " (open)");
  return "--- the recurrence\n" + text + "--- sizes: " + list + "\n--- schedule: " + schedule + "\n--- " +
         (withOptionalInputs ? "with" : "without") + " optional inputs, values of seed " + std::to_string(seed) + ", " +
         std::to_string(threads) + " threads\n";
}

namespace {
using Cases = std::vector<KernelCase>;

void addSizes(const KernelCase &from, Cases &list) {
  for (auto &[name, size] : from.sizes)
    for (int64_t smaller : {int64_t(1), size / 2, size - 1})
      if (smaller < size && smaller > 0) {
        list.push_back(from);
        list.back().sizes[name] = smaller;
      }
}

void addSchedules(const KernelCase &from, Cases &list) {
  llvm::Expected<Schedule> parsed = parseSchedule(from.schedule == "auto" ? "" : from.schedule);
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return;
  }
  auto add = [&](auto change) {
    Schedule simpler = *parsed;
    change(simpler);
    list.push_back(from);
    list.back().schedule = printSchedule(simpler);
  };
  for (size_t i = 0; i < parsed->knobs.size(); ++i)
    add([&](Schedule &schedule) { schedule.knobs.erase(schedule.knobs.begin() + i); });
  for (size_t i = 0; i < parsed->dims.size(); ++i) {
    add([&](Schedule &schedule) { schedule.dims.erase(schedule.dims.begin() + i); });
    const auto &levels = parsed->dims[i].levels;
    for (size_t j = 0; j < levels.size(); ++j) {
      if (levels.size() > 1)
        add([&](Schedule &schedule) { schedule.dims[i].levels.erase(schedule.dims[i].levels.begin() + j); });
      if (levels[j].count && levels[j].level != Level::Lane)
        add([&](Schedule &schedule) { schedule.dims[i].levels[j].count = std::nullopt; });
      for (int64_t smaller : {int64_t(2), levels[j].count.value_or(0) / 2})
        if (smaller > 0 && smaller < levels[j].count.value_or(0))
          add([&](Schedule &schedule) { schedule.dims[i].levels[j].count = smaller; });
    }
  }
}

/// The text without each of its lines, and with a number in place of each call or parenthesis.
void addTexts(const KernelCase &from, Cases &list) {
  StringRef text = from.text;
  auto add = [&](size_t begin, size_t end, StringRef instead) {
    list.push_back(from);
    list.back().text = (text.take_front(begin) + instead + text.drop_front(end)).str();
  };
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    add(begin, end, "");
    begin = end;
  }
  auto isPartOfName = [](char c) { return llvm::isAlnum(c) || StringRef("_., ]").contains(c); };
  for (size_t open = text.find('('); open != StringRef::npos; open = text.find('(', open + 1)) {
    int depth = 0;
    size_t close = open;
    for (; close < text.size(); ++close)
      if (depth += (text[close] == '(') - (text[close] == ')'); depth == 0)
        break;
    if (close == text.size())
      continue;
    size_t begin = open;
    while (begin > 0 && (llvm::isAlnum(text[begin - 1]) || text[begin - 1] == '_'))
      --begin;
    if (begin > 0 && text[begin - 1] == ']') {
      begin = text.rfind('[', begin);
      while (begin > 0 && isPartOfName(text[begin - 1]) && text[begin - 1] != ' ')
        --begin;
    }
    add(begin, close + 1, "0.5");
    if (begin == open)
      add(open, close + 1, text.slice(open + 1, close));
  }
}
} // namespace

KernelCase ssm::test::shrink(const KernelCase &failing, llvm::function_ref<bool(const KernelCase &)> fails,
                             unsigned attempts) {
  KernelCase best = failing;
  for (bool isSmaller = true; isSmaller;) {
    isSmaller = false;
    // The schedule first: it says most about where to look. Texts last, as there are most of them.
    for (auto addCandidates : {addSchedules, addSizes, addTexts}) {
      Cases candidates;
      addCandidates(best, candidates);
      // From the back: what is used last stands last.
      for (const KernelCase &candidate : llvm::reverse(candidates)) {
        if (attempts == 0)
          return best;
        --attempts;
        if (!fails(candidate))
          continue;
        best = candidate;
        isSmaller = true;
        break;
      }
    }
  }
  return best;
}
