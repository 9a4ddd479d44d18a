// The operations of level 1: their text, and the verifier of each.

#include "dialect/AttributeText.h"
#include "dialect/DimensionAnalysis.h"
#include "dialect/LayoutVerifier.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace ssm;

//===----------------------------------------------------------------------===//
// StateAttr
//===----------------------------------------------------------------------===//

ParseResult ssm::parseState(AsmParser &parser, StateAttr &state) {
  std::string name, seed;
  LayoutAttr layout;
  int64_t back = 1;
  StringAttr part, seededBy;
  Type stored;
  if (parser.parseString(&name) || parseLayout(parser, layout))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("back")) && parser.parseInteger(back))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("part"))) {
    StringRef word;
    if (parser.parseKeyword(&word))
      return failure();
    part = parser.getBuilder().getStringAttr(word);
  }
  if (succeeded(parser.parseOptionalKeyword("stored")) && parser.parseType(stored))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("seeded_by"))) {
    if (parser.parseString(&seed))
      return failure();
    seededBy = parser.getBuilder().getStringAttr(seed);
  }
  state = StateAttr::get(parser.getContext(), parser.getBuilder().getStringAttr(name), layout, back, part, stored,
                         seededBy);
  return success();
}

void ssm::printState(AsmPrinter &printer, StateAttr state) {
  printer.printString(state.getName());
  printer << ' ';
  printLayout(printer, nullptr, state.getLayout());
  if (state.getBack() != 1)
    printer << " back " << state.getBack();
  if (state.getPart())
    printer << " part " << state.getPart().getValue();
  if (state.getStored())
    printer << " stored " << state.getStored();
  if (state.getSeededBy()) {
    printer << " seeded_by ";
    printer.printString(state.getSeededBy());
  }
}

Attribute StateAttr::parse(AsmParser &parser, Type) {
  StateAttr state;
  if (parser.parseLess() || parseState(parser, state) || parser.parseGreater())
    return {};
  return state;
}

void StateAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printState(printer, *this);
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Text of a scan
//===----------------------------------------------------------------------===//

namespace {
/// The operands of a scan under one word, and their types where they are not those of the results.
struct Group {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  SMLoc loc;

  ParseResult parse(OpAsmParser &parser) {
    loc = parser.getCurrentLocation();
    if (parser.parseLParen() || parser.parseOperandList(operands) ||
        (succeeded(parser.parseOptionalColon()) && parser.parseTypeList(types)) || parser.parseRParen())
      return failure();
    return success();
  }

  /// Operand i is of result i's type unless its type was written; `each` is false where all are of the first's.
  ParseResult resolve(OpAsmParser &parser, ArrayRef<Type> results, bool each, OperationState &state) {
    for (unsigned i = types.size(); i < operands.size(); ++i)
      types.push_back(results[each && i < results.size() ? i : 0]);
    return parser.resolveOperands(operands, types, loc, state.operands);
  }
};
} // namespace

static ParseResult parseNameList(OpAsmParser &parser, NamedAttrList &attributes, StringRef attribute) {
  SmallVector<Attribute> names;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
        std::string name;
        if (parser.parseKeywordOrString(&name))
          return failure();
        names.push_back(parser.getBuilder().getStringAttr(name));
        return success();
      }))
    return failure();
  attributes.set(attribute, parser.getBuilder().getArrayAttr(names));
  return success();
}

