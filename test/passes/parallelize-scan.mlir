// RUN: ssm-opt %s --ssm-parallelize-scan --cse | FileCheck %s

// Four lanes: two rounds, each from the lanes 1 and 2 before, with the identity pair shifted in; then the state before.
// CHECK-LABEL: func.func @lanes(
// CHECK-SAME:      %[[A:.*]]: vector<4xf32>, %[[B:.*]]: vector<4xf32>, %[[H:.*]]: vector<1xf32>
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<1xf32>
// CHECK-DAG:     %[[ONE:.*]] = arith.constant dense<1.000000e+00> : vector<1xf32>
// CHECK-DAG:     %[[A1:.*]] = ssm.tile_shift %[[A]] by 1 along [0] fill(%[[ONE]])
// CHECK-DAG:     %[[B1:.*]] = ssm.tile_shift %[[B]] by 1 along [0] fill(%[[ZERO]])
// CHECK:         %[[AB1:.*]] = arith.mulf %[[A]], %[[B1]]
// CHECK:         %[[TWO_B:.*]] = arith.addf %[[AB1]], %[[B]]
// CHECK:         %[[TWO_A:.*]] = arith.mulf %[[A]], %[[A1]]
// CHECK-DAG:     %[[A2:.*]] = ssm.tile_shift %[[TWO_A]] by 2 along [0] fill(%[[ONE]])
// CHECK-DAG:     %[[B2:.*]] = ssm.tile_shift %[[TWO_B]] by 2 along [0] fill(%[[ZERO]])
// CHECK:         %[[AB2:.*]] = arith.mulf %[[TWO_A]], %[[B2]]
// CHECK:         %[[ALL_B:.*]] = arith.addf %[[AB2]], %[[TWO_B]]
// CHECK:         %[[ALL_A:.*]] = arith.mulf %[[TWO_A]], %[[A2]]
// CHECK-NOT:     tile_shift
// CHECK:         %[[BEFORE:.*]] = vector.broadcast %[[H]]
// CHECK:         %[[KEPT:.*]] = arith.mulf %[[ALL_A]], %[[BEFORE]]
// CHECK:         %[[S:.*]] = arith.addf %[[KEPT]], %[[ALL_B]]
// CHECK:         return %[[S]]
func.func @lanes(%a: vector<4xf32>, %b: vector<4xf32>, %h: vector<1xf32>) -> vector<4xf32> {
  %s = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [0]
      : (vector<4xf32>, vector<4xf32>, vector<1xf32>) -> vector<4xf32>
  return %s : vector<4xf32>
}

// Sums: nothing is multiplied.
// CHECK-LABEL: func.func @identity
// CHECK-NOT:     arith.mulf
// CHECK:         return
func.func @identity(%b: vector<4xf32>, %h: vector<1xf32>) -> vector<4xf32> {
  %s = ssm.tile_scan drive(%b) carry(%h) along [0] : (vector<4xf32>, vector<1xf32>) -> vector<4xf32>
  return %s : vector<4xf32>
}

// Logs are limited, added between lanes, and exponentiated where a state is multiplied.
// CHECK-LABEL: func.func @logs(
// CHECK-SAME:      %[[L:.*]]: vector<2xf32>, %[[B:.*]]: vector<2xf32>
// CHECK:         %[[LEAST:.*]] = arith.constant dense<-1.040000e+02> : vector<2xf32>
// CHECK:         %[[LOG:.*]] = arith.maximumf %[[L]], %[[LEAST]]
// CHECK:         %[[EARLIER:.*]] = ssm.tile_shift %[[LOG]] by 1 along [0] fill(%{{.*}})
// CHECK:         math.exp %[[LOG]]
// CHECK:         %[[SUM:.*]] = arith.addf %[[LOG]], %[[EARLIER]]
// CHECK:         math.exp %[[SUM]]
func.func @logs(%l: vector<2xf32>, %b: vector<2xf32>, %h: vector<1xf32>) -> vector<2xf32> {
  %s = ssm.tile_scan log transition(%l) drive(%b) carry(%h) along [0]
      : (vector<2xf32>, vector<2xf32>, vector<1xf32>) -> vector<2xf32>
  return %s : vector<2xf32>
}

// Over (max, +) the absent step adds 0 and drives with -infinity.
// CHECK-LABEL: func.func @maxima
// CHECK-DAG:     %[[LEAST:.*]] = arith.constant dense<0xFF800000> : vector<1xf32>
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<1xf32>
// CHECK-DAG:     ssm.tile_shift %{{.*}} by 1 along [0] fill(%[[ZERO]])
// CHECK-DAG:     %[[B1:.*]] = ssm.tile_shift %{{.*}} by 1 along [0] fill(%[[LEAST]])
// CHECK:         %[[AB:.*]] = arith.addf %{{.*}}, %[[B1]]
// CHECK:         arith.maximumf %[[AB]]
// CHECK-NOT:     arith.mulf
func.func @maxima(%a: vector<2xf32>, %b: vector<2xf32>, %h: vector<1xf32>) -> vector<2xf32> {
  %s = ssm.tile_scan max transition(%a) drive(%b) carry(%h) along [0]
      : (vector<2xf32>, vector<2xf32>, vector<1xf32>) -> vector<2xf32>
  return %s : vector<2xf32>
}

