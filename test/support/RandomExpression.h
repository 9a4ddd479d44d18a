#ifndef SSM_TEST_SUPPORT_RANDOMEXPRESSION_H
#define SSM_TEST_SUPPORT_RANDOMEXPRESSION_H

#include "test/support/Random.h"
#include "test/support/RandomRecurrence.h"

#include <set>
#include <string>
#include <vector>

namespace ssm::test {

using Names = std::set<std::string>;

Names operator+(Names a, const Names &b);
bool within(const Names &part, const Names &whole);

/// A text that may stand wherever an operand may, and what it varies along, time included.
struct Expression {
  std::string text;
  Names dims;
  bool isComplex = false;
};

struct Declared {
  std::string name;
  Names dims; // of states without time
  bool isComplex = false;
  /// Stored in memory as it is, so that comparing it is exact.
  bool isInput = false;
  /// Depends on the previous states.
  bool fromStates = false;
};

/// Writes random expressions over what has been declared. Each is at most 1 in modulus where its leaves are, and varies
/// along `allowed` at most.
class ExpressionWriter {
protected:
  ExpressionWriter(uint64_t seed, const RandomRecurrenceOptions &options) : random(seed), options(options) {}

  Expression real(unsigned depth, const Names &allowed);
  Expression complex(unsigned depth, const Names &allowed);
  Expression number(unsigned depth, const Names &allowed, bool isComplex) {
    return isComplex ? complex(depth, allowed) : real(depth, allowed);
  }
  /// Something with a name, or a number.
  Expression leaf(const Names &allowed, bool isComplex);
  /// `sum[dim](text)` as an average; an empty dimension gives 0.
  static std::string average(const std::string &dim, const std::string &text) {
    return "sum[" + dim + "](" + text + ") / max(size(" + dim + "), 1)";
  }
  std::string decimal(double least, double most);
  Names subset(const Names &of, unsigned percent);
  std::string fresh(const std::string &stem) { return stem + std::to_string(++counter); }
  void line(const std::string &text) { body += "  " + text + "\n"; }

  Random random;
  const RandomRecurrenceOptions &options;
  std::string body;
  /// The declared dimensions, without time, col and tap.
  Names dims;
  bool hasCol = false, hasGroups = false, hasTap = false;
  /// What an expression may read at this point of the text.
  std::vector<Declared> readable;
  std::vector<Declared> states;
  std::vector<std::string> scalars, functions, truths;
  bool mayReadStates = true;

private:
  Expression unary(unsigned depth, const Names &allowed);
  Expression binary(unsigned depth, const Names &allowed);
  Expression conditional(unsigned depth, const Names &allowed, bool isComplex);
  Expression reduction(unsigned depth, const Names &allowed, bool isComplex);
  Expression moved(unsigned depth, const Names &allowed, bool isComplex);
  Expression past(const Names &allowed, bool isComplex);
  std::string condition(const Names &allowed);

  unsigned counter = 0;
};

} // namespace ssm::test

#endif
