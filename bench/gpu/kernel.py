"""How ssmc's kernels are called, as the manifest of a bundle says it (docs/bundles.md), and the words of a call."""

import json
import math
import struct
import zipfile

from gpu.cases import Unavailable


BYTES = {"bf16": 2, "f16": 2, "f32": 4, "f64": 8, "i64": 8}


def fits(program, tensors, target, dims):
    """Whether a program is for the target and for contiguous tensors of these sizes."""
    if program["target"] != target:
        return False
    for condition in program["alignments"]:
        tensor = next(t for t in tensors if (t["role"], t["name"]) == (condition["kind"], condition["name"]))
        rows = BYTES.get(tensor["dtype"], 8)
        for extent in reversed(shape(tensor["layout"], dims)[1:]):
            rows *= extent
            if rows % condition["bytes"]:
                return False
    sizes = all_sizes(program, dims)
    if any(sizes[condition["of"]] % condition["tile"] for condition in program["multiples"]):
        return False
    return True


def read_bundle(path, target, dims):
    """The program that a call with contiguous tensors takes, with its tensors and parameters; and the kind of its code, and
    the code: a cubin, else PTX."""
    with zipfile.ZipFile(path) as bundle:
        function = json.loads(bundle.read("manifest.json"))["functions"][0]
        tensors = function["tensors"]
        program = next((p for p in function["programs"] if fits(p, tensors, target, dims)), None)
        if program is None:
            raise Unavailable(f"the bundle has nothing for {target} at these sizes")
        files = {entry["kind"]: entry["file"] for entry in program["code"]}
        kind = "cubin" if "cubin" in files else "ptx"
        code = bundle.read(files[kind])
    if any(entry.get("depth", 1) > 1 for entry in tensors):
        raise Unavailable("states that carry several steps are not measured here")
    parameters = {parameter["name"]: parameter["default"] for parameter in function["parameters"]}
    return {"tensors": tensors, "parameters": parameters, "program": program}, kind, code


def tiles(entry, sizes):
    return max(entry.get("at_least", 0), -(-sizes[entry["of"]] // entry["tile"]))


def all_sizes(program, dims):
    """The dimensions, and what the program counts."""
    sizes = dict(dims)
    for count in program["counts"]:
        sizes[count["name"]] = tiles(count, sizes)
    return sizes


def count_tasks(kernel, sizes):
    return math.prod(tiles(factor, sizes) for factor in kernel["grid"])


def shape(layout, sizes):
    return tuple(math.prod(sizes[dim] for dim in axis) for axis in layout)


def shape_of(buffer, sizes):
    depth = buffer.get("depth", 1)
    return shape(buffer["layout"], sizes) + ((depth,) if depth > 1 else ())


def pack_words(kernel, call, sizes, arrays):
    """A kernel's arguments as 8 bytes each. `arrays` has (pointer, strides) by (kind, name); a state that is missing is a null
    pointer."""
    ranks = {(tensor["role"], tensor["name"]): len(tensor["layout"]) for tensor in call["tensors"]}
    words = []
    for argument in kernel["arguments"]:
        kind, name = argument["kind"], argument.get("name")
        if kind == "parameter":
            words.append(struct.pack("<d", call["parameters"][name]))
        elif kind in ("size", "tasks"):
            words.append(struct.pack("<q", sizes[name] if kind == "size" else count_tasks(kernel, sizes)))
        elif (kind, name) in arrays:
            pointer, strides = arrays[kind, name]
            words += [struct.pack("<Q", pointer), *(struct.pack("<q", stride) for stride in strides)]
        elif kind == "absent" or kind.endswith("_state"):
            words += [bytes(8)] * (1 + (argument["axes"] if kind == "absent" else ranks[kind, name]))
        else:
            raise Unavailable(f"no {kind} {name}")
    return words
