// Declarations and equations. Words like `dim` or `input` are keywords only where they begin a declaration, so that
// dimensions and values may bear their names.

#include "frontend/Parser.h"
#include "frontend/ExpressionParser.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace ssm::frontend;
using Kind = Token::Kind;

namespace {
/// More than any memory holds, and small enough that products of a few sizes do not overflow.
constexpr double largestSize = double(int64_t(1) << 40);

constexpr StringRef keywords[] = {"dim", "option", "scan", "input", "state", "output", "param", "const", "fn", "der"};

class Parser : ExpressionParser {
public:
  Parser(ArrayRef<Token> tokens, StringRef source, Diagnostics &diagnostics, File &file)
      : ExpressionParser(tokens, diagnostics, file.arena), source(source), file(file) {}

  void run() {
    while (!at(Kind::End) && !diagnostics.isFull()) {
      const Token *begin = &peek();
      if (!parseTopLevel())
        recover(begin);
    }
  }

private:
  bool parseTopLevel();
  bool parseRecurrence();
  bool parseItem(std::vector<Item> &items);
  bool parseDims(Item &item);
  bool parseScan(Item &item);
  bool parseTensor(Item &item);
  bool parseFunction(Item &item);
  bool parseDerivative(Item &item);
  bool parseDefinition(Item &item, StringRef what);
  bool parseSize(int64_t &size);
  bool parseLayout(Layout &layout);
  bool parseType(Identifier &type);
  bool parseNames(ArrayRef<Identifier> &names, StringRef what);
  bool parseValue(Item &item);
  bool atFlag(StringRef word) const { return peek().isName(word) && !peek(1).is(Kind::Equal); }
  bool startsItem() const;
  void recover(const Token *begin);

  StringRef source;
  File &file;
};
} // namespace

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

bool Parser::parseTopLevel() {
  if (peek().isName("recurrence"))
    return parseRecurrence();
  if (at(Kind::Name) && peek().text != "fn" && peek().text != "const") {
    StringRef known[] = {"recurrence", "fn", "const"};
    std::string hint = suggest(peek().text, known);
    diagnostics.error(peek().loc, "expected 'recurrence', 'fn' or 'const', found " + describe(peek()) + hint);
    return false;
  }
  return at(Kind::Name) ? parseItem(file.shared) : fail("'recurrence', 'fn' or 'const'");
}

bool Parser::parseRecurrence() {
  Token keyword = advance();
  Recurrence recurrence;
  if (!expectName(recurrence.name, "the name of the recurrence") ||
      !expect(Kind::LeftBrace, "'{'", "to open the recurrence"))
    return false;
  recurrence.comment = commentAbove(source, keyword);
  while (!at(Kind::RightBrace)) {
    if (at(Kind::End) || diagnostics.isFull() || (peek().isName("recurrence") && peek(2).is(Kind::LeftBrace))) {
      diagnostics.error(peek().loc,
                        "expected '}' to close recurrence '" + recurrence.name.text + "', found " + describe(peek()));
      diagnostics.note(recurrence.name.loc, "it was opened here");
      recurrence.incomplete = true;
      break;
    }
    const Token *begin = &peek();
    if (!parseItem(recurrence.items)) {
      recurrence.incomplete = true;
      recover(begin);
    }
  }
  consume(Kind::RightBrace);
  file.recurrences.push_back(std::move(recurrence));
  return true;
}

/// Whether the parser may take up again at this token.
bool Parser::startsItem() const {
  if (at(Kind::RightBrace))
    return true;
  if (!at(Kind::Name))
    return false;
  if (peek(1).is(Kind::Equal) || peek().text == "recurrence")
    return true;
  return is_contained(keywords, peek().text);
}

