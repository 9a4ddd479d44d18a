// The arrays that say where rows have their steps and states, as a user brings them.

#include "codegen/binding/RowArrays.h"
#include "dialect/RowPlan.h"
#include "runtime/Safetensors.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

std::map<std::string, Tensor> ssm::takeRowArrays(RecurrenceOp recurrence, GivenTensors &tensors) {
  std::map<std::string, Tensor> arrays;
  for (StringRef name : RowPlan::arrays()) {
    bool isInput = llvm::any_of(recurrence.getBody().front().getOps<InputOp>(),
                                [&](InputOp input) { return input.getName() == name; });
    if (auto array = tensors.inputs.extract(isInput ? std::string() : name.str()))
      arrays.emplace(name.str(), array.mapped());
  }
  return arrays;
}

Expected<std::vector<std::string>> ssm::describeRowArrays(const std::map<std::string, Tensor> &arrays) {
  std::vector<std::string> described;
  for (const auto &[name, tensor] : arrays) {
    if (tensor.dtype() != DType::I32 && tensor.dtype() != DType::I64)
      return llvm::createStringError("'" + name + "' has elements of type " + std::string(dtypeName(tensor.dtype())) +
                                     "; expected i32 or i64");
    described.push_back(name + (tensor.dtype() == DType::I64 ? "=i64" : "=i32"));
  }
  return described;
}

Error ssm::addRowArrays(RecurrenceOp recurrence, const GivenTensors &tensors, SizeSolver &solver) {
  RowPlan plan(recurrence);
  for (const auto &[name, tensor] : tensors.rows) {
    LayoutAttr layout = plan.layoutOf(name);
    if (tensor.rank() != layout.getRank())
      return llvm::createStringError(
          "'" + name + "' has the shape " + shapeText(tensor.shape()) + "; expected " +
          (name == "cu_seqlens" ? "one axis of a number more than there are rows" : layoutText(layout)));
    int64_t more = name == "cu_seqlens";
    if (tensor.size(0) < more)
      return llvm::createStringError("'" + name + "' has no entry; it has one more than there are rows");
    for (unsigned axis = 0; axis < layout.getRank(); ++axis)
      solver.addAxis(name, axis, tensor.size(axis) - more, layout.getAxis(axis));
  }
  return Error::success();
}

static Error checkBoundaries(const Tensor &tensor, int64_t steps) {
  int64_t before = 0;
  for (int64_t row = 0; row < tensor.size(0); ++row) {
    int64_t step = tensor.integer(row * tensor.stride(0));
    const std::string entry = "cu_seqlens[" + std::to_string(row) + "] is " + std::to_string(step);
    if (row == 0 && step != 0)
      return llvm::createStringError(entry + "; the first sequence begins at 0");
    if (step < before)
      return llvm::createStringError(entry + ", less than the " + Twine(before) + " before it");
    if (row + 1 == tensor.size(0) && step != steps)
      return llvm::createStringError(entry + "; the last entry is the number of steps, " + Twine(steps));
    before = step;
  }
  return Error::success();
}

/// The size of the pool: that of the states, or as large as the slots ask for.
static Expected<int64_t> poolSize(RecurrenceOp recurrence, const GivenTensors &tensors, int64_t rows) {
  std::optional<int64_t> size;
  for (const auto *states : {&tensors.initialStates, &tensors.finalStates})
    for (const auto &[name, tensor] : *states) {
      if (size.value_or(tensor.size(0)) != tensor.size(0))
        return llvm::createStringError("tensor 'state." + name + "' has " + Twine(tensor.size(0)) +
                                       " slots, and another state " + Twine(*size));
      size = tensor.size(0);
    }
  if (size)
    return *size;
  int64_t most = rows;
  for (const char *name : {"slots_in", "slots_out", "slots_at"})
    if (auto array = tensors.rows.find(name); array != tensors.rows.end())
      forEachOffset(array->second, [&](int64_t offset) { most = std::max(most, array->second.integer(offset) + 1); });
  return most;
}

Error ssm::bindRowArrays(RecurrenceOp recurrence, const GivenTensors &tensors, SpecializeParameters &bound,
                         std::map<std::string, int64_t> *launch) {
  RowPlan plan(recurrence);
  const std::string scanned = recurrence.getScan().str(), rows = plan.dim().str();
  std::map<std::string, int64_t> open;
  auto rowCount = bound.dims.find(rows);
  if (plan.isPacked()) {
    auto steps = bound.dims.find(scanned);
    if (steps == bound.dims.end())
      return llvm::createStringError("no tensor tells how many steps there are along '" + scanned + "'");
    if (Error error = checkBoundaries(tensors.rows.at("cu_seqlens"), steps->second))
      return error;
    open[scanned] = steps->second;
    bound.dims.erase(steps);
  }
  if (plan.hasPool() && rowCount != bound.dims.end()) {
    Expected<int64_t> size = poolSize(recurrence, tensors, rowCount->second);
    if (!size)
      return size.takeError();
    open[RowPlan::slots.str()] = *size;
  }
  if (launch)
    *launch = std::move(open);
  return Error::success();
}
