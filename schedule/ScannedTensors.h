#ifndef SSM_SCHEDULE_SCANNEDTENSORS_H
#define SSM_SCHEDULE_SCANNEDTENSORS_H

#include "dialect/Ssm.h"

namespace ssm {

/// An input or output of real numbers whose memory runs along the scanned dimension: its last axis, and no other, is
/// that dimension alone. A GPU's thread moves several steps of it at once, and a block can stage it.
struct ScannedTensor {
  llvm::StringRef name;
  bool isInput;
  LayoutAttr layout;
  /// In memory.
  mlir::Type stored;
  int64_t bytes() const { return stored.getIntOrFloatBitWidth() / 8; }
};

/// All of a recurrence's, inputs before outputs.
llvm::SmallVector<ScannedTensor> tensorsAlongScan(RecurrenceOp recurrence);
/// The one of that name among inputs, or among outputs; nothing where it is none of these.
std::optional<ScannedTensor> tensorAlongScan(RecurrenceOp recurrence, llvm::StringRef name, bool isInput);

} // namespace ssm

#endif
