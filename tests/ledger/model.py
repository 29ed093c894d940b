"""A book in plain Python: what was written, and sums over all of it.

No balance is kept and nothing is clever: every figure is added up anew from the entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ledger.book import AccountSpec, Draft, Movement, Side
from ledger.errors import DuplicateReferenceError, InsufficientFundsError, LedgerError

Refusals = set[type[LedgerError]]
"""Why something must be refused, each reason enough; nothing where it must be done."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry as it was written."""

    id: UUID
    draft: Draft
    known_at: datetime
    reverses: str | None = None
    hold: str | None = None


@dataclass(kw_only=True)
class Promise:
    """A hold as it is now."""

    id: UUID
    account: str
    amount: int
    expires_at: datetime | None = None
    state: str = "held"

    @property
    def left(self) -> int:
        """What it still keeps."""
        return self.amount if self.state == "held" else 0


def every(_: Entry) -> bool:
    """All entries."""
    return True


class Model:
    """One book."""

    def __init__(self, specs: Iterable[AccountSpec]) -> None:
        self.accounts = {spec.code: spec for spec in specs}
        self.entries: dict[str, Entry] = {}
        self.holds: dict[str, Promise] = {}

    # --- Figures ---

    def signed(self, movement: Movement) -> int:
        """What it adds to its account, positive on the normal side."""
        normal = movement.side is self.accounts[movement.account].normal_side
        return movement.amount if normal else -movement.amount

    def net(self, drafts: Iterable[Draft]) -> dict[str, int]:
        """What drafts add to every account."""
        sums = dict.fromkeys(self.accounts, 0)
        for movement in (m for draft in drafts for m in draft.movements):
            sums[movement.account] += self.signed(movement)
        return sums

    def balances(self, counted: Callable[[Entry], bool] = every) -> dict[str, int]:
        """All balances, by the entries that are counted."""
        return self.net(entry.draft for entry in self.entries.values() if counted(entry))

    def held(self) -> dict[str, int]:
        """What live holds keep of every account."""
        sums = dict.fromkeys(self.accounts, 0)
        for promise in self.holds.values():
            sums[promise.account] += promise.left
        return sums

    def by_subject(self) -> dict[tuple[UUID, str], int]:
        """Debits less credits, where they are not nothing."""
        sums: Counter[tuple[UUID, str]] = Counter()
        for movement in (m for entry in self.entries.values() for m in entry.draft.movements):
            if movement.subject is not None:
                sign = 1 if movement.side is Side.DEBIT else -1
                sums[movement.subject, movement.currency] += sign * movement.amount
        return {key: net for key, net in sums.items() if net}

    def history(self, code: str) -> list[tuple[Entry, int, Movement, int]]:
        """Every posting of an account in the order of a statement, with the balance it left."""
        lines = sorted(
            (entry.known_at, entry.id, number, entry.draft.reference)
            for entry in self.entries.values()
            for number, movement in enumerate(entry.draft.movements, start=1)
            if movement.account == code
        )
        rows, balance = [], 0
        for _, _, number, reference in lines:
            entry = self.entries[reference]
            movement = entry.draft.movements[number - 1]
            balance += self.signed(movement)
            rows.append((entry, number, movement, balance))
        return rows

    # --- Refusals ---

    def refuses(
        self, drafts: Iterable[Draft], *, reverses: str | None = None, hold: str | None = None
    ) -> Refusals:
        """Why these drafts cannot be posted together."""
        fresh: dict[str, Draft] = {}
        for draft in drafts:
            earlier = self.entries.get(draft.reference)
            if earlier is None:
                fresh[draft.reference] = draft
            elif (earlier.draft, earlier.reverses) != (draft, reverses):
                return {DuplicateReferenceError}
        return self._too_poor(self.net(fresh.values()), self.holds.get(hold or ""))

    def _too_poor(self, change: dict[str, int], settled: Promise | None) -> Refusals:
        balances, held = self.balances(), self.held()
        if settled is not None:
            held[settled.account] -= settled.left
        for code, spec in self.accounts.items():
            free = balances[code] + change[code] - held[code]
            if spec.floor is not None and free < spec.floor:
                return {InsufficientFundsError}
        return set()

    def refuses_to_hold(self, account: str, amount: int) -> Refusals:
        """Why so much cannot be promised."""
        free = self.balances()[account] - self.held()[account] - amount
        return set() if free >= -self.accounts[account].overdraft else {InsufficientFundsError}
