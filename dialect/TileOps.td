#ifndef SSM_TILEOPS_TD
#define SSM_TILEOPS_TD

include "SsmOps.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"

//===----------------------------------------------------------------------===//
// Level 2: register tiles
//
// All tiles of one kernel have the same rank: an axis for each dimension on registers, in order of declaration, and last
// the axis of the SIMD lanes (of extent 1 where there are none). A value that lacks a dimension has extent 1 there, so
// that a broadcast is only ever a stretch. `unroll-tiles` cuts tiles into rows along the last axis; a row of extent 1
// is a scalar.
//
// On a GPU each thread of a block has tiles of its own. `peers` says which threads share a dimension: pairs of a count
// and a distance in the block's numbering, innermost first; the places on them are the digits of a thread's place. All
// threads of a block run such an operation together.
//===----------------------------------------------------------------------===//

def Ssm_TileElement : AnyTypeOf<[F32, F64, BF16, F16], "f32, f64, bf16 or f16">;
def Ssm_Tile : AnyTypeOf<[VectorOfAnyRankOf<[Ssm_TileElement]>, Ssm_TileElement], "a tile, a row or a scalar">;
def Ssm_CoefficientsAttr : TypedArrayAttrBase<DenseI64ArrayAttr, "one list of coefficients a limit">;

class Ssm_TileOp<string mnemonic, list<Trait> traits = []> : Ssm_Op<mnemonic, traits> {
  code limitDeclarations = [{
    /// Coefficients of the tile's axes in `limit`.
    ::llvm::ArrayRef<int64_t> getCoefficientsOf(unsigned limit) {
      return ::llvm::cast<::mlir::DenseI64ArrayAttr>(getCoefficients()[limit]).asArrayRef();
    }
  }];
}

def Ssm_TilePlaceOp : Ssm_TileOp<"tile_place", [Pure]> {
  let summary = "Which task (`grid`) or thread (`thread`) this code runs as, or of how many tasks (`tasks`)";
  let description = [{
    A number from 0: the task among all tasks of the kernel, or the thread within its block. Or how many tasks there are.

    - tile_place_c1: `level` is grid, thread or tasks.

    Example: `%task = ssm.tile_place grid : i64`
  }];
  let arguments = (ins StrAttr:$level);
  let results = (outs I64:$result);
  let assemblyFormat = "custom<Name>($level) attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssm_TileLoadOp : Ssm_TileOp<"tile_load", [AlwaysSpeculatable, AttrSizedOperandSegments,
                                              DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Loads a tile from strided memory, converting from the stored type";
  let description = [{
    Element (i0, i1, …) is at `pointer` + (`offset` + Σ strides[k]·ik) elements of `stored`; it is read where
    Σ coefficients[l][k]·ik < limits[l] for every limit l, and is 0 elsewhere. The element at (0, 0, …) always exists.
    Free of effects, since a kernel does not write what it is given to read; but with `changing`, for memory of the
    task's own that it also writes, it stays between the stores around it.

    - tile_load_c1: one stride an axis; one list of coefficients a limit, each with one number an axis.

    Example: `%u = ssm.tile_load f32 %p[%o] strides(%c0, %c1) : vector<1x16xf32>`
  }];
  let arguments = (ins TypeAttr:$stored, LLVM_AnyPointer:$pointer, I64:$offset, Variadic<I64>:$strides,
                       Variadic<I64>:$limits, DefaultValuedAttr<Ssm_CoefficientsAttr, "{}">:$coefficients,
                       UnitAttr:$changing, OptionalAttr<I64Attr>:$aligned);
  let results = (outs Ssm_Tile:$result);
  let assemblyFormat = [{
    (`changing` $changing^)? $stored $pointer `[` $offset `]` `strides` `(` $strides `)` (`where` $coefficients^ `below` `(` $limits `)`)?
    (`aligned` $aligned^)? attr-dict `:` type($pointer) `,` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Type":$stored, "::mlir::Value":$pointer,
                                 "::mlir::Value":$offset, "::mlir::ValueRange":$strides, "::mlir::ValueRange":$limits,
                                 "::mlir::ArrayAttr":$coefficients, CArg<"bool", "false">:$changing), [{
    build($_builder, $_state, result, stored, pointer, offset, strides, limits, coefficients, changing,
          ::mlir::IntegerAttr());
  }]>];
  let hasVerifier = 1;
  let extraClassDeclaration = limitDeclarations;
}

