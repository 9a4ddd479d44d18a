"""The definitions of the models in float64, on a slice: one batch, a few channels or one head, and the first steps. Decays
stand still by what follows, so a slice of a result is the result of a slice.

Each function takes the inputs of a case by name, in the library's layout, with one group, and gives the output of its slice and where
the slice is in the whole output.
"""

import torch
import torch.nn.functional as F

STEPS = 512  # that a loop over time does


def silu(x):
    return x * torch.sigmoid(x)


def softplus(x):
    return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))


def doubling_scan(decay, pushed):
    """h[t] = decay[t] * h[t - 1] + pushed[t] along the last axis, in log2(time) rounds."""
    distance = 1
    while distance < decay.shape[-1]:
        pushed = pushed + decay * F.pad(pushed, (distance, 0))[..., :-distance]
        decay = decay * F.pad(decay, (distance, 0), value=1.0)[..., :-distance]
        distance *= 2
    return pushed


def mamba1(inputs, before=None):
    """All steps of the last four channels."""
    channels = slice(-4, None)
    x = {name: value.double() for name, value in inputs.items() if name in ("A", "D", "delta_bias")}
    u, delta, z = (inputs[name][-1, channels].double() for name in ("u", "delta", "z"))
    B, C = (inputs[name][-1, -1].double() for name in ("B", "C"))
    dt = softplus(delta + x["delta_bias"][channels, None])
    decay = torch.exp(dt[:, None, :] * x["A"][channels, :, None])
    pushed = (dt * u)[:, None, :] * B
    if before is not None:
        pushed[..., 0] += decay[..., 0] * before["h"][-1, channels].double()
    states = doubling_scan(decay, pushed)
    y = ((C * states).sum(1) + x["D"][channels, None] * u) * silu(z)
    return y, (-1, channels)


def mamba2(inputs, before=None):
    """The first steps of the last head."""
    steps, head = slice(0, STEPS), -1
    x, z = (inputs[name][-1, steps, head].double() for name in ("x", "z"))
    B, C = (inputs[name][-1, steps, -1].double() for name in ("B", "C"))
    A, D, bias = (inputs[name][head].double() for name in ("A", "D", "dt_bias"))
    dt = softplus(inputs["dt"][-1, steps, head].double() + bias)
    state = x.new_zeros(x.shape[1], B.shape[1])
    rows = []
    for t in range(x.shape[0]):
        state = torch.exp(dt[t] * A) * state + dt[t] * torch.outer(x[t], B[t])
        rows.append(state @ C[t])
    return (torch.stack(rows) + D * x) * silu(z), (-1, steps, head)


def matrix_state(inputs, update, scale):
    """The first steps of the last head of a model whose state is key by value."""
    steps, head = slice(0, STEPS), -1
    names = [name for name in inputs if name != "gamma"]
    x = {name: inputs[name][-1, steps, head].double() for name in names}
    state = x["q"].new_zeros(x["q"].shape[1], x["v"].shape[1])
    rows = []
    for t in range(x["q"].shape[0]):
        state = update(state, {name: value[t] for name, value in x.items()})
        rows.append(scale * (x["q"][t] @ state))
    return torch.stack(rows), (-1, steps, head)


def retnet(inputs, before=None):
    gamma = inputs["gamma"][-1].double()
    return matrix_state(inputs, lambda state, x: gamma * state + torch.outer(x["k"], x["v"]), 1)


def gla(inputs, before=None):
    def update(state, x):
        return torch.exp(-softplus(-x["g"]) / 16)[:, None] * state + torch.outer(x["k"], x["v"])

    return matrix_state(inputs, update, inputs["q"].shape[-1] ** -0.5)


def deltanet(inputs, before=None):
    def update(state, x):
        return state + x["beta"] * torch.outer(x["k"], x["v"] - x["k"] @ state)

    return matrix_state(inputs, update, 1)


BY_MODEL = {"mamba1": mamba1, "mamba2": mamba2, "retnet": retnet, "gla": gla, "deltanet": deltanet}
