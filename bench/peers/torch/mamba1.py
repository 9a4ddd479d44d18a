"""Mamba-1's forward as a loop over time in PyTorch: the algorithm that the model's authors publish as the reference for
their kernel. Decays and inputs of all steps are made at once, then one step follows another.

Usage: mamba1.py mamba1 FOLDER DIM=SIZE… (docs/benchmarks.md has the protocol).
"""

import os
import sys
import time

import torch
import torch.nn.functional as F

SHORTEST = 0.02  # seconds of a repetition, as in the other peers


def read(folder, name, *shape):
    count = 1
    for size in shape:
        count *= size
    return torch.from_file(os.path.join(folder, name + ".f32"), size=count).clone().view(shape)


def selective_scan(u, delta, A, B, C, D, delta_bias):
    """u, delta [batch, channel, time]; A [channel, state]; B, C [batch, state, time]; D, delta_bias [channel]."""
    dt = F.softplus(delta + delta_bias[:, None])
    decay = torch.exp(torch.einsum("bdl,dn->bdln", dt, A))
    pushed = torch.einsum("bdl,bnl,bdl->bdln", dt, B, u)
    state = A.new_zeros(u.shape[0], u.shape[1], A.shape[1])
    outputs = []
    for t in range(u.shape[2]):
        state = decay[:, :, t] * state + pushed[:, :, t]
        outputs.append(torch.einsum("bdn,bn->bd", state, C[:, :, t]))
    return torch.stack(outputs, dim=2) + D[:, None] * u


def main():
    model, folder, *pairs = sys.argv[1:]
    if model != "mamba1":
        sys.exit(f"error: no loop for {model}")
    size = {name: int(value) for name, value in (pair.split("=") for pair in pairs)}
    batch, group, member, state, steps = (size[n] for n in ("batch", "group", "member", "state", "time"))
    if group != 1:
        sys.exit("error: this loop is for one group")
    channel = group * member
    arguments = [
        read(folder, "u", batch, channel, steps),
        read(folder, "delta", batch, channel, steps),
        read(folder, "A", channel, state),
        read(folder, "B", batch, state, steps),
        read(folder, "C", batch, state, steps),
        read(folder, "D", channel),
        read(folder, "delta_bias", channel),
    ]
    print(f"PyTorch {torch.__version__}", flush=True)
    y = None
    for line in sys.stdin:
        command, argument = line.split()
        if command == "run":
            torch.set_num_threads(int(argument))
            calls, began, seconds = 0, time.perf_counter(), 0
            with torch.no_grad():
                while seconds < SHORTEST:
                    y = selective_scan(*arguments)
                    calls, seconds = calls + 1, time.perf_counter() - began
            print(seconds / calls, flush=True)
        elif command == "write":
            torch.from_file(argument, shared=True, size=y.numel()).copy_(y.flatten())
            print("written", flush=True)


main()
