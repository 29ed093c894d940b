"""Real workers on a real database and a real broker, killed where a test wants it.

An `Arena` is a stack nobody else uses. A `Scene` is a database in it with work waiting, made once
and copied for every trial, so that the ids of two trials are the same. A `Trial` is one such copy
with its workers; everything about it is observed from outside, in PostgreSQL.

A worker is killed at a chosen point in one of two ways: a lock held from outside parks it at a
statement (`Trial.parked`), or it is frozen the moment it is seen there (`Worker.freeze`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, NamedTuple, Self, TypeVar

import psycopg
import redis

from config import processes
from config.celery import QUEUES
from config.processes import Step
from config.stack import Stack, temporary
from tests.faults.rows import Ask, Rows, all_rows

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 2
PROGRESS_SECONDS = 0.2
SWEEP_SECONDS = 15
"""How often beat sweeps (config/celery.py)."""
PATIENCE = 45.0
LOOK_SECONDS = 0.004
PAUSE_SECONDS = 0.5
"""Between two rounds of our own sweeping."""

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


# --- the place ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A database to be copied, and who is in it."""

    database: str
    merchant: str
    account: str
    store: str


class Arena:
    """A stack of its own. It is durable, for its servers are killed too."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.home = stack.home
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=self.environment("tributary"),
            check=True,
        )
        self._helper = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.inside"],
            cwd=ROOT,
            env=self.environment("tributary"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the helper; the stack is its owner's."""
        self._helper.communicate()

    def environment(self, database: str) -> dict[str, str]:
        """The environment of our processes in this arena."""
        return {
            **os.environ,
            **self.stack.urls(database).as_environment(),
            "TRIBUTARY_HOME": str(self.home),
            "DOCUMENTS_DIR": str(self.home / "documents"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "PROGRESS_SECONDS": str(PROGRESS_SECONDS),
            "PYTHONWARNINGS": "ignore",
            "LOG_LEVEL": "WARNING",
        }

    def inside(self, database: str, command: str, *arguments: str) -> Any:
        """Carry out a command of `inside`; raises RuntimeError with its traceback."""
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        print(json.dumps([database, command, *arguments]), file=self._helper.stdin, flush=True)
        answer = json.loads(self._helper.stdout.readline())
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer["told"]

    def scene(self, database: str, command: str, *arguments: str) -> Scene:
        """Make a database with what a command of `inside` receives."""
        self.stack.create_database(database, template="tributary")
        return Scene(database=database, **self.inside(database, command, *arguments))

    def later(self, scene: Scene, database: str, command: str) -> Scene:
        """The same scene after one more command."""
        self.stack.create_database(database, template=scene.database)
        self.inside(database, command)
        return replace(scene, database=database)

    @contextlib.contextmanager
    def trial(self, scene: Scene) -> Iterator[Trial]:
        """A copy of the scene, and one message in the broker for each piece of its work.

        Workers that are left over are killed at the end.
        """
        name = f"{scene.database}_trial"
        self.stack.create_database(name, template=scene.database)
        try:
            with Trial(self, scene, name) as trial:
                trial.broker.flushall()
                trial.sweep()
                yield trial
        finally:
            self.stack.drop_database(name)

    def undisturbed(self, scene: Scene, *, rows: Callable[[Ask], Rows] = all_rows) -> Rows:
        """The rows when one worker does the work and nothing happens to it."""
        with self.trial(scene) as trial:
            trial.worker()
            return trial.finished(rows=rows)


@contextlib.contextmanager
def arena() -> Iterator[Arena]:
    """An arena that leaves nothing behind."""
    with temporary(durable=True) as stack, contextlib.closing(Arena(stack)) as place:
        yield place


# --- what is seen -------------------------------------------------------------------------


class Seen(NamedTuple):
    """A document or a run as its row shows it."""

    state: str
    attempts: int
    leased: bool
    progress: int
    size: int
    readings: int


class Backend(NamedTuple):
    """What one of PostgreSQL's processes does."""

    pid: int
    state: str
    query: str
    wait: str
    waits_for: list[int]


Kind = Literal["document", "run"]
LOOKS: dict[Kind, str] = {
    "document": "SELECT state, attempts, coalesce(lease_until > now(), false), bytes_read, size, "
    "readings FROM settlement_sourcedocument ORDER BY id",
    "run": "SELECT state, attempts, coalesce(lease_until > now(), false), 0, 0, 0 "
    "FROM settlement_reconrun ORDER BY id",
}
UNFINISHED = """
SELECT (SELECT count(*) FROM settlement_sourcedocument WHERE state IN ('stored', 'reading'))
    + (SELECT count(*) FROM settlement_reconrun WHERE state IN ('queued', 'running'))
"""
BACKENDS = """
SELECT pid, state, query, coalesce(wait_event, ''), pg_blocking_pids(pid)
FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'tributary_app' AND state <> 'idle'
"""


class Trial:
    """One copy of a scene at work."""

    def __init__(self, arena: Arena, scene: Scene, database: str) -> None:
        self.arena = arena
        self.scene = scene
        self.database = database
        self.environment = arena.environment(database)
        self.begun = time.monotonic()
        self._life = contextlib.ExitStack()
        self._watching: psycopg.Connection[Any] | None = None
        self._programs = 0

    def __enter__(self) -> Self:
        self._life.callback(self._look_away)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._life.close()

    # --- programs ---

    def worker(self, *queues: str) -> Worker:
        """Start a worker with one process for these queues, or for all."""
        names = ",".join(queues or QUEUES)
        return self._start(
            "worker",
            *("-m", "celery", "-A", "config", "worker", "-c", "1", "-Q", names),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        )

    def beat(self) -> Worker:
        """Start the real beat, with the real periods."""
        schedule = str(self.arena.home / f"beat-{self.database}-{time.monotonic_ns()}")
        beat = ("-m", "celery", "-A", "config", "beat", "--pidfile=", "--schedule", schedule)
        return self._start("beat", *beat)

    def _start(self, name: str, *arguments: str) -> Worker:
        self._programs += 1
        log = self.arena.home / f"{self._programs}-{name}.log"
        worker = Worker([sys.executable, *arguments], environment=self.environment, log=log)
        self._life.callback(worker.kill)
        return worker

    @property
    def broker(self) -> redis.Redis:
        """A client of the broker."""
        url = self.environment["BROKER_URL"].replace("redis+socket:", "unix:", 1)
        client = redis.Redis.from_url(url)
        self._life.callback(client.close)
        return client

    def kill_server(self, name: Literal["postgres", "valkey"]) -> None:
        """kill -9 a server; PostgreSQL's other processes end when they see that it is gone."""
        [server] = [server for server in self.arena.stack.servers if server.name == name]
        assert server.process is not None
        server.process.kill()
        server.process.wait()

    def start_servers(self) -> None:
        """Start what was killed, as the supervisor does."""
        for server in self.arena.stack.servers:
            server.start()

    # --- seeing ---

    def ask(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of the database as its owner sees them."""
        if self._watching is None or self._watching.closed or self._watching.broken:
            self._watching = self.connect()
        return self._watching.execute(sql, parameters or None).fetchall()

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the owner, outside of any transaction."""
        url = self.environment["DATABASE_OWNER_URL"]
        return psycopg.connect(url, autocommit=True)

    def severed(self) -> bool:
        """Whether the connection we have been watching with is lost."""
        assert self._watching is not None
        try:
            self._watching.execute("SELECT 1")
        except psycopg.OperationalError:
            return True
        return False

    def answers(self) -> bool:
        """Whether PostgreSQL lets somebody in; while it recovers it does not."""
        try:
            return bool(self.ask("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def _look_away(self) -> None:
        if self._watching is not None:
            self._watching.close()

    def seen(self, kind: Kind = "document") -> list[Seen]:
        """All documents or runs, oldest first."""
        return [Seen(*row) for row in self.ask(LOOKS[kind])]

    def only(self, kind: Kind = "document") -> Seen:
        """The only document or run of the scene."""
        [row] = self.seen(kind)
        return row

    def backends(self) -> list[Backend]:
        """PostgreSQL's processes that do something for our programs."""
        return [Backend(*row) for row in self.ask(BACKENDS)]

    def doing(self, statement: str) -> Backend | None:
        """Whoever carries out a statement that begins so."""
        found = [b for b in self.backends() if b.query.lstrip().startswith(statement)]
        return found[0] if found else None

    @contextlib.contextmanager
    def parked(self, lock: str, *parameters: object) -> Iterator[Callable[[], Backend]]:
        """Hold a lock; the function that is yielded returns who has come to wait for it."""
        holder = self.connect()
        holder.execute("SELECT set_config('lock_timeout', %s, false)", [f"{PATIENCE:.0f}s"])
        holder.autocommit = False
        holder.execute(lock, parameters or None)
        try:
            yield lambda: self.waiting_for(holder.info.backend_pid)
        finally:
            holder.close()

    def waiting_for(self, pid: int, statement: str = "") -> Backend:
        """Wait until one of our programs waits for a lock this backend holds.

        `statement` is how its statement begins, where several wait.
        """
        [first, *_] = until(
            lambda: [
                backend
                for backend in self.backends()
                if pid in backend.waits_for and backend.query.lstrip().startswith(statement)
            ],
            f"somebody waits for a lock of {pid} with {statement or 'any statement'}",
        )
        return first

    def freeze_while_copying(self, worker: Worker) -> None:
        """Stop the worker while it sends lines to PostgreSQL, part of the only file read."""

        def copying() -> bool:
            seen = self.only()
            return 0 < seen.progress < seen.size and self.doing("COPY staged_line") is not None

        until(copying, "the file is being streamed in")
        worker.freeze()
        assert copying(), "the worker was quicker than we"

    # --- the broker ---

    def sweep(self) -> int:
        """Wake workers for what has no living one; how many rows that were."""
        return int(self.arena.inside(self.database, "sweep"))

    @contextlib.contextmanager
    def silent_broker(self) -> Iterator[None]:
        """Until the end of the block the broker takes connections and answers nobody."""
        [pid] = [s.pid for s in self.arena.stack.servers if s.name == "valkey" and s.pid]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def given_back(self, queue: str) -> int:
        """Deliver again what nobody acknowledged, as Kombu does after the visibility timeout.

        Returns how many messages that were; the timeout itself is an hour.
        """
        broker = self.broker
        unacknowledged = broker.hgetall("unacked")
        for tag, packed in unacknowledged.items():
            message, _exchange, routing_key = json.loads(packed)
            assert routing_key == queue
            broker.rpush(queue, json.dumps(message))
            broker.hdel("unacked", tag)
            broker.zrem("unacked_index", tag)
        return len(unacknowledged)

    # --- the end ---

    def work_left(self) -> int:
        """How many documents and runs are not finished."""
        return int(self.ask(UNFINISHED)[0][0])

    def finished(
        self,
        *,
        seconds: float = PATIENCE,
        rows: Callable[[Ask], Rows] = all_rows,
        sweeping: bool = True,
    ) -> Rows:
        """Wait until no work is left, prove the books, and return the rows.

        Sweeps meanwhile, unless somebody else does.
        """
        due = time.monotonic()

        def done() -> bool:
            nonlocal due
            if sweeping and time.monotonic() > due:
                self.sweep()
                due = time.monotonic() + PAUSE_SECONDS
            return not self.work_left()

        until(done, "all work is done", seconds=seconds)
        assert self.arena.inside(self.database, "prove") == []
        return rows(self.ask)


# --- who is killed ------------------------------------------------------------------------


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

    def stop(self) -> None:
        """Ask it to finish, as the supervisor does."""
        processes.end(self._guard, Step(signal.SIGTERM, 10))


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
