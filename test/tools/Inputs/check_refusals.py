"""Checks that ssmc refuses schedules: check_refusals.py TABLE FOLDER

The table has entries of two lines, `ssmc compile` arguments behind `$` and, behind `>`, what standard error has to hold;
a `>` may follow another. Each has to end with status 1 (2 behind `$$`) and leave nothing in FOLDER. Other lines are text.
"""
import os
import shlex
import subprocess
import sys


def entries(path):
    found = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("$"):
                found.append((2 if line.startswith("$$") else 1, line.strip("$ \n"), []))
            elif line.startswith("> "):
                found[-1][2].append(line[2:].rstrip("\n"))
    return found


def fault(status, arguments, wanted, folder):
    """What is wrong with one entry; nothing if it is refused as it should be."""
    out = os.path.join(folder, "out")
    emit = [] if "--emit" in arguments else ["--emit", "tiled"]
    command = ["ssmc", "compile", *shlex.split(arguments), *emit, "-o", out]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    left = [name for name in os.listdir(folder) if name.startswith("out")]
    for name in left:
        os.remove(os.path.join(folder, name))
    if ended.returncode != status:
        return f"ended with status {ended.returncode}, not {status}: {ended.stderr}"
    if left or ended.stdout:
        return f"wrote {left or ended.stdout}"
    missing = [text for text in wanted if text not in ended.stderr]
    return f"did not say {missing}, but: {ended.stderr}" if missing or not wanted else ""


table = entries(sys.argv[1])
faults = [(arguments, text) for status, arguments, wanted in table if (text := fault(status, arguments, wanted, sys.argv[2]))]
for arguments, text in faults:
    print(f"ssmc compile {arguments}\n  {text}")
print(f"{len(table) - len(faults)} refused as they should be, {len(faults)} not")
sys.exit(1 if faults or not table else 0)
