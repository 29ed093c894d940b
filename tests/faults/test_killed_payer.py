"""A worker is killed while it pays; the bank has paid once, and the hub comes to know it.

The bank is a process of its own that is frozen where a worker waits for it, so that every kill
falls on a known side of the moment at which the order is the bank's.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.online_bank import RunningBank, running
from tests.faults.harness import Arena, Scene, Trial
from tests.faults.steps import kill
from tests.faults.workers import state, until

ATTEMPTS = "LOCK TABLE settlement_paymentattempt IN ACCESS EXCLUSIVE MODE"
ORDER = "SELECT FROM settlement_withdrawal WHERE id = %s FOR UPDATE"


@pytest.fixture(scope="module")
def ordered(arena: Arena) -> Scene:
    """A withdrawal that waits for a worker."""
    return arena.scene("ordered", "withdrawal")


@pytest.fixture
def bank(ordered: Scene, tmp_path: Path) -> Iterator[RunningBank]:
    """The bank at which the scene's account (its number stands in `account`) holds 10,000.00."""
    account = f"{ordered.account}:CNY:1000000:a shop"
    with running(state=tmp_path / "bank", accounts=[account]) as bank:
        yield bank


@contextmanager
def paying(arena: Arena, scene: Scene, bank: RunningBank) -> Iterator[Trial]:
    """A copy of the scene whose workers know the bank, and believe it at once."""
    with arena.trial(scene) as trial:
        trial.environment |= {
            "BANK_URL": bank.url,
            "BANK_KEY": bank.key,
            "BANK_GRACE_SECONDS": "0",
        }
        yield trial


@contextmanager
def frozen(bank: RunningBank) -> Iterator[None]:
    """The bank stands still; what is sent to it waits in its socket."""
    os.kill(bank.process.pid, signal.SIGSTOP)
    until(lambda: state(bank.process.pid) == "T", "the bank stands still")
    try:
        yield
    finally:
        os.kill(bank.process.pid, signal.SIGCONT)


def payments(bank: RunningBank) -> list[Any]:
    answer = httpx.get(f"{bank.url}/truth", headers=bank.headers, timeout=20)
    return list(answer.json()["payments"])


def was_sent(trial: Trial) -> bool:
    return bool(trial.ask("SELECT FROM settlement_paymentattempt WHERE sent_at IS NOT NULL"))


def withdrawal(trial: Trial) -> tuple[str, str]:
    [(id, state)] = trial.ask("SELECT id, state FROM settlement_withdrawal")
    return str(id), state


def another_pays_once(trial: Trial, bank: RunningBank) -> None:
    """A new worker brings it to its end; the bank has it once, the books are sound."""
    trial.worker()
    trial.sweeping_until(lambda: withdrawal(trial)[1] == "accepted", "it is accepted")
    [payment] = payments(bank)
    assert (payment["amount"], payment["status"]) == (2000_00, "ACSC")
    [(tries, live)] = trial.ask(
        "SELECT count(*), count(*) FILTER (WHERE live) FROM settlement_paymentattempt"
    )
    assert (tries, live) == (1, 1)
    assert trial.arena.inside(trial.database, "prove") == []


def test_killed_before_anything_was_sent(arena: Arena, ordered: Scene, bank: RunningBank) -> None:
    with paying(arena, ordered, bank) as trial:
        with trial.parked(ATTEMPTS) as waiting:
            worker = trial.worker()
            assert "settlement_paymentattempt" in waiting().query
            assert withdrawal(trial)[1] == "submitted"
            kill(worker)
        assert payments(bank) == []
        another_pays_once(trial, bank)


def test_killed_while_the_bank_has_not_answered(
    arena: Arena, ordered: Scene, bank: RunningBank
) -> None:
    with paying(arena, ordered, bank) as trial:
        with frozen(bank):
            worker = trial.worker()
            until(lambda: was_sent(trial), "it is being sent")
            until(lambda: unread(bank), "the order lies in the bank's socket")
            kill(worker)
        until(lambda: payments(bank), "the bank books what it was sent")
        another_pays_once(trial, bank)


def test_killed_with_the_answer_in_hand(arena: Arena, ordered: Scene, bank: RunningBank) -> None:
    with paying(arena, ordered, bank) as trial:
        id, _ = withdrawal(trial)
        with frozen(bank):
            worker = trial.worker()
            until(lambda: was_sent(trial), "it is being sent")
            holder = trial.connect()
            holder.autocommit = False
            holder.execute(ORDER, [id])
        # The answer comes, and the worker waits for the row to write it down.
        until(lambda: payments(bank), "the bank has booked it")
        until(lambda: writing_down(trial), "the answer is being written down")
        kill(worker)
        holder.close()
        assert withdrawal(trial)[1] == "submitted"
        another_pays_once(trial, bank)


def writing_down(trial: Trial) -> bool:
    """Whether somebody proves that it still holds the work; the lease's renewal waits as well."""
    return any(
        backend.waits_for and "SELECT 1 FROM settlement_withdrawal" in backend.query
        for backend in trial.backends()
    )


def unread(bank: RunningBank) -> bool:
    """Whether bytes wait at the bank's port: a request in a connection nobody has taken up."""
    port = f":{int(bank.url.rsplit(':', 1)[1]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(port) and int(row[4].split(":")[1], 16) > 1 for row in rows)
