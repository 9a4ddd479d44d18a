"""Random inputs of a case, as its `ranges` ask for them. bench/gpu-cases.json has them by tensor:

[lowest, highest]                             uniform
{"log": [lowest, highest]}                    uniform in the logarithm
{"softplus": [lowest, highest], "less": b}    softplus of it and of the tensor b together is uniform in the logarithm
{"from": x, "to": y, "along": dim}            from x to y in even steps along a dimension, the same elsewhere
{"normal": dim}                               normal, then scaled to length 1 along a dimension
"retention"                                   1 - 2^(-5 - head), as RetNet's decays are

Inputs that it does not name are uniform in [-1, 1].
"""

import math

import torch

from gpu.kernel import shape

TYPES = {"f32": torch.float32, "f64": torch.float64, "bf16": torch.bfloat16, "f16": torch.float16, "i32": torch.int32,
         "i64": torch.int64}
SEED = 20260000


def axis_of(layout, dim):
    return next(i for i, axis in enumerate(layout) if dim in axis)


def along(values, layout, axis, sizes):
    """A tensor of these sizes that varies along one axis alone."""
    return values.view([-1 if i == axis else 1 for i in range(len(layout))]).expand(sizes)


def fill(spec, layout, dims, random, earlier):
    """One tensor in f32. `earlier` has those that are there already."""
    sizes = shape(layout, dims)

    def uniform(low, high):
        return torch.rand(sizes, generator=random, device=random.device) * (high - low) + low

    def log_uniform(low, high):
        return uniform(math.log(low), math.log(high)).exp()

    if isinstance(spec, list):
        return uniform(*spec)
    if spec == "retention":
        return 1 - torch.exp2(-5 - torch.arange(sizes[0], device=random.device, dtype=torch.float32))
    if "log" in spec:
        return log_uniform(*spec["log"])
    if "softplus" in spec:
        # log(exp(x) - 1), as x + log(1 - exp(-x))
        step = log_uniform(*spec["softplus"])
        raw = step + torch.log(-torch.expm1(-step))
        other, other_layout = earlier[spec["less"]]
        return raw - along(other.float(), layout, layout.index(other_layout[0]), sizes)
    if "along" in spec:
        axis = axis_of(layout, spec["along"])
        steps = torch.linspace(spec["from"], spec["to"], sizes[axis], device=random.device)
        return along(steps, layout, axis, sizes)
    if "normal" in spec:
        drawn = torch.randn(sizes, generator=random, device=random.device)
        return drawn / drawn.norm(dim=axis_of(layout, spec["normal"]), keepdim=True)
    raise ValueError(f"no range is {spec}")


def make(case, tensors, device):
    """The inputs among a call's tensors, by name."""
    random = torch.Generator(device=device).manual_seed(SEED)
    ranges = case.get("ranges", {})
    wanted = [tensor for tensor in tensors if tensor["role"] == "input"]
    # What another is made from comes first.
    wanted.sort(key=lambda tensor: "less" in ranges.get(tensor["name"], {}))
    made = {}
    for tensor in wanted:
        name, layout = tensor["name"], tensor["layout"]
        value = fill(ranges.get(name, [-1, 1]), layout, case["dims"], random, made)
        made[name] = (value.to(TYPES[tensor["dtype"]]).contiguous(), layout)
    return {name: value for name, (value, _) in made.items()}


def make_states(tensors, dims, device):
    """Random states before the first step, by name."""
    random = torch.Generator(device=device).manual_seed(SEED + 1)
    return {tensor["name"]: fill([-1, 1], tensor["layout"], dims, random, {}).to(TYPES[tensor["dtype"]])
            for tensor in tensors if tensor["role"] == "initial_state"}
