"""Reads what `ssmc explain --sass --json` says of a kernel, and fails where an element takes more than is allowed:
sass_bounds.py KEY=LIMIT ... An element's numbers are at most the limit; `steps` a turn of the loop are at least that,
with two barriers (before and after a tile), and so are `warps` on a multiprocessor."""
import json
import sys

kernel = json.load(sys.stdin)["kernels"][0]
loop = kernel["steady_state"]
per_element = dict(loop["per_element"], issue_slots=loop["issue_slots_per_element"])
names = {"special": "special_functions", "wide": "64_bit_multiplies", "local": "local_memory"}
failed = []
for argument in sys.argv[1:]:
    key, limit = argument.split("=")
    limit = float(limit)
    if key == "warps":
        failed += [f"{kernel['resident_warps']} warps"] if kernel["resident_warps"] < limit else []
    elif key == "steps":
        turn = loop["steps"]
        barriers = per_element["barriers"] * loop["elements_per_block_and_step"] * turn / kernel["threads"]
        failed += [f"{barriers} barriers in {turn} steps"] if turn < limit or barriers > 2 else []
    else:
        found = per_element[names.get(key, key)]
        failed += [f"{found} {key}, allowed {limit}"] if found > limit else []
if failed:
    sys.exit("an element takes too much: " + "; ".join(failed))
