"""A RabbitMQ of the tests' own: the installed program, with none of the machine's configuration.

It runs as a user without privileges below a directory of its own, listens on 127.0.0.1 at ports
nobody else has, and leaves no process behind, not even Erlang's port mapper.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kombu import Connection

from config import processes
from config.processes import Step
from tests.faults.workers import until

BEHIND_THE_WRAPPER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Debian's program in the PATH insists on its own user and directory."""
READY_SECONDS = 60
CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = tributary
default_pass = {password}
log.console = true
log.file = false
"""


def program() -> str | None:
    """Where RabbitMQ is installed, if it is."""
    if BEHIND_THE_WRAPPER.exists():
        return str(BEHIND_THE_WRAPPER)
    return shutil.which("rabbitmq-server")


class RabbitMQ:
    """One node over one directory; what it was given is there again after a kill."""

    def __init__(self, program: str, directory: Path) -> None:
        self.program = program
        self.identity = processes.AS_NOBODY if os.geteuid() == 0 else processes.SELF
        self.log = directory / "rabbitmq.log"
        self.home = directory / "rabbitmq"
        self._port, self._distribution, self._mapper = free_ports(3)
        self._guard: subprocess.Popen[bytes] | None = None
        password = secrets.token_urlsafe(24)
        self.url = f"amqp://tributary:{password}@127.0.0.1:{self._port}//"
        self.home.mkdir()
        (self.home / "rabbitmq.conf").write_text(
            CONFIGURATION.format(port=self._port, password=password)
        )
        (self.home / "enabled_plugins").write_text("[].\n")
        self.home.chmod(0o700)
        self.identity.give(self.home)

    def start(self) -> None:
        """Start it and wait until it lets us in."""
        with self.log.open("ab") as output:
            self._guard = processes.launch(
                [self.program],
                identity=self.identity,
                guard=True,
                output=output,
                environment=self._environment(),
                directory=Path("/"),
            )
        until(self._answers, f"RabbitMQ answers; see {self.log}", seconds=READY_SECONDS)

    def stop(self) -> None:
        """Stop it in order; harmless when it does not run."""
        if self._guard is not None:
            processes.end(self._guard, Step(signal.SIGTERM, 30), Step(signal.SIGHUP, 10))
            self._guard = None

    def kill(self) -> None:
        """kill -9 the node and everything it started."""
        assert self._guard is not None
        self._guard.send_signal(signal.SIGHUP)
        self._guard.wait()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Until the end of the block it takes connections and answers nobody."""
        assert self._guard is not None
        [node] = [pid for pid in processes_of(self._guard.pid) if name_of(pid) == "beam.smp"]
        os.kill(node, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(node, signal.SIGCONT)

    def _answers(self) -> bool:
        assert self._guard is not None
        assert self._guard.poll() is None, self.log.read_text(errors="replace")[-4000:]
        try:
            with Connection(self.url, connect_timeout=2) as connection:
                connection.connect()
        except OSError:
            return False
        return True

    def _environment(self) -> dict[str, str]:
        own = {
            "NODENAME": "tributary@localhost",
            "DIST_PORT": str(self._distribution),
            "CONFIG_FILE": str(self.home / "rabbitmq.conf"),
            "ADVANCED_CONFIG_FILE": str(self.home / "advanced.config"),
            "CONF_ENV_FILE": os.devnull,
            "ENABLED_PLUGINS_FILE": str(self.home / "enabled_plugins"),
            "MNESIA_BASE": str(self.home / "data"),
            "LOG_BASE": str(self.home / "log"),
            "PID_FILE": str(self.home / "pid"),
            "SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        return {
            **{f"RABBITMQ_{name}": value for name, value in own.items()},
            "HOME": str(self.home),  # of Erlang's cookie
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }


@contextlib.contextmanager
def running(program: str) -> Iterator[RabbitMQ]:
    """Run a node and leave nothing of it."""
    with tempfile.TemporaryDirectory(prefix="tributary-rabbitmq-") as folder:
        Path(folder).chmod(0o711)
        server = RabbitMQ(program, Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 nobody listens on at this moment, each another one."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def processes_of(pid: int) -> list[int]:
    """All descendants of a process."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in map(int, children) for found in (child, *processes_of(child))]


def name_of(pid: int) -> str:
    """What the kernel calls a process."""
    return Path(f"/proc/{pid}/comm").read_text().strip()
