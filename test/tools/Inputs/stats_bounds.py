"""What a steady state moves: the emulated device's counts for 128 more steps, an element.
stats_bounds.py SCHEDULE: fails where a bound is passed."""
import json
import subprocess
import sys


def counts(steps):
    command = ["ssmc", "bench", "mamba1", "--device", "emulate", "--budget", "0", "--stats", "--json", "--no-access-checks", "--dtype", "bf16",
               "--dim", f"batch=1,group=1,member=64,state=16,time={steps}", "--schedule", sys.argv[1]]
    stats = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["stats"]
    flat = {"elements": stats["elements"]}
    for kernel in stats["kernels"]:
        for group, numbers in kernel.items():
            for key, number in (numbers.items() if isinstance(numbers, dict) else []):
                flat[f"{group} {key}"] = flat.get(f"{group} {key}", 0) + number
    return flat


short, long = counts(64), counts(192)
more = {key: long[key] - short[key] for key in long}
an_element = lambda *keys: sum(more[key] for key in keys) / more["elements"]
print({key: value / more["elements"] for key, value in more.items()})
# u, delta and z are read and y is stored; a block of 64 channels reads B and C, 64 bytes a step.
assert an_element("global_loads bytes", "global_stores bytes") <= 9
for kind in ("global_loads", "global_stores"):
    assert more[f"{kind} partly_used"] == 0, "a request uses a part of a sector"
    assert more[f"{kind} runs_below_64_bytes"] == 0, "memory is moved in short runs"
for kind in ("shared_loads", "shared_stores"):
    assert more[f"{kind} bank_conflicts"] == 0, "threads of a warp meet in a bank"
assert an_element("operations special-function") <= 20
