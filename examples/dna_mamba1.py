#!/usr/bin/env python3
"""Makes the inputs of models/mamba1.ssm from a genome: dna_mamba1.py OUT.safetensors [GENOME.fa]

The genome is the start of lambda phage (lambda-8192.fa beside this file). What comes before the scan in a Mamba block
(Gu & Dao 2023, https://arxiv.org/abs/2312.00752) runs here with weights from a fixed seed: each base is embedded in 16
channels; in_proj gives x and z; x goes through a causal depthwise convolution of width 4 and silu, which gives u;
x_proj gives B, C (16 states, one group) and, at rank 2, what dt_proj makes delta of. A_n = -n, D = 1, and delta_bias
puts softplus(delta_bias) evenly in its logarithm over [0.001, 0.1].
"""
import math
import os
import sys
from operator import mul

import tensorfile

GENOME = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lambda-8192.fa")
CHANNELS, STATES, RANK, WIDTH = 16, 16, 2, 4


def read_genome(path):
    with open(path) as file:
        bases = "".join(line.strip() for line in file if not line.startswith(">")).upper()
    unknown = set(bases) - set("ACGT")
    if unknown or not bases:
        sys.exit(f"error: {path}: expected the letters A, C, G and T, found {sorted(unknown) or 'nothing'}")
    return bases


def silu(x):
    return x / (1 + math.exp(-x))


def apply(matrix, vector):
    """The rows of `matrix` times `vector`."""
    return [sum(map(mul, row, vector)) for row in matrix]


def transposed(steps):
    """[time][channel] as flat [channel][time]."""
    return [value for row in zip(*steps) for value in row]


def main(out, genome=GENOME):
    bases = read_genome(genome)
    time = len(bases)
    normal = tensorfile.Normal("dna_mamba1")
    embedding = dict(zip("ACGT", normal.matrix(4, CHANNELS)))
    in_proj = normal.matrix(2 * CHANNELS, CHANNELS, 1 / math.sqrt(CHANNELS))
    taps = normal.matrix(WIDTH, CHANNELS, 0.5)
    x_proj = normal.matrix(RANK + 2 * STATES, CHANNELS, 1 / math.sqrt(CHANNELS))
    dt_proj = normal.matrix(CHANNELS, RANK, 1 / math.sqrt(RANK))

    # A one-hot base picks one of four rows, so embedding and in_proj together take four values.
    projected = {base: apply(in_proj, row) for base, row in embedding.items()}
    xz = [projected[base] for base in bases]
    past = [[0.0] * CHANNELS] * (WIDTH - 1) + [row[:CHANNELS] for row in xz]
    u = [[silu(sum(tap[c] * past[t + k][c] for k, tap in enumerate(taps))) for c in range(CHANNELS)] for t in range(time)]
    dbc = [apply(x_proj, row) for row in u]
    delta = [apply(dt_proj, row[:RANK]) for row in dbc]
    steps = [10 ** (-3 + 2 * c / (CHANNELS - 1)) for c in range(CHANNELS)]

    tensorfile.write(out, {
        "u": ([1, CHANNELS, time], transposed(u)),
        "delta": ([1, CHANNELS, time], transposed(delta)),
        "A": ([CHANNELS, STATES], [-float(n) for n in range(1, STATES + 1)] * CHANNELS),
        "B": ([1, 1, STATES, time], transposed([row[RANK:RANK + STATES] for row in dbc])),
        "C": ([1, 1, STATES, time], transposed([row[RANK + STATES:] for row in dbc])),
        "D": ([CHANNELS], [1.0] * CHANNELS),
        "delta_bias": ([CHANNELS], [math.log(math.expm1(s)) for s in steps]),
        "z": ([1, CHANNELS, time], transposed([row[CHANNELS:] for row in xz])),
    })
    print(f"{out}: {time} bases, {CHANNELS} channels, {STATES} states")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
