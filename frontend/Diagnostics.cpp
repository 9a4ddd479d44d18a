// How errors look. Lines are printed here rather than by llvm::SMDiagnostic, which drops the caret on lines that are
// not ASCII and passes on control characters and lines of any length.

#include "frontend/Diagnostics.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace llvm;
using namespace ssm::frontend;

Diagnostics::Diagnostics(SourceMgr &sourceMgr)
    : sourceMgr(sourceMgr), buffer(sourceMgr.getMemoryBuffer(sourceMgr.getMainFileID())->getBuffer()) {}

void Diagnostics::error(Loc loc, const Twine &message) {
  lastWasPrinted = false;
  if (isFull())
    return;
  std::string text = message.str();
  if (!seen.insert((Twine(loc.line) + ":" + Twine(loc.column) + ":" + text).str()).second)
    return;
  print(loc, /*isError=*/true, text);
  lastWasPrinted = true;
  if (++count == maxErrors)
    print(loc, /*isError=*/false, "too many errors; the rest of the description was not checked");
}

void Diagnostics::note(Loc loc, const Twine &message) {
  if (lastWasPrinted && !isFull())
    print(loc, /*isError=*/false, message.str());
}

/// Number of bytes of the UTF-8 character that `text` begins with; 0 if it begins with none.
static unsigned characterLength(StringRef text) {
  const auto *begin = reinterpret_cast<const UTF8 *>(text.begin());
  unsigned length = getNumBytesForUTF8(*begin);
  return length <= text.size() && isLegalUTF8Sequence(begin, begin + length) ? length : 0;
}

std::string ssm::frontend::printable(StringRef text) {
  std::string result;
  while (!text.empty()) {
    unsigned length = characterLength(text);
    unsigned char first = text.front();
    // 0xC2 0x80 to 0xC2 0x9F are control characters too.
    bool isControl = first < 0x20 || first == 0x7f || (first == 0xc2 && length == 2 && (unsigned char)text[1] < 0xa0);
    if (length == 0 || isControl)
      result += first == '\t' ? ' ' : '?';
    else
      result += text.take_front(length);
    text = text.drop_front(std::max(length, 1u));
  }
  return result;
}

static unsigned displayWidth(StringRef printed) {
  return llvm::count_if(printed, [](char c) { return (c & 0xc0) != 0x80; });
}

void Diagnostics::print(Loc loc, bool isError, StringRef message) {
  constexpr size_t window = 160; // Bytes of a long line that are shown around the caret.
  StringRef line, file = sourceMgr.getMemoryBuffer(sourceMgr.getMainFileID())->getBufferIdentifier();
  size_t column = loc.column ? loc.column - 1 : 0;
  if (loc.pointer && loc.pointer >= buffer.begin() && loc.pointer <= buffer.end()) {
    size_t offset = loc.pointer - buffer.begin(), begin = offset - std::min(offset, column);
    line = buffer.slice(begin, buffer.find_first_of("\r\n", offset));
    column = offset - begin;
    size_t cut = column > window / 2 ? column - window / 2 : 0;
    if (line.size() <= window)
      cut = 0;
    line = line.substr(cut, window);
    column -= cut;
  }
  if (sourceMgr.getDiagHandler()) {
    SMDiagnostic diagnostic(sourceMgr, SMLoc::getFromPointer(loc.pointer), file, loc.line,
                            loc.column ? loc.column - 1 : -1, isError ? SourceMgr::DK_Error : SourceMgr::DK_Note,
                            message, line, {});
    sourceMgr.getDiagHandler()(diagnostic, sourceMgr.getDiagContext());
    return;
  }
  raw_ostream &os = errs();
  os << printable(file) << ':' << loc.line << ':' << loc.column << ": ";
  WithColor(os, isError ? HighlightColor::Error : HighlightColor::Note) << (isError ? "error: " : "note: ");
  os << message << '\n' << printable(line) << '\n';
  os.indent(displayWidth(printable(line.take_front(column)))) << "^\n";
}

std::string ssm::frontend::suggest(StringRef name, ArrayRef<StringRef> candidates) {
  constexpr size_t longest = 64;
  if (name.size() > longest)
    return "";
  // One change in three characters; a name of one or two characters resembles too much.
  unsigned best = std::max<unsigned>(1, (name.size() + 1) / 3) + 1;
  StringRef nearest;
  for (StringRef candidate : candidates) {
    if (candidate.size() > longest || candidate == name)
      continue;
    unsigned distance = candidate.equals_insensitive(name)
                            ? 0
                            : name.edit_distance(candidate, /*AllowReplacements=*/true, /*MaxEditDistance=*/best);
    if (distance < best && distance < std::max(name.size(), candidate.size())) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest.empty() ? "" : ("; did you mean '" + nearest + "'?").str();
}