ParseResult ScanOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  SmallVector<Attribute> states;
  if (parser.parseCommaSeparatedList([&]() -> ParseResult {
        StateAttr state;
        ParseResult parsed = parseState(parser, state);
        states.push_back(state);
        return parsed;
      }))
    return failure();
  result.addAttribute("states", builder.getArrayAttr(states));

  enum { Transition, Left, Right, Drive, Init, GroupCount };
  Group groups[GroupCount];
  auto flag = [&](StringRef word) {
    if (succeeded(parser.parseOptionalKeyword(word)))
      result.addAttribute(word, builder.getUnitAttr());
  };
  auto group = [&](StringRef word, unsigned which) -> ParseResult {
    return failed(parser.parseOptionalKeyword(word)) ? ParseResult(success()) : groups[which].parse(parser);
  };
  flag("max");
  flag("scalar");
  if (failed(parser.parseOptionalKeyword("identity"))) {
    if (succeeded(parser.parseOptionalKeyword("log_decay"))) {
      result.addAttribute("log", builder.getUnitAttr());
      if (groups[Transition].parse(parser))
        return failure();
    } else if (group("decay", Transition) || group("matrix", Transition)) {
      return failure();
    }
  }
  if (group("left", Left) || group("right", Right))
    return failure();
  for (StringRef word : {"over", "from"})
    if (succeeded(parser.parseOptionalKeyword(word)) && parseNameList(parser, result.attributes, word))
      return failure();
  SmallVector<Type> types;
  SMLoc loc = parser.getCurrentLocation();
  if (group("drive", Drive) || group("init", Init) || parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonTypeList(types))
    return failure();
  if (types.empty())
    return parser.emitError(loc, "expects the type of each stream");
  SmallVector<int32_t> segments;
  for (unsigned i = 0; i < GroupCount; ++i) {
    segments.push_back(groups[i].operands.size());
    if (groups[i].resolve(parser, types, /*each=*/i == Drive || i == Init, result))
      return failure();
  }
  if (groups[Left].operands.size() > 1 || groups[Right].operands.size() > 1)
    return parser.emitError(loc, "has more than one left or right");
  llvm::copy(segments, result.getOrAddProperties<Properties>().operandSegmentSizes.begin());
  result.addTypes(types);
  return success();
}

static void printGroup(OpAsmPrinter &printer, StringRef word, OperandRange operands, TypeRange results, bool each) {
  if (operands.empty())
    return;
  printer << ' ' << word << '(' << operands;
  auto differs = [&](unsigned i) {
    unsigned result = each && i < results.size() ? i : 0;
    return result >= results.size() || operands[i].getType() != results[result];
  };
  if (llvm::any_of(llvm::seq<unsigned>(0, operands.size()), differs))
    printer << " : " << operands.getTypes();
  printer << ')';
}

static void printNameList(OpAsmPrinter &printer, StringRef word, std::optional<ArrayAttr> names) {
  if (!names)
    return;
  printer << ' ' << word << " [";
  llvm::interleaveComma(names->getAsRange<StringAttr>(), printer,
                        [&](StringAttr name) { printer.printKeywordOrString(name); });
  printer << ']';
}

void ScanOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  llvm::interleaveComma(getStates().getAsRange<StateAttr>(), printer,
                        [&](StateAttr state) { printState(printer, state); });
  if (getMax())
    printer << " max";
  if (getScalar())
    printer << " scalar";
  TypeRange results = getStreams().getTypes();
  if (getTransition().empty())
    printer << " identity";
  else
    printGroup(printer,
               isCoupled() || isDense() ? "matrix"
               : getLog()               ? "log_decay"
                                        : "decay",
               getTransition(), results,
               /*each=*/false);
  printGroup(printer, "left", getODSOperands(1), results, false);
  printGroup(printer, "right", getODSOperands(2), results, false);
  printNameList(printer, "over", getOver());
  printNameList(printer, "from", getFrom());
  printGroup(printer, "drive", getDrive(), results, true);
  printGroup(printer, "init", getInit(), results, true);
  printer.printOptionalAttrDict((*this)->getAttrs(), {"states", "max", "scalar", "log", "over", "from",
                                                      getOperandSegmentSizesAttrName().getValue()});
  printer << " : " << results;
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

