"""Checks how bench/run-gpu fills arguments, on calls small enough to write down: gpu_words.py ROOT"""
import struct
import sys

sys.path.insert(0, sys.argv[1] + "/bench")
from gpu.kernel import all_sizes, count_tasks, fits, pack_words, shape  # noqa: E402

u = {"name": "u", "role": "input", "dtype": "bf16", "layout": [["b"], ["c", "t"]]}
h = {"name": "h", "role": "initial_state", "dtype": "f32", "layout": [["b"]]}
kernel = {
    "grid": [{"of": "b", "tile": 2}, {"of": "c", "tile": 8, "at_least": 1}],
    "arguments": [{"kind": "input", "name": "u"}, {"kind": "initial_state", "name": "h"}, {"kind": "output", "name": "y"},
                  {"kind": "parameter", "name": "g"}, {"kind": "size", "name": "b"}, {"kind": "tasks"}],
}
call = {"tensors": [u, h], "parameters": {"g": 1.5}, "program": {"counts": [], "kernels": [kernel]}}
sizes = all_sizes(call["program"], {"b": 5, "c": 0, "t": 7})
assert count_tasks(kernel, sizes) == 3
assert shape(call["tensors"][0]["layout"], {"b": 5, "c": 3, "t": 7}) == (5, 21)
words = pack_words(kernel, call, sizes, {("input", "u"): (1 << 40, [21, 1]), ("output", "y"): (16, [1])})
q = struct.Struct("<q").pack
assert words == [q(1 << 40), q(21), q(1), q(0), q(0), q(16), q(1), struct.pack("<d", 1.5), q(5), q(3)], words
kernel["arguments"] = [{"kind": "absent", "axes": 2}, {"kind": "buffer", "name": "w"}]
assert pack_words(kernel, call, sizes, {("buffer", "w"): (8, [2])}) == [q(0), q(0), q(0), q(8), q(2)]
assert all_sizes({"counts": [{"name": "chunks", "of": "t", "tile": 4, "at_least": 1}]}, {"t": 9})["chunks"] == 3

# Rows of 3 * 8 and of 3 * 7 values of two bytes; steps of which a thread takes 4 at once.
wide = {"target": "sm_90", "counts": [], "alignments": [{"kind": "input", "name": "u", "bytes": 16}],
        "multiples": [{"of": "t", "tile": 4}]}
assert fits(wide, [u, h], "sm_90", {"b": 5, "c": 3, "t": 8})
assert not fits(wide, [u, h], "sm_90", {"b": 5, "c": 3, "t": 7})
assert not fits({**wide, "alignments": []}, [u, h], "sm_90", {"b": 5, "c": 3, "t": 6})
assert fits({**wide, "multiples": []}, [u, h], "sm_90", {"b": 5, "c": 8, "t": 7})
assert not fits({**wide, "target": "sm_80"}, [u, h], "sm_90", {"b": 5, "c": 3, "t": 8})
print("words are in their places")
