// The operations of level 0: textual pieces shared by their assembly forms, and the verifier of each.

#include "dialect/AttributeText.h"
#include "dialect/DimensionAnalysis.h"
#include "dialect/LayoutVerifier.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ssm;

//===----------------------------------------------------------------------===//
// custom<…> directives
//===----------------------------------------------------------------------===//

static ParseResult parseName(OpAsmParser &parser, StringAttr &name) {
  std::string text;
  if (parser.parseKeywordOrString(&text))
    return failure();
  name = parser.getBuilder().getStringAttr(text);
  return success();
}

static void printName(OpAsmPrinter &printer, Operation *, StringAttr name) { printer.printKeywordOrString(name); }

static ParseResult parseNames(OpAsmParser &parser, ArrayAttr &names) {
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
        StringAttr name;
        ParseResult result = parseName(parser, name);
        list.push_back(name);
        return result;
      }))
    return failure();
  names = parser.getBuilder().getArrayAttr(list);
  return success();
}

static void printNames(OpAsmPrinter &printer, Operation *, ArrayAttr names) {
  printer << '[';
  llvm::interleaveComma(names.getAsRange<StringAttr>(), printer,
                        [&](StringAttr name) { printer.printKeywordOrString(name); });
  printer << ']';
}

static ParseResult parseDims(OpAsmParser &parser, ArrayAttr &dims) {
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
        DimAttr dim;
        ParseResult result = parseDim(parser, dim);
        list.push_back(dim);
        return result;
      }))
    return failure();
  dims = parser.getBuilder().getArrayAttr(list);
  return success();
}

static void printDims(OpAsmPrinter &printer, Operation *, ArrayAttr dims) {
  printer << '[';
  llvm::interleaveComma(dims, printer, [&](Attribute dim) {
    if (auto known = dyn_cast<DimAttr>(dim))
      printDim(printer, known);
    else
      printer << dim;
  });
  printer << ']';
}

static ParseResult parseNumber(OpAsmParser &parser, FloatAttr &number) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  number = parser.getBuilder().getF64FloatAttr(value);
  return success();
}

static void printNumber(OpAsmPrinter &printer, Operation *, FloatAttr number) { printer.printFloat(number.getValue()); }

#define GET_OP_CLASSES
#include "dialect/SsmOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

RecurrenceOp ssm::parentOf(Operation *op) { return dyn_cast_or_null<RecurrenceOp>(op->getParentOp()); }

FailureOr<RecurrenceOp> ssm::verifyParent(Operation *op) {
  if (RecurrenceOp recurrence = parentOf(op))
    return recurrence;
  return op->emitOpError("expects to stand in an ssm.recurrence");
}

LogicalResult ssm::verifyDeclared(Operation *op, StringRef name) {
  FailureOr<RecurrenceOp> recurrence = verifyParent(op);
  if (failed(recurrence))
    return failure();
  if (!recurrence->lookupDim(name))
    return op->emitOpError("names the dimension '") << name << "', which the recurrence does not declare";
  return success();
}

LogicalResult ssm::verifyLayout(Operation *op, LayoutAttr layout, Time time) {
  llvm::StringSet<> seen;
  for (StringRef name : layout.getDims()) {
    if (failed(verifyDeclared(op, name)))
      return failure();
    if (!seen.insert(name).second)
      return op->emitOpError("names the dimension '") << name << "' twice in its layout";
  }
  StringRef scan = parentOf(op) ? parentOf(op).getScan() : StringRef();
  if (time == Time::Required && !seen.contains(scan))
    return op->emitOpError("lacks the scanned dimension '") << scan << "' in its layout";
  if (time == Time::Excluded && seen.contains(scan))
    return op->emitOpError("has the scanned dimension '") << scan << "' in its layout";
  return success();
}

LogicalResult ssm::verifyStored(Operation *op, std::optional<Type> stored, Type value) {
  if (!stored)
    return success();
  Type element = *stored;
  if (auto complex = dyn_cast<ComplexType>(*stored)) {
    element = complex.getElementType();
    if (!element.isF32() && !element.isF64())
      return op->emitOpError("cannot be stored as ") << *stored << "; expected a complex of f32 or f64";
  } else if (!element.isF32() && !element.isF64() && !element.isBF16() && !element.isF16()) {
    return op->emitOpError("cannot be stored as ") << *stored << "; expected f32, f64, bf16 or f16";
  }
  if (isa<ComplexType>(*stored) != isa<ComplexType>(value))
    return op->emitOpError("cannot be stored as ") << *stored << ", since its value is of type " << value;
  return success();
}

