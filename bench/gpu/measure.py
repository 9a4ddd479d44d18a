"""Times programs in turn on PyTorch's current stream: each launch by its own two events, after a write that leaves nothing of
its arrays in the L2 cache."""

import time
from statistics import median

import torch

FLUSH_BYTES = 256 << 20  # several times any L2 cache; at least as long as the host takes to launch one kernel
AHEAD = 1.5  # how many times the host's own time for a call the device is kept busy before it


EXACT = 4.5e-3  # of the largest value: f32 arithmetic, rounded to bf16 at the end
ROUNDED = 3e-2  # the same where operands of matrix products are rounded to bf16


class Participant:
    """A program that enqueues the same work at each call. `output` is its result, or gives it; `restart` makes a call begin
    where the first one did, for a program that changes its inputs."""

    def __init__(self, name, call, output=None, note="", restart=None, tolerance=EXACT):
        self.name, self.call, self.output, self.note = name, call, output, note
        self.restart, self.tolerance = restart, tolerance
        self.rounds = []  # medians, in ms
        self.flushes = 1
        self.differences = ()  # from the reference, and from ssmc

    def result(self):
        """What one call gives."""
        if self.restart:
            self.restart()
        self.call()
        torch.cuda.synchronize()
        return self.output() if callable(self.output) else self.output


class Meter:
    def __init__(self, clock):
        self.clock = clock
        self.buffer = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device="cuda")
        self.clocks = []
        self.buffer.zero_()
        begin, end = self.events()
        begin.record()
        for _ in range(4):
            self.buffer.zero_()
        end.record()
        torch.cuda.synchronize()
        self.flush_seconds = begin.elapsed_time(end) / 4e3

    @staticmethod
    def events():
        return torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def warm_up(self, participant):
        """Runs it a few times, and finds how long the device has to be kept busy so that the host is always ahead."""
        participant.call()
        torch.cuda.synchronize()
        host = []
        for _ in range(3):
            began = time.perf_counter()
            participant.call()
            host.append(time.perf_counter() - began)
            torch.cuda.synchronize()
        participant.flushes = 1 + int(AHEAD * min(host) / self.flush_seconds)

    def one_round(self, participant, launches):
        pairs = []
        for _ in range(launches):
            for _ in range(participant.flushes):
                self.buffer.zero_()
            begin, end = self.events()
            begin.record()
            participant.call()
            end.record()
            pairs.append((begin, end))
        # While there is work: an idle GPU lowers its clock.
        if (mhz := self.clock.read()) is not None:
            self.clocks.append(mhz)
        torch.cuda.synchronize()
        participant.rounds.append(median(begin.elapsed_time(end) for begin, end in pairs))

    def measure(self, participants, rounds, launches):
        """All in turn; each round begins with another one."""
        for participant in participants:
            self.one_round(participant, launches)
            participant.rounds.clear()
        self.clocks.clear()
        for first in range(rounds):
            for i in range(len(participants)):
                self.one_round(participants[(first + i) % len(participants)], launches)


def difference(result, expected):
    """The largest difference relative to the largest value; not a number anywhere counts as infinite."""
    result, expected = result.float(), expected.float()
    largest = expected.abs().max().item()
    worst = (result - expected).abs().max().item()
    return worst / largest if largest and worst == worst else float("inf") if worst else 0.0
