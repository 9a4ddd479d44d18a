// What a recurrence is, for the tuning database: two descriptions with one key have kernels of one shape.

#include "schedule/TuningKey.h"
#include "dialect/RowPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace ssm;

/// The step as text: operations in order with the numbers of their operands, and attributes other than stored types.
static std::string describe(RecurrenceOp recurrence) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    stream << dim.getName().getValue() << ':' << recurrence.extentOf(dim.getName()) << ' ';
  stream << "scan " << recurrence.getScan() << (recurrence.getReverse() ? " reverse\n" : "\n");
  llvm::DenseMap<Value, unsigned> numbers;
  for (Operation &op : recurrence.getBody().front()) {
    stream << op.getName();
    for (Value operand : op.getOperands())
      stream << ' ' << numbers.lookup(operand);
    for (NamedAttribute attribute : op.getAttrs()) {
      bool isValue = isa<arith::ConstantOp, complex::ConstantOp>(op) && attribute.getName() == "value";
      if (!isValue && attribute.getName() != "stored")
        stream << ' ' << attribute.getName().getValue() << '=' << attribute.getValue();
    }
    for (Value result : op.getResults()) {
      numbers[result] = numbers.size() + 1;
      // Real or complex; how wide follows from stored types.
      stream << (isa<ComplexType>(result.getType()) ? " c" : " r");
    }
    stream << '\n';
  }
  return text;
}

static std::string typesText(RecurrenceOp recurrence) {
  std::vector<std::string> all;
  llvm::SmallVector<Type> types;
  auto add = [&](StringRef name, std::optional<Type> stored, Type value) {
    std::string text = name.str() + "=";
    llvm::raw_string_ostream(text) << stored.value_or(value);
    all.push_back(text);
    types.push_back(stored.value_or(value));
  };
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    add(input.getName(), input.getStored(), input.getType());
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    add(output.getName(), output.getStored(), output.getValue().getType());
  for (const State &state : getStates(recurrence))
    add(state.name, state.stored ? std::optional(state.stored) : std::nullopt, state.type);
  std::string one;
  if (!types.empty() && llvm::all_equal(types))
    llvm::raw_string_ostream(one) << types.front();
  return one.empty() ? llvm::join(all, ",") : one;
}

std::string ssm::sizesText(RecurrenceOp recurrence) {
  std::vector<std::string> parts;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      parts.push_back(dim.getName().getValue().str() + "=" +
                      (dim.getSize() ? std::to_string(*dim.getSize()) : std::string("?")));
  return llvm::join(parts, ",");
}

TuningKey ssm::makeTuningKey(RecurrenceOp recurrence, const Target &target, StringRef gpu, const SizeHints &hints) {
  TuningKey key;
  std::array<uint8_t, 32> hash = llvm::SHA256::hash(llvm::arrayRefFromStringRef(describe(recurrence)));
  key.description = llvm::toHex(llvm::ArrayRef(hash).take_front(16), /*LowerCase=*/true);
  key.target = target.gpu ? gpu.str()
                          : "cpu/" + std::to_string(target.vectorRegisters) + "x" + std::to_string(target.vectorBytes);
  RowPlan rows(recurrence);
  key.mode = std::string(rows.isPacked() ? "packed " : "") + (rows.isInPlace() ? "step" : "forward");
  key.dtype = typesText(recurrence);
  DimensionAnalysis dims(recurrence);
  DimSet held = dimsHeldWhole(recurrence, dims);
  std::vector<std::string> parts;
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    if (recurrence.extentOf(dims.name(dim)) != dims.name(dim))
      continue;
    std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
    if (auto hint = hints.find(dims.name(dim)); !size && hint != hints.end())
      size = hint->second;
    parts.push_back(dims.name(dim).str() + "=" +
                    (!size                ? "?"
                     : held.contains(dim) ? std::to_string(*size)
                                          : "2^" + std::to_string(*size > 1 ? llvm::Log2_64_Ceil(*size) : 0)));
  }
  key.sizeClass = llvm::join(parts, ",");
  return key;
}