def Ssm_TileStoreOp : Ssm_TileOp<"tile_store", [AttrSizedOperandSegments]> {
  let summary = "Stores a tile to strided memory, converting to the stored type";
  let description = [{
    Addresses and limits as `tile_load`; elements outside the limits are not written. bf16 and f16 round to nearest even.

    - tile_store_c1: as tile_load_c1 and tile_load_c2.

    Example: `ssm.tile_store %y, f32 %p[%o] strides(%c0, %c1) : !llvm.ptr, vector<1x16xf32>`
  }];
  let arguments = (ins Ssm_Tile:$value, TypeAttr:$stored, LLVM_AnyPointer:$pointer, I64:$offset, Variadic<I64>:$strides,
                       Variadic<I64>:$limits, DefaultValuedAttr<Ssm_CoefficientsAttr, "{}">:$coefficients,
                       OptionalAttr<I64Attr>:$aligned);
  let assemblyFormat = [{
    $value `,` $stored $pointer `[` $offset `]` `strides` `(` $strides `)`
    (`where` $coefficients^ `below` `(` $limits `)`)? (`aligned` $aligned^)? attr-dict `:` type($pointer) `,` type($value)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$value, "::mlir::Type":$stored, "::mlir::Value":$pointer,
                                 "::mlir::Value":$offset, "::mlir::ValueRange":$strides, "::mlir::ValueRange":$limits,
                                 "::mlir::ArrayAttr":$coefficients), [{
    build($_builder, $_state, value, stored, pointer, offset, strides, limits, coefficients, ::mlir::IntegerAttr());
  }]>];
  let hasVerifier = 1;
  let extraClassDeclaration = limitDeclarations;
}