/// Past steps follow their state, newest first; the imaginary part of a step follows the real one.
static LogicalResult verifyOrder(ScanOp scan, unsigned i) {
  StateAttr state = scan.getState(i), last = i ? scan.getState(i - 1) : StateAttr();
  bool follows = last && last.getName() == state.getName();
  bool isIm = state.getPart() && state.getPart().getValue() == "im";
  if (isIm ? !follows || !last.getPart() || last.getPart().getValue() != "re" || last.getBack() != state.getBack()
           : state.getBack() != (follows ? last.getBack() + 1 : 1))
    return scan.emitOpError("has step ") << state.getBack() << (isIm ? " of the imaginary part" : "") << " of state "
                                         << state.getName() << " out of order";
  return success();
}

static LogicalResult verifyState(ScanOp scan, unsigned i, const DimensionAnalysis &dims) {
  StateAttr state = scan.getState(i);
  Type type = scan.getStreams()[i].getType();
  if (StringAttr part = state.getPart()) {
    if ((part.getValue() != "re" && part.getValue() != "im") || isa<ComplexType>(type))
      return scan.emitOpError("has part '")
             << part.getValue() << "' of type " << type << " of a state; expected re or im, of a real type";
    type = ComplexType::get(type);
  }
  if (failed(verifyLayout(scan, state.getLayout(), Time::Excluded)) ||
      failed(verifyStored(scan, state.getStored() ? std::optional(state.getStored()) : std::nullopt, type)))
    return failure();
  if (dims.of(state.getLayout()) != dims.of(scan.getState(0).getLayout()))
    return scan.emitOpError("has states of different dimensions, ")
           << scan.getState(0).getName() << " and " << state.getName();
  return verifyOrder(scan, i);
}

static LogicalResult verifyCounts(ScanOp scan) {
  size_t states = scan.getStates().size();
  if (scan.getStreams().size() != states || scan.getDrive().size() != states || // scan_c2
      (!scan.getInit().empty() && scan.getInit().size() != states))
    return scan.emitOpError("of ") << states << " states has " << scan.getStreams().size() << " results, "
                                   << scan.getDrive().size() << " drives and " << scan.getInit().size() << " inits";
  Type type = scan.getStreams()[0].getType();
  for (Type other :
       llvm::concat<const Type>(scan.getStreams().getTypes(), scan.getDrive().getTypes(), scan.getInit().getTypes()))
    if (other != type) // scan_c2
      return scan.emitOpError("has streams, drives or inits of different types, ") << type << " and " << other;
  size_t transition = scan.getTransition().size();
  if (states > 1 ? transition != states * states : transition > 1) // scan_c3
    return scan.emitOpError("of ") << states << " states has a transition of " << transition << " values; expected "
                                   << (states > 1 ? std::to_string(states * states) : "1 or none");
  bool left = bool(scan.getLeft()), right = bool(scan.getRight()), over = scan.getOver().has_value(),
       from = scan.getFrom().has_value();
  if (left != right || over != (left || from) || (left && from) || (over && states != 1) ||
      (from && transition != 1)) // scan_c3
    return scan.emitOpError("expects left and right with over, or a matrix with over and from, and one state");
  return success();
}

static LogicalResult verifyOver(ScanOp scan, RecurrenceOp recurrence, const DimensionAnalysis &dims) {
  if (!scan.getOver())
    return success();
  DimSet state = dims.of(scan.getState(0).getLayout());
  for (auto name : scan.getOver()->getAsRange<StringAttr>())
    if (!dims.number(name) || !state.contains(*dims.number(name)))
      return scan.emitOpError("is over ") << name << ", which is no dimension of its state";
  if (!scan.getFrom())
    return success();
  if (scan.getFrom()->size() != scan.getOver()->size())
    return scan.emitOpError("is over ") << scan.getOver()->size() << " dimensions, from " << scan.getFrom()->size();
  for (auto [to, name] :
       llvm::zip_equal(scan.getOver()->getAsRange<StringAttr>(), scan.getFrom()->getAsRange<StringAttr>()))
    if (!dims.number(name) || state.contains(*dims.number(name)) ||
        recurrence.extentOf(name) != recurrence.extentOf(to))
      return scan.emitOpError("is from ") << name << ", which is no other dimension of the extent of " << to;
  return success();
}

