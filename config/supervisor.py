"""`./manage.py up`: everything one machine needs, started, watched, restarted and stopped in order.

The embedded servers, the web server, the Celery worker and beat are children of this process.
None of them outlives it: see launcher.py for how.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from config import processes
from config.home import StackError, Urls
from config.keys import kept_secret
from config.processes import Step
from config.stack import Stack

ROOT = Path(__file__).resolve().parent.parent
FIRST_DELAY, LAST_DELAY = 1.0, 30.0
STEADY_SECONDS = 60.0
"""Up for so long, a process is taken to be well again and its next restart is quick."""
TICK_SECONDS = 0.2
HARMLESS_WARNINGS = (
    "ignore:No directory at",  # static files are found in place, not collected, on one machine
    "ignore:You're running the worker with superuser",  # messages are JSON, never pickles
)


class StopRequestedError(Exception):
    """Somebody asked us to stop."""


class Journal:
    """One stream of lines, each with the name of the process that wrote it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._turn = threading.Lock()
        self._pipes: list[tuple[int, threading.Thread]] = []

    def write(self, name: str, text: str) -> None:
        """Write one line; a reader who has gone is not our processes' concern."""
        with self._turn:
            try:
                self._stream.write(f"{name:<8} | {text}\n")
                self._stream.flush()
            except (OSError, ValueError):
                return

    def pipe(self, name: str) -> int:
        """Return a descriptor to write to; a thread copies its lines until `close`."""
        reading, writing = os.pipe()
        thread = threading.Thread(target=self._copy, args=(name, reading), daemon=True)
        thread.start()
        self._pipes.append((writing, thread))
        return writing

    def _copy(self, name: str, descriptor: int) -> None:
        with open(descriptor, errors="replace") as lines:
            for line in lines:
                self.write(name, line.rstrip())

    def close(self) -> None:
        """Write what is left in the pipes."""
        for writing, _ in self._pipes:
            os.close(writing)
        for _, thread in self._pipes:
            thread.join(1.0)


@dataclass
class Service:
    """A process that is started again whenever it ends."""

    name: str
    start: Callable[[], object]
    """Starts it; raises StackError when that fails."""
    alive: Callable[[], bool]
    stop: Callable[[], None]
    delay: float = FIRST_DELAY
    since: float = field(default=0.0)
    due: float | None = None

    def watch(self, journal: Journal) -> None:
        """Start it again if it has ended and its delay has passed."""
        now = time.monotonic()
        if self.due is None and not self.alive():
            steady = now - self.since > STEADY_SECONDS
            self.delay = FIRST_DELAY if steady else self.delay
            self.due = now + self.delay
            journal.write("up", f"{self.name} has ended; starting it again in {self.delay:.0f} s")
            self.delay = min(self.delay * 2, LAST_DELAY)
        elif self.due is not None and now >= self.due:
            self.begin(journal)

    def begin(self, journal: Journal) -> None:
        """Start it now; a failure counts as having ended at once."""
        self.due, self.since = None, time.monotonic()
        try:
            self.start()
        except StackError as error:
            journal.write("up", f"{self.name}: {error}")


