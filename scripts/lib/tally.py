#!/usr/bin/env python3
"""Counts the tests in a runner's own report and prints `PASSED FAILED SKIPPED`: tally.py lit|gtest|lines REPORT...

`lit` reads lit's --output, `gtest` GoogleTest's --gtest_output=json, `lines` a log whose last closing line is
`N passed, N failed`, with `, N skipped` behind it or not. A report that is missing or broken is one failure: its runner
died before it was written.
"""
import json
import re
import sys

LIT = {"PASS": 0, "FLAKYPASS": 0, "XFAIL": 0, "UNSUPPORTED": 2, "SKIPPED": 2, "EXCLUDED": 2}
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def lit(text):
    counts = [0, 0, 0]
    for test in json.loads(text)["tests"]:
        counts[LIT.get(test["code"], 1)] += 1
    return counts


def gtest(text):
    counts = [0, 0, 0]
    for suite in json.loads(text)["testsuites"]:
        for test in suite["testsuite"]:
            if test["status"] != "RUN":
                continue
            counts[1 if test.get("failures") else 2 if test["result"] == "SKIPPED" else 0] += 1
    return counts


def lines(text):
    return [int(count or 0) for count in CLOSING.findall(text)[-1]]


def main(kind, *reports):
    total = [0, 0, 0]
    for report in reports:
        try:
            with open(report) as file:
                counts = {"lit": lit, "gtest": gtest, "lines": lines}[kind](file.read())
        except (OSError, ValueError, LookupError, TypeError) as problem:
            print(f"{report}: no usable report ({problem!r})", file=sys.stderr)
            counts = [0, 1, 0]
        total = [a + b for a, b in zip(total, counts)]
    print(*total)


if __name__ == "__main__":
    main(*sys.argv[1:])
