"""The simulated bank as a real process, connected to the hub; and its workers' work, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from accounts.access import acting_for
from sandbox.online_bank import RunningBank, running
from settlement.models import Withdrawal
from settlement.money_out import gateway
from tests.build import work_off
from tests.money import Shop


@contextmanager
def connected_bank(folder: Path, settings: Any, *shops: Shop) -> Iterator[RunningBank]:
    """A bank at which every shop's account holds what its last statement says: 10,000.00."""
    with running(state=folder / "simulated-bank") as bank:
        for shop in shops:
            open_account(bank, shop)
        settings.BANK_URL, settings.BANK_KEY = bank.url, bank.key
        settings.BANK_GRACE_SECONDS = 0.0
        yield bank


def open_account(
    bank: RunningBank, shop: Shop, *, opening: int = 10_000_00, first_sequence: int = 1
) -> None:
    """Open the shop's account; minor units, and the number of its first statement."""
    account = {
        "number": shop.number,
        "currency": shop.bank_account.currency,
        "holder": shop.bank_account.holder,
        "opening": opening,
        "first_sequence": first_sequence,
    }
    answer = httpx.post(f"{bank.url}/accounts", json=account, headers=bank.headers)
    answer.raise_for_status()


def switch(bank: RunningBank, **fault: Any) -> None:
    """Throw one of the bank's switches."""
    answer = httpx.post(f"{bank.url}/control", json=fault, headers=bank.headers)
    answer.raise_for_status()


def close_day(bank: RunningBank) -> None:
    """Let the bank state what it has booked."""
    httpx.post(f"{bank.url}/control/close", headers=bank.headers).raise_for_status()


def truth(bank: RunningBank) -> Any:
    """What the bank has really done."""
    answer = httpx.get(f"{bank.url}/truth", headers=bank.headers)
    answer.raise_for_status()
    return answer.json()


def pay(shop: Shop, withdrawal: Withdrawal) -> Withdrawal:
    """Let a worker bring it to the bank, or ask what became of it; pauses are not waited for."""
    with acting_for(shop.id):
        Withdrawal.objects.filter(id=withdrawal.id).update(lease_until=None)
    gateway.pay(merchant_id=shop.id, withdrawal_id=withdrawal.id)
    with acting_for(shop.id):
        withdrawal.refresh_from_db()
    return withdrawal


def collect(shop: Shop) -> int:
    """Fetch the bank's statements, read and reconcile them."""
    came = gateway.collect(merchant_id=shop.id, bank_account_id=shop.bank_account.id)
    work_off(shop.id)
    return came
