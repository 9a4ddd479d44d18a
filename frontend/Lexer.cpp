// From bytes to tokens. Every byte is looked at a bounded number of times, whatever the input.

#include "frontend/Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <charconv>

using namespace llvm;
using namespace ssm::frontend;

namespace {
constexpr size_t longestName = 128;

class Lexer {
public:
  Lexer(StringRef source, Diagnostics &diagnostics) : source(source), diagnostics(diagnostics) {
    if (source.starts_with("\xef\xbb\xbf")) // A byte-order mark.
      offset = lineBegin = 3;
  }

  std::vector<Token> run() {
    std::vector<Token> tokens;
    do {
      skipBlanks();
      if (std::optional<Token> token = next())
        tokens.push_back(*token);
    } while (tokens.empty() || !tokens.back().is(Token::Kind::End));
    return tokens;
  }

private:
  Loc here() const { return {source.data() + offset, line, unsigned(offset - lineBegin + 1)}; }

  void skipBlanks() {
    for (; offset < source.size(); ++offset) {
      char c = source[offset];
      if (c == '\n') {
        ++line;
        lineBegin = offset + 1;
        atLineStart = true;
      } else if (source.substr(offset).starts_with("//")) {
        offset = std::min(source.find('\n', offset), source.size()) - 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  /// A token of the next `length` bytes.
  Token take(Token::Kind kind, size_t length) {
    Token token{kind, atLineStart, here(), source.substr(offset, length)};
    offset += length;
    atLineStart = false;
    return token;
  }

  /// The next token; nothing after bytes that begin none.
  std::optional<Token> next() {
    StringRef rest = source.substr(offset);
    if (rest.empty())
      return take(Token::Kind::End, 0);
    if (isAlpha(rest[0]) || rest[0] == '_')
      return takeName(rest);
    if (isDigit(rest[0]) || (rest[0] == '.' && rest.size() > 1 && isDigit(rest[1])))
      return takeNumber(rest);
    if (rest[0] == '"')
      return takeWord(rest);
    return takeSymbol(rest);
  }

  Token takeName(StringRef rest) {
    size_t length = rest.take_while([](char c) { return isAlnum(c) || c == '_'; }).size();
    if (length > longestName)
      diagnostics.error(here(), "a name has at most " + Twine(longestName) + " characters");
    Token token = take(Token::Kind::Name, length);
    token.text = token.text.take_front(longestName);
    return token;
  }

  Token takeNumber(StringRef rest) {
    size_t length = 0;
    auto skipDigits = [&] {
      while (length < rest.size() && isDigit(rest[length]))
        ++length;
    };
    skipDigits();
    if (length < rest.size() && rest[length] == '.') {
      ++length;
      skipDigits();
    }
    if (length < rest.size() && (rest[length] == 'e' || rest[length] == 'E')) {
      size_t sign = length + 1 < rest.size() && (rest[length + 1] == '+' || rest[length + 1] == '-');
      if (length + 1 + sign < rest.size() && isDigit(rest[length + 1 + sign])) {
        length += 1 + sign;
        skipDigits();
      }
    }
    size_t tail = rest.drop_front(length).take_while([](char c) { return isAlnum(c) || c == '_' || c == '.'; }).size();
    Token token = take(Token::Kind::Number, length + tail);
    auto [end, status] = std::from_chars(token.text.begin(), token.text.end(), token.number);
    if (tail)
      diagnostics.error(token.loc, "malformed number '" + token.text.take_front(40) + "'; a name begins with a letter");
    else if (status != std::errc())
      diagnostics.error(token.loc, "number out of the range of float64");
    return token;
  }

  Token takeWord(StringRef rest) {
    size_t end = rest.find_first_of("\"\n\r", 1);
    if (end == StringRef::npos || rest[end] != '"') {
      diagnostics.error(here(), "a word lacks its closing '\"'");
      return take(Token::Kind::Word, std::min(end, rest.size()));
    }
    Token token = take(Token::Kind::Word, end + 1);
    token.text = token.text.drop_front().drop_back();
    if (printable(token.text) != token.text || token.text.size() > longestName)
      diagnostics.error(token.loc, "a word is at most " + Twine(longestName) + " printable characters of UTF-8");
    return token;
  }

  std::optional<Token> takeSymbol(StringRef rest) {
    using Kind = Token::Kind;
    Kind two = StringSwitch<Kind>(rest.take_front(2))
                   .Case("==", Kind::EqualEqual)
                   .Case("!=", Kind::NotEqual)
                   .Case("<=", Kind::LessEqual)
                   .Case(">=", Kind::GreaterEqual)
                   .Case("&&", Kind::And)
                   .Case("||", Kind::Or)
                   .Case("**", Kind::Power)
                   .Default(Kind::End);
    if (two != Kind::End)
      return take(two, 2);
    Kind one = StringSwitch<Kind>(rest.take_front(1))
                   .Case("(", Kind::LeftParen)
                   .Case(")", Kind::RightParen)
                   .Case("[", Kind::LeftBracket)
                   .Case("]", Kind::RightBracket)
                   .Case("{", Kind::LeftBrace)
                   .Case("}", Kind::RightBrace)
                   .Case("<", Kind::Less)
                   .Case(">", Kind::Greater)
                   .Case(",", Kind::Comma)
                   .Case(":", Kind::Colon)
                   .Case("?", Kind::Question)
                   .Case("=", Kind::Equal)
                   .Case("!", Kind::Not)
                   .Case("+", Kind::Plus)
                   .Case("-", Kind::Minus)
                   .Case("*", Kind::Times)
                   .Case("/", Kind::Divide)
                   .Case("^", Kind::Power)
                   .Default(Kind::End);
    if (one != Kind::End)
      return take(one, 1);
    rejectBytes(rest);
    return std::nullopt;
  }

  /// What is written here in place of a character that other languages have.
  static StringRef hintOf(char other) {
    switch (other) {
    case '#':
      return "; a comment begins with //";
    case ';':
      return "; the end of a line ends an equation";
    case '&':
      return "; and is written &&";
    case '|':
      return "; or is written ||";
    default:
      return "";
    }
  }

  /// Reports bytes that begin no token, one error for a run of them.
  void rejectBytes(StringRef rest) {
    StringRef legal = "_.\"()[]{}<>,:?=!+-*/^&|";
    size_t length = rest.take_while([&](char c) { return !isSpace(c) && !isAlnum(c) && !legal.contains(c); }).size();
    length = std::max<size_t>(length, 1); // A lone '&', '|' or '.'.
    StringRef text = rest.take_front(length);
    std::string what = "'" + text.str() + "'";
    if (printable(text) != text || length > 8) {
      what = "byte 0x" + utohexstr((unsigned char)text[0], /*LowerCase=*/true, /*Width=*/2);
      if (length > 1)
        what += " and " + std::to_string(length - 1) + " more";
    }
    diagnostics.error(here(), "unexpected " + what + hintOf(text.front()));
    // The words of a remark are no errors of their own.
    offset += text.front() == '#' ? rest.take_until([](char c) { return c == '\n'; }).size() : length;
  }

  StringRef source;
  Diagnostics &diagnostics;
  size_t offset = 0, lineBegin = 0;
  unsigned line = 1;
  bool atLineStart = true;
};
} // namespace

std::vector<Token> ssm::frontend::tokenize(StringRef source, Diagnostics &diagnostics) {
  return Lexer(source, diagnostics).run();
}

std::string ssm::frontend::commentAbove(StringRef source, const Token &token) {
  size_t begin = token.loc.pointer - source.begin() - (token.loc.column - 1);
  SmallVector<StringRef> lines;
  while (begin > 0) {
    size_t end = begin - 1; // The newline that ends the line above.
    size_t above = source.take_front(end).rfind('\n');
    begin = above == StringRef::npos ? 0 : above + 1;
    StringRef line = source.slice(begin, end).trim();
    if (!line.consume_front("//"))
      break;
    lines.push_back(line.trim());
  }
  return join(reverse(lines), "\n");
}

StringRef ssm::frontend::hintOf(const Token &token) {
  return !token.is(Token::Kind::Name) ? ""
                                      : StringSwitch<StringRef>(token.text)
                                            .Case("and", "; and is written &&")
                                            .Case("or", "; or is written ||")
                                            .Case("not", "; not is written !")
                                            .Cases({"if", "then", "else"}, "; a choice is written c ? a : b")
                                            .Default("");
}

std::string ssm::frontend::describe(const Token &token) {
  switch (token.kind) {
  case Token::Kind::End:
    return "the end of the file";
  case Token::Kind::Number:
    return ("number " + token.text.take_front(40)).str();
  case Token::Kind::Word:
    return "word \"" + printable(token.text.take_front(40)) + "\"";
  default:
    return ("'" + token.text.take_front(40) + "'").str();
  }
}
