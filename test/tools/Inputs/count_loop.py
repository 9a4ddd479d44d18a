"""Finds the innermost loop with 16 special functions in a model's cubin, by where branches go back to, and compares its length
with what ssmc explain --sass counted: count_loop.py MODEL TARGET"""
import json
import re
import subprocess
import sys
import tempfile

model, target = sys.argv[1:]
schedule = "member=grid,thread:128; time=loop; state=reg"
common = [model, "--target", target, "--schedule", schedule]
explained = subprocess.run(["ssmc", "explain", *common, "--sass", "--json"], check=True, capture_output=True)
counted = json.loads(explained.stdout)["kernels"][0]["steady_state"]["instructions"]
with tempfile.NamedTemporaryFile(suffix=".cubin") as cubin:
    subprocess.run(["ssmc", "compile", *common, "--emit", "cubin", "-o", cubin.name], check=True, capture_output=True)
    text = subprocess.run(["nvdisasm", "-c", cubin.name], check=True, capture_output=True, text=True).stdout

labels, code, loops = {}, [], []
for line in text.splitlines():
    if match := re.match(r"(\.L\w+):", line):
        labels[match[1]] = len(code)
    elif match := re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(.*?);", line):
        code.append(match[1])
for at, instruction in enumerate(code):
    match = re.search(r"BRA.*`\((\.L\w+)\)", instruction)
    if match and labels[match[1]] < at:
        body = code[labels[match[1]]:at + 1]
        loops.append((len(body), sum("MUFU" in one for one in body)))
# Loops around it have as many special functions and more besides.
length = min(length for length, special in loops if special >= 16)
assert length == counted, (loops, counted)
