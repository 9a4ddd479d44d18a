"""Checks that the PTX in README.md is what ssmc makes: check_readme_ptx.py README.md KERNEL.ptx

The lines of README's ```ptx block must stand in the kernel in that order. Register numbers may differ; `…` stands for
lines left out.
"""
import re
import sys


def plain(line):
    return re.sub(r"(%[a-z]+)\d+", r"\1", " ".join(line.split()))


def main(readme, kernel):
    with open(readme, encoding="utf-8") as file:
        blocks = re.findall(r"```ptx\n(.*?)```", file.read(), re.S)
    with open(kernel, encoding="utf-8") as file:
        made = iter([plain(line) for line in file])
    wanted = [line for block in blocks for line in block.splitlines() if line.strip() != "…"]
    if not wanted:
        sys.exit(f"error: {readme}: no PTX")
    for line in wanted:
        if plain(line) not in made:  # goes on from the line found before
            sys.exit(f"error: {readme}: the kernel of today has no such line, or has it elsewhere: {line.strip()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
