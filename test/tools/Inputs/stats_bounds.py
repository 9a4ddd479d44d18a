"""What a steady state moves: the emulated device's counts for 128 more steps, an element.
stats_bounds.py SCHEDULE: fails where a bound is passed."""
import sys

from stats import of_more_steps

more = of_more_steps("mamba1", "batch=1,group=1,member=128,state=16", sys.argv[1], 64, 192)
an_element = lambda *keys: sum(more[key] for key in keys) / more["elements"]
# u, delta and z are read and y is stored; a block of 64 or 128 channels reads B and C, 64 bytes a step.
assert an_element("global_loads bytes", "global_stores bytes") <= 9
for kind in ("global_loads", "global_stores"):
    assert more[f"{kind} partly_used"] == 0, "a request uses a part of a sector"
    assert more[f"{kind} runs_below_64_bytes"] == 0, "memory is moved in short runs"
for kind in ("shared_loads", "shared_stores"):
    assert more[f"{kind} bank_conflicts"] == 0, "threads of a warp meet in a bank"
assert an_element("operations special-function") <= 20
