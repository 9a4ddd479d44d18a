"""Reading and writing .safetensors files, and the few numbers that the examples draw at random.

Standard library only, so that the examples run wherever Python 3 does.
"""
import array
import json
import math
import random
import struct
import sys

CODES = {"F32": "f", "F64": "d"}


def write(path, tensors, metadata=None):
    """Writes `tensors`, name -> (shape, flat row-major floats), as F32. A complex tensor ends in an axis of 2: re, im."""
    header, body, offset = {"__metadata__": metadata or {}}, [], 0
    for name, (shape, values) in tensors.items():
        data = array.array("f", values)
        if len(data) != math.prod(shape):
            raise ValueError(f"{name}: {len(data)} values for the shape {shape}")
        if sys.byteorder == "big":
            data.byteswap()
        body.append(data.tobytes())
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + len(body[-1])]}
        offset += len(body[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(body))


def read(path):
    """The file's F32 and F64 tensors, name -> (shape, flat array)."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8:8 + length]), content[8 + length:]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        data = array.array(CODES[entry["dtype"]])
        data.frombytes(body[slice(*entry["data_offsets"])])
        if sys.byteorder == "big":
            data.byteswap()
        tensors[name] = (entry["shape"], data)
    return tensors


class Normal:
    """Standard normal numbers by Box and Muller from Python's Mersenne Twister: the same ones in every Python 3."""

    def __init__(self, seed):
        self.uniform = random.Random(seed).random

    def __call__(self, count, scale=1.0):
        draw = self.uniform
        return [scale * math.sqrt(-2 * math.log(1 - draw())) * math.cos(2 * math.pi * draw()) for _ in range(count)]

    def matrix(self, rows, columns, scale=1.0):
        return [self(columns, scale) for _ in range(rows)]
