"""One case, in a process of its own: its programs, whether their results agree, and their times."""

import math
import os
from statistics import median

import torch

from gpu import inputs, reference
from gpu.cases import Unavailable, load_peer
from gpu.driver import Clock, Driver, Launch
from gpu.kernel import all_sizes, count_tasks, pack_words, shape, shape_of
from gpu.measure import FLUSH_BYTES, Meter, Participant, difference

MOST_BLOCKS = 2**31 - 1  # of a grid's first dimension; any grid is right for ssmc's kernels


class Device:
    """What programs are given: the driver, PyTorch's stream, and the folder that prepare made."""

    def __init__(self, folder):
        torch.cuda.init()
        torch.zeros(1, device="cuda")
        self.folder, self.driver = folder, Driver()

    @staticmethod
    def stream():
        return torch.cuda.current_stream().cuda_stream


def describe_machine(clock, options, send):
    facts = torch.cuda.get_device_properties(0)
    send("line", f"device: {facts.name}, sm_{facts.major}{facts.minor}, {facts.multi_processor_count} multiprocessors, "
                 f"{facts.total_memory >> 20} MiB, L2 {facts.L2_cache_size >> 20} MiB, at most "
                 f"{clock.greatest() or 'unknown'} MHz; driver {clock.driver_version()}")
    send("line", f"rounds: {options.rounds} of {options.launches} launches of each program, all in turn; a launch is timed by "
                 f"two events of its own, after a write of {FLUSH_BYTES >> 20} MiB; a round counts by its median")
    send("line", "difference: from float64 on a slice / from ssmc's first result, of the largest value")
    send("line", "")


class Call:
    """ssmc's kernels with all that a call takes."""

    def __init__(self, variant, dims, x, states, device):
        self.device, program = device, variant["program"]
        sizes = all_sizes(program, dims)
        self.arrays = self.make_arrays(variant, sizes, x, states)
        pointers = {key: (array.data_ptr(), array.stride()) for key, array in self.arrays.items()}
        module = device.driver.load((device.folder / variant["file"]).read_bytes())
        self.launches, notes = [], [program["schedule"]]
        for kernel in program["kernels"]:
            tasks, shared = count_tasks(kernel, sizes), kernel["shared_memory"]["dynamic"]
            function = device.driver.function(module, kernel["entry"], shared)
            self.launches.append(Launch(device.driver, function, (min(tasks, MOST_BLOCKS),), kernel["threads"], shared,
                                        pack_words(kernel, variant, sizes, pointers)))
            notes.append(f"{kernel['entry']}: {tasks} blocks of {kernel['threads']}, "
                         f"{device.driver.resources(function, shared)}")
        self.note = "; ".join(notes)

    @staticmethod
    def make_arrays(variant, sizes, x, states):
        """All that kernels are given: inputs and states of the case, outputs that are not a number, buffers of zeros."""
        arrays = {("input", name): tensor for name, tensor in x.items()}
        for tensor in variant["tensors"]:
            key = tensor["role"], tensor["name"]
            if tensor["role"] == "initial_state" and states:
                arrays[key] = states[tensor["name"]]
            elif tensor["role"] == "output" or (tensor["role"] == "final_state" and states):
                arrays[key] = torch.full(shape(tensor["layout"], sizes), float("nan"), device="cuda",
                                         dtype=inputs.TYPES[tensor["dtype"]])
        for buffer in variant["program"]["buffers"]:
            arrays["buffer", buffer["name"]] = torch.zeros(shape_of(buffer, sizes), device="cuda",
                                                           dtype=inputs.TYPES[buffer["dtype"]])
        return arrays

    def __call__(self):
        for launch in self.launches:
            launch(self.device.stream())

    def output(self):
        return next(array for (role, _), array in self.arrays.items() if role == "output")


def ssmc_program(label, variant, case, x, states, device):
    """One schedule of ssmc's kernels."""
    if "error" in variant:
        raise Unavailable(variant["error"])
    call = Call(variant, case["dims"], x, states, device)
    return Participant(label, call, call.output, call.note)