class Program:
    """One of our own processes, under a guard that takes its children along."""

    def __init__(
        self, command: list[str], *, environment: dict[str, str], output: int, steps: list[Step]
    ) -> None:
        self.command = command
        self.environment = environment
        self.output = output
        self.steps = [*steps, Step(signal.SIGHUP, 2)]  # the guard's word for: end everything now
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start it and return the process of its guard."""
        self.process = processes.launch(
            self.command,
            guard=True,
            output=self.output,
            environment=self.environment,
            directory=ROOT,
        )
        return self.process

    def alive(self) -> bool:
        """Say whether it runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop it and everything it started."""
        if self.process is not None:
            processes.end(self.process, *self.steps)


class Supervisor:
    """Runs the whole installation until somebody sends SIGINT, SIGTERM or SIGHUP."""

    def __init__(self, home: Path, *, host: str, port: int, demo: bool = False) -> None:
        self.home = home
        self.host = host
        self.port = port
        self.demo = demo
        self.journal = Journal(sys.stdout)
        self.services: list[Service] = []
        self.environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": ",".join(HARMLESS_WARNINGS),
            "NO_COLOR": "1",
            "TRIBUTARY_HOME": str(home),
        }
        self.stack = Stack(
            home,
            database=not os.environ.get("DATABASE_URL"),
            broker=not os.environ.get("BROKER_URL"),
        )

    def run(self) -> None:
        """Start everything, watch it, and stop it in the reverse order.

        Raises StackError when the port is taken, a server does not start or a migration fails.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _ask_to_stop)
        try:
            self._check_port()
            self._start_servers()
            self._once("migrate")
            self._connect_bank()
            self._start_programs()
            self._watch_until_ready()
            if self.demo:
                self._once("demo")
                self._tell_address()
            self._watch()
        except StopRequestedError:
            self.journal.write("up", "stopping")
        finally:
            self._stop()

    def _check_port(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise StackError(
                    f"{self.host} port {self.port}: {error.strerror}. Choose another with --port."
                ) from error

    def _start_servers(self) -> None:
        for server in self.stack.servers:
            server.output = self.journal.pipe(server.name)
        urls: Urls = self.stack.start()
        self.environment.update(urls.as_environment())
        now = time.monotonic()
        self.services = [
            Service(
                server.name,
                start=server.start,
                alive=lambda server=server: server.pid is not None,  # type: ignore[misc]
                stop=server.stop,
                since=now,
            )
            for server in self.stack.servers
        ]

    def _once(self, command: str) -> None:
        """Run a management command to its end as a child, watching the others meanwhile."""
        program = self._program(
            command, [str(ROOT / "manage.py"), command], [Step(signal.SIGTERM, 2)]
        )
        process = program.start()
        try:
            while process.poll() is None:
                self._tick()
        finally:
            program.stop()
        if process.returncode != 0:
            raise StackError(f"`manage.py {command}` failed; its lines above say why.")

    def _connect_bank(self) -> None:
        """The demonstration's bank is simulated and lives on with its home; a real one is named."""
        state = self.home / "simulated-bank"
        if os.environ.get("BANK_URL") or not (self.demo or state.exists()):
            return
        port, key = _free_port(), kept_secret(self.home, "bank_key")
        # A process list shows arguments, so the key travels in the environment.
        self.environment |= {
            "BANK_URL": f"http://127.0.0.1:{port}",
            "BANK_KEY": key,
            "BANK_COLLECT_SECONDS": "5",
        }
        arguments = [
            *("-m", "sandbox.online_bank", "--state", str(state), "--port", str(port)),
            *("--closes-every", "3"),
        ]
        program = self._program("bank", arguments, [Step(signal.SIGTERM, 2)])
        service = Service("bank", program.start, program.alive, program.stop)
        self.services.append(service)
        service.begin(self.journal)

    def _start_programs(self) -> None:
        workers = os.environ.get("WORKERS", "2")
        threads = os.environ.get("WEB_THREADS", "16")
        web = [
            *("-m", "granian", "--interface", "wsgi", "--no-ws"),
            *("--host", self.host, "--port", str(self.port)),
            *("--workers", os.environ.get("WEB_WORKERS", "1"), "--blocking-threads", threads),
            "config.wsgi:application",
        ]
        celery = ["-m", "celery", "--app", "config", "--quiet"]
        worker = [
            *(*celery, "worker", "--concurrency", workers, "--loglevel", "INFO"),
            *("--queues", "ingest,pull,reconcile,default", "--without-gossip", "--without-mingle"),
        ]
        schedule = str(self.home / "beat-schedule")
        beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile=", "--schedule", schedule]
        # SIGTERM lets a worker finish its tasks, SIGQUIT gives them back to the broker.
        patient = [Step(signal.SIGTERM, 3), Step(signal.SIGQUIT, 2)]
        for name, arguments, steps in (
            ("web", web, [Step(signal.SIGTERM, 2)]),
            ("worker", worker, patient),
            ("beat", beat, [Step(signal.SIGTERM, 1)]),
        ):
            program = self._program(name, arguments, steps)
            service = Service(name, program.start, program.alive, program.stop)
            self.services.append(service)
            service.begin(self.journal)

    def _program(self, name: str, arguments: list[str], steps: list[Step]) -> Program:
        return Program(
            [sys.executable, *arguments],
            environment=self.environment,
            output=self.journal.pipe(name),
            steps=steps,
        )

    def _watch_until_ready(self) -> None:
        while not self._ready():
            self._tick()
        self._tell_address()

    def _tell_address(self) -> None:
        shown = "localhost" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        shown = f"[{shown}]" if ":" in shown else shown
        self.journal.write("up", f"ready: http://{shown}:{self.port}/ (Ctrl-C stops everything)")

    def _ready(self) -> bool:
        """Ask /readyz on the port we opened; anything but a server error is an answer."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        connection = http.client.HTTPConnection(here, self.port, timeout=5)
        headers = {"Host": "localhost", "X-Forwarded-Proto": "https"}
        try:
            connection.request("GET", "/readyz", headers=headers)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _watch(self) -> None:
        while True:
            self._tick()

    def _tick(self) -> None:
        time.sleep(TICK_SECONDS)
        for service in self.services:
            service.watch(self.journal)

    def _stop(self) -> None:
        """Beat first, so that nothing new is asked for; then worker, web, broker, database."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        order = {"beat": 0, "worker": 1, "web": 2, "bank": 3, "valkey": 4, "postgres": 5}
        for service in sorted(self.services, key=lambda service: order[service.name]):
            service.stop()
        self.stack.stop()
        self.journal.write("up", "stopped")
        self.journal.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _ask_to_stop(number: int, frame: FrameType | None) -> None:
    raise StopRequestedError