/// Skips from an item that began at `begin` to the next line that begins another, or ends the recurrence.
void Parser::recover(const Token *begin) {
  if (&peek() == begin)
    advance(); // The item's first token was what could not be read.
  while (!at(Kind::End) && !(peek().startsLine && startsItem()))
    advance();
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

bool Parser::parseItem(std::vector<Item> &items) {
  using I = Item::Kind;
  Item item{};
  item.kind = I::Equation;
  item.loc = peek().loc;
  if (!at(Kind::Name))
    return fail("a declaration or an equation");
  StringRef word = peek().text;
  bool parsed;
  if (peek(1).is(Kind::Equal)) {
    parsed = parseDefinition(item, "value");
  } else {
    std::optional<I> kind = StringSwitch<std::optional<I>>(word)
                                .Case("dim", I::Dim)
                                .Case("option", I::Option)
                                .Case("scan", I::Scan)
                                .Case("input", I::Input)
                                .Case("state", I::State)
                                .Case("output", I::Output)
                                .Case("param", I::Param)
                                .Case("const", I::Const)
                                .Case("fn", I::Function)
                                .Case("der", I::Derivative)
                                .Default(std::nullopt);
    if (!kind) {
      std::string hint = hintOf(peek()).str();
      if (hint.empty() && !peek().startsLine)
        hint = hintOf(before());
      if (hint.empty())
        hint = suggest(word, keywords);
      if (peek(1).is(Kind::LeftParen) || peek(1).is(Kind::LeftBracket))
        hint = "; the left side of an equation is a name, as in h = … * prev(h)";
      else if (hint.empty())
        hint = "; an equation is name = expression";
      diagnostics.error(peek().loc, "expected a declaration or an equation, found '" + word + "'" + hint);
      return false;
    }
    item.kind = *kind;
    advance();
    parsed = item.kind == I::Dim                              ? parseDims(item)
             : item.kind == I::Scan                           ? parseScan(item)
             : item.kind == I::Input || item.kind == I::State ? parseTensor(item)
             : item.kind == I::Output                         ? parseTensor(item)
             : item.kind == I::Function                       ? parseFunction(item)
             : item.kind == I::Derivative                     ? parseDerivative(item)
                                                              : parseDefinition(item, word);
  }
  if (parsed)
    items.push_back(item);
  return parsed;
}

bool Parser::parseValue(Item &item) {
  item.value = parseExpression();
  return item.value != nullptr;
}

/// name = expression
bool Parser::parseDefinition(Item &item, StringRef what) {
  Identifier name;
  if (!expectName(name, "the name of the " + what) || !expect(Kind::Equal, "'='", "and a value"))
    return false;
  item.names = keep<Identifier>(name);
  return parseValue(item);
}

bool Parser::parseNames(ArrayRef<Identifier> &names, StringRef what) {
  SmallVector<Identifier> list;
  do
    if (!expectName(list.emplace_back(), "the name of " + what))
      return false;
  while (consume(Kind::Comma));
  names = keep<Identifier>(list);
  return true;
}

/// dim batch, state = 16, col like state
bool Parser::parseDims(Item &item) {
  SmallVector<Identifier> names, likes;
  SmallVector<int64_t> sizes;
  do {
    if (!expectName(names.emplace_back(), "the name of a dimension"))
      return false;
    if (consume(Kind::Equal)) {
      if (!parseSize(sizes.emplace_back()))
        return false;
    } else {
      sizes.push_back(-1);
    }
    likes.emplace_back();
    if (atFlag("like")) {
      Loc loc = advance().loc;
      if (!expectName(likes.back(), "the dimension whose extent '" + names.back().text + "' shares"))
        return false;
      if (sizes.back() >= 0)
        diagnostics.error(loc, "dimension '" + names.back().text + "' has a size of its own, or that of '" +
                                   likes.back().text + "', not both");
    }
  } while (consume(Kind::Comma));
  item.names = keep<Identifier>(names);
  item.sizes = keep<int64_t>(sizes);
  item.likes = keep<Identifier>(likes);
  return true;
}

bool Parser::parseSize(int64_t &size) {
  if (!at(Kind::Number))
    return fail("the size of the dimension, a whole number");
  Token token = advance();
  size = 0;
  if (token.number > largestSize || token.number != double(int64_t(token.number)))
    diagnostics.error(token.loc, "the size of a dimension is a whole number up to 2^40");
  else
    size = int64_t(token.number);
  return true;
}

/// scan time [reverse [if option]]
bool Parser::parseScan(Item &item) {
  Identifier name;
  if (!expectName(name, "the dimension that the recurrence runs along"))
    return false;
  item.names = keep<Identifier>(name);
  if (!atFlag("reverse"))
    return true;
  advance();
  item.reverse = true;
  if (!atFlag("if"))
    return true;
  advance();
  return expectName(item.reverseIf, "the option that says whether to run in reverse");
}

/// names [layout] [: type], then `optional` of an input, or `= expression`
bool Parser::parseTensor(Item &item) {
  bool isOutput = item.kind == Item::Kind::Output, isInput = item.kind == Item::Kind::Input;
  StringRef what = isOutput ? "an output" : isInput ? "an input" : "a state";
  if (!parseNames(item.names, what) || !parseLayout(item.layout))
    return false;
  if (consume(Kind::Colon) && !parseType(item.type))
    return false;
  if (isInput) {
    if (atFlag("optional")) {
      advance();
      item.optional = true;
    } else if (at(Kind::Equal)) {
      return fail("no value for an input; one that may be left out is 'optional' and used under given(…)");
    } else if (at(Kind::Name) && !peek().startsLine && !startsItem()) {
      StringRef known[] = {"optional"};
      return fail("'optional' or the next declaration" + suggest(peek().text, known));
    }
    return true;
  }
  if (isOutput && item.names.size() > 1) {
    diagnostics.error(item.names[1].loc, "an output stands alone, each with a value of its own");
    return false;
  }
  if (!consume(Kind::Equal))
    return !isOutput || fail("'=' and the value of the output");
  return parseValue(item);
}

bool Parser::parseLayout(Layout &layout) {
  SmallVector<ArrayRef<Identifier>> axes;
  if (!expect(Kind::LeftBracket, "'['", "and the layout, the tensor's dimensions in memory"))
    return false;
  while (!consume(Kind::RightBracket)) {
    SmallVector<Identifier> axis;
    if (consume(Kind::LeftParen)) {
      do
        if (!expectName(axis.emplace_back(), "the name of a dimension"))
          return false;
      while (!consume(Kind::RightParen));
    } else if (!expectName(axis.emplace_back(), "a dimension, or several in parentheses that share one axis")) {
      return false;
    }
    axes.push_back(keep<Identifier>(axis));
    if (!at(Kind::RightBracket) && !expect(Kind::Comma, "',' or ']'", "in the layout"))
      return false;
  }
  layout = keep<ArrayRef<Identifier>>(axes);
  return true;
}

/// A stored type, spelt as one name: `bf16`, `complex<f32>`.
bool Parser::parseType(Identifier &type) {
  static constexpr StringRef known[] = {"f32", "f64", "bf16", "f16", "complex<f32>", "complex<f64>"};
  if (!expectName(type, "a type: f32, f64, bf16, f16, complex<f32> or complex<f64>"))
    return false;
  if (type.text == "complex") {
    Identifier element;
    if (!expect(Kind::Less, "'<'", "and the type of the parts, as in complex<f32>") ||
        !expectName(element, "f32 or f64") || !expect(Kind::Greater, "'>'", "to close the type"))
      return false;
    type.text = element.text == "f32" ? "complex<f32>" : element.text == "f64" ? "complex<f64>" : "";
    if (type.text.empty())
      diagnostics.error(element.loc, "a complex number is stored as complex<f32> or complex<f64>, not complex<" +
                                         element.text + ">");
  } else if (!is_contained(known, type.text)) {
    diagnostics.error(type.loc, "unknown type '" + type.text + "'" + suggest(type.text, known) +
                                    "; a value is stored as f32, f64, bf16, f16, complex<f32> or complex<f64>");
    type.text = "";
  }
  return true;
}

/// fn name(a, b) = expression
bool Parser::parseFunction(Item &item) {
  Identifier name;
  if (!expectName(name, "the name of the function") || !expect(Kind::LeftParen, "'('", "and the function's arguments"))
    return false;
  item.names = keep<Identifier>(name);
  if (!at(Kind::RightParen) && !parseNames(item.arguments, "an argument"))
    return false;
  return expect(Kind::RightParen, "')' or ','", "in the list of arguments") &&
         expect(Kind::Equal, "'='", "and the value of the function") && parseValue(item);
}

/// der(h) = expression step expression by method
bool Parser::parseDerivative(Item &item) {
  Identifier name;
  if (!expect(Kind::LeftParen, "'('", "and a state") || !expectName(name, "the name of a state") ||
      !expect(Kind::RightParen, "')'", "after the state") ||
      !expect(Kind::Equal, "'='", "and the state's derivative") || !parseValue(item))
    return false;
  item.names = keep<Identifier>(name);
  StringRef step[] = {"step"}, by[] = {"by"};
  if (!peek().isName("step"))
    return fail("'step' and the step size" + (at(Kind::Name) ? suggest(peek().text, step) : ""));
  advance();
  item.step = parseExpression();
  if (!item.step)
    return false;
  if (!peek().isName("by"))
    return fail("'by' and a discretization: zoh, bilinear, euler or exp_euler" +
                (at(Kind::Name) ? suggest(peek().text, by) : ""));
  advance();
  return expectName(item.method, "a discretization: zoh, bilinear, euler or exp_euler");
}

void ssm::frontend::parseFile(StringRef source, Diagnostics &diagnostics, File &file) {
  std::vector<Token> tokens = tokenize(source, diagnostics);
  Parser(tokens, source, diagnostics, file).run();
}
