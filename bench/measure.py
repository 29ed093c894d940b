"""Time and memory, measured the same way by every benchmark."""

import contextlib
import json
import os
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

MEGABYTE = 1_000_000
PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLE_SECONDS = 0.02

T = TypeVar("T")


@dataclass(frozen=True)
class Measurement(Generic[T]):
    """What repeated runs of one piece of work took."""

    seconds: float
    """The median of the runs."""
    runs: list[float]
    peak_mb: float
    """The most memory this process and its children held at once, in megabytes (10^6 bytes)."""
    result: T
    """What the last run returned."""

    def rate(self, rows: int) -> float:
        """Return rows per second."""
        return rows / self.seconds


def measure(
    work: Callable[[], T], *, runs: int = 3, warmups: int = 1, before: Callable[[], object] = int
) -> Measurement[T]:
    """Run `work` and take the median; `before` prepares each run and is not timed."""
    for _ in range(warmups):
        before()
        work()
    times: list[float] = []
    peak = 0.0
    for _ in range(runs):
        before()
        with Peak() as memory:
            begun = time.perf_counter()
            result = work()
            times.append(time.perf_counter() - begun)
        peak = max(peak, memory.megabytes)
    rounded = [round(seconds, 6) for seconds in times]
    return Measurement(statistics.median(times), rounded, round(peak, 1), result)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds a piece of work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def in_turns(
    contenders: dict[str, Callable[[], float]], *, runs: int, warmups: int = 1
) -> dict[str, float]:
    """Let each do its work once a round, and return each one's median of what it says it took.

    What else the machine does meanwhile then strikes all of them alike.
    """
    rounds = [{name: work() for name, work in contenders.items()} for _ in range(warmups + runs)]
    return {name: statistics.median(one[name] for one in rounds[warmups:]) for name in contenders}


class Peak:
    """Watch the resident memory of a process and its descendants during a `with` block.

    The larger of two figures: the sum over all of them, sampled every 20 ms by a process of its
    own (a thread would sleep while the work holds the interpreter lock), and the kernel's exact
    peak of the one process. Pages that processes share are counted once for each. Zero where
    there is no /proc.
    """

    def __init__(self, pid: int | None = None) -> None:
        self.pid = pid or os.getpid()
        self.bytes = 0

    @property
    def megabytes(self) -> float:
        """The peak, once the block has ended."""
        return self.bytes / MEGABYTE

    def __enter__(self) -> Self:
        with contextlib.suppress(OSError):
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # resets the kernel's peak
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._watcher.stdout is not None
        self._watcher.stdout.readline()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sampled, _ = self._watcher.communicate()
        self.bytes = max(int(sampled), exact_peak(self.pid))


def watch(root: int) -> None:
    """Sample until standard input ends, then print the highest sum; the watcher's main loop."""
    highest, us = 0, os.getpid()
    print("watching", flush=True)
    while True:
        highest = max(highest, sum(resident(pid) for pid in tree(root) if pid != us))
        if select.select([sys.stdin], [], [], SAMPLE_SECONDS)[0]:
            break
    print(highest)


def exact_peak(pid: int) -> int:
    """Return the kernel's peak of one process in bytes, 0 where it does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def tree(root: int) -> list[int]:
    """Return a process and all its descendants."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                waiting += [int(child) for child in children.read_text().split()]
    return found


def resident(pid: int) -> int:
    """Return the resident memory of one process in bytes, 0 once it has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


@dataclass(frozen=True)
class Child:
    """What a program of somebody else took, as the kernel accounts for it."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    code: int
    output: str


# The kernel counts the memory a process had before exec towards the program's peak. Forking from
# a small interpreter keeps our own hundreds of megabytes out of the other program's figure.
_ACCOUNTANT = """
import json, os, sys, time
begun = time.perf_counter()
child = os.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
told = {
    "seconds": time.perf_counter() - begun,
    "cpu_seconds": usage.ru_utime + usage.ru_stime,
    "peak_mb": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
    "code": os.waitstatus_to_exitcode(status),
}
os.write(int(sys.argv[1]), json.dumps(told).encode())
"""


def run_child(command: list[str], *, environment: dict[str, str] | None = None) -> Child:
    """Run a program to its end; its standard output is kept, its errors are shown."""
    told, telling = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _ACCOUNTANT, str(telling), *command],
        stdout=subprocess.PIPE,
        env=environment,
        pass_fds=[telling],
        text=True,
    )
    os.close(telling)
    output, _ = process.communicate()
    with os.fdopen(told) as account:
        return Child(output=output, **json.loads(account.read()))


if __name__ == "__main__":
    watch(int(sys.argv[1]))
