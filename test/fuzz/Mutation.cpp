#include "test/fuzz/Mutation.h"

#include <algorithm>
#include <cctype>

using namespace ssm::fuzz;
using ssm::test::Random;

namespace {
using Pieces = std::vector<std::string>;

bool isWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }
bool isSpace(const std::string &piece) { return std::isspace(static_cast<unsigned char>(piece[0])); }
bool isNumber(const std::string &piece) { return std::isdigit(static_cast<unsigned char>(piece[0])); }
bool isName(const std::string &piece) { return isWordChar(piece[0]) && !isNumber(piece); }

/// Words, runs of spaces and single marks; joined they are the text.
Pieces tokens(const std::string &text) {
  Pieces pieces;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    if (isWordChar(text[at]))
      end = std::find_if_not(text.begin() + at, text.end(), isWordChar) - text.begin();
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
  return pieces;
}

Pieces lines(const std::string &text) {
  Pieces pieces;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
  return pieces;
}

std::string join(const Pieces &pieces) {
  std::string text;
  for (const std::string &piece : pieces)
    text += piece;
  return text;
}

/// Numbers at which something may break, and small ones that keep a text valid more often.
std::string otherNumber(Random &random) {
  static const Pieces extremes = {"0",     "-1",  "1e308",      "1e400",      "1e-320",
                                  "65536", "255", "4294967296", "2147483647", "9223372036854775807",
                                  "0.0",   "007", "1e",         ".5",         "18446744073709551616"};
  if (random.chance(30))
    return random.pick(extremes);
  return random.chance(50) ? std::to_string(random.below(10)) : "0." + std::to_string(random.below(1000));
}

/// A piece of the same kind as `model`, or any after a few tries.
std::string similar(const Pieces &pieces, const std::string &model, Random &random) {
  std::string piece = model;
  for (int tries = 0; tries < 12; ++tries) {
    piece = random.pick(pieces);
    if (isName(piece) == isName(model) && isNumber(piece) == isNumber(model) && isSpace(piece) == isSpace(model))
      break;
  }
  return piece;
}

/// Deletes, doubles, swaps or replaces a piece.
void changePiece(Pieces &pieces, const Pieces &others, Random &random) {
  size_t at = random.below(pieces.size());
  for (int tries = 0; tries < 8 && isSpace(pieces[at]); ++tries)
    at = random.below(pieces.size());
  switch (random.below(6)) {
  case 0:
    pieces.erase(pieces.begin() + at);
    break;
  case 1:
    pieces.insert(pieces.begin() + at, pieces[at]);
    break;
  case 2:
    std::swap(pieces[at], random.pick(pieces));
    break;
  case 3:
    pieces[at] = similar(others, pieces[at], random);
    break;
  default:
    pieces[at] = similar(pieces, pieces[at], random);
  }
}

void changeNumber(Pieces &pieces, Random &random) {
  Pieces::iterator from = pieces.begin() + random.below(pieces.size());
  Pieces::iterator found = std::find_if(from, pieces.end(), isNumber);
  if (found != pieces.end())
    *found = otherNumber(random);
}

void nest(Pieces &pieces, const MutationSources &sources, Random &random) {
  size_t at = random.below(pieces.size());
  for (int tries = 0; tries < 8 && !isWordChar(pieces[at][0]); ++tries)
    at = random.below(pieces.size());
  const auto &[open, close] = random.pick(sources.brackets);
  const size_t depth = random.chance(80) ? 1 + random.below(4) : 1 + random.below(3000);
  std::string before, after;
  for (size_t level = 0; level < depth; ++level) {
    before += open;
    after += close;
  }
  // Unbalanced now and then.
  pieces[at] = before + pieces[at] + (random.chance(80) ? after : "");
}

std::string splice(const std::string &text, const std::string &other, Random &random) {
  Pieces mine = lines(text), theirs = lines(other);
  if (theirs.empty())
    return text;
  const size_t at = random.below(mine.size() + 1), from = random.below(theirs.size());
  if (random.chance(50)) // a few lines of the other
    mine.insert(mine.begin() + at, theirs.begin() + from,
                theirs.begin() + std::min(theirs.size(), from + 1 + random.below(3)));
  else { // my head and the other's tail
    mine.resize(at);
    mine.insert(mine.end(), theirs.begin() + from, theirs.end());
  }
  return join(mine);
}

void flipBytes(std::string &text, Random &random) {
  for (int64_t count = 1 + random.below(3); count > 0; --count)
    random.pick(text) = random.chance(50) ? char(random.below(256)) : char(random.pick(text) ^ (1 << random.below(8)));
}

std::string mutateOnce(std::string text, const MutationSources &sources, Random &random) {
  const uint64_t kind = random.below(100);
  if (kind < 8) {
    flipBytes(text, random);
    return text;
  }
  if (kind < 16)
    return splice(text, sources.other, random);
  if (kind < 18)
    return text.substr(0, random.below(text.size()));
  if (kind < 30) {
    Pieces pieces = lines(text);
    changePiece(pieces, lines(sources.other), random);
    return join(pieces);
  }
  Pieces pieces = tokens(text);
  if (kind < 45)
    changeNumber(pieces, random);
  else if (kind < 53)
    nest(pieces, sources, random);
  else
    changePiece(pieces, random.chance(50) ? sources.words : tokens(sources.other), random);
  return join(pieces);
}
} // namespace

std::string ssm::fuzz::mutate(std::string text, const MutationSources &sources, Random &random) {
  // Most get one change: several leave little that is still valid.
  for (int64_t changes = random.chance(75) ? 1 : 2 + random.below(3); changes > 0 && !text.empty(); --changes)
    text = mutateOnce(std::move(text), sources, random);
  return text;
}
