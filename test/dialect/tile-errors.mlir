// RUN: ssm-opt %s --split-input-file --verify-diagnostics
// Constraints of the tile operations, by their labels in TileOps.td.

func.func @tile_place_c1() {
  // expected-error@+1 {{'ssm.tile_place' op has the unknown level 'warp'; expected grid, thread or tasks}}
  %0 = "ssm.tile_place"() {level = "warp"} : () -> i64
  return
}

// -----
func.func @tile_load_c1_strides(%p: !llvm.ptr, %o: i64) {
  // expected-error@+1 {{'ssm.tile_load' op expects 2 strides, found 1}}
  %0 = ssm.tile_load f32 %p[%o] strides(%o) : !llvm.ptr, vector<2x16xf32>
  return
}

// -----
func.func @tile_load_c1_limits(%p: !llvm.ptr, %o: i64) {
  // expected-error@+1 {{'ssm.tile_load' op has 2 limits but 1 lists of coefficients}}
  %0 = ssm.tile_load f32 %p[%o] strides(%o, %o) where [array<i64: 0, 1>] below(%o, %o) : !llvm.ptr, vector<2x16xf32>
  return
}

// -----
func.func @tile_load_c1_coefficients(%p: !llvm.ptr, %o: i64) {
  // expected-error@+1 {{'ssm.tile_load' op expects 2 coefficients a limit, found 3}}
  %0 = ssm.tile_load f32 %p[%o] strides(%o, %o) where [array<i64: 0, 1, 2>] below(%o) : !llvm.ptr, vector<2x16xf32>
  return
}

// -----
func.func @tile_store_c1(%p: !llvm.ptr, %o: i64, %v: vector<2x16xf32>) {
  // expected-error@+1 {{'ssm.tile_store' op expects 2 strides, found 3}}
  ssm.tile_store %v, f32 %p[%o] strides(%o, %o, %o) : !llvm.ptr, vector<2x16xf32>
  return
}

// -----
func.func @tile_copy_c1_places(%p: !llvm.ptr, %t: !llvm.ptr<3>, %o: i64) {
  // expected-error@+1 {{'ssm.tile_copy' op of 2 axes expects a place an axis but the last, found 2}}
  ssm.tile_copy f32 [2, 4] from %p[%o] strides(%o) to %t[%o] strides(%o, %o) aligned 16 : !llvm.ptr, !llvm.ptr<3>
  return
}

// -----
func.func @tile_copy_c1_strides(%p: !llvm.ptr, %t: !llvm.ptr<3>, %o: i64) {
  // expected-error@+1 {{'ssm.tile_copy' op expects 1 strides, found 2}}
  ssm.tile_copy f32 [2, 4] from %p[%o] strides(%o, %o) to %t[%o] strides(%o) aligned 16 : !llvm.ptr, !llvm.ptr<3>
  return
}

// -----
func.func @tile_copy_c2(%p: !llvm.ptr, %t: !llvm.ptr<3>, %o: i64) {
  // expected-error@+1 {{'ssm.tile_copy' op copies 16 bytes at a time of 12 along the last axis; expected 4, 8 or 16, and a multiple of it}}
  ssm.tile_copy bf16 [2, 6] from %p[%o] strides(%o) to %t[%o] strides(%o) aligned 16 : !llvm.ptr, !llvm.ptr<3>
  return
}

// -----
func.func @tile_copy_c3(%p: !llvm.ptr, %t: !llvm.ptr<3>, %o: i64) {
  // expected-error@+1 {{'ssm.tile_copy' op has a limit with the coefficient 2 along the last axis}}
  ssm.tile_copy f32 [2, 4] from %p[%o] strides(%o) to %t[%o] strides(%o) where [array<i64: 0, 2>] below(%o) aligned 16 : !llvm.ptr, !llvm.ptr<3>
  return
}

