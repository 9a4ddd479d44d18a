"""What 128 more steps of retnet move, under tiles that read keys and values from shared memory: the emulated device's
counts, an element of the output."""
from stats import of_more_steps

more = of_more_steps("retnet", "batch=1,head=2,key=64,value=64",
                     "key=lane:8,reg:8; value=grid,thread:16,reg:4; time=loop:16,reg:4; at(free)=stage", 32, 160)
# q, k and v are read once a head and y is written, two bytes each.
assert more["global_loads bytes"] + more["global_stores bytes"] == 8 * more["elements"]
for kind in ("global_loads", "global_stores"):
    assert more[f"{kind} partly_used"] == 0, "a request uses a part of a sector"
for kind in ("shared_loads", "shared_stores"):
    assert more[f"{kind} bank_conflicts"] == 0, "threads of a warp meet in a bank"
# Eight keys, eight queries and four values of each step serve 32 products.
assert more["shared_loads requests"] <= 1.25 * more["elements"]
