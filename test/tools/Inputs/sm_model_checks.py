"""What has to hold among predictions of one kernel: of a call, of twice the steps and of twice the blocks."""
import json
import sys

call, longer, wider = (json.load(open(path)) for path in sys.argv[1:4])
for prediction in call, longer, wider:
    assert "no measurement" in prediction["provenance"]
    (kernel,) = prediction["kernels"]
    assert all(0 < share <= 1 for share in kernel["busy"].values()), kernel
    assert abs(kernel["busy"]["issue"] + sum(kernel["without_issue"].values()) - 1) < 1e-9, kernel
    # 2.5 GHz are more than an H100 has: a call takes its clocks at least.
    assert prediction["milliseconds"] > kernel["clocks"] / 2.5e6, prediction
call, longer, wider = (prediction["kernels"][0] for prediction in (call, longer, wider))
assert call["blocks_of_busiest"] == call["blocks"] > call["resident_blocks"], call
assert wider["blocks"] == 2 * call["blocks"] and wider["resident_blocks"] == call["resident_blocks"], wider
assert wider["warp_instructions"] == call["warp_instructions"], wider
# Blocks that follow others on a full multiprocessor take what these took; the first start is not repeated.
assert 1.8 < wider["clocks"] / call["clocks"] < 2.1, (call, wider)
assert longer["warp_instructions"] > 1.7 * call["warp_instructions"], longer
assert 1.5 < longer["clocks"] / call["clocks"] < 2.1, (call, longer)
print("consistent")
