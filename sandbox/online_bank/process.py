"""The simulated bank as a process of its own, for tests and the demo."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 20


class BankDidNotStartError(Exception):
    """The process ended before it listened; its own words are on stderr."""


@dataclass(frozen=True, kw_only=True)
class RunningBank:
    """A bank that listens at `url` and wants `key`."""

    url: str
    key: str
    process: subprocess.Popen[str]

    @property
    def headers(self) -> dict[str, str]:
        """What a caller must send with every request."""
        return {"Authorization": f"Bearer {self.key}"}

    def kill(self) -> None:
        """Ends it at once, as a power cut would (SIGKILL)."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ends it in order (SIGTERM); answers the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=_PATIENCE)


@contextmanager
def running(
    *,
    state: Path,
    key: str = "simulated-key",
    accounts: Sequence[str] = (),
    books_after: float = 0,
    closes_every: float | None = None,
    port: int = 0,
) -> Iterator[RunningBank]:
    """A bank process for as long as the block lasts, on a free port unless one is given.

    `accounts` are written as on the command line, NUMBER:CURRENCY:OPENING:HOLDER. What
    was killed inside the block can be run again on the same `state`. Raises
    BankDidNotStartError.
    """
    options = ["--state", str(state.resolve()), "--key", key, "--port", str(port)]
    options += ["--books-after", str(books_after)]
    options += [part for account in accounts for part in ("--account", account)]
    if closes_every is not None:
        options += ["--closes-every", str(closes_every)]
    command = [sys.executable, "-m", "sandbox.online_bank", *options]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("listening on "):
                raise BankDidNotStartError(f"exit code {process.wait(timeout=_PATIENCE)}")
            bank = RunningBank(url=line.split()[-1], key=key, process=process)
            yield bank
            if process.poll() is None:
                bank.stop()
        finally:
            process.kill()