// -----
func.func @tile_reduce_c1_kind(%v: vector<2x16xf32>) {
  // expected-error@+1 {{'ssm.tile_reduce' op has the unknown kind 'mul'; expected add or max}}
  %0 = "ssm.tile_reduce"(%v) {kind = "mul", axes = array<i64: 0>} : (vector<2x16xf32>) -> vector<1x16xf32>
  return
}

// -----
func.func @tile_reduce_c1_axis(%v: vector<2x16xf32>) {
  // expected-error@+1 {{'ssm.tile_reduce' op reduces axis 2 of a tile of rank 2}}
  %0 = ssm.tile_reduce add %v over [2] : vector<2x16xf32> to vector<1x16xf32>
  return
}

// -----
func.func @tile_reduce_c1_shape(%v: vector<2x16xf32>) {
  // expected-error@+1 {{'ssm.tile_reduce' op expects a result of the operand's shape with 1 along the reduced axes, found 'vector<2x1xf32>'}}
  %0 = ssm.tile_reduce add %v over [0] : vector<2x16xf32> to vector<2x1xf32>
  return
}

// -----
func.func @tile_reduce_c2(%v: vector<2x16xf32>, %n: i64) {
  // expected-error@+1 {{'ssm.tile_reduce' op expects 2 coefficients a limit, found 1}}
  %0 = ssm.tile_reduce add %v over [0] where [array<i64: 1>] below(%n) : vector<2x16xf32> to vector<1x16xf32>
  return
}

// -----
func.func @tile_move_c1_rank(%v: vector<2x1x4xf32>) {
  // expected-error@+1 {{'ssm.tile_move' op changes the rank of a tile}}
  %0 = ssm.tile_move %v from [0] to [1] size 2 : vector<2x1x4xf32> to vector<1x2xf32>
  return
}

// -----
func.func @tile_move_c1_axis(%v: vector<2x1x4xf32>) {
  // expected-error@+1 {{'ssm.tile_move' op moves along axis 3 of a tile of rank 3}}
  %0 = ssm.tile_move %v from [0] to [3] size 2 : vector<2x1x4xf32> to vector<1x2x4xf32>
  return
}

// -----
func.func @tile_move_c1_size(%v: vector<2x1x4xf32>) {
  // expected-error@+1 {{'ssm.tile_move' op moves 3 values between axes that hold 2 and 3}}
  %0 = ssm.tile_move %v from [0] to [1] size 3 : vector<2x1x4xf32> to vector<1x3x4xf32>
  return
}

// -----
func.func @tile_move_c1_other_axes(%v: vector<2x1x4xf32>) {
  // expected-error@+1 {{'ssm.tile_move' op changes the extent of axis 2, along which nothing moves}}
  %0 = ssm.tile_move %v from [0] to [1] size 2 : vector<2x1x4xf32> to vector<1x2x8xf32>
  return
}

// -----
func.func @tile_delay_c1_none() {
  // expected-error@+1 {{'ssm.tile_delay' op expects a tile or more}}
  %0 = "ssm.tile_delay"() {axis = 0 : i64} : () -> vector<2x16xf32>
  return
}

// -----
func.func @tile_delay_c1_types(%a: vector<1x16xf32>, %b: vector<1x8xf32>) {
  // expected-error@+1 {{'ssm.tile_delay' op expects operands of one type}}
  %0 = ssm.tile_delay %a, %b along 0 : vector<1x16xf32>, vector<1x8xf32> to vector<2x16xf32>
  return
}

// -----
func.func @tile_delay_c1_operand(%a: vector<2x16xf32>) {
  // expected-error@+1 {{'ssm.tile_delay' op expects operands of extent 1 along axis 0}}
  %0 = ssm.tile_delay %a along 0 : vector<2x16xf32> to vector<2x16xf32>
  return
}

// -----
func.func @tile_delay_c1_result(%a: vector<1x16xf32>) {
  // expected-error@+1 {{'ssm.tile_delay' op expects a result that holds 2 tiles along axis 0}}
  %0 = ssm.tile_delay %a, %a along 0 : vector<1x16xf32>, vector<1x16xf32> to vector<1x16xf32>
  return
}