// Each lane holds two steps: it composes them, lanes are joined, and each begins with the lane before it.
// CHECK-LABEL: func.func @registers
// CHECK-DAG:     %[[A0:.*]] = vector.extract_strided_slice %arg0 {offsets = [0, 0]
// CHECK-DAG:     %[[A1:.*]] = vector.extract_strided_slice %arg0 {offsets = [1, 0]
// CHECK:         arith.mulf %[[A1]], %[[A0]] : vector<1x2xf32>
// CHECK:         %[[STARTS:.*]] = ssm.tile_shift %{{.*}} by 1 along [1] fill(%arg2)
// CHECK:         %[[FIRST:.*]] = arith.mulf %[[A0]], %[[STARTS]]
// CHECK:         %[[H0:.*]] = arith.addf %[[FIRST]]
// CHECK:         %[[SECOND:.*]] = arith.mulf %[[A1]], %[[H0]]
// CHECK:         %[[H1:.*]] = arith.addf %[[SECOND]]
// CHECK:         ssm.tile_delay %[[H0]], %[[H1]] along 0
func.func @registers(%a: vector<2x2xf32>, %b: vector<2x2xf32>, %h: vector<1x1xf32>) -> vector<2x2xf32> {
  %s = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [1, 0]
      : (vector<2x2xf32>, vector<2x2xf32>, vector<1x1xf32>) -> vector<2x2xf32>
  return %s : vector<2x2xf32>
}

// Registers alone are one step after another: nothing is composed.
// CHECK-LABEL: func.func @sequential
// CHECK-NOT:     ssm.tile_shift
// CHECK-COUNT-2: arith.mulf
// CHECK-NOT:     arith.mulf
// CHECK:         return
func.func @sequential(%a: vector<2x4xf32>, %b: vector<2x4xf32>, %h: vector<1x4xf32>) -> vector<2x4xf32> {
  %s = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [0]
      : (vector<2x4xf32>, vector<2x4xf32>, vector<1x4xf32>) -> vector<2x4xf32>
  return %s : vector<2x4xf32>
}

// A decay that is one for all rows is composed as one.
// CHECK-LABEL: func.func @shared
// CHECK:         arith.mulf %{{.*}} : vector<1x2xf32>
// CHECK:         return
func.func @shared(%a: vector<1x2xf32>, %b: vector<3x2xf32>, %h: vector<3x1xf32>) -> vector<3x2xf32> {
  %s = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [1]
      : (vector<1x2xf32>, vector<3x2xf32>, vector<3x1xf32>) -> vector<3x2xf32>
  return %s : vector<3x2xf32>
}

// Past the end a step is the identity pair.
// CHECK-LABEL: func.func @below
// CHECK:         %[[STEPS:.*]] = arith.constant dense<[0, 1]> : vector<2xi64>
// CHECK:         %[[END:.*]] = vector.broadcast %arg3 : i64 to vector<2xi64>
// CHECK:         %[[IS:.*]] = arith.cmpi slt, %[[STEPS]], %[[END]]
// CHECK:         arith.select %[[IS]], %arg0, %{{.*}}
// CHECK:         arith.select %[[IS]], %arg1, %{{.*}}
func.func @below(%a: vector<2xf32>, %b: vector<2xf32>, %h: vector<1xf32>, %n: i64) -> vector<2xf32> {
  %s = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [0] below %n
      : (vector<2xf32>, vector<2xf32>, vector<1xf32>, i64) -> vector<2xf32>
  return %s : vector<2xf32>
}

// A complex decay: four products to compose, four for the state.
// CHECK-LABEL: func.func @complex
// CHECK-COUNT-12: arith.mulf
// CHECK-NOT:     arith.mulf
// CHECK:         return
func.func @complex(%ar: vector<2xf32>, %ai: vector<2xf32>, %br: vector<2xf32>, %bi: vector<2xf32>,
                   %hr: vector<1xf32>, %hi: vector<1xf32>) -> (vector<2xf32>, vector<2xf32>) {
  %sr, %si = ssm.tile_scan complex transition(%ar, %ai) drive(%br, %bi) carry(%hr, %hi) along [0]
      : (vector<2xf32>, vector<2xf32>, vector<2xf32>, vector<2xf32>, vector<1xf32>, vector<1xf32>)
        -> (vector<2xf32>, vector<2xf32>)
  return %sr, %si : vector<2xf32>, vector<2xf32>
}

