"""Checks that what `ssmc explore --json` says agrees with itself: explore.py FILE"""
import json
import sys

result = json.load(open(sys.argv[1]))
assert list(result) == ["model", "mode", "device", "target", "threads", "dims", "best", "auto", "counts",
                        "rank_correlation", "seconds", "interrupted", "variants"], list(result)
assert result["dims"] == dict(batch=1, group=1, member=64, state=16, time=64), result["dims"]
counts = result["counts"]
assert counts["written"] >= counts["legal"] >= counts["distinct"] >= counts["after_resources"] > counts["measured"], counts
assert counts["compiled"] >= counts["measured"] and 2 <= counts["measured"] <= 6, counts
variants = result["variants"]
measured = [v for v in variants if "median_s" in v and "error" not in v]
assert len(measured) == counts["measured"], (len(measured), counts)
assert len({v["schedule"] for v in variants}) == len(variants)
for v in measured:
    assert 0 < v["min_s"] <= v["median_s"] < 1 and v["predicted_s"] > 0 and v["bytes"] > 0 and "registers" in v, v
for name in ("best", "auto"):
    assert result[name] in variants, name
# Both were in the last comparison.
assert result["best"]["repetitions"] == 9 and result["best"]["median_s"] <= result["auto"]["median_s"], result["best"]
unmeasured = [v["predicted_s"] for v in variants if "median_s" not in v]
assert unmeasured == sorted(unmeasured) and len(unmeasured) <= 200
