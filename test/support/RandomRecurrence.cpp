// A random recurrence is made from its declarations on: dimensions, inputs and states, then an equation a state of one
// of the structures that the compiler tells apart, then outputs.

#include "test/support/RandomExpression.h"

using namespace ssm::test;

namespace {

class Writer : ExpressionWriter {
public:
  Writer(uint64_t seed, const RandomRecurrenceOptions &options) : ExpressionWriter(seed, options) {}
  std::string write();

private:
  void declareDims();
  void declareOptions();
  void declareInputs();
  void declareStates();
  void defineLocals(unsigned count, bool mayReadStates);
  void defineState(const Declared &state);
  void writeOutputs();

  std::string layout(const Names &dims);
  std::string storedType(bool isComplex);
  std::string decay(const Declared &state, const Names &allowed);
  std::string stateEquation(const Declared &state);
};

/// The dimensions in random order; group and member on one axis, mostly.
std::string Writer::layout(const Names &dims) {
  std::vector<std::string> axes;
  bool joined = dims.count("group") && dims.count("member") && random.chance(75);
  if (joined)
    axes.push_back("(group member)");
  for (const std::string &dim : dims)
    if (!joined || (dim != "group" && dim != "member"))
      axes.push_back(dim);
  for (size_t i = axes.size(); i > 1; --i)
    std::swap(axes[i - 1], axes[random.below(i)]);
  std::string text;
  for (const std::string &axis : axes)
    text += (text.empty() ? "" : ", ") + axis;
  return "[" + text + "]";
}

std::string Writer::storedType(bool isComplex) {
  if (isComplex)
    return options.mixedTypes && random.chance(20) ? " : complex<f64>" : " : complex<f32>";
  if (!options.mixedTypes)
    return random.chance(50) ? " : f32" : "";
  static const std::string types[] = {"", " : f32", " : bf16", " : f16", " : f64"};
  return random.pick(types);
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

void Writer::declareDims() {
  std::string list;
  auto declare = [&](const std::string &name, unsigned percentWithDefault, unsigned largest) {
    dims.insert(name);
    list += (list.empty() ? "" : ", ") + name;
    if (random.chance(percentWithDefault))
      list += " = " + std::to_string(1 + random.below(largest));
  };
  if (random.chance(80))
    declare("batch", 0, 1);
  hasGroups = random.chance(30);
  if (hasGroups) {
    declare("group", 0, 1);
    declare("member", 20, 4);
  } else {
    declare("channel", 0, 1);
  }
  if (random.chance(80))
    declare("state", 50, 8);
  hasCol = options.dense && dims.count("state") && random.chance(50);
  if (hasCol)
    list += ", col like state";
  hasTap = options.hidden && random.chance(40);
  if (hasTap)
    list += ", tap = " + std::to_string(1 + random.below(4));
  line("dim " + list);
}

void Writer::declareOptions() {
  std::string scan = "scan time";
  if (options.options && random.chance(50)) {
    line(std::string("option wide = ") + (random.chance(50) ? "true" : "false"));
    line("option shape = \"" + std::string(random.chance(50) ? "round" : "square") + "\"");
    line("option gain = " + decimal(0.2, 0.9));
    truths = {"wide", "!wide", "shape == \"round\"", "(wide && shape == \"square\")"};
    scalars.push_back("gain");
  }
  if (options.reverse && random.chance(30)) {
    if (random.chance(50)) {
      line(std::string("option backwards = ") + (random.chance(50) ? "true" : "false"));
      scan += " reverse if backwards";
    } else {
      scan += " reverse";
    }
  }
  line(scan);
  if (options.options && random.chance(50)) {
    line("const third = 1 / 3");
    line("param scale = " + decimal(-0.9, 0.9));
    scalars.insert(scalars.end(), {"third", "scale"});
    line("fn squash(v) = v / (1 + abs(v))");
    line("fn lean(v) = 0.75 * squash(v) + 0.25 * v");
    functions = {"squash", "lean"};
  }
}

void Writer::declareInputs() {
  auto declare = [&](const std::string &name, Names varies, bool isComplex) {
    line("input " + name + " " + layout(varies) + storedType(isComplex));
    readable.push_back({name, varies, isComplex, /*isInput=*/true});
  };
  Names all = dims + Names{"time"};
  Names signal = all;
  signal.erase("state");
  declare("u", signal, false);
  unsigned more = 1 + random.below(3);
  for (unsigned i = 0; i < more; ++i)
    declare(fresh("x"), subset(all, 60), options.complexNumbers && random.chance(30));
  if (options.optionalInputs && random.chance(60)) {
    std::string name = fresh("z"), chosen = fresh("w");
    Names varies = subset(all, 60);
    bool isComplex = options.complexNumbers && random.chance(20);
    line("input " + name + " " + layout(varies) + storedType(isComplex) + "  optional");
    Expression other = leaf(varies, isComplex);
    std::string given = random.chance(50) ? name : "0.5 * " + name;
    line(chosen + " = given(" + name + ") ? " + given + " : " + other.text);
    readable.push_back({chosen, varies + other.dims, isComplex || other.isComplex});
  }
}

void Writer::declareStates() {
  unsigned count = 1 + random.below(options.maxStates);
  for (unsigned i = 0; i < count; ++i) {
    Declared state{fresh("h"), subset(dims, 75), options.complexNumbers && random.chance(25)};
    std::string text = "state " + state.name + " " + layout(state.dims) + storedType(state.isComplex);
    if (options.initial && random.chance(25)) {
      mayReadStates = false;
      text += " = " + number(1, state.dims, state.isComplex).text;
      mayReadStates = true;
    }
    line(text);
    states.push_back(state);
  }
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

void Writer::defineLocals(unsigned count, bool mayRead) {
  mayReadStates = mayRead;
  for (unsigned i = 0; i < count; ++i) {
    bool isComplex = options.complexNumbers && random.chance(20);
    Expression value = number(options.depth, subset(dims, 70) + Names{"time"}, isComplex);
    std::string name = fresh("v");
    line(name + " = " + value.text);
    readable.push_back({name, value.dims, isComplex, false, /*fromStates=*/mayRead});
  }
  mayReadStates = true;
}

/// Of modulus at most 0.8, in a form that has a real log or in one that has none.
std::string Writer::decay(const Declared &state, const Names &allowed) {
  Names varies = random.chance(50) ? allowed : subset(allowed, 50);
  if (state.isComplex && random.chance(70))
    return "0.8 * exp(complex(-abs(" + real(1, varies).text + "), 3 * " + real(1, varies).text + "))";
  switch (random.below(5)) {
  case 0:
    return "0.8 * exp(-softplus(" + real(2, varies).text + "))";
  case 1:
    return "0.8 * sigmoid(" + real(2, varies).text + ")";
  case 2:
    return "0.8 * (" + real(2, varies).text + ")";
  case 3:
    return "exp(-abs(" + real(1, varies).text + ") - 0.25)";
  default:
    return decimal(-0.8, 0.8);
  }
}

/// The right-hand side; bounded by 1 where the drives are.
std::string Writer::stateEquation(const Declared &state) {
  Names allowed = state.dims + Names{"time"};
  auto plain = [&](unsigned depth) {
    mayReadStates = options.nonlinear && random.chance(25);
    std::string text = "(" + number(depth, allowed, state.isComplex).text + ")";
    mayReadStates = true;
    return text;
  };
  auto fixed = [&](auto make) {
    mayReadStates = false;
    std::string text = make();
    mayReadStates = true;
    return text;
  };
  std::string h = "prev(" + state.name + ")", drive = "0.2 * " + plain(options.depth);
  std::vector<std::string> forms = {fixed([&] { return decay(state, allowed); }) + " * " + h + " + " + drive,
                                    h + " + 0.02 * " + plain(options.depth)};
  if (options.dense && hasCol && state.dims.count("state")) {
    std::string matrix = fixed([&] {
      return number(1, (random.chance(50) ? allowed : Names{}) + Names{"state", "col"}, state.isComplex).text;
    });
    forms.push_back("0.8 * " + average("col", "(" + matrix + ") * rename(" + h + ", state: col)") + " + " + drive);
  }
  if (options.rankOne && state.dims.count("state")) {
    std::string key = fresh("key");
    Expression value = [&] {
      mayReadStates = false;
      Expression made = real(1, allowed);
      mayReadStates = true;
      return made;
    }();
    line(key + " = " + value.text);
    forms.push_back("0.8 * " + h + " - 0.1 * " + key + " * " + average("state", key + " * " + h) + " + 0.1 * " +
                    plain(1));
  }
  if (options.coupled)
    for (const Declared &other : states)
      if (other.name != state.name && within(other.dims, state.dims) && other.isComplex == state.isComplex)
        forms.push_back("0.5 * " + h + " - 0.3 * prev(" + other.name + ") + " + drive);
  if (options.hidden)
    forms.push_back("0.5 * " + h + " - 0.3 * prev(" + state.name + ", " + std::to_string(2 + random.below(2)) + ") + " +
                    drive);
  if (options.maxPlus && !state.isComplex)
    forms.push_back("max(" + h + " - 0.2 * sigmoid(" + fixed([&] { return real(1, allowed).text; }) + "), " +
                    fixed([&] { return real(2, allowed).text; }) + ")");
  if (options.nonlinear && !state.isComplex) {
    forms.push_back("tanh(0.7 * " + h + " + " + plain(2) + ")");
    forms.push_back("0.5 * " + h + " * " + h + " + 0.3 * " + plain(2));
  }
  // Of the forms made, the special ones are as likely as the plain one.
  return random.pick(forms);
}

void Writer::defineState(const Declared &state) {
  if (options.derivative && random.chance(20)) {
    static const std::string methods[] = {"zoh", "bilinear", "euler", "exp_euler"};
    mayReadStates = false;
    Names allowed = state.dims + Names{"time"};
    std::string rate = state.isComplex
                           ? "complex(-0.5 - abs(" + real(1, allowed).text + "), 2 * " + real(1, allowed).text + ")"
                           : "(0.5 * (" + real(2, allowed).text + ") - 1)";
    std::string drive = "0.5 * (" + number(2, allowed, state.isComplex).text + ")";
    std::string step = "0.1 + 0.05 * (" + real(1, allowed).text + ")";
    mayReadStates = true;
    line("der(" + state.name + ") = " + rate + " * " + state.name + " + " + drive + " step " + step + " by " +
         random.pick(methods));
  } else {
    std::string equation = stateEquation(state);
    line(state.name + " = " + equation);
  }
  readable.push_back({state.name, state.dims + Names{"time"}, state.isComplex, false, /*fromStates=*/true});
}

void Writer::writeOutputs() {
  unsigned count = 1 + random.below(options.maxOutputs);
  for (unsigned i = 0; i < count; ++i) {
    Names varies = i == 0 ? dims + Names{"time"} : subset(dims, 70) + Names{"time"};
    if (random.chance(80))
      varies.erase("state");
    bool isComplex = options.complexNumbers && random.chance(15);
    // Each output reads a state, whatever else it reads: read out over what its layout lacks.
    const Declared &state = random.pick(states);
    std::string readout = state.name;
    Names remaining = varies + state.dims;
    for (const std::string &dim : state.dims)
      if (!varies.count(dim)) {
        readout = average(dim, "(" + leaf(remaining, false).text + ") * (" + readout + ")");
        remaining.erase(dim);
      }
    if (state.isComplex && !isComplex)
      readout = "2 * re(" + readout + ")";
    std::string value = readout + " + 0.5 * (" + number(options.depth, varies, isComplex).text + ")";
    line("output " + fresh("y") + " " + layout(varies) + (isComplex ? " : complex<f32>" : storedType(false)) + " = " +
         value);
  }
}

std::string Writer::write() {
  declareDims();
  declareOptions();
  declareInputs();
  declareStates();
  defineLocals(random.below(3), options.nonlinear && random.chance(30));
  for (const Declared &state : std::vector<Declared>(states)) {
    defineState(state);
    if (random.chance(30))
      defineLocals(1, options.nonlinear);
  }
  writeOutputs();
  return "recurrence random {\n" + body + "}\n";
}

} // namespace

std::string ssm::test::randomRecurrence(uint64_t seed, const RandomRecurrenceOptions &options) {
  return Writer(seed, options).write();
}
