"""Times for a sweep that nobody ran: the last variant that is not auto's wins. Prints its schedule."""
import json
import sys

sweep = json.load(open(sys.argv[1]))
sweep["device"] = "a device of this test"
others = [variant for variant in sweep["variants"] if variant["schedule"] != sweep["auto"]]
for variant in sweep["variants"]:
    variant["seconds"] = [1e-3 if variant is others[-1] else 2e-3] * 3
json.dump(sweep, open(sys.argv[2], "w"))
print(others[-1]["schedule"])
