"""`./manage.py up` starts everything, mends what ends, and leaves nothing behind."""

import contextlib
import http.client
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import processes, supervisor
from config.home import StackError
from config.processes import Step
from config.stack import Stack

ROOT = Path(__file__).resolve().parents[2]

PARENT_OF_A_STUBBORN_CHILD = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
os.write(1, b"%d\\n" % os.getpid())  # at once: two processes share the pipe
time.sleep(60)
"""


def until(condition: Callable[[], object], *, seconds: float) -> bool:
    """Wait for a condition; say whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def exists(pid: int) -> bool:
    """Say whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def descendants(root: int) -> list[int]:
    """Return all processes below one."""
    found, waiting = [], [root]
    while waiting:
        for children in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                below = [int(pid) for pid in children.read_text().split()]
                found += below
                waiting += below
    return found


class TestGuard:
    """The process that stands above each program."""

    def test_it_takes_stubborn_grandchildren_along(self) -> None:
        reading, writing = os.pipe()
        command = [sys.executable, "-c", PARENT_OF_A_STUBBORN_CHILD]
        guard = processes.launch(command, guard=True, output=writing)
        with os.fdopen(reading) as told:
            pids = [int(told.readline()), int(told.readline())]
        os.close(writing)
        processes.end(guard, Step(signal.SIGTERM, 0.2), Step(signal.SIGHUP, 3))
        assert guard.returncode == 128 + signal.SIGKILL
        assert not any(exists(pid) for pid in pids)

    def test_it_passes_on_the_exit_code_and_sweeps_up_when_the_program_ends(self) -> None:
        reading, writing = os.pipe()
        leaving = (
            "import os, time\nif pid := os.fork():\n print(pid, flush=True)\n os._exit(7)\n"
            "os.setsid(); time.sleep(60)"
        )
        guard = processes.launch([sys.executable, "-c", leaving], guard=True, output=writing)
        assert guard.wait(10) == 7
        os.close(writing)
        with os.fdopen(reading) as told:
            assert not exists(int(told.readline()))

    def test_it_ends_everything_when_the_supervisor_is_killed(self) -> None:
        code = (
            "import sys, time\nfrom config import processes\n"
            f"processes.launch([sys.executable, '-c', {PARENT_OF_A_STUBBORN_CHILD!r}], guard=True)"
            "\ntime.sleep(60)"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        pids = [int(parent.stdout.readline()), int(parent.stdout.readline())]
        parent.kill()
        parent.wait()
        assert until(lambda: not any(exists(pid) for pid in pids), seconds=5)


class TestService:
    """What is done when a process ends."""

    def test_the_delay_doubles_to_half_a_minute_and_falls_back_after_a_steady_minute(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = 1000.0
        monkeypatch.setattr("config.supervisor.time.monotonic", lambda: now)
        alive = False
        starts: list[float] = []
        journal = supervisor.Journal(sys.stderr)
        service = supervisor.Service(
            "web", lambda: starts.append(now), lambda: alive, stop=lambda: None
        )
        service.begin(journal)
        while len(starts) < 8:
            service.watch(journal)
            now += 0.5
        waits = [round(b - a) for a, b in itertools.pairwise(starts)]
        assert waits[:6] == [1, 2, 4, 8, 16, 30]

        alive = True
        now += 61
        service.watch(journal)
        alive = False
        service.watch(journal)
        assert service.due == now + 1

    def test_a_start_that_fails_is_tried_again(self) -> None:
        def fail() -> None:
            raise StackError("no disk")

        service = supervisor.Service("postgres", fail, alive=lambda: False, stop=lambda: None)
        service.begin(supervisor.Journal(sys.stderr))
        service.watch(supervisor.Journal(sys.stderr))
        assert service.due is not None


class Running:
    """`manage.py up` in another process."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = home.parent / "up.log"
        external = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_OPS_URL", "BROKER_URL"}
        environment = {name: text for name, text in os.environ.items() if name not in external}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(self.port)],
            cwd=ROOT,
            env={**environment, "TRIBUTARY_HOME": str(home), "WORKERS": "1"},
            stdout=self.log.open("a"),
            stderr=subprocess.STDOUT,
        )

    def said(self, pattern: str) -> list[str]:
        """Return what in its log matches."""
        return re.findall(pattern, self.log.read_text(), re.MULTILINE)

    def get(self, path: str) -> int:
        """Return the status of a page, 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def ready(self) -> bool:
        """Wait for the web server and the worker."""
        return until(lambda: self.said(r"^up .*ready"), seconds=60) and until(
            lambda: self.said(r"^worker .*ready\."), seconds=60
        )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """An installation that is up, below a directory with a space in its name."""
    home = tmp_path / "my home"
    up = Running(home)
    try:
        assert up.ready(), up.log.read_text()
        yield up
    finally:
        up.process.kill()
        up.process.wait()
        Stack(home).destroy()


def test_up_mends_what_ends_and_stops_in_order(running: Running) -> None:
    assert running.get("/healthz") == running.get("/readyz") == 200
    postgres = next(
        pid
        for pid in descendants(running.process.pid)
        if "bin/postgres" in Path(f"/proc/{pid}/cmdline").read_text()
    )
    os.kill(postgres, signal.SIGKILL)
    assert until(lambda: running.said("postgres has ended"), seconds=5)
    assert until(lambda: running.get("/readyz") == 200, seconds=15)

    everything = descendants(running.process.pid)
    begun = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(15) == 0
    assert time.monotonic() - begun < 10
    assert not any(exists(pid) for pid in everything)
    order = running.said(
        r"^(?:worker +\| worker: (Warm)|web +\|.*(Shutting)|valkey +\|.*(User requested)"
        r"|postgres \|.*(fast shutdown))"
    )
    assert ["".join(words) for words in order] == [
        "Warm",
        "Shutting",
        "User requested",
        "fast shutdown",
    ]


def test_up_killed_leaves_nothing_running(running: Running) -> None:
    everything = descendants(running.process.pid)
    assert len(everything) > 10
    running.process.kill()
    running.process.wait()
    assert until(lambda: not any(exists(pid) for pid in everything), seconds=5)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = supervisor.Supervisor(tmp_path, host="127.0.0.1", port=port)
        handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            with pytest.raises(StackError, match=f"port {port}: Address already in use"):
                up.run()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
