"""Runs every `Before:` block of Passes.td through its pass and compares with `After:`: check_examples.py SSM_OPT PASSES_TD

A description has one or more pairs of a Before: and an After: block, each whole operations between ```mlir and ```;
`Before, with `OPTIONS`:` gives the pass options. Both sides are compared as ssm-opt prints them after --cse, so neither
names of values nor constants that a pass leaves unused or repeats matter. Passes that are only lowerings into other dialects' text may have no pair; a Before: without After: is an error.
Prints a line for each pass, the difference where there is one, and exits with 1 then.
"""
import difflib
import re
import subprocess
import sys

PASS = re.compile(r'^def \w+\s*:\s*Pass<"([^"]+)"', re.MULTILINE)
PAIR = re.compile(r"^ *Before(?:, with `(?P<options>[^`]*)`)?:\s*\n *```mlir\n(?P<before>.*?)^ *```\s*\n"
                  r" *After:\s*\n *```mlir\n(?P<after>.*?)^ *```", re.MULTILINE | re.DOTALL)


def printed(ssm_opt, text, *arguments):
    result = subprocess.run([ssm_opt, "-", *arguments, "--cse"], input=text, capture_output=True, text=True)
    return result.stdout if result.returncode == 0 else f"{' '.join(result.args)} failed:\n{result.stderr}"


def check(ssm_opt, name, pair):
    options = pair["options"] or ""
    found = printed(ssm_opt, pair["before"], f"--{name}={options}" if options else f"--{name}")
    wanted = printed(ssm_opt, pair["after"])
    if found == wanted and " failed:\n" not in found:
        print(f"{name}: as documented")
        return True
    print(f"{name}: After: is not what the pass makes of Before:")
    sys.stdout.writelines(difflib.unified_diff(wanted.splitlines(True), found.splitlines(True), "After:", "the pass"))
    return False


def main(ssm_opt, passes_td):
    with open(passes_td, encoding="utf-8") as file:
        parts = PASS.split(file.read())
    ok = len(parts) > 1
    for name, text in zip(parts[1::2], parts[2::2]):
        pairs = list(PAIR.finditer(text))
        if len(pairs) != len(re.findall(r"^ *(?:Before|After)\b[^\n]*:", text, re.MULTILINE)) / 2:
            print(f"{name}: a Before: or After: block is malformed or lacks its other half")
            ok = False
        for pair in pairs:
            ok = check(ssm_opt, name, pair) and ok
    sys.exit(not ok)


main(*sys.argv[1:])
