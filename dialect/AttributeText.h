#ifndef SSM_DIALECT_ATTRIBUTETEXT_H
#define SSM_DIALECT_ATTRIBUTETEXT_H

#include "dialect/Ssm.h"

// Attributes as operations write them; by themselves they stand in angle brackets, as `#ssm.dim<state = 16>`.

namespace ssm {

/// `[batch, (group member), time]`
mlir::ParseResult parseLayout(mlir::AsmParser &parser, LayoutAttr &layout);
void printLayout(mlir::AsmPrinter &printer, mlir::Operation *, LayoutAttr layout);

/// `state`, `state = 16` or `col like state`; a dimension with both, which no recurrence may have, as `col = 16 like
/// state`
mlir::ParseResult parseDim(mlir::AsmParser &parser, DimAttr &dim);
void printDim(mlir::AsmPrinter &printer, DimAttr dim);

/// `"h" [batch, channel] back 2 part im stored f32 seeded_by "x"`, all but name and layout where they say something.
mlir::ParseResult parseState(mlir::AsmParser &parser, StateAttr &state);
void printState(mlir::AsmPrinter &printer, StateAttr state);

} // namespace ssm

#endif
