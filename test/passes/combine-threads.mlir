// RUN: ssm-opt %s --ssm-combine-threads --cse | FileCheck %s

// Two lanes, and four warps of them: a round in the warp, then all warps' values, neighbours first.
// CHECK-LABEL: func.func @warps(
// CHECK-SAME:      %[[X:.*]]: vector<1xf32>
// CHECK:         %[[OTHER:.*]] = ssm.tile_exchange warp %[[X]]
// CHECK:         %[[WARP:.*]] = arith.maximumf %[[X]], %[[OTHER]]
// CHECK:         %[[ALL:.*]]:4 = ssm.tile_exchange %[[WARP]] from
// CHECK:         %[[LOW:.*]] = arith.maximumf %[[ALL]]#0, %[[ALL]]#1
// CHECK:         %[[HIGH:.*]] = arith.maximumf %[[ALL]]#2, %[[ALL]]#3
// CHECK:         %[[BOTH:.*]] = arith.maximumf %[[LOW]], %[[HIGH]]
// CHECK:         return %[[BOTH]]
func.func @warps(%x: vector<1xf32>) -> vector<1xf32> {
  %s = ssm.tile_combine max %x peers [2, 1, 4, 32] : vector<1xf32>
  return %s : vector<1xf32>
}

// Two elements over four lanes: each lane keeps one and gives the other away, then adds what the other lane that has it
// came to.
// CHECK-LABEL: func.func @share(
// CHECK-SAME:      %[[X:.*]]: vector<2xf32>
// CHECK:         %[[THREAD:.*]] = ssm.tile_place thread
// CHECK:         %[[LOWER:.*]] = vector.extract_strided_slice %[[X]] {offsets = [0], sizes = [1]
// CHECK:         %[[UPPER:.*]] = vector.extract_strided_slice %[[X]] {offsets = [1], sizes = [1]
// CHECK:         %[[BIT:.*]] = arith.andi %[[THREAD]], %c2
// CHECK:         %[[IS:.*]] = arith.cmpi ne, %[[BIT]]
// CHECK:         %[[KEPT:.*]] = arith.select %[[IS]], %[[UPPER]], %[[LOWER]]
// CHECK:         %[[GIVEN:.*]] = arith.select %[[IS]], %[[LOWER]], %[[UPPER]]
// CHECK:         %[[GOT:.*]] = ssm.tile_exchange warp %[[GIVEN]] from
// CHECK:         %[[SUM:.*]] = arith.addf %[[KEPT]], %[[GOT]]
// CHECK:         %[[MORE:.*]] = ssm.tile_exchange warp %[[SUM]] from
// CHECK:         %[[ALL:.*]] = arith.addf %[[SUM]], %[[MORE]]
// CHECK:         return %[[ALL]]
func.func @share(%x: vector<2xf32>) -> vector<1xf32> {
  %s = ssm.tile_share add %x peers [4, 1] : vector<2xf32> -> vector<1xf32>
  return %s : vector<1xf32>
}

// Each thread holds two steps: step 0 comes from the last of the thread before, step 1 from the thread itself.
// CHECK-LABEL: func.func @shift(
// CHECK-SAME:      %[[X:.*]]: vector<2x1xf32>, %[[FILL:.*]]: vector<1x1xf32>
// CHECK:         %[[THREAD:.*]] = ssm.tile_place thread
// CHECK-DAG:     %[[LAST:.*]] = vector.extract_strided_slice %[[X]] {offsets = [1, 0]
// CHECK:         %[[HAS:.*]] = arith.cmpi sge, %{{.*}}, %{{.*}} : i64
// CHECK:         %[[TAKEN:.*]] = ssm.tile_exchange warp %[[LAST]] from
// CHECK:         %[[BEFORE:.*]] = arith.select %[[HAS]], %[[TAKEN]], %[[FILL]]
// CHECK:         %[[FIRST:.*]] = vector.extract_strided_slice %[[X]] {offsets = [0, 0]
// CHECK:         ssm.tile_delay %[[BEFORE]], %[[FIRST]]
func.func @shift(%x: vector<2x1xf32>, %fill: vector<1x1xf32>) -> vector<2x1xf32> {
  %s = ssm.tile_shift %x by 1 along [0] peers [8, 1] fill(%fill) : vector<2x1xf32>, vector<1x1xf32>
  return %s : vector<2x1xf32>
}

// More steps before than a thread holds: the first threads take what their place in the fill says.
// CHECK-LABEL: func.func @far(
// CHECK-SAME:      %[[X:.*]]: vector<1xf32>, %[[LAST:.*]]: vector<1xf32>, %[[EARLIER:.*]]: vector<1xf32>
// CHECK:         %[[TAKEN:.*]] = ssm.tile_exchange %[[X]] from
// CHECK:         %[[SECOND:.*]] = arith.select %{{.*}}, %[[LAST]], %[[EARLIER]]
// CHECK:         arith.select %{{.*}}, %[[TAKEN]], %[[SECOND]]
func.func @far(%x: vector<1xf32>, %last: vector<1xf32>, %earlier: vector<1xf32>) -> vector<1xf32> {
  %s = ssm.tile_shift %x by 2 along [] peers [3, 32] fill(%last, %earlier) : vector<1xf32>, vector<1xf32>, vector<1xf32>
  return %s : vector<1xf32>
}
