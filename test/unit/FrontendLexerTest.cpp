// The lexer takes any bytes and accounts for every one of them.

#include "frontend/Lexer.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include <gtest/gtest.h>
#include <random>

using namespace ssm::frontend;

namespace {
/// Tokens of a text, and how many errors there were.
struct Lexed {
  explicit Lexed(llvm::StringRef text) {
    sourceMgr.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "test.ssm"), {});
    sourceMgr.setDiagHandler([](const llvm::SMDiagnostic &, void *count) { ++*static_cast<unsigned *>(count); },
                             &errors);
    source = sourceMgr.getMemoryBuffer(1)->getBuffer();
    Diagnostics diagnostics(sourceMgr);
    tokens = tokenize(source, diagnostics);
  }
  llvm::SourceMgr sourceMgr;
  llvm::StringRef source;
  unsigned errors = 0;
  std::vector<Token> tokens;
};
} // namespace

TEST(FrontendLexer, EndsEveryListWithEnd) {
  for (llvm::StringRef text : {"", " ", "\n", "// only a comment", "x", "\"", "\xef\xbb\xbf"}) {
    Lexed lexed(text);
    ASSERT_FALSE(lexed.tokens.empty());
    EXPECT_TRUE(lexed.tokens.back().is(Token::Kind::End)) << text.str();
  }
}

TEST(FrontendLexer, KnowsLineAndColumn) {
  Lexed lexed("a\r\n  bc = 1.5e-3 // d\n\te");
  ASSERT_EQ(lexed.tokens.size(), 6u);
  EXPECT_EQ(lexed.tokens[1].loc.line, 2u);
  EXPECT_EQ(lexed.tokens[1].loc.column, 3u);
  EXPECT_EQ(lexed.tokens[3].number, 1.5e-3);
  EXPECT_EQ(lexed.tokens[4].loc.line, 3u);
  EXPECT_EQ(lexed.tokens[4].loc.column, 2u);
  EXPECT_EQ(lexed.errors, 0u);
}

TEST(FrontendLexer, KnowsWhatStartsALine) {
  Lexed lexed("a b\n// comment\n  c @ d");
  ASSERT_EQ(lexed.tokens.size(), 5u);
  EXPECT_TRUE(lexed.tokens[0].startsLine);
  EXPECT_FALSE(lexed.tokens[1].startsLine);
  EXPECT_TRUE(lexed.tokens[2].startsLine);
  EXPECT_FALSE(lexed.tokens[3].startsLine);
  EXPECT_EQ(lexed.errors, 1u);
}

TEST(FrontendLexer, TakesTheLongestOperator) {
  Lexed lexed("<= < == = != ! && || ** * >=");
  using K = Token::Kind;
  std::vector<K> expected = {K::LessEqual, K::Less, K::EqualEqual, K::Equal, K::NotEqual,     K::Not,
                             K::And,       K::Or,   K::Power,      K::Times, K::GreaterEqual, K::End};
  std::vector<K> kinds;
  for (const Token &token : lexed.tokens)
    kinds.push_back(token.kind);
  EXPECT_EQ(kinds, expected);
}

TEST(FrontendLexer, RefusesNumbersThatAreNone) {
  for (llvm::StringRef text : {"1x", "1.2.3", "1e999", "0x10", "1_000", "1e-999"}) {
    Lexed lexed(text);
    EXPECT_EQ(lexed.errors, 1u) << text.str();
    EXPECT_EQ(lexed.tokens.size(), 2u) << text.str();
  }
}

TEST(FrontendLexer, ReportsARunOfStrangeBytesOnce) {
  EXPECT_EQ(Lexed(llvm::StringRef("a \0\0\x01\xff\xfe b", 9)).errors, 1u);
  EXPECT_EQ(Lexed("a $$$ b").errors, 1u);
  EXPECT_EQ(Lexed("a & b | c").errors, 2u);
}

TEST(FrontendLexer, RefusesAWordWithoutItsEnd) {
  Lexed lexed("a == \"gelu\nb");
  EXPECT_EQ(lexed.errors, 1u);
  EXPECT_EQ(lexed.tokens.size(), 5u);
}

TEST(FrontendLexer, RefusesOverlongNames) {
  EXPECT_EQ(Lexed(std::string(128, 'a')).errors, 0u);
  EXPECT_EQ(Lexed(std::string(129, 'a')).errors, 1u);
}

TEST(FrontendLexer, TokensLieInTheSourceInOrder) {
  std::mt19937 random(1); // Any bytes: the seed only makes a failure repeatable.
  for (int round = 0; round < 300; ++round) {
    std::string text(random() % 200, '\0');
    for (char &c : text)
      c = round % 2 ? char(random()) : "ab1.\"()[]{}<>,:?=!+-*/^&|_ \n\r\t\\#"[random() % 33];
    Lexed lexed(text);
    const char *end = lexed.source.begin();
    for (const Token &token : lexed.tokens) {
      ASSERT_GE(token.loc.pointer, end);
      ASSERT_LE(token.text.end(), lexed.source.end());
      end = token.text.end();
    }
    ASSERT_TRUE(lexed.tokens.back().is(Token::Kind::End));
  }
}

TEST(FrontendLexer, FindsTheCommentAbove) {
  Lexed lexed("// far\n\n// one\n//  two \nhere");
  EXPECT_EQ(commentAbove(lexed.source, lexed.tokens[0]), "one\ntwo");
  Lexed none("x\nhere");
  EXPECT_EQ(commentAbove(none.source, none.tokens[1]), "");
}
