"""Fetches fla's Triton kernels from PyPI. Nothing of them is kept in this repository."""

import sys

from gpu.cases import run_quietly

PACKAGE, VERSION = "fla-core", "0.6.0"


def prepare(work, folder, target):
    """What the plan says of this peer, with its files in `folder`."""
    wheel = work / f"{PACKAGE.replace('-', '_')}-{VERSION}-py3-none-any.whl"
    if not wheel.exists():
        run_quietly(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", work,
                    f"{PACKAGE}=={VERSION}")
    run_quietly(sys.executable, "-m", "zipfile", "-e", wheel, folder / "packages")
    return {"version": f"{PACKAGE} {VERSION}"}
