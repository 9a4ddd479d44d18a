"""Fetches mamba-ssm's source distribution from PyPI and compiles its forward kernel with nvcc. Nothing of it is kept in this
repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from gpu.cases import Unavailable, run_quietly

HERE = Path(__file__).resolve().parent
PACKAGE, VERSION = "mamba-ssm", "2.3.2.post1"
# As in its own setup.py, without what chooses architectures.
NVCC_OPTIONS = ["-O3", "-std=c++17", "-U__CUDA_NO_HALF_OPERATORS__", "-U__CUDA_NO_HALF_CONVERSIONS__",
                "-U__CUDA_NO_BFLOAT16_OPERATORS__", "-U__CUDA_NO_BFLOAT16_CONVERSIONS__",
                "-U__CUDA_NO_BFLOAT162_OPERATORS__", "-U__CUDA_NO_BFLOAT162_CONVERSIONS__",
                "--expt-relaxed-constexpr", "--expt-extended-lambda", "--use_fast_math"]
ENTRY = re.compile(r"Compiling entry function '(\w*traitsILi(\d+)ELi(\d+)ELi1ELb([01])E\w*)'")


def fetch(folder):
    """The unpacked source distribution. pip asks its setup.py what it is, which imports PyTorch; metadata/ stands in for
    that import alone."""
    archive = folder / f"{PACKAGE.replace('-', '_')}-{VERSION}.tar.gz"
    python = folder / "pip" / "bin" / "python"
    if not archive.exists():
        run_quietly(sys.executable, "-m", "venv", folder / "pip")
        run_quietly(python, "-m", "pip", "install", "-q", "setuptools", "wheel", "packaging")
        environment = {**os.environ, "PYTHONPATH": str(HERE / "metadata"), "MAMBA_SKIP_CUDA_BUILD": "TRUE"}
        run_quietly(python, "-m", "pip", "download", "-q", "--no-deps", "--no-build-isolation", "--no-binary", PACKAGE,
                    "-d", folder, f"{PACKAGE}=={VERSION}", env=environment)
    run_quietly("tar", "xzf", archive, "-C", folder)
    return folder / archive.name.removesuffix(".tar.gz")


def compile_kernels(source, target, folder):
    """The cubin, and for each tile and whether lengths are whole tiles its entry and what a launch takes."""
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    places = os.pathsep.join([f"{home}/bin" for home in homes if home] + [os.environ.get("PATH", "")])
    command = [shutil.which("nvcc", path=places) or "nvcc", *NVCC_OPTIONS, "-I", HERE / "include", "-I", source / "csrc" / "selective_scan",
               HERE / "selective_scan.cu"]
    cubin = folder / f"mamba-ssm.{target}.cubin"
    report = run_quietly(*command, "-DKERNELS", "-cubin", "-arch", target, "--ptxas-options=-v", "-o", cubin)
    entries = {(int(threads), int(items), even == "1"): entry for entry, threads, items, even in ENTRY.findall(report)}
    # The same headers tell how the kernels are launched.
    run_quietly(*command, "-o", source / "layout")
    layout = json.loads(subprocess.run([source / "layout"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    for tile in layout["tiles"]:
        tile["entries"] = {even: entries.get((tile["threads"], tile["items"], even == "true")) for even in tile["shared"]}
        if None in tile["entries"].values():
            raise Unavailable(f"nvcc made no kernel for {tile['threads']} threads of {tile['items']} steps")
    return {"cubin": cubin.name, **layout}


def prepare(work, folder, target):
    """What the plan says of this peer, with its files in `folder`; `work` is for what is not needed there."""
    source = fetch(work)
    python = folder / "packages"
    python.mkdir(exist_ok=True)
    run_quietly("cp", "-r", source / "mamba_ssm", python)
    plan = {"version": f"mamba-ssm {VERSION}"}
    try:
        plan["selective_scan"] = compile_kernels(source, target, folder)
    except Unavailable as error:
        plan["error"] = str(error)
    return plan
