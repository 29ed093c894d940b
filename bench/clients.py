"""Clients of a benchmark: processes that prepare a piece of work each, and begin at one word.

A client's module calls `serve` and knows tasks by name; `clients` starts so many of them and
`Clients` tells all of them what to do. Nothing of ours is imported here: the peers we compare
ourselves with run in an environment of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

Task = Callable[[int], Callable[[], Any]]
"""Prepares so many pieces of work, and returns what does them."""
UP, READY, GO = "up", "ready", "go"


class Clients:
    """Several processes that work at once."""

    def __init__(self, processes: Sequence[subprocess.Popen[str]]) -> None:
        self._processes = processes
        self.results: list[Any] = []
        """What each client answered to the last task."""

    def __getitem__(self, some: slice) -> Clients:
        return Clients(self._processes[some])

    def seconds(self, task: str, pieces: int) -> float:
        """Let every client do so many pieces; the time from the first's start to the last's end."""
        self._tell(f"{task} {pieces}")
        self._hear()
        begun = time.perf_counter()
        self._tell(GO)
        self.results = [json.loads(answer) for answer in self._hear()]
        return time.perf_counter() - begun

    def _tell(self, line: str) -> None:
        for process in self._processes:
            assert process.stdin is not None
            print(line, file=process.stdin, flush=True)

    def _hear(self) -> list[str]:
        return [_answer(process) for process in self._processes]


@contextmanager
def clients(
    module: str, *arguments: str, count: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[Clients]:
    """Start so many clients of a module, one after the other, and end them after the block."""
    with ExitStack() as life:
        started = []
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            life.callback(process.communicate)
            _answer(process)
            started.append(process)
        yield Clients(started)


def _answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a client ended: {process.args!r}")
    return line


def serve(tasks: Mapping[str, Task]) -> None:
    """A client's main loop: prepare what is named, do it when told, answer; until input ends."""
    print(UP, flush=True)
    for line in sys.stdin:
        name, pieces = line.split()
        work = tasks[name](int(pieces))
        print(READY, flush=True)
        if sys.stdin.readline().strip() != GO:
            return
        print(json.dumps(work()), flush=True)