// -----
func.func @stage_load_c1(%s: !llvm.ptr, %p: !llvm.ptr, %o: i64) {
  // expected-error@+1 {{'ssm.stage_load' op expects 2 strides, found 1}}
  ssm.stage_load %s f32 [1, 16], f32 %p[%o] strides(%o) steps %o stride %o : !llvm.ptr, !llvm.ptr
  return
}

// -----
func.func @stage_store_c1(%s: !llvm.ptr, %p: !llvm.ptr, %o: i64) {
  // expected-error@+1 {{'ssm.stage_store' op has 1 limits but 0 lists of coefficients}}
  "ssm.stage_store"(%s, %p, %o, %o, %o, %o, %o, %o) {element = f32, shape = array<i64: 1, 16>, stored = f32,
    coefficients = [], operandSegmentSizes = array<i32: 1, 1, 1, 2, 1, 1, 1>}
    : (!llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, i64) -> ()
  return
}

// -----
func.func @tile_scan_c1_count(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op of 2 drives has 1 carries and 2 results; expected as many, of complex states pairs}}
  %0:2 = ssm.tile_scan drive(%a, %a) carry(%h) along [0] : (vector<4xf32>, vector<4xf32>, vector<1xf32>) -> (vector<4xf32>, vector<4xf32>)
  return
}

// -----
func.func @tile_scan_c1_carry(%a: vector<4xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op expects drives and results of one type, and carries of it with extent 1 along the steps}}
  %0 = ssm.tile_scan drive(%a) carry(%a) along [0] : (vector<4xf32>, vector<4xf32>) -> vector<4xf32>
  return
}

// -----
func.func @tile_scan_c2_count(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op of 1 states has a transition of 3 tiles}}
  %0 = ssm.tile_scan transition(%a, %a, %a) drive(%a) carry(%h) along [0] : (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<1xf32>) -> vector<4xf32>
  return
}

// -----
func.func @tile_scan_c2_complex(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op has a complex transition of real states}}
  %0 = ssm.tile_scan transition(%a, %a) drive(%a) carry(%h) along [0] : (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<1xf32>) -> vector<4xf32>
  return
}

// -----
func.func @tile_scan_c2_extents(%a: vector<3x4xf32>, %b: vector<2x4xf32>, %h: vector<2x1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op has a transition 'vector<3x4xf32>' that cannot be stretched to 'vector<2x4xf32>'}}
  %0 = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [1] : (vector<3x4xf32>, vector<2x4xf32>, vector<2x1xf32>) -> vector<2x4xf32>
  return
}

// -----
func.func @tile_scan_c3_axis(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op numbers its steps along axis 1, which is none or the same again}}
  %0 = ssm.tile_scan drive(%a) carry(%h) along [1] : (vector<4xf32>, vector<1xf32>) -> vector<4xf32>
  return
}

// -----
func.func @tile_scan_c3_matrix(%a: vector<2x4xf32>, %h: vector<2x1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op expects one state, a matrix, and as many axes of columns as of rows, each with its size}}
  %0 = ssm.tile_scan transition(%a) over [0] from [0] of [2, 2] drive(%a) carry(%h) along [1] : (vector<2x4xf32>, vector<2x4xf32>, vector<2x1xf32>) -> vector<2x4xf32>
  return
}

// -----
func.func @tile_scan_c4(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op expects log of one real decay, and neither log nor complex of maxima}}
  %0 = ssm.tile_scan max log transition(%a) drive(%a) carry(%h) along [0] : (vector<4xf32>, vector<4xf32>, vector<1xf32>) -> vector<4xf32>
  return
}

// -----
func.func @tile_shift_c1_by(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_shift' op expects a positive number of steps, and a fill}}
  %0 = ssm.tile_shift %a by 0 along [0] fill(%h) : vector<4xf32>, vector<1xf32>
  return
}

