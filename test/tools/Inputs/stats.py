"""What the emulated device counts for the steps by which one call is longer than another."""
import json
import subprocess


def counts(model, dims, steps, schedule):
    command = ["ssmc", "bench", model, "--device", "emulate", "--budget", "0", "--stats", "--json", "--no-access-checks", "--dtype", "bf16",
               "--dim", f"{dims},time={steps}", "--schedule", schedule]
    stats = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["stats"]
    flat = {"elements": stats["elements"]}
    for kernel in stats["kernels"]:
        for group, numbers in kernel.items():
            for key, number in (numbers.items() if isinstance(numbers, dict) else []):
                flat[f"{group} {key}"] = flat.get(f"{group} {key}", 0) + number
    return flat


def of_more_steps(model, dims, schedule, short, long):
    """The counts of `long` steps less those of `short` ones: what a steady state takes. Printed an element of the output."""
    before, after = counts(model, dims, short, schedule), counts(model, dims, long, schedule)
    more = {key: after[key] - before[key] for key in after}
    print({key: value / more["elements"] for key, value in more.items()})
    return more
