// The dialect itself and its attributes: how layouts and dimensions are printed and parsed.

#include "dialect/AttributeText.h"
#include "dialect/Ssm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialect/SsmDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/SsmAttributes.cpp.inc"

using namespace mlir;
using namespace ssm;

void SsmDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/SsmAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/SsmOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// LayoutAttr
//===----------------------------------------------------------------------===//

LayoutAttr LayoutAttr::get(MLIRContext *context, ArrayRef<SmallVector<StringRef>> axes) {
  Builder builder(context);
  return get(context, builder.getArrayAttr(llvm::map_to_vector(
                          axes, [&](ArrayRef<StringRef> axis) -> Attribute { return builder.getStrArrayAttr(axis); })));
}

SmallVector<StringRef> LayoutAttr::getAxis(unsigned axis) const {
  return llvm::map_to_vector(cast<ArrayAttr>(getAxes()[axis]),
                             [](Attribute name) { return cast<StringAttr>(name).getValue(); });
}

SmallVector<StringRef> LayoutAttr::getDims() const {
  SmallVector<StringRef> dims;
  for (unsigned axis = 0; axis < getRank(); ++axis)
    llvm::append_range(dims, getAxis(axis));
  return dims;
}

LayoutAttr LayoutAttr::withAxis(StringRef name) const {
  Builder builder(getContext());
  SmallVector<Attribute> axes(getAxes().getValue());
  axes.push_back(builder.getStrArrayAttr({name}));
  return get(getContext(), builder.getArrayAttr(axes));
}

static ParseResult parseName(AsmParser &parser, SmallVectorImpl<Attribute> &names) {
  std::string name;
  if (parser.parseKeywordOrString(&name))
    return failure();
  names.push_back(parser.getBuilder().getStringAttr(name));
  return success();
}

ParseResult ssm::parseLayout(AsmParser &parser, LayoutAttr &layout) {
  Builder &builder = parser.getBuilder();
  SmallVector<Attribute> axes;
  auto parseAxis = [&]() -> ParseResult {
    SmallVector<Attribute> names;
    if (succeeded(parser.parseOptionalLParen())) {
      do
        if (parseName(parser, names))
          return failure();
      while (failed(parser.parseOptionalRParen()));
    } else if (parseName(parser, names)) {
      return failure();
    }
    axes.push_back(builder.getArrayAttr(names));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseAxis))
    return failure();
  layout = LayoutAttr::get(parser.getContext(), builder.getArrayAttr(axes));
  return success();
}

void ssm::printLayout(AsmPrinter &printer, Operation *, LayoutAttr layout) {
  printer << '[';
  llvm::interleaveComma(llvm::seq(layout.getRank()), printer, [&](unsigned axis) {
    SmallVector<StringRef> names = layout.getAxis(axis);
    if (names.size() != 1)
      printer << '(';
    llvm::interleave(names, [&](StringRef name) { printer.printKeywordOrString(name); }, [&] { printer << ' '; });
    if (names.size() != 1)
      printer << ')';
  });
  printer << ']';
}

Attribute LayoutAttr::parse(AsmParser &parser, Type) {
  LayoutAttr layout;
  if (parser.parseLess() || parseLayout(parser, layout) || parser.parseGreater())
    return {};
  return layout;
}

void LayoutAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printLayout(printer, nullptr, *this);
  printer << '>';
}

//===----------------------------------------------------------------------===//
// DimAttr
//===----------------------------------------------------------------------===//

ParseResult ssm::parseDim(AsmParser &parser, DimAttr &dim) {
  SmallVector<Attribute> names;
  if (parseName(parser, names))
    return failure();
  std::optional<int64_t> size;
  StringAttr like;
  if (succeeded(parser.parseOptionalEqual())) {
    int64_t value;
    if (parser.parseInteger(value))
      return failure();
    size = value;
  }
  if (succeeded(parser.parseOptionalKeyword("like"))) {
    if (parseName(parser, names))
      return failure();
    like = cast<StringAttr>(names[1]);
  }
  dim = DimAttr::get(parser.getContext(), cast<StringAttr>(names[0]), size, like);
  return success();
}

void ssm::printDim(AsmPrinter &printer, DimAttr dim) {
  printer.printKeywordOrString(dim.getName().getValue());
  if (dim.getSize())
    printer << " = " << *dim.getSize();
  if (dim.getLike()) {
    printer << " like ";
    printer.printKeywordOrString(dim.getLike().getValue());
  }
}

Attribute DimAttr::parse(AsmParser &parser, Type) {
  DimAttr dim;
  if (parser.parseLess() || parseDim(parser, dim) || parser.parseGreater())
    return {};
  return dim;
}

void DimAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printDim(printer, *this);
  printer << '>';
}