LogicalResult ssm::verifyFits(Operation *op, Value value, LayoutAttr layout) {
  RecurrenceOp recurrence = parentOf(op);
  DimensionAnalysis dims(recurrence);
  DimSet extra = (dims.of(value) - dims.of(layout)).without(dims.scan());
  if (!extra.empty())
    return op->emitOpError("has a value that varies along '")
           << dims.list(extra).front() << "', which its layout lacks; sum over that dimension, or add it to the layout";
  return success();
}

static std::optional<State> lookupState(Operation *op, StringRef name) {
  for (State &state : getStates(parentOf(op)))
    if (state.name == name)
      return state;
  return std::nullopt;
}

LogicalResult InputOp::verify() { // input_c1, input_c2
  return success(succeeded(verifyLayout(*this, getLayout(), Time::Allowed)) &&
                 succeeded(verifyStored(*this, getStored(), getType())));
}

LogicalResult OptionOp::verify() { // option_c1
  FailureOr<RecurrenceOp> recurrence = verifyParent(*this);
  if (failed(recurrence))
    return failure();
  DictionaryAttr options = recurrence->getOptions().value_or(DictionaryAttr::get(getContext()));
  Attribute value = options.get(getName());
  if (!value)
    return emitOpError("names '") << getName() << "', which is not an option of the recurrence";
  bool isTruth = getType().isInteger(1);
  if (getIs() ? !isa<StringAttr>(value) || !isTruth : isTruth ? !isa<BoolAttr>(value) : !isa<FloatAttr>(value))
    return emitOpError("of type ") << getType() << " does not fit the option's value " << value;
  return success();
}

LogicalResult GivenOp::verify() { // given_c1
  FailureOr<RecurrenceOp> recurrence = verifyParent(*this);
  if (failed(recurrence))
    return failure();
  for (auto input : recurrence->getBody().front().getOps<InputOp>())
    if (input.getName() == getName() && input.getOptional())
      return success();
  return emitOpError("names '") << getName() << "', which is not an optional input";
}

LogicalResult PreviousOp::verify() {
  if (failed(verifyLayout(*this, getLayout(), Time::Excluded)) || // previous_c1
      failed(verifyStored(*this, getStored(), getType())))        // previous_c5
    return failure();
  if (getBack() < 1) // previous_c2
    return emitOpError("looks ") << getBack() << " steps back; expected 1 or more";
  for (auto other : parentOf(*this).getBody().front().getOps<PreviousOp>()) {
    if (other.getName() == getName() &&
        (other.getLayout() != getLayout() || other.getStored() != getStored() || other.getType() != getType() ||
         other.getSeededBy() != getSeededBy())) // previous_c3
      return emitOpError("declares the state '") << getName() << "' otherwise than another previous does";
  }
  if (std::optional<StringRef> seed = getSeededBy()) {
    std::optional<State> source = lookupState(*this, *seed);
    if (!source || *seed == getName() || source->layout != getLayout() || source->type != getType() ||
        source->isWindow()) // previous_c4
      return emitOpError("is seeded by '") << *seed << "', which is not another state of its layout and type";
  }
  return success();
}

/// `next` and `initial` speak of a state that some `previous` declares, with a value that fits its layout.
template <typename OpTy> static FailureOr<State> verifyOfState(OpTy op) {
  if (failed(verifyParent(op)))
    return failure();
  std::optional<State> state = lookupState(op, op.getName());
  if (!state)
    return op.emitOpError("speaks of the state '") << op.getName() << "', which no previous declares";
  if (state->type != op.getValue().getType())
    return op.emitOpError("has a value of type ") << op.getValue().getType() << "; the state's is " << state->type;
  if (failed(verifyFits(op, op.getValue(), state->layout)))
    return failure();
  return *state;
}

LogicalResult NextOp::verify() { return verifyOfState(*this); } // next_c1, next_c2

LogicalResult InitialOp::verify() {
  if (failed(verifyOfState(*this))) // initial_c1, initial_c2
    return failure();
  if (DimensionAnalysis(parentOf(*this)).variesInTime(getValue())) // initial_c2
    return emitOpError("has a value that varies in time");
  return success();
}

