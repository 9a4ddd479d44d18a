// Binds arguments to a recurrence, and refuses those that do not fit it.

#include "codegen/interpreter/Arguments.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

Error ssm::refuse(RecurrenceOp recurrence, const Twine &why) {
  return llvm::createStringError("recurrence '" + recurrence.getSymName() + "': " + why);
}

Expected<SmallVector<int64_t>> ssm::bindSizes(RecurrenceOp recurrence, const InterpreterArguments &arguments) {
  std::map<std::string, int64_t> extents;
  for (const auto &[name, size] : arguments.sizes) {
    if (!recurrence.lookupDim(name))
      return refuse(recurrence, "a size is given for '" + name + "', which is not a dimension of it");
    if (size < 0)
      return refuse(recurrence, "dimension '" + name + "' has the negative size " + Twine(size));
    StringRef owner = recurrence.extentOf(name);
    auto [known, isNew] = extents.try_emplace(owner.str(), size);
    if (!isNew && known->second != size)
      return refuse(recurrence, "dimension '" + name + "' has the size " + Twine(size) + ", but dimensions like '" +
                                    owner + "' also have the size " + Twine(known->second));
  }
  SmallVector<int64_t> sizes;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>()) {
    StringRef name = dim.getName();
    auto passed = extents.find(recurrence.extentOf(name).str());
    std::optional<int64_t> size = passed != extents.end() ? passed->second : recurrence.sizeOf(name);
    if (!size)
      return refuse(recurrence, "the size of dimension '" + name + "' is not given and has no default");
    sizes.push_back(*size);
  }
  return sizes;
}

static StringRef kindOf(Attribute value) {
  if (isa<BoolAttr>(value))
    return "true or false";
  return isa<StringAttr>(value) ? "a word" : "a number";
}

Expected<DictionaryAttr> ssm::bindOptions(RecurrenceOp recurrence, const InterpreterArguments &arguments) {
  NamedAttrList options(recurrence.getOptionsAttr());
  if (arguments.options)
    for (NamedAttribute option : arguments.options) {
      Attribute declared = options.get(option.getName());
      if (!declared)
        return refuse(recurrence, "it has no option '" + option.getName().getValue() + "'");
      if (kindOf(declared) != kindOf(option.getValue()))
        return refuse(recurrence, "option '" + option.getName().getValue() + "' is " + kindOf(declared) + ", not " +
                                      kindOf(option.getValue()));
      options.set(option.getName(), option.getValue());
    }
  return options.getDictionary(recurrence.getContext());
}

Error ssm::checkNames(RecurrenceOp recurrence, const InterpreterArguments &arguments) {
  llvm::StringSet<> inputs, states, params;
  for (Operation &op : recurrence.getBody().front()) {
    if (auto input = dyn_cast<InputOp>(op))
      inputs.insert(input.getName());
    else if (auto param = dyn_cast<ParamOp>(op))
      params.insert(param.getName());
  }
  for (const State &state : getStates(recurrence))
    states.insert(state.name);
  auto check = [&](const auto &passed, const llvm::StringSet<> &declared, StringRef what) -> Error {
    for (const auto &[name, value] : passed)
      if (!declared.contains(name))
        return refuse(recurrence, "it has no " + what + " '" + name + "'");
    return Error::success();
  };
  if (Error error = check(arguments.inputs, inputs, "input"))
    return error;
  if (Error error = check(arguments.states, states, "state"))
    return error;
  return check(arguments.params, params, "parameter");
}

Error ssm::checkTensor(RecurrenceOp recurrence, const Twine &what, const Tensor &tensor, const Shape &shape,
                       Type type) {
  if (tensor.shape() != shape)
    return refuse(recurrence, what + " has the shape " + shapeText(tensor.shape()) + "; expected " + shapeText(shape));
  bool fits = isa<ComplexType>(type) ? isComplex(tensor.dtype()) : isFloat(tensor.dtype());
  if (!fits)
    return refuse(recurrence, what + " has elements of type " + dtypeName(tensor.dtype()) + "; expected " +
                                  (isa<ComplexType>(type) ? "complex" : "real floating-point") + " numbers");
  return Error::success();
}
