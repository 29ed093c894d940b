"""Programs of ours that can be frozen and killed, and waiting until something is to be seen."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

from config import processes

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 45.0
LOOK_SECONDS = 0.004

T = TypeVar("T")


class PatienceLostError(AssertionError):
    """What was waited for has not come."""


def until(look: Callable[[], T], what: str, *, seconds: float = PATIENCE) -> T:
    """Look until there is something to see, and return it. Raises PatienceLostError."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise PatienceLostError(f"after {seconds:.0f} s still not: {what}")
        time.sleep(LOOK_SECONDS)
    return seen


class Worker:
    """A program of ours in a process group of its own, under a guard should this process die."""

    def __init__(self, command: list[str], *, environment: dict[str, str], log: Path) -> None:
        self.log = log
        output: IO[bytes]
        with log.open("wb") as output:
            self._guard = processes.launch(
                command, guard=True, output=output, environment=environment, directory=ROOT
            )

    @property
    def pids(self) -> list[int]:
        """The program and its children, without the guard."""
        return [pid for pid in group(self._guard.pid) if pid != self._guard.pid]

    def child(self) -> int:
        """The one process of the worker's pool, which carries the tasks out."""
        below = [pid for pid in self.pids if parent(pid) != self._guard.pid]
        [pid] = below
        return pid

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]

    def kill(self) -> list[int]:
        """kill -9 the whole group at once, parent and pool; returns who was alive until then."""
        alive = self.pids
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._guard.pid, signal.SIGKILL)
        self._guard.wait()
        until(lambda: not group(self._guard.pid), f"{alive} are dead", seconds=5)
        return alive

    def freeze(self, *, only_parent: bool = False) -> None:
        """Stop every process of the group where it is, or only the parent, which acknowledges."""
        pids = [pid for pid in self.pids if not only_parent or pid != self.child()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        until(lambda: all(state(pid) == "T" for pid in pids), "the worker is frozen")

    def thaw(self) -> None:
        """Let it go on."""
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)


def group(leader: int) -> list[int]:
    """The living processes of a group; one that only waits to be collected is dead."""
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if (said := _status(int(entry.name))) and said[2] == str(leader) and said[0] != "Z"
    ]


def state(pid: int) -> str:
    """R, S, T (stopped), Z and so on; empty once it has gone."""
    return (_status(pid) or [""])[0]


def parent(pid: int) -> int:
    """The process that started it."""
    return int((_status(pid) or ["", "0"])[1])


def _status(pid: int) -> list[str]:
    """State, parent, group and more, as the kernel tells."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []
