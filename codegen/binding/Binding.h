#ifndef SSM_CODEGEN_BINDING_BINDING_H
#define SSM_CODEGEN_BINDING_BINDING_H

#include "dialect/Ssm.h"
#include "passes/Specialize.h"
#include "runtime/Tensor.h"
#include "llvm/Support/Error.h"

#include <map>
#include <string>

namespace ssm {

/// Tensors that a user brings to a recurrence, by the names of the description. Any part may be empty.
struct GivenTensors {
  std::map<std::string, Tensor> inputs, initialStates, outputs, finalStates;
  /// Of a recurrence with rows (dialect/RowPlan.h).
  std::map<std::string, Tensor> rows;
};

/// Makes tensors fit an unspecialized recurrence, and gives what `specialize` needs so that it fits them: `requested`,
/// with the sizes of all dimensions that the shapes tell and the optional inputs that are there.
///
/// Of `tensors`, pairs of reals along a last axis of 2 become complex where the recurrence declares complex ones, and
/// inputs in `requested.without` are dropped.
///
/// A single dimension's size is its axis. The last open part of a composite axis is what its other parts leave; where
/// several are open, one before the last has its default, else size 1, since it stands nowhere alone. Sizes in
/// `requested` hold first; a default gives way to a shape. The window of a delay tells its tap: one more than its
/// depth.
///
/// Errors: a name that the recurrence does not have; a tensor that is complex, or is not, against its declaration;
/// elements that are not floating-point numbers; a required input that is missing; a tensor of the wrong rank; sizes
/// that contradict each other (naming tensor, axis and both sizes).
///
/// Where the recurrence has rows, `launch` takes what stays open: how many steps there are of packed rows, and the size
/// of the pool. It is that of the states that are given, else as large as the slots ask for. Errors: an array of
/// another type or shape; `cu_seqlens` that does not go from 0 to the number of steps, or that decreases.
llvm::Expected<SpecializeParameters> bindTensors(RecurrenceOp recurrence, GivenTensors &tensors,
                                                 const SpecializeParameters &requested,
                                                 std::map<std::string, int64_t> *launch = nullptr);

/// Sizes at launch of dimensions that a recurrence leaves open, by name.
using LaunchSizes = std::map<std::string, int64_t>;

/// An error that names the dimensions whose sizes are still open and not in `known`, and how to give them.
llvm::Error requireSizes(RecurrenceOp recurrence, const LaunchSizes &known = {});

/// Shape in memory of an input or output of that layout; nothing while a size is open or where the product of a
/// composite axis overflows.
std::optional<Shape> shapeOf(RecurrenceOp recurrence, LayoutAttr layout, const LaunchSizes &sizes = {});
/// Shape of the array that carries a state from call to call; nothing while a size is open, or where there is no such
/// array (the window of a single tap).
std::optional<Shape> shapeOf(RecurrenceOp recurrence, const State &state, const LaunchSizes &sizes = {});
/// Element type in memory for a stored type.
DType dtypeOf(mlir::Type stored);
/// Names of the dimensions whose size is not known, in order of declaration; those `like` another are left out.
llvm::SmallVector<llvm::StringRef> openDims(RecurrenceOp recurrence);

/// The layout as a description writes it: `[batch, (group member), time]`.
std::string layoutText(LayoutAttr layout);

} // namespace ssm

#endif