static LogicalResult verifyDims(ScanOp scan, const DimensionAnalysis &dims) {
  DimSet state = dims.of(scan.getState(0).getLayout()).with(dims.scan());
  auto check = [&](ValueRange values, DimSet allowed, StringRef what) -> LogicalResult {
    for (Value value : values)
      if (DimSet extra = dims.of(value) - allowed; !extra.empty())
        return scan.emitOpError("has a ") << what << " that varies along '" << dims.list(extra).front()
                                          << "', which its state " << (extra.contains(dims.scan()) ? "does" : "lacks");
    return success();
  };
  DimSet matrix = scan.getFrom() ? state | dims.of(*scan.getFrom()) : state;
  for (Value value : scan.getInit())
    if (dims.variesInTime(value))
      return scan.emitOpError("has an init that varies in time");
  return success(succeeded(check(scan.getTransition(), matrix, "transition")) &&
                 succeeded(check(scan.getODSOperands(1), state, "left")) &&
                 succeeded(check(scan.getODSOperands(2), state, "right")) &&
                 succeeded(check(scan.getDrive(), state, "drive")) && succeeded(check(scan.getInit(), state, "init")));
}

LogicalResult ScanOp::verify() {
  FailureOr<RecurrenceOp> recurrence = verifyParent(*this);
  if (failed(recurrence))
    return failure();
  if (getStates().empty()) // scan_c2
    return emitOpError("has no state");
  if (failed(verifyCounts(*this))) // scan_c2, scan_c3
    return failure();
  DimensionAnalysis dims(*recurrence);
  for (unsigned i = 0; i < getStates().size(); ++i)
    if (failed(verifyState(*this, i, dims))) // scan_c1
      return failure();
  if (failed(verifyOver(*this, *recurrence, dims)) || failed(verifyDims(*this, dims))) // scan_c4, scan_c5
    return failure();
  if (getLog() && (!getDecay() || getMax() || isa<ComplexType>(getDecay().getType()))) // scan_c6
    return emitOpError("has a log_decay that is not one real decay of sums");
  if (getScalar() && (!getDecay() || isRankOne())) // scan_c6
    return emitOpError("is scalar, but has no decay alone");
  if (getMax())
    for (Type type : getOperandTypes())
      if (isa<ComplexType>(type)) // scan_c6
        return emitOpError("takes the maximum of complex numbers");
  return success();
}

/// The state of which `stream` is the stream, or null.
static StateAttr stateOf(Value stream) {
  auto scan = stream.getDefiningOp<ScanOp>();
  return scan ? scan.getState(cast<OpResult>(stream).getResultNumber()) : StateAttr();
}

StateAttr BeforeOp::getState() { return stateOf(getStream()); }
StateAttr FinalOp::getState() { return stateOf(getStream()); }

LogicalResult BeforeOp::verify() {
  StateAttr state = getState();
  if (failed(verifyParent(*this)))
    return failure();
  if (!state || state.getName() != getName()) // before_c1
    return emitOpError("expects the stream of state '") << getName() << "'";
  if (int64_t(getBack()) < 1) // before_c2
    return emitOpError("looks ") << int64_t(getBack()) << " steps back; expected 1 or more";
  return success();
}

LogicalResult FinalOp::verify() {
  StateAttr state = getState();
  FailureOr<RecurrenceOp> recurrence = verifyParent(*this);
  if (failed(recurrence))
    return failure();
  if (!state || state.getName() != getName() || state.getBack() != 1) // final_c1
    return emitOpError("expects the stream of state '") << getName() << "'";
  for (auto other : recurrence->getBody().front().getOps<FinalOp>())
    if (other != *this && other.getStream() == getStream() && other->isBeforeInBlock(*this)) // final_c1
      return emitOpError("is the second of state '") << getName() << "'";
  return success();
}
