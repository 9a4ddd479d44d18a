"""flash-linear-attention on the GPU: the chunked and the recurrent Triton kernels of gated linear attention, RetNet and
DeltaNet."""

import torch
import torch.nn.functional as F

from gpu.cases import Unavailable
from gpu.measure import ROUNDED, Participant
from gpu.tuning import import_bare, tune_in_parallel


def gla(x):
    from fla.ops.gla.chunk import chunk_gla
    from fla.ops.gla.fused_recurrent import fused_recurrent_gla
    # Its kernels take the logarithm of the decay; that is computed outside the timing.
    g = (F.logsigmoid(x["g"].float()) / 16).to(x["g"].dtype)
    return {"chunk_gla": lambda: chunk_gla(x["q"], x["k"], x["v"], g),
            "fused_recurrent_gla": lambda: fused_recurrent_gla(x["q"], x["k"], x["v"], gk=g)}


def retnet(x):
    # Its decays are fixed: those of the case.
    from fla.ops.retention.chunk import chunk_retention
    from fla.ops.retention.fused_recurrent import fused_recurrent_retention
    return {"chunk_retention": lambda: chunk_retention(x["q"], x["k"], x["v"], scale=1.0),
            "fused_recurrent_retention": lambda: fused_recurrent_retention(x["q"], x["k"], x["v"], scale=1.0)}


def deltanet(x):
    from fla.ops.delta_rule.chunk import chunk_delta_rule
    from fla.ops.delta_rule.fused_recurrent import fused_recurrent_delta_rule
    return {"chunk_delta_rule": lambda: chunk_delta_rule(x["q"], x["k"], x["v"], x["beta"], scale=1.0),
            "fused_recurrent_delta_rule":
                lambda: fused_recurrent_delta_rule(x["q"], x["k"], x["v"], x["beta"], scale=1.0)}


MODELS = {"gla": gla, "retnet": retnet, "deltanet": deltanet}


def participants(model, x, states, plan, device):
    if model not in MODELS:
        raise Unavailable(f"it has no {model}")
    tune_in_parallel()
    import_bare(device.folder / "packages", "fla.ops", "fla.modules")
    out = {}

    def call(name, function):
        with torch.no_grad():
            out[name] = function()[0]

    for name, function in MODELS[model](x).items():
        yield Participant(f"fla {name}", lambda name=name, function=function: call(name, function),
                          lambda name=name: out[name], tolerance=ROUNDED)
