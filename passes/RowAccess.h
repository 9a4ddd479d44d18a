#ifndef SSM_PASSES_ROWACCESS_H
#define SSM_PASSES_ROWACCESS_H

#include "dialect/Ssm.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

namespace ssm {

/// Converts a scalar or row between its type in memory and the type of the arithmetic. Widening is exact; narrowing
/// rounds to nearest even, and NaN stays NaN. `gpu`: registers are words, of which two bf16 are one, and an instruction
/// rounds to bf16.
mlir::Value convertStored(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Type element,
                          bool gpu = false);

/// Which lanes of a row satisfy Σ coefficient·lane < limit for each limit: a vector of i1, an i1 for a scalar, or null
/// for no limits. `coefficients` holds one list a limit, with one number for a row and none for a scalar.
mlir::Value rowMask(mlir::OpBuilder &builder, mlir::Location loc, int64_t lanes, mlir::ValueRange limits,
                    mlir::ArrayAttr coefficients);

/// Address of element `offset` of an array of `element`s.
mlir::Value addressOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value pointer, mlir::Value offset,
                      mlir::Type element);

/// bf16 as the integer that it is in memory, and the other way round; anything else is itself. A processor without bf16
/// would convert each element to f32 and back where one moves alone.
mlir::Type bitsOf(mlir::Type type);
mlir::Value toBits(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);
mlir::Value fromBits(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value bits, mlir::Type type);

/// One access to consecutive elements, or to one, aligned to the element alone or to so many bytes.
mlir::Value loadPlain(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, mlir::Value address,
                      std::optional<uint64_t> aligned = std::nullopt);
void storePlain(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Value address,
                std::optional<uint64_t> aligned = std::nullopt);

/// How often a loop's number is added up in an offset: 1 where turn after turn reads element after element, 0 where all
/// read the same, 2 where the number is multiplied, or more.
int64_t timesCounted(mlir::Value offset, mlir::scf::ForOp loop);

/// How many turns a loop takes, if its bounds and step are known.
std::optional<int64_t> turnsOf(mlir::scf::ForOp loop);

/// The type of a row: a scalar for one lane.
mlir::Type rowType(int64_t lanes, mlir::Type element);

} // namespace ssm

#endif
