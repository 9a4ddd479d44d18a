"""Inputs of the gated recurrence in models/rglru.ssm, drawn: draw_inputs.py FILE.safetensors [SEED]"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))
import tensorfile

random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
batch, time, channel = 2, 100, 40


def draw(count):
    return [random.uniform(-1, 1) for _ in range(count)]


tensors = {name: ((batch, time, channel), draw(batch * time * channel)) for name in "xri"}
tensors["Lambda"] = ((channel,), draw(channel))
tensorfile.write(sys.argv[1], tensors)
