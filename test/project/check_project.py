"""Checks of the project's own files: check_project.py paths|prefixes|sizes ROOT

paths     every file or folder that a page names is there
prefixes  every CHECK prefix in a lit test is used by one of its RUN lines, and every one used is there
sizes     no file of the project is large
Prints a line for each fault and exits with 1 where there is one.
"""
import glob
import os
import re
import subprocess
import sys

LARGEST_BYTES = 1 << 20


def project_files(root, *patterns):
    """The files that git tracks, and new ones that it does not ignore."""
    command = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run([*command, "--", *patterns], check=True, stdout=subprocess.PIPE, text=True).stdout
    files = sorted({name for name in listed.split("\0") if name and os.path.isfile(os.path.join(root, name))})
    if not files:
        sys.exit(f"error: no files {' '.join(patterns)} in {root}")
    return files


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as file:
        return file.read()


# ---- paths

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"^\.?[A-Za-z0-9_*][\w.*+-]*(/[\w.*+-]+)*/?$")
MADE = ("build/", "build-asan/", "build-debug/")  # what the build makes is not in the tree


def named_paths(page, text, top):
    """(path relative to the root, what the page says) for each link to a file and each span or word that is a path."""
    for target in LINK.findall(CODE.sub("", text)):
        if "://" not in target and not target.startswith("#"):
            yield os.path.normpath(os.path.join(os.path.dirname(page), target.split("#")[0])), target
    words = [word for span in SPAN.findall(text) for word in span.split()]
    words += [word for word in re.findall(r"[\w./*+-]+/[\w./*+-]*", text)]
    for word in words:
        word = word.rstrip(".,:;")
        first = word.split("/")[0]
        looks_like_file = first in top and ("/" in word or os.path.splitext(word)[1])
        if PATH.match(word) and looks_like_file and not word.startswith(MADE):
            yield os.path.normpath(word), word


def check_paths(root):
    top = {name.split("/")[0] for name in project_files(root)} | {"docs", "test", "scripts", "models", "examples", "bench"}
    pages = project_files(root, "*.md")
    for page in pages:
        for path, said in sorted(set(named_paths(page, read(root, page), top))):
            if not glob.glob(os.path.join(root, path)):
                yield f"{page}: names {said}, which is not there"


# ---- prefixes

DIRECTIVE = re.compile(r"^\s*(?://|#|;)?\s*([A-Z][A-Z0-9_-]*?)(-LABEL|-NEXT|-SAME|-NOT|-DAG|-EMPTY|-COUNT-\d+)?(?:\{LITERAL\})?:(?:\s|$)")
PREFIX_OPTION = re.compile(r"--?check-prefix(?:es)?[= ]([\w,-]+)")
LIT_WORDS = {"RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "DEFINE", "REDEFINE", "END", "ALLOW_RETRIES", "NOTE"}


def check_prefixes(root):
    for test in project_files(root, "test/*.mlir", "test/*.ssm", "test/*.test"):
        if "/Inputs/" in test:
            continue
        text = read(root, test)
        runs = "".join(re.findall(r"RUN:(.*(?:\\\n.*)*)", text))
        used = {prefix for names in PREFIX_OPTION.findall(runs) for prefix in names.split(",")}
        if any("check-prefix" not in call for call in re.findall(r"FileCheck[^|&;\n]*", runs)):
            used.add("CHECK")
        found = {}
        for number, line in enumerate(text.splitlines(), 1):
            match = DIRECTIVE.match(line)
            if match and match[1] not in LIT_WORDS:
                found.setdefault(match[1], number)
        if not runs.strip():
            yield f"{test}: no RUN line"
        for prefix in sorted(set(found) - used):
            yield f"{test}:{found[prefix]}: no RUN line uses the prefix {prefix}"
        for prefix in sorted(used - set(found)):
            yield f"{test}: a RUN line uses the prefix {prefix}, which no line has"


# ---- sizes


def check_sizes(root):
    for name in project_files(root):
        size = os.path.getsize(os.path.join(root, name))
        if size > LARGEST_BYTES:
            yield f"{name}: {size} bytes, the most is {LARGEST_BYTES}"


def main(what, root):
    faults = list({"paths": check_paths, "prefixes": check_prefixes, "sizes": check_sizes}[what](root))
    print("\n".join(faults) if faults else f"{what}: no fault")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