def Ssm_TileCopyOp : Ssm_TileOp<"tile_copy", [AttrSizedOperandSegments]> {
  let summary = "Begins to copy a tile, as it is, into memory that the threads of a block share";
  let description = [{
    Element (i0, i1, …, in) of a tile of `shape` goes from `source` + (`offset` + Σ strides[k]·ik + in) to
    `target` + (`place` + Σ places[k]·ik + in) elements of `stored`. Elements outside the limits (as in `tile_load`) become 0, and
    are not read. The copy goes on while the thread does other things (cp.async): what it has written is there after `nvvm.cp.async.wait.group`, for
    other threads after a barrier as well. `aligned` bytes are moved at a time; a limit that falls along the last axis
    does not cut them.

    - tile_copy_c1: one stride and one place an axis but the last; limits as tile_load_c1.
    - tile_copy_c2: `aligned` is 4, 8 or 16, and the bytes along the last axis are a multiple of it.
    - tile_copy_c3: limits have coefficients of -1, 0 or 1 along the last axis.

    Example: `ssm.tile_copy bf16 [4, 8] from %u[%o] strides(%ld) to %rows[%p] strides(%pitch) aligned 16 : !llvm.ptr, !llvm.ptr<3>`
  }];
  let arguments = (ins TypeAttr:$stored, DenseI64ArrayAttr:$shape, LLVM_AnyPointer:$source, I64:$offset,
                       Variadic<I64>:$strides, LLVM_AnyPointer:$target, I64:$place, Variadic<I64>:$places,
                       Variadic<I64>:$limits, DefaultValuedAttr<Ssm_CoefficientsAttr, "{}">:$coefficients,
                       I64Attr:$aligned);
  let assemblyFormat = [{
    $stored $shape `from` $source `[` $offset `]` `strides` `(` $strides `)` `to` $target `[` $place `]`
    `strides` `(` $places `)` (`where` $coefficients^ `below` `(` $limits `)`)? `aligned` $aligned attr-dict
    `:` type($source) `,` type($target)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = limitDeclarations;
}

def Ssm_TileReduceOp : Ssm_TileOp<"tile_reduce", [Pure]> {
  let summary = "Sum or maximum over axes of a tile";
  let description = [{
    The result has extent 1 along `axes`. Elements outside the limits (as in `tile_load`) count as the neutral element.

    - tile_reduce_c1: `kind` is add or max; the axes exist; the result's shape is the operand's with 1 along them.
    - tile_reduce_c2: coefficients as tile_load_c1.

    Example: `%y = ssm.tile_reduce add %ch over [0] : vector<16x16xf32> to vector<1x16xf32>`
  }];
  let arguments = (ins StrAttr:$kind, Ssm_Tile:$value, DenseI64ArrayAttr:$axes, Variadic<I64>:$limits,
                       DefaultValuedAttr<Ssm_CoefficientsAttr, "{}">:$coefficients);
  let results = (outs Ssm_Tile:$result);
  let assemblyFormat = [{
    custom<Name>($kind) $value `over` $axes (`where` $coefficients^ `below` `(` $limits `)`)? attr-dict
    `:` type($value) `to` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = limitDeclarations;
}

def Ssm_TileMoveOp : Ssm_TileOp<"tile_move", [Pure]> {
  let summary = "Moves a tile's values from the axes of one dimension to those of another, or reverses them";
  let description = [{
    `from` and `to` are the axes of a dimension, outermost first (registers, then lanes). The result has extent 1
    along axes of `from` that are not among `to`; its element at coordinate c along `to` is the operand's at coordinate c
    along `from`, with `reversed` at size-1-c, for c below `size`; others hold no defined value.

    - tile_move_c1: the axes exist; the result's extents along other axes are the operand's; both dimensions hold `size`.

    Example: `%c = ssm.tile_move %h from [0] to [1] size 16 : vector<16x1x16xf32> to vector<1x16x16xf32>`
  }];
  let arguments = (ins Ssm_Tile:$value, DenseI64ArrayAttr:$from, DenseI64ArrayAttr:$to, I64Attr:$size,
                       UnitAttr:$reversed);
  let results = (outs Ssm_Tile:$result);
  let assemblyFormat = [{
    $value `from` $from `to` $to `size` $size (`reversed` $reversed^)? attr-dict `:` type($value) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Ssm_TileDelayOp : Ssm_TileOp<"tile_delay", [Pure]> {
  let summary = "A window of a value's present and past tiles, side by side along an axis";
  let description = [{
    Element k along `axis` is the k-th operand, newest first. Between steps the past moves by renaming alone.

    - tile_delay_c1: the operands have extent 1 along `axis` and the result as many as there are operands or more
      (further ones hold no defined value).

    Example: `%w = ssm.tile_delay %x, %x1, %x2 along 0 : vector<1x16xf32> to vector<3x16xf32>`
  }];
  let arguments = (ins Variadic<Ssm_Tile>:$values, I64Attr:$axis);
  let results = (outs Ssm_Tile:$result);
  let assemblyFormat = "$values `along` $axis attr-dict `:` type($values) `to` type($result)";
  let hasVerifier = 1;
}

def Ssm_TileScanOp : Ssm_TileOp<"tile_scan", [Pure, AttrSizedOperandSegments]> {
  let summary = "A block of steps of an affine recurrence: states after each step, from those before the first";
  let description = [{
    Steps are numbered along the axes `along`, the last of them fastest; without any the block is one step. With h a
    state before a step, it is A·h + b after it, the transition A being: absent for the identity; an element of
    a tile for one of the state; a00, a01, … row by row for n states; or, with `over`, a matrix of one state along those axes, its columns
    along `from`. `log` says that exp(transition) is the decay; with `max`, products are sums and sums are maxima.
    `complex` says that states are pairs of tiles, real part first; a transition is of pairs, or real.

    Of the steps from `below` on, states are those before them. With `peers`, the block's steps go on in the tiles of the
    threads that share them, and `below` counts from this thread's first.

    - tile_scan_c1: drives and results are of one type, n (or n pairs of) tiles, and so many carries of that type with
      extent 1 along the steps.
    - tile_scan_c2: the transition has none, one, or n·n numbers, whose extents are those of the states or 1 (of a matrix
      over axes, along `from` any).
    - tile_scan_c3: axes exist and differ; `over`, `from` and `sizes` are of one length and stand with one state; an axis
      of -1 is that of a dimension of size 1 that has none.
    - tile_scan_c4: `log` is of one real decay, and neither `log` nor `complex` of maxima.
    - tile_scan_c5: `peers` are pairs of a count of 2 or more and a positive distance.

    Example: `%h = ssm.tile_scan transition(%a) drive(%b) carry(%h0) along [0] : (vector<16xf32>, vector<16xf32>, vector<1xf32>) -> vector<16xf32>`
  }];
  let arguments = (ins UnitAttr:$max, UnitAttr:$log, UnitAttr:$complex, Variadic<Ssm_Tile>:$transition,
                       Variadic<Ssm_Tile>:$drive, Variadic<Ssm_Tile>:$carry, DenseI64ArrayAttr:$along,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$over,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$from,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$sizes,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$peers, Optional<I64>:$below);
  let results = (outs Variadic<Ssm_Tile>:$streams);
  let assemblyFormat = [{
    (`max` $max^)? (`complex` $complex^)? (`log` $log^)? (`transition` `(` $transition^ `)`)?
    (`over` $over^ `from` $from `of` $sizes)? `drive` `(` $drive `)` `carry` `(` $carry `)` `along` $along
    (`peers` $peers^)? (`below` $below^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How many states there are.
    size_t getStateCount() { return getDrive().size() / (getComplex() ? 2 : 1); }
  }];
}

def Ssm_TileShiftOp : Ssm_TileOp<"tile_shift", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "A tile's values some steps earlier";
  let description = [{
    Steps are numbered along the axes `along`, the last of them fastest. The result at step s is the operand at step s - `by`; at
    the first steps it is `fill`, what came before step 0, newest first, the last of which stands for all before it. With
    `peers`, steps go on in the tiles of the threads that share them.

    - tile_shift_c1: `by` is positive; the axes exist and differ; fills have the operand's extents, or 1, and 1 along the
      steps; peers as tile_scan_c5.

    Example: `%b = ssm.tile_shift %h by 1 along [0] fill(%h0) : vector<16xf32>, vector<1xf32>`
  }];
  let arguments = (ins Ssm_Tile:$value, I64Attr:$by, DenseI64ArrayAttr:$along,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$peers, Variadic<Ssm_Tile>:$fill);
  let results = (outs Ssm_Tile:$result);
  let assemblyFormat = [{
    $value `by` $by `along` $along (`peers` $peers^)? `fill` `(` $fill `)` attr-dict `:` type($value) `,` type($fill)
  }];
  let hasVerifier = 1;
}

def Ssm_TileCombineOp : Ssm_TileOp<"tile_combine", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "Sum or maximum over the threads that share a dimension";
  let description = [{
    Each of them gets what the tiles of all come to, element by element, in an order that is fixed.

    - tile_combine_c1: `kind` is add or max; peers as tile_scan_c5, one pair or more.

    Example: `%s = ssm.tile_combine add %v peers [16, 1] : vector<1xf32>`
  }];
  let arguments = (ins StrAttr:$kind, Ssm_Tile:$value, DenseI64ArrayAttr:$peers);
  let results = (outs Ssm_Tile:$result);
  let assemblyFormat = "custom<Name>($kind) $value `peers` $peers attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Ssm_TileShareOp : Ssm_TileOp<"tile_share", [Pure]> {
  let summary = "Sums or maxima over the lanes of a warp that share a dimension, of which each lane gets its share";
  let description = [{
    Of what the tiles of all lanes come to, element by element, the lane at place p of n gets elements
    p·m/n and on along the last axis, whose extent is m; where there are fewer elements than lanes, n/m lanes one after
    another get the same one. Places count as in tile_exchange, the first level's fastest.

    - tile_share_c1: `kind` is add or max; peers as tile_scan_c5, all of them in a warp; m is a power of two.
    - tile_share_c2: the result is the value's type with the last extent divided by n, or 1.

    Example: `%s = ssm.tile_share add %v peers [4, 1] : vector<2x8xf32> -> vector<2x2xf32>`
  }];
  let arguments = (ins StrAttr:$kind, Ssm_Tile:$value, DenseI64ArrayAttr:$peers);
  let results = (outs Ssm_Tile:$result);
  let assemblyFormat = "custom<Name>($kind) $value `peers` $peers attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How many lanes share the sums.
    int64_t getLaneCount();
  }];
}

def Ssm_TileExchangeOp : Ssm_TileOp<"tile_exchange", [Pure, AttrSizedOperandSegments]> {
  let summary = "Tiles of other threads of the block";
  let description = [{
    Results are the tiles as the thread of number `sources`[0] has them, then as the next one does. With `warp`, they
    are threads of this one's warp. All threads of the block run it together.

    - tile_exchange_c1: a result for every tile of every source, of the tile's type.

    Example: `%w = ssm.tile_exchange warp %v from %t : (vector<1xf32>, i64) -> vector<1xf32>`
  }];
  let arguments = (ins UnitAttr:$warp, Variadic<Ssm_Tile>:$values, Variadic<I64>:$sources);
  let results = (outs Variadic<Ssm_Tile>:$results);
  let assemblyFormat = [{
    (`warp` $warp^)? $values `from` $sources attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Ssm_SharedOp : Ssm_TileOp<"shared"> {
  let summary = "Memory that the threads of a block share";
  let description = [{
    `bytes` bytes, aligned to 16, that no other such operation of the kernel has.

    - shared_c1: `bytes` is positive.

    Example: `%m = ssm.shared 512 : !llvm.ptr<3>`
  }];
  let arguments = (ins I64Attr:$bytes);
  let results = (outs LLVM_AnyPointer:$result);
  let assemblyFormat = "$bytes attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
}

class Ssm_StageOp<string mnemonic, string what> : Ssm_TileOp<mnemonic, [AttrSizedOperandSegments]> {
  let summary = what;
  let arguments = (ins LLVM_AnyPointer:$scratch, TypeAttr:$element, DenseI64ArrayAttr:$shape, TypeAttr:$stored,
                       LLVM_AnyPointer:$pointer, I64:$offset, Variadic<I64>:$strides, I64:$steps, I64:$step_stride,
                       Variadic<I64>:$limits, DefaultValuedAttr<Ssm_CoefficientsAttr, "{}">:$coefficients,
                       OptionalAttr<I64Attr>:$pitch);
  let assemblyFormat = [{
    $scratch $element $shape (`pitch` $pitch^)? `,` $stored $pointer `[` $offset `]` `strides` `(` $strides `)` `steps` $steps `stride`
    $step_stride (`where` $coefficients^ `below` `(` $limits `)`)? attr-dict `:` type($scratch) `,` type($pointer)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = limitDeclarations;
}
def Ssm_StageLoadOp : Ssm_StageOp<"stage_load", "Copies a tensor's tile for several time steps into scratch"> {
  let description = [{
    Scratch is `steps` tiles of `shape`, elements of type `element`, row-major, one after another. Tile s holds what
    `tile_load` at `offset` + s·`step_stride` would give. With `pitch`, scratch runs along time as memory does: element e of
    tile s stands at e·`pitch` + s.

    - stage_load_c1: as tile_load_c1, for tiles of `shape`.

    Example: `ssm.stage_load %s f32 array<i64: 1, 16>, f32 %p[%o] strides(%c0, %ld) steps %n stride %c1 : !llvm.ptr, !llvm.ptr`
  }];
}
def Ssm_StageStoreOp : Ssm_StageOp<"stage_store", "Copies several time steps' tiles from scratch to a tensor"> {
  let description = [{
    The inverse of `stage_load`; elements outside the limits are not written.

    - stage_store_c1: as tile_load_c1, for tiles of `shape`.

    Example: `ssm.stage_store %s f32 array<i64: 1, 16>, f32 %p[%o] strides(%c0, %ld) steps %n stride %c1 : !llvm.ptr, !llvm.ptr`
  }];
}

#endif
