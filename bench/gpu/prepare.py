"""The half of bench/run-gpu that compiles: ssmc's kernels, the peers, and a plan of what there is."""

import datetime
import json
import os
import shutil
import sys

from gpu.cases import PLAN, ROOT, Unavailable, choose, load_peer, read_json, run_quietly
from gpu.kernel import read_bundle


def build_ssmc():
    run_quietly("bash", "-c", "source scripts/lib/setup.sh && configure_and_build release --target ssmc", cwd=ROOT)
    return ROOT / "build" / "bin" / "ssmc"


def compile_variant(ssmc, case, schedule, target, folder, name):
    """One schedule of a case: how it is called, and the file of its code, which is PTX where there is no ptxas."""
    command = [ssmc, "compile", case["model"], "--target", target, "--schedule", schedule, "--dtype", case["dtype"],
               "--dim", ",".join(f"{dim}={size}" for dim, size in case["dims"].items())]
    bundle = folder / f"{name}.ssmb"
    run_quietly(*command, "--emit", "bundle", "-o", bundle)
    call, kind, code = read_bundle(bundle, target, case["dims"])
    bundle.unlink()
    (folder / f"{name}.{kind}").write_bytes(code)
    return {**call, "file": f"{name}.{kind}"}


def compile_case(ssmc, name, case, options, folder, left_out):
    """The variants of a case by label. What ssmc refuses is kept with the reason."""
    variants = {}
    schedules = case.pop("schedules", ["auto"]) + options.schedule
    for number, schedule in enumerate(dict.fromkeys(schedules)):
        label = "ssmc" if len(schedules) == 1 else f"ssmc {schedule if len(schedule) < 24 else f'#{number}'}"
        try:
            variants[label] = compile_variant(ssmc, case, schedule, options.target, folder, f"{name}-{number}")
        except Unavailable as error:
            variants[label] = {"error": str(error).split(" failed: ")[-1]}
            left_out.append(f"{name}: {label}: {variants[label]['error']}")
    return variants


def get_peers(wanted, options, work, folder, left_out):
    peers = {}
    for name in sorted(wanted & {peer for peer in options.peers.split(",") if peer}):
        print(f"getting {name}", flush=True)
        try:
            peers[name] = load_peer(name, "prepare").prepare(work, folder, options.target)
        except Unavailable as error:
            left_out.append(f"{name}: {error}")
            continue
        if "error" in peers[name]:
            left_out.append(f"{name}: {peers[name]['error']}")
    return peers


def empty(folder):
    """Makes the folder, or takes away what an earlier prepare made; one that is something else is left alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / PLAN).exists():
            raise Unavailable(f"{folder} is not empty, and nothing that prepare made")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


def main(options):
    left_out = []
    try:
        cases = choose(read_json(options.cases), options.only)
        ssmc = options.ssmc or build_ssmc()
        empty(options.folder)
        (options.folder / PLAN).write_text("{}")
    except (Unavailable, OSError) as error:
        sys.exit(f"error: {error}")
    for name, case in cases.items():
        print(f"compiling {name}", flush=True)
        case["variants"] = compile_case(ssmc, name, case, options, options.folder, left_out)
    work = ROOT / "build" / "bench-gpu"
    work.mkdir(parents=True, exist_ok=True)
    peers = get_peers({peer for case in cases.values() for peer in case.get("peers", [])}, options, work, options.folder,
                      left_out)
    plan = {
        "date": f"{datetime.datetime.now():%Y-%m-%d}", "target": options.target,
        "commit": run_quietly("git", "-c", "safe.directory=*", "describe", "--always", "--dirty", cwd=ROOT).strip(),
        "cases": cases, "peers": peers, "left_out": left_out,
    }
    (options.folder / PLAN).write_text(json.dumps(plan, indent=1) + "\n")
    for line in left_out:
        print(f"left out: {line}")
    size = sum(os.path.getsize(os.path.join(at, file)) for at, _, files in os.walk(options.folder) for file in files)
    print(f"{options.folder}: {len(cases)} cases, {size / 2**20:.1f} MiB")
    return 0
