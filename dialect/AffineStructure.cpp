// Which of the forms that can be scanned a component's step has.

#include "dialect/AffineStep.h"

using namespace mlir;
using namespace ssm;

/// A transition of more states has no form: its matrix would be most of the step.
static constexpr unsigned mostCoupled = 8;

namespace {
class Classifier {
public:
  Classifier(Component &component, AffineStep &step, Expressions &build, DimSet readout)
      : component(component), step(step), build(build), dims(build.dimensions()), readout(readout),
        isSum(component.algebra == Algebra::Sum) {}

  void run() {
    for (unsigned i = 0; i < component.states.size(); ++i)
      nexts.push_back(isComplex(i) ? step.joinParts(step.next(i)) : step.next(i));
    if (llvm::any_of(nexts, readsParts))
      splitStates();
    for (const Affine &next : nexts)
      component.drive.push_back(next.rest ? next.rest : zero());
    if (component.states.size() > 1)
      classifyCoupled();
    else
      classifyOne();
    describeTransition();
  }

private:
  bool isComplex(unsigned i) const { return isa<ComplexType>(component.states[i].type()); }
  Expr zero() { return build.constant(isSum ? 0 : -std::numeric_limits<double>::infinity()); }
  Expr one() { return build.constant(isSum ? 1 : 0); }
  Expr add(Expr a, Expr b) { return !a ? b : isSum ? build.add(a, b) : build.maximum(a, b); }
  Expr mul(Expr a, Expr b) { return isSum ? build.mul(a, b) : build.add(a, b); }

  static bool readsParts(const Affine &value) {
    return llvm::any_of(value.terms, [](auto &term) { return term.first->root().kind != Reading::Kind::State; });
  }

  /// Each complex state becomes a pair of reals.
  void splitStates() {
    SmallVector<ComponentState> states;
    SmallVector<Affine> split;
    for (auto [i, state] : llvm::enumerate(component.states)) {
      first.push_back(states.size());
      states.push_back(state);
      if (!isComplex(i)) {
        split.push_back(nexts[i]);
        continue;
      }
      states.back().part = ComponentState::Part::Re;
      states.push_back(states.back());
      states.back().part = ComponentState::Part::Im;
      split.push_back(step.re(nexts[i]));
      split.push_back(step.im(nexts[i]));
    }
    component.states = std::move(states);
    nexts = std::move(split);
  }

  unsigned column(const Reading &reading) const {
    return (first.empty() ? reading.state : first[reading.state]) + (reading.kind == Reading::Kind::Im);
  }

  void fail(const Twine &why) {
    component.structure = Structure::AffineOnly;
    component.reason = why.str();
    component.transition.clear();
    component.drive.clear();
    component.left = component.right = component.logDecay = nullptr;
  }

  void classifyCoupled() {
    unsigned count = component.states.size();
    if (count > mostCoupled)
      return fail("it couples " + Twine(count) + " values; at most " + Twine(mostCoupled) + " are one transition");
    component.structure = Structure::Coupled;
    component.transition.assign(count * count, zero());
    for (unsigned row = 0; row < count; ++row)
      for (auto [reading, coefficient] : nexts[row].terms) {
        if (!reading->isDirect())
          return fail("it couples several states, and reads one of them through a sum or at other coordinates");
        component.transition[row * count + column(*reading)] = coefficient;
      }
  }

  void classifyOne() {
    Expr decay = nullptr;
    SmallVector<std::pair<const Reading *, Expr>> low, dense;
    for (auto [reading, coefficient] : nexts[0].terms) {
      if (reading->isDirect())
        decay = coefficient;
      else if (reading->kind == Reading::Kind::Over && reading->operand->isDirect())
        low.emplace_back(reading, coefficient);
      else if (reading->kind == Reading::Kind::Over)
        dense.emplace_back(reading, coefficient);
      else
        return fail("it moves the state from coordinates to others");
    }
    if (!dense.empty())
      classifyDense(decay, low, dense);
    else if (!low.empty())
      classifyRankOne(decay, low);
    else
      classifyDiagonal(decay ? decay : zero());
  }

  void classifyDiagonal(Expr decay) {
    if (decay == one()) {
      component.structure = Structure::Identity;
      return;
    }
    DimSet state = dims.of(component.states[0].state.layout), read = readout & state;
    // Over (max, +) no readout is a product of matrices.
    bool isScalar = isSum && (decay->dims & (read.empty() ? state : read)).empty();
    component.structure = isScalar ? Structure::Scalar : Structure::Diagonal;
    setDecay(decay);
  }

