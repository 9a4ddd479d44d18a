"""Compiles every library model to a cubin for a GPU and prints what ptxas says of it: assemble.py MODELS TARGET"""
import pathlib
import subprocess
import sys
import tempfile

models, target = sys.argv[1:]
for model in sorted(pathlib.Path(models).glob("*.ssm")):
    with tempfile.TemporaryDirectory() as folder:
        cubin = pathlib.Path(folder, "kernel.cubin")
        subprocess.run(["ssmc", "compile", model, "--target", target, "--emit", "cubin", "-o", cubin], check=True,
                       stderr=sys.stdout)
        assert cubin.read_bytes().startswith(b"\x7fELF"), f"{model.stem}: not a cubin"
    sys.stdout.flush()
