"""What the hot loop of a kernel does: inner_loop.py KERNEL.s

Of the loops that hold no other and take an exponential apart (vscalefps with AVX-512, vpslld without), the one with the
most fused multiply-adds: its instructions, its calls, and its stores of vectors to fixed places on the stack, which are
registers spilled.
"""
import re
import sys

lines = [line.rstrip() for line in open(sys.argv[1], encoding="utf-8")]
labels = {line[:-1]: number for number, line in enumerate(lines) if re.match(r"\.LBB\w+:$", line)}
spans = []
for number, line in enumerate(lines):
    jump = re.match(r"\tj\w+\t(\.LBB\w+)$", line)
    if jump and labels.get(jump[1], number) < number:
        spans.append((labels[jump[1]], number))
innermost = [(a, b) for a, b in spans if not any(a < c and d <= b and (c, d) != (a, b) for c, d in spans)]
bodies = [[line for line in lines[a:b + 1] if re.match(r"\t[a-z]", line)] for a, b in innermost]
stepping = [body for body in bodies
            if any(re.match(r"\t(vscalefps|vpslld)", line) for line in body)
            and any(re.match(r"\tvmulps\t.*\d+\(%r\w+.*\)", line) for line in body)]
if not stepping:
    sys.exit("error: no loop with an exponential")
body = max(stepping, key=lambda lines: sum("vfmadd" in line for line in lines))
calls = [line for line in body if re.match(r"\tcall", line)]
spills = [line for line in body if re.match(r"\tvmov\w+\t%[xyz]mm\d+, -?\d*\(%r(sp|bp|bx)\)", line)]
registers = {line_register for line in body for line_register in re.findall(r"%([xyz])mm", line)}
print(f"hot loop: {len(body)} instructions, {sum('vfmadd' in line for line in body)} fused, "
      f"{len(calls)} calls, {len(spills)} spilled, registers {''.join(sorted(registers))}")
for line in calls + spills:
    print(line)
