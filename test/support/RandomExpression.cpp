// Expressions of the language, bounded by construction.

#include "test/support/RandomExpression.h"

#include <algorithm>

using namespace ssm::test;

Names ssm::test::operator+(Names a, const Names &b) {
  a.insert(b.begin(), b.end());
  return a;
}

bool ssm::test::within(const Names &part, const Names &whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

std::string ExpressionWriter::decimal(double least, double most) {
  std::string text = std::to_string(least + (most - least) * double(random.below(101)) / 100);
  return text.substr(0, text.find('.') + 4);
}

Names ExpressionWriter::subset(const Names &of, unsigned percent) {
  Names result;
  for (const std::string &name : of)
    if (random.chance(percent))
      result.insert(name);
  return result;
}

Expression ExpressionWriter::leaf(const Names &allowed, bool isComplex) {
  std::vector<Expression> choices;
  for (const Declared &value : readable)
    if (value.isComplex == isComplex && within(value.dims, allowed) && (mayReadStates || !value.fromStates))
      choices.push_back({value.name, value.dims, isComplex});
  if (mayReadStates && options.nonlinear && allowed.count("time"))
    for (const Declared &state : states)
      if (state.isComplex == isComplex && within(state.dims, allowed))
        choices.push_back({"prev(" + state.name + ")", state.dims + Names{"time"}, isComplex});
  if (!choices.empty() && random.chance(80))
    return random.pick(choices);
  if (isComplex) {
    Expression re = leaf(allowed, false), im = leaf(allowed, false);
    return {"complex(0.7 * " + re.text + ", 0.7 * " + im.text + ")", re.dims + im.dims, true};
  }
  std::vector<std::string> within;
  for (const std::string &dim : allowed)
    if (dim != "time")
      within.push_back(dim);
  if (!within.empty() && random.chance(25)) {
    const std::string &dim = random.pick(within);
    return {"index(" + dim + ") / max(size(" + dim + "), 1)", {dim}};
  }
  if (!scalars.empty() && random.chance(40))
    return {random.pick(scalars), {}};
  return {decimal(0.1, 0.9), {}};
}

Expression ExpressionWriter::unary(unsigned depth, const Names &allowed) {
  static const std::string forms[] = {"tanh(@)",
                                      "sin(@)",
                                      "cos(@)",
                                      "sigmoid(@)",
                                      "silu(@)",
                                      "relu(@)",
                                      "abs(@)",
                                      "exp(-abs(@))",
                                      "erf(@)",
                                      "gelu(@)",
                                      "(0.5 * softplus(@))",
                                      "log1p(abs(@))",
                                      "(0.5 * expm1(@))",
                                      "sqrt(0.9 * abs(@) + 0.1)",
                                      "(0.3 * rsqrt(abs(@) + 0.1))",
                                      "(-(@))",
                                      "log(1 + abs(@))",
                                      "pow(abs(@) + 0.1, 0.5)",
                                      "(0.7 * pow(@, 2))"};
  Expression operand = real(depth - 1, allowed);
  std::string form = random.pick(forms);
  if (!functions.empty() && random.chance(20))
    form = random.pick(functions) + "(@)";
  if (options.complexNumbers && random.chance(15)) {
    static const std::string parts[] = {"re(@)", "im(@)", "abs(@)"};
    form = random.pick(parts);
    operand = complex(depth - 1, allowed);
  }
  return {form.replace(form.find('@'), 1, operand.text), operand.dims};
}

Expression ExpressionWriter::binary(unsigned depth, const Names &allowed) {
  static const std::string forms[] = {"@ * #",     "(0.5 * @ + 0.5 * #)", "(0.6 * @ - 0.4 * #)",  "max(@, #)",
                                      "min(@, #)", "(@) / (1 + abs(#))",  "(@) / (1.5 - 0.5 * #)"};
  Expression a = real(depth - 1, allowed), b = real(depth - 1, allowed);
  std::string form = random.pick(forms);
  form.replace(form.find('#'), 1, "(" + b.text + ")");
  form.replace(form.find('@'), 1, "(" + a.text + ")");
  return {"(" + form + ")", a.dims + b.dims};
}

/// A comparison of what is exact at any precision, a truth of the options, or both.
std::string ExpressionWriter::condition(const Names &allowed) {
  std::vector<std::string> choices = truths;
  for (const Declared &value : readable)
    if (value.isInput && !value.isComplex && within(value.dims, allowed)) {
      choices.push_back(value.name + " > 0.25");
      choices.push_back("(" + value.name + " <= 0 || " + value.name + " >= 0.5)");
    }
  for (const std::string &dim : allowed)
    choices.push_back("index(" + dim + ") < 2");
  return choices.empty() ? "1 < 2" : random.pick(choices);
}

Expression ExpressionWriter::conditional(unsigned depth, const Names &allowed, bool isComplex) {
  Expression yes = number(depth - 1, allowed, isComplex), no = number(depth - 1, allowed, isComplex);
  // The condition's dimensions are among those allowed; which of them it has is not followed.
  return {"(" + condition(allowed) + " ? " + yes.text + " : " + no.text + ")", allowed, isComplex};
}

/// An average, a maximum or a mean over a dimension that the result may lack.
Expression ExpressionWriter::reduction(unsigned depth, const Names &allowed, bool isComplex) {
  std::vector<std::string> list(dims.begin(), dims.end());
  std::string dim = random.pick(list);
  Expression operand = number(depth - 1, allowed + Names{dim}, isComplex);
  std::string text = "(" + average(dim, operand.text) + ")";
  if (random.chance(30))
    text = "mean[" + dim + "](" + operand.text + ")";
  else if (!isComplex && random.chance(30))
    text = "max[" + dim + "](" + operand.text + ")";
  operand.dims.erase(dim);
  return {text, operand.dims, isComplex};
}

/// A flip, or a rename where there is a dimension like another.
Expression ExpressionWriter::moved(unsigned depth, const Names &allowed, bool isComplex) {
  if (hasCol && allowed.count("col") && random.chance(70)) {
    Names inner = allowed + Names{"state"};
    inner.erase("col");
    Expression operand = number(depth - 1, inner, isComplex);
    if (operand.dims.erase("state"))
      operand.dims.insert("col");
    return {"rename(" + operand.text + ", state: col)", operand.dims, isComplex};
  }
  std::vector<std::string> list(dims.begin(), dims.end());
  Expression operand = number(depth - 1, allowed, isComplex);
  return {"flip(" + operand.text + ", " + random.pick(list) + ")", operand.dims, isComplex};
}

/// What something was before: prev of an input, or a causal filter over a window.
Expression ExpressionWriter::past(const Names &allowed, bool isComplex) {
  std::vector<Declared> choices;
  for (const Declared &value : readable)
    if (value.isComplex == isComplex && within(value.dims, allowed) && (mayReadStates || !value.fromStates))
      choices.push_back(value);
  if (!allowed.count("time") || choices.empty())
    return leaf(allowed, isComplex);
  const Declared &value = random.pick(choices);
  Names varies = value.dims + Names{"time"};
  if (hasTap && random.chance(50)) {
    // A statement of its own names the window, so that no two carry their past under one name.
    std::string window = fresh("past"),
                weight = random.chance(50) ? "1 / (2 + index(tap))" : "flip(index(tap), tap) / 4";
    line(window + " = delay(" + value.name + ", tap)");
    return {"(" + average("tap", weight + " * " + window) + ")", varies, isComplex};
  }
  std::string back = random.chance(50) ? "" : ", " + std::to_string(1 + random.below(3));
  return {"prev(" + value.name + back + ")", varies, isComplex};
}

Expression ExpressionWriter::real(unsigned depth, const Names &allowed) {
  if (depth == 0)
    return leaf(allowed, false);
  switch (random.below(10)) {
  case 0:
    return leaf(allowed, false);
  case 1:
  case 2:
    return unary(depth, allowed);
  case 3:
    return conditional(depth, allowed, false);
  case 4:
    return reduction(depth, allowed, false);
  case 5:
    return moved(depth, allowed, false);
  case 6:
    return options.hidden ? past(allowed, false) : unary(depth, allowed);
  default:
    return binary(depth, allowed);
  }
}

Expression ExpressionWriter::complex(unsigned depth, const Names &allowed) {
  if (depth == 0)
    return leaf(allowed, true);
  Expression a = complex(depth - 1, allowed);
  switch (random.below(9)) {
  case 0:
    return {"conj(" + a.text + ")", a.dims, true};
  case 1: {
    Expression angle = real(depth - 1, allowed);
    return {"exp(complex(0, 2 * " + angle.text + "))", angle.dims, true};
  }
  case 2:
    return conditional(depth, allowed, true);
  case 3:
    return reduction(depth, allowed, true);
  case 4:
    return moved(depth, allowed, true);
  case 5: {
    Expression scale = real(depth - 1, allowed);
    return {"((" + scale.text + ") * (" + a.text + "))", a.dims + scale.dims, true};
  }
  case 6:
    return options.hidden ? past(allowed, true) : a;
  default: {
    Expression b = complex(depth - 1, allowed);
    std::string text = random.chance(50) ? "((" + a.text + ") * (" + b.text + "))"
                                         : "(0.5 * (" + a.text + ") + 0.5 * (" + b.text + "))";
    return {text, a.dims + b.dims, true};
  }
  }
}
