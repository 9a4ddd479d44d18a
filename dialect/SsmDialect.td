#ifndef SSM_DIALECT_TD
#define SSM_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def Ssm_Dialect : Dialect {
  let name = "ssm";
  let cppNamespace = "::ssm";
  let summary = "Recurrences of state-space models, from equations at one time step to register tiles";
  let description = [{
    Level 0 is the recurrence as it was written: `ssm.recurrence` holds scalar operations of arith, math, complex and
    ssm at one time step, in f64. Each value has a set of dimensions that is never written; DimensionAnalysis infers it.
    Level 2 is loops over register tiles: `vector` values whose axes are the dimensions kept in registers or lanes,
    and the `ssm.tile_*` operations that load, store, reduce and move them.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::complex::ComplexDialect"];
}

def Ssm_LayoutAttr : AttrDef<Ssm_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "How a tensor lies in memory: its axes, outermost first, each one or several dimensions";
  let description = [{
    `[batch, (group member), time]`: the last axis is contiguous unless strides say otherwise; an axis in parentheses is
    one axis made of several dimensions, the last of them fastest.
  }];
  let parameters = (ins "::mlir::ArrayAttr":$axes);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// Builds a layout from axes, each a list of dimension names.
    static LayoutAttr get(::mlir::MLIRContext *context, ::llvm::ArrayRef<::llvm::SmallVector<::llvm::StringRef>> axes);
    /// Number of axes: the rank of the tensor in memory.
    unsigned getRank() const { return getAxes().size(); }
    /// Names of the dimensions that make up `axis`, slowest first.
    ::llvm::SmallVector<::llvm::StringRef> getAxis(unsigned axis) const;
    /// Names of all dimensions, in order.
    ::llvm::SmallVector<::llvm::StringRef> getDims() const;
    /// The layout with one more axis of the dimension `name` behind the others.
    LayoutAttr withAxis(::llvm::StringRef name) const;
  }];
}

def Ssm_DimAttr : AttrDef<Ssm_Dialect, "Dim"> {
  let mnemonic = "dim";
  let summary = "A dimension of a recurrence: its name, its size or default if known, or the dimension whose extent it shares";
  let parameters = (ins "::mlir::StringAttr":$name, "std::optional<int64_t>":$size, "::mlir::StringAttr":$like);
  let hasCustomAssemblyFormat = 1;
}

#endif
