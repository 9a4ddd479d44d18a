"""Checks what bench/run-gpu prepared in a folder: gpu_plan.py DIR"""
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
plan = json.loads((folder / "plan.json").read_text())
programs = [variant for case in plan["cases"].values() for variant in case["variants"].values()]
for case in plan["cases"].values():
    for variant in case["variants"].values():
        sizes = set(case["dims"]) | {count["name"] for count in variant["program"]["counts"]}
        arrays = {(tensor["role"], tensor["name"]) for tensor in variant["tensors"]}
        arrays |= {("buffer", buffer["name"]) for buffer in variant["program"]["buffers"]}
        assert (folder / variant["file"]).stat().st_size > 0
        for kernel in variant["program"]["kernels"]:
            assert 32 <= kernel["threads"] <= 1024
            assert {factor["of"] for factor in kernel["grid"]} <= sizes
            for argument in kernel["arguments"]:
                kind, name = argument["kind"], argument.get("name")
                known = {"tasks": True, "absent": "axes" in argument, "size": name in sizes, "parameter": name in variant["parameters"]}
                assert known.get(kind, (kind, name) in arrays), argument
            assert any(argument["kind"] == "tasks" for argument in kernel["arguments"])
print(f"{len(programs)} programs, every argument known")