bool DerivativeOp::isMethod(StringRef name) {
  return name == "zoh" || name == "bilinear" || name == "euler" || name == "exp_euler";
}

LogicalResult DerivativeOp::verify() {
  if (failed(verifyParent(*this)))
    return failure();
  auto previous = getState().getDefiningOp<PreviousOp>();
  if (!previous || previous.getName() != getName() || previous.getBack() != 1) // derivative_c1
    return emitOpError("expects its state to be the previous value of '") << getName() << "'";
  if (!isMethod(getMethod())) // derivative_c2
    return emitOpError("has the unknown method '") << getMethod() << "'; expected zoh, bilinear, euler or exp_euler";
  if (getState().getType() != getType() || getRate().getType() != getType())
    return emitOpError("expects state, rate and result to be of one type");
  return verifyFits(*this, getResult(), previous.getLayout());
}

LogicalResult OutputOp::verify() {
  if (failed(verifyLayout(*this, getLayout(), Time::Required)) ||     // output_c1
      failed(verifyStored(*this, getStored(), getValue().getType()))) // output_c3
    return failure();
  return verifyFits(*this, getValue(), getLayout()); // output_c2
}

static LogicalResult verifyReduction(Operation *op, ArrayAttr over) {
  llvm::StringSet<> seen;
  for (auto name : over.getAsRange<StringAttr>()) {
    if (failed(verifyDeclared(op, name)))
      return failure();
    if (name == parentOf(op).getScan())
      return op->emitOpError("runs over the scanned dimension '") << name.getValue() << "'";
    if (!seen.insert(name).second)
      return op->emitOpError("names the dimension '") << name.getValue() << "' twice";
  }
  return success();
}

LogicalResult SumOp::verify() { return verifyReduction(*this, getOver()); }  // sum_c1
LogicalResult MaxOp::verify() { return verifyReduction(*this, getOver()); }  // max_c1
LogicalResult MeanOp::verify() { return verifyReduction(*this, getOver()); } // mean_c1

LogicalResult IndexOp::verify() { return verifyDeclared(*this, getDim()); } // index_c1
LogicalResult SizeOp::verify() { return verifyDeclared(*this, getDim()); }  // size_c1

LogicalResult RenameOp::verify() {
  if (failed(verifyDeclared(*this, getFrom())) || failed(verifyDeclared(*this, getTo()))) // rename_c1
    return failure();
  RecurrenceOp recurrence = parentOf(*this);
  if (getFrom() == getTo() || recurrence.extentOf(getFrom()) != recurrence.extentOf(getTo()) ||
      recurrence.extentOf(getFrom()) == recurrence.getScan()) // rename_c1
    return emitOpError("expects two dimensions of one extent, declared by like, neither of them scanned; found '")
           << getFrom() << "' and '" << getTo() << "'";
  DimensionAnalysis dims(recurrence);
  if (dims.of(getValue()).contains(*dims.number(getTo()))) // rename_c2
    return emitOpError("has an operand that varies along '") << getTo() << "' already";
  return success();
}

LogicalResult FlipOp::verify() { // flip_c1
  if (failed(verifyDeclared(*this, getDim())))
    return failure();
  if (getDim() == parentOf(*this).getScan())
    return emitOpError("reverses the scanned dimension '") << getDim() << "'";
  return success();
}

LogicalResult DelayOp::verify() {
  if (failed(verifyDeclared(*this, getTap()))) // delay_c1
    return failure();
  RecurrenceOp recurrence = parentOf(*this);
  DimensionAnalysis dims(recurrence);
  if (getTap() == recurrence.getScan() || dims.of(getValue()).contains(*dims.number(getTap()))) // delay_c1
    return emitOpError("needs a new dimension for its taps; '")
           << getTap() << "' is scanned, or its operand varies along it";
  if (failed(verifyLayout(*this, getLayout(), Time::Excluded)) || // delay_c2, delay_c3
      failed(verifyStored(*this, getStored(), getType())))
    return failure();
  if (dims.of(getLayout()).contains(*dims.number(getTap()))) // delay_c3
    return emitOpError("has its tap dimension '") << getTap() << "' in its layout";
  return verifyFits(*this, getValue(), getLayout()); // delay_c2
}
