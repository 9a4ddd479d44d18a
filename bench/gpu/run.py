"""The half of bench/run-gpu that measures. Each case has a process of its own, forked after PyTorch is there and before it
touches the GPU: what a wrong kernel leaves of the device's state ends with that process, and the case is measured once more
without it."""

import datetime
import multiprocessing
import os
import sys
import time
import traceback

from gpu.cases import PLAN, ROOT, Unavailable, choose, read_json

LONGEST = 60  # seconds that a program may take to be ready, Triton's compiler included


class Report:
    """Prints, and writes to a file at once, so that what is measured stays when the machine does not."""

    def __init__(self, path):
        self.file = None
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = open(path, "w", encoding="utf-8")

    def __call__(self, line=""):
        print(line, flush=True)
        if self.file:
            self.file.write(line + "\n")
            self.file.flush()


def work(connection, name, case, plan, options, skipped):
    """The process of one case: sends what it is about to do, lines of the report, and at last the medians."""
    from gpu.case import measure_case

    def send(kind, value=None):
        connection.send((kind, value))

    try:
        send("done", measure_case(name, case, plan, options, skipped, send))
    except Unavailable as error:
        send("failed", str(error))
    except Exception as error:  # whatever a peer or the driver raises: the other cases go on
        traceback.print_exc()
        send("failed", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    connection.close()
    sys.stdout.flush()
    # The device may be in a state in which an orderly end hangs.
    os._exit(0)


def follow(process, connection, until):
    """What became of a process: done, failed, or lost where it ended or hung; the program that it was making ready then;
    the value that it sent, or why it is lost; and its lines."""
    at, lines = None, []
    deadline = min(until, time.monotonic() + LONGEST)
    while True:
        if not connection.poll(max(0.0, deadline - time.monotonic())):
            process.kill()
            process.join()
            return "lost", at, "took too long", lines
        try:
            kind, value = connection.recv()
        except EOFError:
            process.join()
            return "lost", at, f"ended with status {process.exitcode}", lines
        if kind == "at":
            at, deadline = value, min(until, time.monotonic() + LONGEST)
        elif kind == "line":
            lines.append(value)
        else:
            process.join(10)
            return kind, at, value, lines


def run_case(name, case, plan, options, until, report):
    """The medians of one case by program, or nothing. A program that takes the process with it is left out."""
    skipped = {}
    while time.monotonic() < until:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=work, args=(theirs, name, case, plan, options, skipped))
        process.start()
        theirs.close()
        kind, at, value, lines = follow(process, ours, until)
        if kind == "done":
            for line in lines:
                report(line)
            return value
        if kind == "failed" or at is None or at in skipped:
            report(f"{name}: left out: {value}" + (f" (at {at})" if at else ""))
            report()
            return None
        skipped[at] = value
    report(f"{name}: left out: out of time" + "".join(f"; {at}: {why}" for at, why in skipped.items()))
    report()
    return None


def summarize(results, report):
    """A line a case: ssmc's best schedule, and how many times longer the others take."""
    report("summary: ssmc's best median, and how many times it the medians of others are: the best of each peer, and a plain")
    report("copy of the bytes that must move")
    report(f"{'':<28} {'ssmc ms':>9}  others")
    for name, medians in results.items():
        ours = [value for who, value in medians.items() if who.startswith("ssmc")]
        if not ours:
            continue
        best = {}
        for who, value in medians.items():
            peer = who.split()[0]
            if peer != "ssmc" and value < best.get(peer, (float("inf"), ""))[0]:
                best[peer] = (value, who)
        others = "  ".join(f"{who} {value / min(ours):.2f}" for value, who in best.values())
        report(f"{name:<28} {min(ours):>9.4f}  {others}")


def main(options):
    began = time.monotonic()
    try:
        plan = read_json(options.folder / PLAN)
        cases = choose(plan["cases"], options.only)
    except Unavailable as error:
        sys.exit(f"error: {error}")
    if not (options.only or options.output):
        options.output = ROOT / "bench" / "results" / f"{datetime.date.today()}-gpu.txt"
    report = Report(options.output)
    try:
        import torch  # once, for all processes
    except ImportError as error:
        sys.exit(f"error: {error}")
    os.environ.setdefault("TRITON_CACHE_DIR", str(options.folder.resolve() / "triton"))
    multiprocessing.set_start_method("fork")
    report(f"date: {datetime.datetime.now():%Y-%m-%d %H:%M}")
    report(f"commit: {plan['commit']}, compiled for {plan['target']} on {plan['date']}")
    report(f"peers: {'; '.join(peer.get('version', name) for name, peer in plan['peers'].items())}; PyTorch "
           f"{torch.__version__}")
    for line in plan["left_out"]:
        report(f"left out: {line}")
    results, wrong = {}, False
    machine = run_case("machine", None, plan, options, began + LONGEST, report)
    if machine is None:
        sys.exit("error: no GPU to measure on")
    for name, case in cases.items():
        value = run_case(name, case, plan, options, began + options.seconds, report)
        if value is not None:
            results[name], is_wrong = value
            wrong |= is_wrong
    summarize(results, report)
    report(f"all of it took {time.monotonic() - began:.0f} s")
    return 1 if wrong or len(results) < len(cases) else 0
