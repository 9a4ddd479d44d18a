"""What 128 more steps of retnet move, under tiles that read keys and values from shared memory: the emulated device's
counts, an element of the output."""
import json
import subprocess


def counts(steps):
    command = ["ssmc", "bench", "retnet", "--device", "emulate", "--budget", "0", "--stats", "--json", "--no-access-checks", "--dtype", "bf16",
               "--dim", f"batch=1,head=2,key=64,value=64,time={steps}", "--schedule",
               "key=lane:8,reg:8; value=grid,thread:16,reg:4; time=loop:16,reg:4; at(free)=stage"]
    stats = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["stats"]
    flat = {"elements": stats["elements"]}
    for kernel in stats["kernels"]:
        for group, numbers in kernel.items():
            for key, number in (numbers.items() if isinstance(numbers, dict) else []):
                flat[f"{group} {key}"] = flat.get(f"{group} {key}", 0) + number
    return flat


short, long = counts(32), counts(160)
more = {key: long[key] - short[key] for key in long}
print({key: value / more["elements"] for key, value in more.items()})
# q, k and v are read once a head and y is written, two bytes each.
assert more["global_loads bytes"] + more["global_stores bytes"] == 8 * more["elements"]
for kind in ("global_loads", "global_stores"):
    assert more[f"{kind} partly_used"] == 0, "a request uses a part of a sector"
for kind in ("shared_loads", "shared_stores"):
    assert more[f"{kind} bank_conflicts"] == 0, "threads of a warp meet in a bank"
# Eight keys, eight queries and four values of each step serve 32 products.
assert more["shared_loads requests"] <= 1.25 * more["elements"]
