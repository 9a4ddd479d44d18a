"""tensors.py write FILE NAME=SHAPE:VALUES... [@KEY=TEXT...]: a safetensors file of F32, or F64 for names of results (out.*, state.* in a
case: NAME!=SHAPE:VALUES), or integers (NAME/i32=…, NAME/i64=…), with metadata.  tensors.py print FILE: a line a tensor, sorted by name.
tensors.py scale FILE TO NAME FACTOR: the same file with the element of largest size of one tensor multiplied.
"""
import json
import struct
import sys

FORMATS = {"F16": "e", "F32": "f", "F64": "d", "I32": "i", "I64": "q"}


def read(path):
    content = open(path, "rb").read()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8:8 + length]), bytearray(content[8 + length:])


def save(path, header, body):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + bytes(body))


def write(path, *items):
    header, body = {"__metadata__": {}}, b""
    # The widest first, so that all are aligned.
    for item in sorted(items, key=lambda item: not item.split("=")[0].endswith(("!", "/i64"))):
        name, text = item.split("=", 1)
        if name.startswith("@"):
            header["__metadata__"][name[1:]] = text
            continue
        shape, values = text.split(":")
        name, _, kind = name.partition("/")
        dtype = kind.upper() or ("F64" if name.endswith("!") else "F32")
        numbers = [(int if kind else float)(value) for value in values.split(",") if value]
        data = struct.pack(f"<{len(numbers)}{FORMATS[dtype]}", *numbers)
        shape = [int(size) for size in shape.split(",") if size]
        header[name.rstrip("!")] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    save(path, header, body)


def print_all(path):
    header, body = read(path)
    for name, entry in sorted(header.items()):
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = ""
        if entry["dtype"] == "BF16":
            words = struct.iter_unpack("<H", body[begin:end])
            values = " ".join(f"{struct.unpack('<f', struct.pack('<I', word << 16))[0]:g}" for (word,) in words)
        elif entry["dtype"] in FORMATS:
            code = FORMATS[entry["dtype"]]
            values = " ".join(f"{value:g}" for (value,) in struct.iter_unpack("<" + code, body[begin:end]))
        print(f"{name} {entry['dtype']} {entry['shape']}: {values}")


def scale(path, to, name, factor):
    header, body = read(path)
    begin, end = header[name]["data_offsets"]
    code = "<" + FORMATS[header[name]["dtype"]]
    at = max(range(begin, end, struct.calcsize(code)), key=lambda at: abs(struct.unpack_from(code, body, at)[0]))
    struct.pack_into(code, body, at, struct.unpack_from(code, body, at)[0] * float(factor))
    save(to, header, body)


{"write": write, "print": print_all, "scale": scale}[sys.argv[1]](*sys.argv[2:])
