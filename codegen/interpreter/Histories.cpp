// What the states of a recurrence were 1, 2, … steps ago, from before the first step to after the last.

#include "codegen/interpreter/Histories.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

Error Histories::declare() {
  for (const State &state : getStates(recurrence)) {
    History &history = histories[state.name.str()];
    history.state = state;
    history.grid = columns.gridOf(dims.of(state.layout));
    history.addressing = Addressing(state.layout, dims, sizes);
    history.depth = state.isWindow() ? std::max<int64_t>(sizes[*dims.number(state.tap)] - 1, 0) : state.depth;
    std::optional<Shape> shape = history.addressing.shape();
    if (!shape)
      return refuse(recurrence, "state '" + state.name + "' is too large");
    history.shape = *shape;
    if (history.depth > 1)
      history.shape.push_back(history.depth);
  }
  return Error::success();
}

Error Histories::start(const std::map<std::string, Tensor> &arrays) {
  for (auto &[name, history] : histories)
    if (Error error = seed(history, arrays, 0))
      return error;
  return Error::success();
}

/// `chain` counts the states that were followed by `seeded_by`.
Error Histories::seed(History &history, const std::map<std::string, Tensor> &arrays, unsigned chain) {
  const State &state = history.state;
  if (!history.past.empty())
    return Error::success();
  if (chain > histories.size())
    return refuse(recurrence, "state '" + state.name + "' is seeded by itself");
  if (auto given = arrays.find(state.name.str()); given != arrays.end())
    return fill(history, given->second);

  Column column(history.grid.count());
  Value initial = lookupInitial(recurrence, state.name);
  auto seeder = histories.find(state.seededBy.str());
  if (seeder != histories.end() && (arrays.count(seeder->first) || !initial)) {
    if (Error error = seed(seeder->second, arrays, chain + 1))
      return error;
    if (seeder->second.depth != 1)
      return refuse(recurrence, "state '" + state.name + "' is seeded by '" + state.seededBy +
                                    "', which carries more than one step");
    column = seeder->second.past.front();
  } else if (initial) {
    Operand value = columns.read(initial, dims.of(state.layout));
    for (size_t i = 0; i < column.size(); ++i)
      column[i] = value.at(i);
  }
  history.past.assign(history.depth, column);
  return Error::success();
}

Error Histories::fill(History &history, const Tensor &array) const {
  const State &state = history.state;
  if (history.depth == 0)
    return refuse(recurrence, "state '" + state.name + "' is given, but a window of one tap carries nothing");
  if (Error error = checkTensor(recurrence, "state '" + state.name + "'", array, history.shape, state.type))
    return error;
  Offsets offsets =
      history.grid.tabulate([&](Coordinate c) { return history.addressing.offsetOf(c, array.strides()); });
  int64_t backStride = history.depth > 1 ? array.strides().back() : 0;
  history.past.assign(history.depth, Column(offsets.size()));
  for (int64_t back = 0; back < history.depth; ++back)
    for (size_t i = 0; i < offsets.size(); ++i)
      history.past[back][i] = array.complex(offsets[i] + back * backStride);
  return Error::success();
}

void Histories::advance() {
  for (auto &[name, history] : histories) {
    if (history.depth == 0)
      continue;
    // The oldest column's memory takes the newest values.
    Column column = std::move(history.past.back());
    history.past.pop_back();
    for (size_t i = 0; i < column.size(); ++i)
      column[i] = history.next->at(i);
    history.past.push_front(std::move(column));
  }
}

Expected<std::map<std::string, Tensor>> Histories::handBack() const {
  std::map<std::string, Tensor> arrays;
  for (const auto &[name, history] : histories) {
    if (history.depth == 0)
      continue;
    Result<Tensor> array = Tensor::allocate(resultType(history.state.type), history.shape);
    if (!array)
      return refuse(recurrence, "state '" + name + "': " + array.error());
    Offsets offsets =
        history.grid.tabulate([&](Coordinate c) { return history.addressing.offsetOf(c, array->strides()); });
    int64_t backStride = history.depth > 1 ? array->strides().back() : 0;
    for (int64_t back = 0; back < history.depth; ++back)
      for (size_t i = 0; i < offsets.size(); ++i)
        write(*array, offsets[i] + back * backStride, history.past[back][i]);
    arrays.emplace(name, *array);
  }
  return arrays;
}
