// Readings of previous values: each one made once, in one normal form, so that terms that read alike join.

#include "dialect/AffineStep.h"

using namespace mlir;
using namespace ssm;
using Kind = Reading::Kind;

void Reading::Profile(llvm::FoldingSetNodeID &node) const {
  node.AddInteger(static_cast<unsigned>(kind));
  node.AddInteger(state);
  node.AddInteger(operand ? operand->id + 1 : 0);
  node.AddInteger(factor ? factor->id + 1 : 0);
  node.AddInteger(over.raw());
  node.AddInteger(from);
  node.AddInteger(to);
}

const Reading *AffineStep::make(Reading &&reading) {
  llvm::FoldingSetNodeID node;
  reading.Profile(node);
  void *place;
  if (Reading *found = known.FindNodeOrInsertPos(node, place))
    return found;
  reading.id = owned.size();
  owned.push_back(std::move(reading));
  known.InsertNode(&owned.back(), place);
  return &owned.back();
}

const Reading *AffineStep::direct(unsigned state, Kind kind) {
  Reading reading;
  reading.kind = kind;
  reading.state = state;
  reading.dims = dims.of(states[state].state.layout);
  reading.isReal = kind != Kind::State || !isa<ComplexType>(states[state].type());
  return make(std::move(reading));
}

/// The sum over `over`, all of which the reading varies along, of factor times the reading, as a factor times a
/// reading.
std::pair<Expr, const Reading *> AffineStep::readOver(Expr factor, const Reading *reading, DimSet over) {
  // A sum of sums is one sum, unless the outer factor varies along what the inner sum runs over.
  if (reading->kind == Kind::Over && (factor->dims & reading->over).empty()) {
    factor = times(factor, reading->factor);
    over = over | reading->over;
    reading = reading->operand;
    factor = reduce(factor, over - reading->dims);
    over = over & reading->dims;
  }
  // The name of what is summed over does not matter, nor does its order.
  while ((reading->kind == Kind::Rename && over.contains(reading->to) && !factor->dims.contains(reading->from) &&
          !over.contains(reading->from)) ||
         (reading->kind == Kind::Flip && over.contains(reading->from))) {
    if (reading->kind == Kind::Rename) {
      factor = build.rename(factor, reading->to, reading->from);
      over = over.without(reading->to).with(reading->from);
    } else {
      factor = build.flip(factor, reading->from);
    }
    reading = reading->operand;
  }
  auto kind = algebra == Algebra::Sum ? Expression::Kind::Product : Expression::Kind::Sum;
  auto [inside, outside] = build.split(factor, over, kind);
  // What the factor varies along besides stays in the reading, so that the outside multiplies all of it.
  Reading sum;
  sum.kind = Kind::Over;
  sum.operand = reading;
  sum.factor = inside;
  sum.over = over;
  sum.isReal = reading->isReal && inside->isReal;
  sum.dims = (reading->dims | inside->dims.without(dims.scan())) - over;
  return {outside, make(std::move(sum))};
}

const Reading *AffineStep::rename(const Reading *reading, unsigned from, unsigned to) {
  if (!reading->dims.contains(from))
    return reading;
  if (reading->kind == Kind::Rename && reading->from == to && reading->to == from)
    return reading->operand;
  if (reading->kind == Kind::Over && !reading->over.contains(from) && !reading->over.contains(to)) {
    Reading sum = *reading;
    sum.SetNextInBucket(nullptr);
    sum.operand = rename(reading->operand, from, to);
    sum.factor = build.rename(reading->factor, from, to);
    sum.dims = reading->dims.without(from).with(to);
    return make(std::move(sum));
  }
  Reading moved;
  moved.kind = Kind::Rename;
  moved.operand = reading;
  moved.from = from;
  moved.to = to;
  moved.isReal = reading->isReal;
  moved.dims = reading->dims.without(from).with(to);
  return make(std::move(moved));
}

const Reading *AffineStep::flip(const Reading *reading, unsigned dim) {
  if (!reading->dims.contains(dim))
    return reading;
  if (reading->kind == Kind::Flip && reading->from == dim)
    return reading->operand;
  if (reading->kind == Kind::Over) {
    Reading sum = *reading;
    sum.SetNextInBucket(nullptr);
    sum.operand = flip(reading->operand, dim);
    sum.factor = build.flip(reading->factor, dim);
    return make(std::move(sum));
  }
  Reading moved;
  moved.kind = Kind::Flip;
  moved.operand = reading;
  moved.from = dim;
  moved.isReal = reading->isReal;
  moved.dims = reading->dims;
  return make(std::move(moved));
}

/// A part of a complex reading in the parts of its state.
Affine AffineStep::partOf(const Reading *reading, bool imaginary) {
  auto found = parts.find({reading, imaginary});
  if (found == parts.end())
    found = parts.emplace(std::pair(reading, imaginary), makePart(reading, imaginary)).first;
  return found->second;
}

Affine AffineStep::makePart(const Reading *reading, bool imaginary) {
  auto ofOperand = [&](bool wanted) -> Affine {
    if (!reading->operand->isReal)
      return partOf(reading->operand, wanted);
    return wanted ? Affine() : Affine{{{reading->operand, one()}}, nullptr};
  };
  switch (reading->kind) {
  case Kind::State:
    return {{{direct(reading->state, imaginary ? Kind::Im : Kind::Re), one()}}, nullptr};
  case Kind::Rename:
    return rename(ofOperand(imaginary), reading->from, reading->to);
  case Kind::Flip:
    return flip(ofOperand(imaginary), reading->from);
  case Kind::Over: {
    Expr re = nullIfZero(build.re(reading->factor)), im = nullIfZero(build.im(reading->factor));
    Affine value = imaginary ? join(scale(ofOperand(false), im), scale(ofOperand(true), re))
                             : join(scale(ofOperand(false), re), scale(ofOperand(true), im ? build.neg(im) : nullptr));
    return reduce(value, reading->over);
  }
  case Kind::Re:
  case Kind::Im:
    break;
  }
  llvm_unreachable("a real reading has no parts");
}
