"""Server processes that cannot outlive us, and the user they run as."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config.home import StackError
from config.launcher import NOBODY

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Identity:
    """Who a server runs as: "self", "nobody" or "namespace" (see launcher.py), and whose its
    files are.
    """

    name: str
    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Make `path` and everything below it the server's own."""
        if path.stat().st_uid == self.uid:
            return
        for item in [path, *path.rglob("*")]:
            os.chown(item, self.uid, self.gid, follow_symlinks=False)

    def directory(self, path: Path) -> Path:
        """Create a directory only the server can enter, and return it."""
        path.mkdir(mode=0o700, exist_ok=True)
        self.give(path)
        return path


SELF = Identity("self", os.geteuid(), os.getegid())
AS_NOBODY = Identity("nobody", NOBODY, NOBODY)
AS_NAMESPACE = Identity("namespace", 0, 0)


def reachable(path: Path, uid: int) -> bool:
    """Say whether a user without privileges may pass every directory above `path`."""
    for folder in path.parents:
        status = folder.stat()
        passes = 0o100 if status.st_uid == uid else 0o001
        if not status.st_mode & passes:
            return False
    return True


def launch(
    program: list[str],
    *,
    identity: Identity = SELF,
    death_signal: signal.Signals = signal.SIGTERM,
    guard: bool = False,
    output: int | IO[bytes] | None = None,
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, tied to the life of this process.

    A session of its own, because Ctrl-C belongs to the supervisor, who stops things in order.
    Only the main thread may call this: the kernel sends the death signal when the *thread* that
    forked ends.
    """
    if threading.current_thread() is not threading.main_thread():
        raise StackError("Start servers from the main thread: they end with the thread.")
    mode = "guard" if guard else "exec"
    head = [sys.executable, "-I", "-S", str(LAUNCHER), mode]
    tied = [str(os.getpid()), str(int(death_signal)), identity.name]
    return subprocess.Popen(
        [*head, *tied, *program],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        env=environment,
        cwd=directory,
        start_new_session=True,
    )


def namespaces_work() -> bool:
    """Say whether this kernel and container let root enter a user namespace."""
    true = shutil.which("true") or "/bin/true"
    return launch([true], identity=AS_NAMESPACE, output=subprocess.DEVNULL).wait() == 0


@dataclass(frozen=True)
class Step:
    """One way of asking a process to stop, and how long it may take to obey."""

    signal: signal.Signals
    seconds: float


def end(process: subprocess.Popen[bytes], *steps: Step) -> None:
    """Take the steps one after the other until the process has ended; SIGKILL is the last."""
    for step in (*steps, Step(signal.SIGKILL, 5)):
        if process.poll() is not None:
            return
        process.send_signal(step.signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(step.seconds)


def processes_in(directory: Path) -> list[int]:
    """Return the processes whose working directory this is: a server works in its data.

    Empty where there is no /proc (macOS).
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink() == directory:
                found.append(int(entry.parent.name))
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def clear_stragglers(directory: Path, *, patience: float = 15.0) -> None:
    """End the servers an earlier supervisor left in `directory`; by force after `patience`.

    Call it only with the home locked: then whoever still works there has no supervisor. Most are
    shutting down in order because their supervisor was killed a moment ago; the rest are
    backends of a PostgreSQL that was killed, which keep its shared memory busy. SIGTERM disturbs
    neither: a server that is shutting down goes on, a backend gives up its query.
    """
    left = processes_in(directory)
    _kill(left, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while left:
        time.sleep(0.05)
        left = processes_in(directory)
        if time.monotonic() > deadline:
            _kill(left, signal.SIGKILL)


def _kill(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
