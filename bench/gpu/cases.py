"""What both halves of bench/run-gpu share: where things are, the cases, why something is left out."""

import importlib.util
import json
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = ROOT / "bench" / "gpu-cases.json"
PEERS = ROOT / "bench" / "peers"
PLAN = "plan.json"  # in the folder that prepare makes: all that run has to know


class Unavailable(Exception):
    """Why something cannot be measured."""


def run_quietly(*command, **options):
    """Runs a command and gives its output, which is shown otherwise only in the error."""
    try:
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, **options)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        told = [line for line in lines if "error" in line.lower()] or lines
        raise Unavailable(f"`{shlex.join(map(str, command))}` failed: {''.join(told[:1])}")
    return done.stdout


def choose(cases, only):
    """The cases with one of these names, or whose names begin as one that ends with *; all where there are none."""
    def matches(name):
        return any(name.startswith(word[:-1]) if word.endswith("*") else name == word for word in only)

    chosen = {name: case for name, case in cases.items() if not only or matches(name)}
    if not chosen:
        raise Unavailable(f"no case is called {', '.join(only)}; there are {', '.join(cases)}")
    return chosen


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Unavailable(f"{path}: {error}") from error


def load_peer(name, module):
    """A Python file of a peer's folder, which may have a name that no import takes."""
    path = PEERS / name / f"{module}.py"
    spec = importlib.util.spec_from_file_location(f"peer_{name.replace('-', '_')}_{module}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