def copy_program(moved):
    """As many bytes as must move, half of them read and half written."""
    source = torch.empty(moved // 2, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    return Participant("copy", lambda: target.copy_(source), None, f"{moved / 1e6:.1f} MB read or written")


def bytes_moved(tensors, case, states):
    return sum(math.prod(shape(tensor["layout"], case["dims"])) * inputs.TYPES[tensor["dtype"]].itemsize
               for tensor in tensors if states or not tensor["role"].endswith("state"))


def gather(case, plan, device, x, states, tensors, left_out):
    """The programs of a case, each as a name and what makes it."""
    for label, variant in case["variants"].items():
        try:
            yield ssmc_program(label, variant, case, x, states, device)
        except Unavailable as error:
            left_out.append(f"{label}: {error}")
    for peer in case.get("peers", []):
        if peer not in plan["peers"]:
            continue
        try:
            yield from load_peer(peer, "run").participants(case["model"], x, states, plan["peers"][peer], device)
        except Exception as error:  # whatever its Python files raise when they are imported
            left_out.append(f"{peer}: {type(error).__name__}: {error}")
    yield copy_program(bytes_moved(tensors, case, states))


def ready(programs, meter, skipped, left_out, send):
    """Those that run once. An error that stays with the device ends the process: it is begun again without the program."""
    for program in programs:
        send("at", program.name)
        if program.name in skipped:
            left_out.append(f"{program.name}: {skipped[program.name]}")
            continue
        try:
            meter.warm_up(program)
            yield program
        except Exception as error:  # Triton's compiler and the device have errors of many types
            first = str(error).splitlines()[0] if str(error) else ""
            left_out.append(f"{program.name}: {type(error).__name__}: {first}")
            try:
                torch.cuda.synchronize()
            except Exception:
                print(f"{program.name}: {error}", flush=True)
                os._exit(1)


def compare(programs, case, x, states):
    """Each program's result with float64's on a slice, and with the first of ssmc's. Whether one is off."""
    expected, where = reference.BY_MODEL[case["model"]](x, states)
    first, wrong = None, False
    for program in programs:
        if program.output is None:
            continue
        result = program.result()
        program.differences = (difference(result[where], expected), difference(result, result if first is None else first))
        first = result.clone() if first is None else first
        program.is_wrong = not max(program.differences) <= program.tolerance
        wrong |= program.is_wrong
    return wrong


def tabulate(name, programs, moved, meter, send):
    ours = next((median(p.rounds) for p in programs if p.name.startswith("ssmc")), None)
    clocks = sorted(meter.clocks) or [0]
    send("line", f"  SM clock: {median(clocks):.0f} MHz, {clocks[0]} to {clocks[-1]}")
    send("line", f"  {'':<32} {'median ms':>10} {'min':>9} {'max':>9} {'of ssmc':>8} {'GB/s':>6}  difference")
    for p in programs:
        middle = median(p.rounds)
        told = " / ".join(f"{value:.1e}" for value in p.differences) + (" WRONG" if getattr(p, "is_wrong", False) else "")
        send("line", f"  {p.name:<32} {middle:>10.4f} {min(p.rounds):>9.4f} {max(p.rounds):>9.4f} "
                     f"{middle / ours if ours else 0:>8.2f} {moved / middle / 1e6:>6.0f}  {told}")
    for p in programs:
        if p.note:
            send("line", f"  {p.name}: {p.note}")
    for p in programs:
        send("line", f"  raw {name} {p.name}: " + " ".join(f"{value:.4f}" for value in p.rounds))
    send("line", "")


def measure_case(name, case, plan, options, skipped, send):
    """The medians of a case's programs by name, and whether a result is off. `case` is none to describe the machine."""
    device = Device(options.folder)
    clock = Clock(torch.cuda.get_device_properties(0).uuid)
    if case is None:
        describe_machine(clock, options, send)
        return {}, False
    tensors = next((variant["tensors"] for variant in case["variants"].values() if "tensors" in variant), None)
    if tensors is None:
        raise Unavailable("; ".join(variant["error"] for variant in case["variants"].values()))
    x = inputs.make(case, tensors, "cuda")
    states = inputs.make_states(tensors, case["dims"], "cuda") if case.get("states") else None
    meter, left_out = Meter(clock), []
    programs = list(ready(gather(case, plan, device, x, states, tensors, left_out), meter, skipped, left_out, send))
    send("at", None)
    wrong = compare(programs, case, x, states)
    meter.measure(programs, options.rounds, options.launches)
    send("line", f"{name}: {case['model']}, {' '.join(f'{dim}={size}' for dim, size in case['dims'].items())}, "
                 f"{case['dtype']}" + (", with states" if states else ""))
    for line in left_out:
        send("line", f"  left out: {line}")
    tabulate(name, programs, bytes_moved(tensors, case, states), meter, send)
    return {program.name: median(program.rounds) for program in programs}, wrong