  void setDecay(Expr decay) {
    component.transition = {decay};
    if (isSum)
      component.logDecay = build.log(decay);
  }

  /// Sums with one outer factor are one sum.
  void classifyRankOne(Expr decay, ArrayRef<std::pair<const Reading *, Expr>> readings) {
    auto [reading, left] = readings[0];
    Expr right = reading->factor;
    for (auto [other, coefficient] : readings.drop_front()) {
      if (other->over != reading->over)
        return fail("it adds products of rank one over different dimensions");
      if (coefficient != left)
        return fail("it adds " + Twine(readings.size()) + " products of rank one over " + names(reading->over));
      right = add(right, other->factor);
    }
    component.structure = Structure::DiagonalPlusRankOne;
    component.over = reading->over;
    component.left = left;
    component.right = right;
    if (decay != one())
      setDecay(decay ? decay : zero());
  }

  /// The dimensions that a chain of renames reads the state at, by those of the state; nothing for another reading.
  bool followRenames(const Reading &reading, DimSet over, SmallVectorImpl<std::pair<unsigned, unsigned>> &moves) {
    const Reading *at = &reading;
    DimSet to;
    for (; at->kind == Reading::Kind::Rename; at = at->operand) {
      moves.emplace_back(at->from, at->to);
      to = to.with(at->to);
    }
    return at->isDirect() && to == over;
  }

  void classifyDense(Expr decay, ArrayRef<std::pair<const Reading *, Expr>> low,
                     ArrayRef<std::pair<const Reading *, Expr>> dense) {
    SmallVector<std::pair<unsigned, unsigned>> moves;
    if (!followRenames(*dense[0].first->operand, dense[0].first->over, moves))
      return fail("it reads the state through several sums, or at other coordinates");
    Expr matrix = nullptr;
    for (auto [reading, coefficient] : dense) {
      if (reading->operand != dense[0].first->operand || reading->over != dense[0].first->over)
        return fail("it adds several dense transitions by different dimensions");
      matrix = add(matrix, mul(coefficient, reading->factor));
    }
    DimSet rows;
    for (auto [row, column] : moves)
      rows = rows.with(row);
    for (auto [reading, coefficient] : low) {
      if (reading->over != rows)
        return fail("it adds a dense transition and products of rank one over other dimensions");
      Expr right = reading->factor;
      for (auto [row, column] : moves)
        right = build.rename(right, row, column);
      matrix = add(matrix, mul(coefficient, right));
    }
    // Two columns of one extent may be named in one order or the other; the lists pair them.
    llvm::sort(moves);
    for (auto [i, move] : llvm::enumerate(moves))
      if (i && moves[i - 1].second > move.second)
        return fail("it names the columns of a dense transition in another order than its rows");
    if (decay) {
      for (auto [row, column] : moves)
        decay = build.selectSame(row, column, decay, zero());
      matrix = add(matrix, decay);
    }
    component.structure = Structure::Dense;
    component.over = rows;
    component.from = dense[0].first->over;
    component.transition = {matrix};
  }

  std::string names(DimSet set) const { return "[" + llvm::join(dims.list(set), ", ") + "]"; }

  void describeTransition() {
    DimSet all, decay;
    for (Expr entry : component.transition)
      decay = decay | entry->dims;
    all = decay;
    for (Expr factor : {component.left, component.right})
      if (factor)
        all = all | factor->dims;
    component.variesInTime = all.contains(dims.scan());
    component.decayDims = decay.without(dims.scan());
    auto isReal = [](Expr entry) { return !entry || entry->isReal; };
    component.isComplex =
        !llvm::all_of(component.transition, isReal) || !isReal(component.left) || !isReal(component.right);
    if (component.structure == Structure::AffineOnly)
      for (const Affine &next : nexts)
        for (auto [reading, coefficient] : next.terms) {
          component.variesInTime |= coefficient->dims.contains(dims.scan());
          component.isComplex |= !coefficient->isReal;
          for (const Reading *at = reading; at->operand; at = at->operand)
            if (at->factor) {
              component.variesInTime |= at->factor->dims.contains(dims.scan());
              component.isComplex |= !at->factor->isReal;
            }
        }
  }

  Component &component;
  AffineStep &step;
  Expressions &build;
  const DimensionAnalysis &dims;
  DimSet readout;
  bool isSum;
  SmallVector<Affine> nexts;
  /// Where the states are split: each one's first part.
  SmallVector<unsigned> first;
};
} // namespace

void ssm::classify(Component &component, AffineStep &step, Expressions &expressions, DimSet readout) {
  Classifier(component, step, expressions, readout).run();
}
