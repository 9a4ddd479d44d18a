// The numbers of each value at one time step.

#include "codegen/interpreter/Columns.h"

using namespace mlir;
using namespace ssm;

Column &Columns::define(Value value) {
  auto column = std::make_unique<Column>(gridOf(value).count());
  return *(columns[value] = std::move(column));
}

Operand Columns::read(Value value, DimSet at) {
  std::shared_ptr<const Offsets> &offsets = broadcasts[{numbersOf(dims.of(value)), numbersOf(at)}];
  if (!offsets) {
    Grid from = gridOf(value);
    offsets = std::make_shared<Offsets>(gridOf(at).tabulate([&](Coordinate c) { return from.positionOf(c); }));
  }
  return {&of(value), offsets};
}

std::vector<unsigned> Columns::numbersOf(DimSet set) const {
  std::vector<unsigned> numbers;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim != dims.scan() && set.contains(dim))
      numbers.push_back(dim);
  return numbers;
}

void ssm::write(Tensor &tensor, int64_t offset, Number number) {
  if (isComplex(tensor.dtype()))
    tensor.setComplex(offset, number);
  else
    tensor.setReal(offset, number.real());
}

DType ssm::resultType(Type type) { return isa<ComplexType>(type) ? DType::C128 : DType::F64; }
