"""mamba-ssm on the GPU: its forward kernel of Mamba-1 at every tile, and its Triton kernels of Mamba-2 and of a decoding step."""

import struct

import torch

from gpu.cases import Unavailable
from gpu.driver import Launch
from gpu.measure import ROUNDED, Participant
from gpu.tuning import import_bare, tune_in_parallel


def tile_of(steps, tiles):
    """The tile that its launcher takes: the smallest that has all steps, else the largest."""
    by_steps = sorted(tiles, key=lambda tile: tile["threads"] * tile["items"])
    return next((tile for tile in by_steps if tile["threads"] * tile["items"] >= steps), by_steps[-1])


def pack(layout, values):
    """The kernel's one argument. Fields that no value is given for are 0."""
    data = bytearray(layout["bytes"])
    for name, value in values.items():
        offset, size = layout["fields"][name]
        struct.pack_into({1: "<?", 4: "<i", 8: "<Q"}[size], data, offset, value)
    return bytes(data)


def fields(x, out, out_z, states, chunks):
    """What its host code sets for inputs in its layouts, with B and C that vary in time."""
    batch, channels, steps = x["u"].shape
    groups = x["B"].shape[1]
    values = {
        "batch": batch, "dim": channels, "seqlen": steps, "dstate": x["A"].shape[1], "n_groups": groups,
        "n_chunks": chunks, "dim_ngroups_ratio": channels // groups, "is_variable_B": True, "is_variable_C": True,
        "delta_softplus": True, "A_d_stride": x["A"].stride(0), "A_dstate_stride": x["A"].stride(1),
    }
    for name in ("B", "C"):
        values |= {f"{name}_batch_stride": x[name].stride(0), f"{name}_group_stride": x[name].stride(1),
                   f"{name}_dstate_stride": x[name].stride(2)}
    for name, tensor in (("u", x["u"]), ("delta", x["delta"]), ("z", x["z"]), ("out", out), ("out_z", out_z)):
        values |= {f"{name}_batch_stride": tensor.stride(0), f"{name}_d_stride": tensor.stride(1)}
    tensors = {**x, "out": out, "out_z": out_z, "x": states}
    return values | {f"{name}_ptr": tensor.data_ptr() for name, tensor in tensors.items()}


def selective_scan(x, plan, device):
    """A participant a tile of the forward kernel."""
    layout = plan["selective_scan"]
    module = device.driver.load((device.folder / layout["cubin"]).read_bytes())
    batch, channels, steps = x["u"].shape
    own = tile_of(steps, layout["tiles"])
    for tile in layout["tiles"]:
        length = tile["threads"] * tile["items"]
        chunks = -(-steps // length)
        even = "true" if steps % length == 0 else "false"
        out, out_z = torch.empty_like(x["u"]), torch.full_like(x["z"], float("nan"))
        states = torch.empty(batch, channels, chunks, 2 * x["A"].shape[1], device="cuda")
        function = device.driver.function(module, tile["entries"][even], tile["shared"][even])
        launch = Launch(device.driver, function, (batch, channels), tile["threads"], tile["shared"][even],
                        [pack(layout, fields(x, out, out_z, states, chunks))])

        def call(launch=launch, kept=(out, states)):  # what the kernel writes has to stay its own
            launch(device.stream())

        yield Participant(
            f"mamba-ssm {tile['threads']}x{tile['items']}", call, out_z,
            device.driver.resources(function, tile["shared"][even]) + ("; the one it chooses" if tile is own else ""))


def chunk_scan(x, device):
    tune_in_parallel()
    import_bare(device.folder / "packages", "mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.triton", "mamba_ssm.utils")
    from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined
    out = {}

    def call(chunk):
        out[chunk] = mamba_chunk_scan_combined(x["x"], x["dt"], x["A"], x["B"], x["C"], chunk, D=x["D"], z=x["z"],
                                               dt_bias=x["dt_bias"], dt_softplus=True)

    for chunk in (128, 256):
        yield Participant(f"mamba-ssm ssd {chunk}", lambda chunk=chunk: call(chunk), lambda chunk=chunk: out[chunk],
                          f"mamba_chunk_scan_combined, chunks of {chunk}", tolerance=ROUNDED)


def state_update(x, states, device):
    import_bare(device.folder / "packages", "mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.triton", "mamba_ssm.utils")
    from mamba_ssm.ops.triton.selective_state_update import selective_state_update
    last = {name: x[name][..., 0] for name in ("u", "delta", "z")} | {name: x[name][:, 0, :, 0] for name in ("B", "C")}
    state, out = states["h"].clone(), {}

    def call():
        out["y"] = selective_state_update(state, last["u"], last["delta"], x["A"], last["B"], last["C"], D=x["D"],
                                          z=last["z"], dt_bias=x["delta_bias"], dt_softplus=True)

    def restart():
        state.copy_(states["h"])

    yield Participant("mamba-ssm step", call, lambda: out["y"][..., None], "selective_state_update", restart)


def participants(model, x, states, plan, device):
    if model == "mamba2":
        return chunk_scan(x, device)
    if model != "mamba1":
        raise Unavailable(f"it has no {model}")
    if states:
        return state_update(x, states, device)
    if "selective_scan" not in plan:
        raise Unavailable(plan["error"])
    return selective_scan(x, plan, device)
