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
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import psycopg

from config.celery import QUEUES
from config.stack import Stack, temporary
from tests.faults.brokers import Broker, ValkeyBroker
from tests.faults.rows import Ask, Rows, all_rows
from tests.faults.workers import PATIENCE, ROOT, T, Worker, until

LEASE_SECONDS = 2
PROGRESS_SECONDS = 0.2
SWEEP_SECONDS = 15
"""How often beat sweeps (config/celery.py)."""
PAUSE_SECONDS = 0.5
"""Between two rounds of our own sweeping."""

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
        assert stack.broker is not None
        self.stack = stack
        self.home = stack.home
        self.valkey = ValkeyBroker(stack.broker)
        self._helpers: dict[str, subprocess.Popen[str]] = {}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=self.environment("tributary", self.valkey),
            check=True,
        )

    def close(self) -> None:
        """End the helpers; the servers are their owners'."""
        for helper in self._helpers.values():
            helper.communicate()

    def environment(self, database: str, broker: Broker) -> dict[str, str]:
        """The environment of our processes in this arena."""
        return {
            **os.environ,
            **self.stack.urls(database).as_environment(),
            "BROKER_URL": broker.url,
            "TRIBUTARY_HOME": str(self.home),
            "DOCUMENTS_DIR": str(self.home / "documents"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "PROGRESS_SECONDS": str(PROGRESS_SECONDS),
            "PYTHONWARNINGS": "ignore",
            "LOG_LEVEL": "WARNING",
        }

    def inside(
        self, database: str, command: str, *arguments: str, broker: Broker | None = None
    ) -> Any:
        """Carry out a command of `inside`; raises RuntimeError with its traceback."""
        helper = self._helper(broker or self.valkey)
        assert helper.stdin is not None
        assert helper.stdout is not None
        print(json.dumps([database, command, *arguments]), file=helper.stdin, flush=True)
        answer = json.loads(helper.stdout.readline())
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer["told"]

    def _helper(self, broker: Broker) -> subprocess.Popen[str]:
        """The process that publishes to this broker, kept as a web process is."""
        if broker.url not in self._helpers:
            self._helpers[broker.url] = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.inside"],
                cwd=ROOT,
                env=self.environment("tributary", broker),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._helpers[broker.url]

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
    def trial(self, scene: Scene, broker: Broker | None = None) -> Iterator[Trial]:
        """A copy of the scene, and one message in the broker for each piece of its work.

        Workers that are left over are killed at the end.
        """
        name = f"{scene.database}_trial"
        self.stack.create_database(name, template=scene.database)
        try:
            with Trial(self, scene, name, broker or self.valkey) as trial:
                trial.broker.fresh()
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

    def __init__(self, arena: Arena, scene: Scene, database: str, broker: Broker) -> None:
        self.arena = arena
        self.scene = scene
        self.database = database
        self.broker = broker
        self.environment = arena.environment(database, broker)
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
        # RabbitMQ gives the queue of a node's name to one worker only.
        node = f"{self._programs}@localhost"
        return self.start(
            "worker",
            *("-m", "celery", "-A", "config", "worker", "-c", "1", "-Q", names, "-n", node),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        )

    def beat(self) -> Worker:
        """Start the real beat, with the real periods."""
        schedule = str(self.arena.home / f"beat-{self.database}-{time.monotonic_ns()}")
        beat = ("-m", "celery", "-A", "config", "beat", "--pidfile=", "--schedule", schedule)
        return self.start("beat", *beat)

    def start(self, name: str, *arguments: str) -> Worker:
        """Start a program of ours, which is killed at the end if it is left over."""
        self._programs += 1
        log = self.arena.home / f"{self._programs}-{name}.log"
        worker = Worker([sys.executable, *arguments], environment=self.environment, log=log)
        self._life.callback(worker.kill)
        return worker

    def kill_postgres(self) -> None:
        """kill -9 the postmaster; the other processes end when they see that it is gone."""
        server = self.arena.stack.postgres
        assert server is not None
        assert server.process is not None
        server.process.kill()
        server.process.wait()

    def start_postgres(self) -> None:
        """Start it again, as the supervisor does; does nothing if it recovers by itself."""
        assert self.arena.stack.postgres is not None
        self.arena.stack.postgres.start()

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

    # --- the end ---

    def sweep(self) -> int:
        """Wake workers for what has no living one; how many rows that were."""
        return int(self.arena.inside(self.database, "sweep", broker=self.broker))

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
        wait = self.sweeping_until if sweeping else until
        wait(lambda: not self.work_left(), "all work is done", seconds=seconds)
        assert self.arena.inside(self.database, "prove") == []
        return rows(self.ask)

    def sweeping_until(self, look: Callable[[], T], what: str, *, seconds: float = PATIENCE) -> T:
        """Look until there is something to see, and sweep from time to time meanwhile."""
        due = time.monotonic()

        def looked() -> T:
            nonlocal due
            if time.monotonic() > due:
                self.sweep()
                due = time.monotonic() + PAUSE_SECONDS
            return look()

        return until(looked, what, seconds=seconds)