// -----
func.func @tile_shift_c1_fill(%a: vector<4xf32>) {
  // expected-error@+1 {{'ssm.tile_shift' op has a fill 'vector<4xf32>' that is no step of 'vector<4xf32>'}}
  %0 = ssm.tile_shift %a by 1 along [0] fill(%a) : vector<4xf32>, vector<4xf32>
  return
}

// -----
func.func @tile_shift_c1_peers(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_shift' op is shared by 1 threads at distance 4}}
  %0 = ssm.tile_shift %a by 1 along [0] peers [1, 4] fill(%h) : vector<4xf32>, vector<1xf32>
  return
}

// -----
func.func @tile_scan_c5_pairs(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op expects a count and a distance for each level of threads}}
  %0 = ssm.tile_scan transition(%a) drive(%a) carry(%h) along [0] peers [4] : (vector<4xf32>, vector<4xf32>, vector<1xf32>) -> vector<4xf32>
  return
}

// -----
func.func @tile_scan_c5_distance(%a: vector<4xf32>, %h: vector<1xf32>) {
  // expected-error@+1 {{'ssm.tile_scan' op is shared by 4 threads at distance 0}}
  %0 = ssm.tile_scan transition(%a) drive(%a) carry(%h) along [0] peers [4, 0] : (vector<4xf32>, vector<4xf32>, vector<1xf32>) -> vector<4xf32>
  return
}

// -----
func.func @tile_combine_c1_kind(%a: vector<4xf32>) {
  // expected-error@+1 {{'ssm.tile_combine' op has the unknown kind 'mul'; expected add or max}}
  %0 = ssm.tile_combine mul %a peers [4, 1] : vector<4xf32>
  return
}

// -----
func.func @tile_combine_c1_peers(%a: vector<4xf32>) {
  // expected-error@+1 {{'ssm.tile_combine' op expects a count and a distance of threads}}
  %0 = ssm.tile_combine add %a peers [] : vector<4xf32>
  return
}

// -----
func.func @tile_share_c1_kind(%a: vector<4xf32>) {
  // expected-error@+1 {{'ssm.tile_share' op has the unknown kind 'mul'; expected add or max}}
  %0 = ssm.tile_share mul %a peers [4, 1] : vector<4xf32> -> vector<1xf32>
  return
}

// -----
func.func @tile_share_c1_warp(%a: vector<4xf32>) {
  // expected-error@+1 {{'ssm.tile_share' op expects lanes of one warp}}
  %0 = ssm.tile_share add %a peers [4, 32] : vector<4xf32> -> vector<1xf32>
  return
}

// -----
func.func @tile_share_c1_elements(%a: vector<6xf32>) {
  // expected-error@+1 {{'ssm.tile_share' op shares out 6 elements; expected a power of two}}
  %0 = ssm.tile_share add %a peers [2, 1] : vector<6xf32> -> vector<3xf32>
  return
}

// -----
func.func @tile_share_c2(%a: vector<2x8xf32>) {
  // expected-error@+1 {{'ssm.tile_share' op expects the result 'vector<2x2xf32>', found 'vector<2x4xf32>'}}
  %0 = ssm.tile_share add %a peers [4, 1] : vector<2x8xf32> -> vector<2x4xf32>
  return
}

// -----
func.func @tile_exchange_c1_count(%a: vector<4xf32>, %t: i64) {
  // expected-error@+1 {{'ssm.tile_exchange' op of 1 tiles and 2 threads has 1 results}}
  %0 = ssm.tile_exchange %a from %t, %t : (vector<4xf32>, i64, i64) -> vector<4xf32>
  return
}

// -----
func.func @tile_exchange_c1_type(%a: vector<4xf32>, %t: i64) {
  // expected-error@+1 {{'ssm.tile_exchange' op expects results of the types of its tiles, found 'vector<2xf32>'}}
  %0 = ssm.tile_exchange warp %a from %t : (vector<4xf32>, i64) -> vector<2xf32>
  return
}

// -----
func.func @shared_c1() {
  // expected-error@+1 {{'ssm.shared' op of 0 bytes}}
  %0 = ssm.shared 0 : !llvm.ptr<3>
  return
}