// Two states: 4 products for the drives, 8 for the matrix, 4 for the state before the block.
// CHECK-LABEL: func.func @coupled
// CHECK-COUNT-16: arith.mulf
// CHECK-NOT:     arith.mulf
// CHECK:         return
func.func @coupled(%m0: vector<2xf32>, %m1: vector<2xf32>, %m2: vector<2xf32>, %m3: vector<2xf32>,
                   %b: vector<2xf32>, %c: vector<2xf32>, %h: vector<1xf32>, %i: vector<1xf32>)
    -> (vector<2xf32>, vector<2xf32>) {
  %s:2 = ssm.tile_scan transition(%m0, %m1, %m2, %m3) drive(%b, %c) carry(%h, %i) along [0]
      : (vector<2xf32>, vector<2xf32>, vector<2xf32>, vector<2xf32>, vector<2xf32>, vector<2xf32>, vector<1xf32>,
         vector<1xf32>) -> (vector<2xf32>, vector<2xf32>)
  return %s#0, %s#1 : vector<2xf32>, vector<2xf32>
}

// Rows on axis 0, columns on axis 1: a product of matrices is the sum of products of a column and a row. What is shifted
// in is the identity matrix.
// CHECK-LABEL: func.func @dense
// CHECK:         arith.constant dense<{{\[\[\[1.000000e\+00\], \[0.000000e\+00\]\], \[\[0.000000e\+00\], \[1.000000e\+00\]\]\]}}> : vector<2x2x1xf32>
// CHECK-DAG:     %[[COLUMN:.*]] = vector.extract_strided_slice %arg0 {offsets = [0, 0, 0], sizes = [2, 1, 2]
// CHECK-DAG:     %[[ROW:.*]] = vector.extract_strided_slice %{{.*}} {offsets = [0, 0, 0], sizes = [1, 2, 2]
func.func @dense(%m: vector<2x2x2xf32>, %b: vector<2x1x2xf32>, %h: vector<2x1x1xf32>) -> vector<2x1x2xf32> {
  %s = ssm.tile_scan transition(%m) over [0] from [1] of [2] drive(%b) carry(%h) along [2]
      : (vector<2x2x2xf32>, vector<2x1x2xf32>, vector<2x1x1xf32>) -> vector<2x1x2xf32>
  return %s : vector<2x1x2xf32>
}

// Four lanes of a warp: two rounds of exchanges, in which the first lanes keep what they have; then what the lane before
// has, and nothing for the first.
// CHECK-LABEL: func.func @warp(
// CHECK-SAME:      %[[A:.*]]: vector<1xf32>, %[[B:.*]]: vector<1xf32>, %[[H:.*]]: vector<1xf32>
// CHECK:         %[[THREAD:.*]] = ssm.tile_place thread
// CHECK:         %[[FIRST:.*]]:2 = ssm.tile_exchange warp %[[A]], %[[B]] from %{{.*}}
// CHECK:         %[[AB:.*]] = arith.mulf %[[A]], %[[FIRST]]#1
// CHECK:         %[[TWO_B:.*]] = arith.addf %[[AB]], %[[B]]
// CHECK:         %[[TWO_A:.*]] = arith.mulf %[[A]], %[[FIRST]]#0
// CHECK:         %[[ROUND_A:.*]] = arith.select %[[HAS:.*]], %[[TWO_A]], %[[A]]
// CHECK:         %[[ROUND_B:.*]] = arith.select %[[HAS]], %[[TWO_B]], %[[B]]
// CHECK:         ssm.tile_exchange warp %[[ROUND_A]], %[[ROUND_B]]
// CHECK:         %[[BEFORE:.*]]:2 = ssm.tile_exchange warp
// CHECK:         arith.select %[[HAS]], %[[BEFORE]]#0
// CHECK:         arith.select %[[HAS]], %[[BEFORE]]#1
// CHECK-NOT:     ssm.tile_exchange
// CHECK:         return
func.func @warp(%a: vector<1xf32>, %b: vector<1xf32>, %h: vector<1xf32>) -> vector<1xf32> {
  %s = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [] peers [4, 1]
      : (vector<1xf32>, vector<1xf32>, vector<1xf32>) -> vector<1xf32>
  return %s : vector<1xf32>
}

// Three warps: each reads what all did, in one exchange, and runs through it in their order.
// CHECK-LABEL: func.func @warps(
// CHECK:         ssm.tile_exchange %{{.*}}, %{{.*}} from %{{.*}}, %{{.*}}, %{{.*}} : (vector<1xf32>, vector<1xf32>, i64, i64, i64) ->
// CHECK-NOT:     ssm.tile_exchange
// CHECK:         return
func.func @warps(%a: vector<1xf32>, %b: vector<1xf32>, %h: vector<1xf32>) -> vector<1xf32> {
  %s = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [] peers [3, 32]
      : (vector<1xf32>, vector<1xf32>, vector<1xf32>) -> vector<1xf32>
  return %s : vector<1xf32>
}
