"""How ssmc's kernels are called, as the manifest of a bundle says it, and the words of a call. A compiler without bundles says
it in the comments with which its PTX begins; that is brought to the same form."""

import json
import math
import re
import struct
import zipfile

from gpu.cases import Unavailable

TENSOR = re.compile(r"//   (\w+): (input|output|initial state|final state)[^,]*, pointer to ([\w<>]+), then (\d+) "
                    r"strides in elements \(i64\) of \[(.*?)\](.*)")
PARAMETER = re.compile(r"//   (\w+): parameter \(f64\), by default (\S+)")
SIZE = re.compile(r"//   (\w+): size \(i64\)")
FACTOR = re.compile(r"(max\(1, )?ceil\((\w+) / (\d+)\)")


def read_bundle(path, target):
    """What is called for a target where last strides are 1; and the kind of its code, and the code: a cubin, else PTX."""
    with zipfile.ZipFile(path) as bundle:
        function = json.loads(bundle.read("manifest.json"))["functions"][0]
        program = next((p for p in function["programs"] if p["target"] == target and p["unit_strides"]), None)
        if program is None:
            raise Unavailable(f"the bundle has nothing for {target}")
        files = {entry["kind"]: entry["file"] for entry in program["code"]}
        kind = "cubin" if "cubin" in files else "ptx"
        code = bundle.read(files[kind])
    tensors = [{**tensor, "dtype": tensor["dtype"].lower()} for tensor in function["tensors"]]
    parameters = {parameter["name"]: parameter["default"] for parameter in function["parameters"]}
    for buffer in program["buffers"]:
        buffer["dtype"] = buffer["dtype"].lower()
    if any(entry.get("depth", 1) > 1 for entry in tensors + program["buffers"]):
        raise Unavailable("states that carry several steps are not measured here")
    return {"tensors": tensors, "parameters": parameters, "program": program}, kind, code


def parse_layout(text):
    """`batch, (group member), time` as a list of axes, each a list of dimensions."""
    return [axis.strip("() ").split() for axis in text.split(",")] if text.strip() else []


def parse_arguments(header):
    """What a header says of the arguments, and the tensors and parameters among them."""
    arguments, tensors, parameters = [], [], {}
    for line in header:
        if tensor := TENSOR.match(line):
            name, role, stored, rank, layout, more = tensor.groups()
            axes, role = parse_layout(layout), role.replace(" ", "_")
            if more.strip() or len(axes) != int(rank):
                raise Unavailable(f"the argument {name} has axes that are not of its layout")
            arguments.append({"kind": role, "name": name})
            tensors.append({"name": name, "role": role, "dtype": stored, "layout": axes})
        elif parameter := PARAMETER.match(line):
            arguments.append({"kind": "parameter", "name": parameter[1]})
            parameters[parameter[1]] = float(parameter[2])
        elif size := SIZE.match(line):
            arguments.append({"kind": "size", "name": size[1]})
        elif line == "//   tasks (i64)":
            arguments.append({"kind": "tasks"})
    return arguments, tensors, parameters


def parse_header(ptx):
    """The same for the one kernel of a PTX file."""
    header = [line for line in ptx.split("\n.version")[0].splitlines() if line.startswith("//")]
    entries = re.findall(r"^\.visible \.entry (\w+)\(", ptx, re.M)
    if len(entries) != 1:
        raise Unavailable(f"{len(entries)} kernels: the PTX describes the call of one")
    if not header or not header[0].startswith(f"// {entries[0]}, schedule "):
        raise Unavailable("the PTX does not begin with how its kernel is called")
    text = "\n".join(header)
    threads, tasks = re.search(r"Block: (\d+) threads", text), re.search(r"tasks = (.*)", text)
    if not threads or not tasks:
        raise Unavailable("the PTX does not say its block and tasks")
    shared = re.search(r"[Ss]hared memory: (\d+) bytes", text)
    arguments, tensors, parameters = parse_arguments(header)
    kernel = {
        "entry": entries[0], "threads": int(threads[1]), "arguments": arguments,
        "shared_memory": {"dynamic": int(shared[1]) if shared else 0},
        "grid": [{"of": dim, "tile": int(span), "at_least": 1 if least else 0}
                 for least, dim, span in FACTOR.findall(tasks[1])],
    }
    words = sum(1 + len(next((t["layout"] for t in tensors if (t["role"], t["name"]) == (a["kind"], a.get("name"))), []))
                for a in arguments)
    if (found := len(re.findall(r"^\s*\.param ", ptx, re.M))) != words:
        raise Unavailable(f"the PTX describes {words} parameters and has {found}")
    program = {"schedule": header[0].split(", schedule ", 1)[1], "counts": [], "buffers": [], "kernels": [kernel]}
    return {"tensors": tensors, "parameters": parameters, "program": program}


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
