"""Checks `ssmc explore --device emulate --json`: what the model counts is near what the emulated device counts."""
import json
import sys

result = json.load(open(sys.argv[1]))
assert result["device"] == "emulate" and result["target"] == "sm_90", result["device"]
counted = [v for v in result["variants"] if "counted" in v]
assert len(counted) == 2, len(counted)
for v in counted:
    assert "median_s" not in v and v["predicted_s"] > 0 and v["registers"] > 0, v
    for kind in ("special", "arithmetic"):
        ratio = v["predicted_counts"][kind] / v["counted"][kind]
        assert 0.7 < ratio < 1.4, (kind, ratio, v["schedule"])
