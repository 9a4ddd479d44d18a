"""Checks how bench/run-gpu fills arguments, on calls small enough to write down: gpu_words.py ROOT"""
import struct
import sys

sys.path.insert(0, sys.argv[1] + "/bench")
from gpu.kernel import all_sizes, count_tasks, pack_words, parse_header, shape  # noqa: E402

PTX = """// m_forward, schedule b=grid:2; c=grid; t=loop
// Block: 64 threads. Grid: any number of blocks, best as many as there are tasks. tasks = 1 * ceil(b / 2) * max(1, ceil(c / 8))
// Arguments, in order; the last stride of every tensor is taken to be 1:
//   u: input, pointer to bf16, then 2 strides in elements (i64) of [b, (c t)]
//   h: initial state (may be null), pointer to f32, then 1 strides in elements (i64) of [b]
//   y: output, pointer to f32, then 1 strides in elements (i64) of [b]
//   g: parameter (f64), by default 1.500000e+00
//   b: size (i64)
//   tasks (i64)
//
.version 7.8
.visible .entry m_forward(
""" + "\t.param .u64 p,\n" * 10

call = parse_header(PTX)
kernel = call["program"]["kernels"][0]
assert kernel["threads"] == 64 and kernel["shared_memory"]["dynamic"] == 0
sizes = all_sizes(call["program"], {"b": 5, "c": 0, "t": 7})
assert count_tasks(kernel, sizes) == 3
assert shape(call["tensors"][0]["layout"], {"b": 5, "c": 3, "t": 7}) == (5, 21)
words = pack_words(kernel, call, sizes, {("input", "u"): (1 << 40, [21, 1]), ("output", "y"): (16, [1])})
q = struct.Struct("<q").pack
assert words == [q(1 << 40), q(21), q(1), q(0), q(0), q(16), q(1), struct.pack("<d", 1.5), q(5), q(3)], words
kernel["arguments"] = [{"kind": "absent", "axes": 2}, {"kind": "buffer", "name": "w"}]
assert pack_words(kernel, call, sizes, {("buffer", "w"): (8, [2])}) == [q(0), q(0), q(0), q(8), q(2)]
assert all_sizes({"counts": [{"name": "chunks", "of": "t", "tile": 4, "at_least": 1}]}, {"t": 9})["chunks"] == 3

for wrong, why in ((PTX + "\t.param .u64 p,\n", "describes 10 parameters and has 11"),
                   (PTX + ".visible .entry other(\n", "2 kernels"), (PTX.replace("Block", "Blok"), "block")):
    try:
        parse_header(wrong)
        sys.exit(f"taken: {why}")
    except Exception as error:
        assert why in str(error), error
print("words are in their places")
