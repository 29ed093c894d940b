"""Where an installation lives, and how a second process finds the stack the first one runs.

Settings import this module, so it stays light: nothing beyond the standard library.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO


class StackError(Exception):
    """The embedded stack cannot do what was asked; the text is meant for a person."""


class StackRunningError(StackError):
    """Another process already runs a stack in this home."""


@dataclass(frozen=True)
class Urls:
    """Addresses of a stack; empty where that part is not embedded."""

    database_url: str
    """What the web and the workers use: no superuser, row-level security applies."""
    owner_url: str
    """Superuser and owner of the tables: migrations only."""
    ops_url: str
    """What operators' tools use."""
    broker_url: str

    def as_environment(self) -> dict[str, str]:
        """Return the variables settings.py reads, without the empty ones."""
        names = {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.owner_url,
            "DATABASE_OPS_URL": self.ops_url,
            "BROKER_URL": self.broker_url,
        }
        return {name: url for name, url in names.items() if url}


def default_home() -> Path:
    """Return TRIBUTARY_HOME, or `tributary` in the user's data directory."""
    if named := os.environ.get("TRIBUTARY_HOME"):
        return Path(named).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "tributary"


def running_urls(home: Path) -> Urls | None:
    """Return the addresses of the stack that runs in `home`, or None when none runs.

    The lock is what tells the truth: the kernel releases it however its holder ended, so a
    stale file of addresses is never believed.
    """
    try:
        with (home / "lock").open("rb") as lock:
            # Shared, so that two who look at once do not take each other for a stack.
            if _take(lock.fileno(), fcntl.LOCK_SH):
                return None
        return Urls(**json.loads((home / "running.json").read_text()))
    except (FileNotFoundError, PermissionError):
        return None


def announce(home: Path, urls: Urls) -> None:
    """Let other processes of this user find the stack; the file holds passwords, mode 0600."""
    write_private(home / "running.json", json.dumps(asdict(urls)))


def withdraw(home: Path) -> None:
    """Take the announcement back."""
    (home / "running.json").unlink(missing_ok=True)


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home for this process alone.

    Raises StackRunningError when another process holds it for longer than a second: a look by
    `running_urls` or the last moment of a stack that is stopping is waited out.
    """
    home.mkdir(parents=True, exist_ok=True)
    with open_private(home / "lock") as lock:
        deadline = time.monotonic() + 1.0
        while not _take(lock.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise StackRunningError(
                    f"A stack is already running in {home}. Stop it, or name another home with "
                    "TRIBUTARY_HOME."
                )
            time.sleep(0.05)
        yield


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open_private(draft) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def open_private(path: Path) -> IO[bytes]:
    """Open a file for appending that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _take(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
