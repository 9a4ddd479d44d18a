// Expressions, by precedence climbing. The depth of recursion is bounded by maxNesting; chains of binary operators grow
// to the left in a loop and are bounded by memory alone.

#include "frontend/ExpressionParser.h"
#include "frontend/Parser.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace llvm;
using namespace ssm::frontend;
using Kind = Token::Kind;

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

Token ExpressionParser::advance() {
  Token token = peek();
  if (position + 1 < tokens.size()) // The last token, the end, stays.
    ++position;
  return token;
}

bool ExpressionParser::consume(Kind kind) {
  if (!at(kind))
    return false;
  advance();
  return true;
}

bool ExpressionParser::fail(const Twine &expected) {
  diagnostics.error(peek().loc, "expected " + expected + ", found " + describe(peek()) + hintOf(peek()));
  return false;
}

bool ExpressionParser::expect(Kind kind, StringRef what, StringRef where) {
  return consume(kind) || fail(what + " " + where);
}

bool ExpressionParser::expectName(Identifier &name, const Twine &what) {
  if (!at(Kind::Name))
    return fail(what);
  Token token = advance();
  name = {token.text, token.loc};
  return true;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Expr *ExpressionParser::make(Expr::Kind kind, Loc loc, ArrayRef<Expr *> operands) {
  return new (arena.Allocate<Expr>()) Expr{kind, loc, 0, false, {}, {}, keep(operands)};
}

/// condition `?` then `:` else, or one of its parts.
Expr *ExpressionParser::parseExpression() {
  SaveAndRestore nesting(depth, depth + 1);
  if (depth > maxNesting) {
    diagnostics.error(peek().loc, "expression nested more than " + Twine(maxNesting) + " levels deep");
    return nullptr;
  }
  Expr *condition = parseBinary(/*lowest=*/1);
  if (!condition || !at(Kind::Question))
    return condition;
  Loc loc = advance().loc;
  Expr *yes = parseExpression();
  if (!yes || !expect(Kind::Colon, "':'", "and the value for when the condition is false"))
    return nullptr;
  Expr *no = parseExpression();
  return no ? make(Expr::Kind::Conditional, loc, {condition, yes, no}) : nullptr;
}

namespace {
struct BinaryOperator {
  unsigned precedence; // 0: not one.
  Expr::Kind kind;
};
} // namespace

static BinaryOperator binaryOperator(Kind kind) {
  using E = Expr::Kind;
  switch (kind) {
  case Kind::Or:
    return {1, E::Or};
  case Kind::And:
    return {2, E::And};
  case Kind::EqualEqual:
    return {3, E::Equal};
  case Kind::NotEqual:
    return {3, E::NotEqual};
  case Kind::Less:
    return {3, E::Less};
  case Kind::LessEqual:
    return {3, E::LessEqual};
  case Kind::Greater:
    return {3, E::Greater};
  case Kind::GreaterEqual:
    return {3, E::GreaterEqual};
  case Kind::Plus:
    return {4, E::Add};
  case Kind::Minus:
    return {4, E::Subtract};
  case Kind::Times:
    return {5, E::Multiply};
  case Kind::Divide:
    return {5, E::Divide};
  default:
    return {0, E::Number};
  }
}

/// Operands joined by operators of precedence `lowest` or more, all of them left-associative.
Expr *ExpressionParser::parseBinary(unsigned lowest) {
  constexpr unsigned comparison = 3, unary = 6;
  if (lowest == unary)
    return parseUnary();
  Expr *left = parseBinary(lowest + 1);
  bool compared = false;
  while (left) {
    if (at(Kind::Power)) {
      diagnostics.error(peek().loc, "there is no power operator; write pow(x, y)");
      return nullptr;
    }
    BinaryOperator op = binaryOperator(peek().kind);
    if (op.precedence != lowest)
      return left;
    if (lowest == comparison && compared) {
      diagnostics.error(peek().loc, "comparisons do not chain; write a < b && b < c");
      return nullptr;
    }
    compared = true;
    Loc loc = advance().loc;
    Expr *right = parseBinary(lowest + 1);
    left = right ? make(op.kind, loc, {left, right}) : nullptr;
  }
  return nullptr;
}

Expr *ExpressionParser::parseUnary() {
  SmallVector<Token> operators;
  while (at(Kind::Minus) || at(Kind::Not) || at(Kind::Plus)) {
    operators.push_back(advance());
    if (depth + operators.size() > maxNesting) {
      diagnostics.error(peek().loc, "expression nested more than " + Twine(maxNesting) + " levels deep");
      return nullptr;
    }
  }
  Expr *operand = parsePrimary();
  for (const Token &op : reverse(operators)) {
    if (!operand)
      return nullptr;
    if (!op.is(Kind::Plus))
      operand = make(op.is(Kind::Not) ? Expr::Kind::Not : Expr::Kind::Negate, op.loc, operand);
  }
  return operand;
}

Expr *ExpressionParser::parsePrimary() {
  const Token &token = peek();
  if (token.is(Kind::Name) && token.startsLine && peek(1).is(Kind::Equal)) {
    diagnostics.error(token.loc, "expected an expression, found the equation of '" + token.text + "'");
    return nullptr;
  }
  if (token.is(Kind::Name))
    return parseNamed();
  if (token.is(Kind::Number)) {
    Expr *expr = make(Expr::Kind::Number, token.loc);
    expr->number = advance().number;
    return expr;
  }
  if (token.is(Kind::Word)) {
    Expr *expr = make(Expr::Kind::Word, token.loc);
    expr->name = advance().text;
    return expr;
  }
  if (!consume(Kind::LeftParen)) {
    fail("an expression");
    return nullptr;
  }
  Expr *inner = parseExpression();
  return inner && expect(Kind::RightParen, "')'", "to close the parenthesis") ? inner : nullptr;
}

/// A name, a call, or a reduction over dimensions.
Expr *ExpressionParser::parseNamed() {
  Token name = advance();
  if (name.text == "true" || name.text == "false") {
    Expr *expr = make(Expr::Kind::Truth, name.loc);
    expr->truth = name.text == "true";
    return expr;
  }
  SmallVector<Identifier> dims;
  SmallVector<Expr *> operands;
  Expr::Kind kind = Expr::Kind::Name;
  if (at(Kind::LeftBracket) && !peek().startsLine) {
    kind = Expr::Kind::Reduce;
    if (name.text != "sum" && name.text != "max" && name.text != "mean") {
      diagnostics.error(peek().loc, "'" + name.text +
                                        "' takes no index: everything is at the current step, and broadcasts by name; "
                                        "prev(x) is x one step ago; sum[d](x), max[d](x), mean[d](x) reduce" +
                                        (name.text == "min" ? ", and -max[d](-x) is the least" : ""));
      return nullptr;
    }
    if (!parseReducedDims(dims))
      return nullptr;
    if (!at(Kind::LeftParen)) {
      fail("'(' and the value that " + name.text + " runs over");
      return nullptr;
    }
  }
  if (at(Kind::LeftParen)) {
    if (kind == Expr::Kind::Name)
      kind = Expr::Kind::Call;
    if (!parseArguments(operands))
      return nullptr;
    if (kind == Expr::Kind::Reduce && operands.size() != 1) {
      diagnostics.error(name.loc,
                        "'" + name.text + "' over dimensions takes one value, found " + Twine(operands.size()));
      return nullptr;
    }
  }
  Expr *expr = make(kind, name.loc, operands);
  expr->name = name.text;
  expr->dims = keep<Identifier>(dims);
  return expr;
}

bool ExpressionParser::parseReducedDims(SmallVectorImpl<Identifier> &dims) {
  advance(); // The bracket.
  do
    if (!expectName(dims.emplace_back(), "the name of a dimension"))
      return false;
  while (consume(Kind::Comma));
  return expect(Kind::RightBracket, "']'", "after the dimensions to reduce");
}

bool ExpressionParser::parseArguments(SmallVectorImpl<Expr *> &arguments) {
  advance(); // The parenthesis.
  if (consume(Kind::RightParen))
    return true;
  do {
    Expr *argument = parseArgument();
    if (!argument)
      return false;
    arguments.push_back(argument);
  } while (consume(Kind::Comma));
  return expect(Kind::RightParen, "')' or ','", "in the list of arguments");
}

/// An expression, or `from: to` for rename.
Expr *ExpressionParser::parseArgument() {
  if (!at(Kind::Name) || !peek(1).is(Kind::Colon))
    return parseExpression();
  Token from = advance();
  advance();
  Identifier to;
  if (!expectName(to, "the new name of dimension '" + from.text + "'"))
    return nullptr;
  Expr *pair = make(Expr::Kind::Pair, from.loc);
  pair->name = from.text;
  pair->dims = keep<Identifier>(to);
  return pair;
}
