"""A book in plain Python: what was written, and sums over all of it.

No balance is kept and nothing is clever: every figure is added up anew from the entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from ledger.book import AccountSpec, Draft, Movement, Side
from ledger.errors import (
    DuplicateReferenceError,
    HoldMismatchError,
    HoldSettledError,
    InsufficientFundsError,
    InvalidClosingError,
    LedgerError,
    PeriodClosedError,
    PeriodOrderError,
)

FIRST_ZONE = timedelta(hours=14)
"""Where a day begins first, it does so hours before UTC."""

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
    expires_at: datetime | None
    taken: int = 0
    state: str = "held"

    @property
    def left(self) -> int:
        """What it still keeps."""
        return self.amount - self.taken if self.state == "held" else 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """A posting in an account's statement, and the balance it left."""

    entry: Entry
    line: int
    movement: Movement
    balance: int


def every(_: Entry) -> bool:
    """All entries."""
    return True


class Model:
    """One book."""

    def __init__(self, specs: Iterable[AccountSpec]) -> None:
        self.accounts = {spec.code: spec for spec in specs}
        self.entries: dict[str, Entry] = {}
        self.holds: dict[str, Promise] = {}
        self.closed: date | None = None

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

    def turnover(self, side: Side, counted: Callable[[Entry], bool]) -> Counter[str]:
        """Everything on one side of every account, by the entries that are counted."""
        sums: Counter[str] = Counter()
        for entry in filter(counted, self.entries.values()):
            for movement in entry.draft.movements:
                sums[movement.account] += movement.amount if movement.side is side else 0
        return sums

    def held(self) -> dict[str, int]:
        """What live holds keep of every account."""
        sums = dict.fromkeys(self.accounts, 0)
        for promise in self.holds.values():
            sums[promise.account] += promise.left
        return sums

    def free(self, account: str) -> int:
        """What is neither spent nor held."""
        return self.balances()[account] - self.held()[account]

    def by_subject(self) -> dict[tuple[UUID, str], int]:
        """Debits less credits, where they are not nothing."""
        sums: Counter[tuple[UUID, str]] = Counter()
        for movement in (m for entry in self.entries.values() for m in entry.draft.movements):
            if movement.subject is not None:
                sign = 1 if movement.side is Side.DEBIT else -1
                sums[movement.subject, movement.currency] += sign * movement.amount
        return {key: net for key, net in sums.items() if net}

    def history(self, code: str, *, booked: bool = False) -> list[Row]:
        """Every posting of an account as the ledger learnt them, or by the days they belong to."""
        entries = sorted(self.entries.values(), key=lambda entry: (entry.known_at, entry.id))
        if booked:
            entries.sort(key=lambda entry: entry.draft.booked_on)
        rows, balance = [], 0
        for entry in entries:
            for line, movement in enumerate(entry.draft.movements, start=1):
                if movement.account == code:
                    balance += self.signed(movement)
                    rows.append(Row(entry=entry, line=line, movement=movement, balance=balance))
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
            elif (earlier.draft, earlier.reverses, earlier.hold) != (draft, reverses, hold):
                return {DuplicateReferenceError}
        return self._out_of_time(fresh.values()) | self._too_poor(fresh.values(), hold)

    def _out_of_time(self, drafts: Iterable[Draft]) -> Refusals:
        late = any(self.closed is not None and draft.booked_on <= self.closed for draft in drafts)
        return {PeriodClosedError} if late else set()

    def _too_poor(self, drafts: Iterable[Draft], hold: str | None) -> Refusals:
        change, balances, held = self.net(drafts), self.balances(), self.held()
        if hold is not None:
            account = self.holds[hold].account
            held[account] += change[account]
        for code, spec in self.accounts.items():
            free = balances[code] + change[code] - held[code]
            if spec.floor is not None and free < spec.floor:
                return {InsufficientFundsError}
        return set()

    def refuses_to_hold(self, account: str, amount: int) -> Refusals:
        """Why so much cannot be promised."""
        enough = self.free(account) - amount >= -self.accounts[account].overdraft
        return set() if enough else {InsufficientFundsError}

    def refuses_to_take(self, reference: str, draft: Draft, *, part: bool) -> Refusals:
        """Why the draft cannot be posted in this hold's stead."""
        hold = self.holds[reference]
        if draft.reference in self.entries:
            return self.refuses([draft], hold=reference)
        if hold.state != "held":
            return {HoldSettledError}
        taken = -self.net([draft])[hold.account]
        if taken == hold.left or (part and 0 < taken < hold.left):
            return self.refuses([draft], hold=reference)
        return {HoldMismatchError}

    def refuses_to_close(self, through: date, now: datetime) -> Refusals:
        """Why the book cannot be closed through this day."""
        early = through > (now.astimezone(UTC) + FIRST_ZONE).date()
        forward = self.closed is None or through > self.closed
        return ({InvalidClosingError} if early else set()) | (
            set() if forward else {PeriodOrderError}
        )

    def refuses_to_reopen(self, through: date | None) -> Refusals:
        """Why the book cannot be left closed through this day only."""
        back = self.closed is not None and (through is None or through < self.closed)
        return set() if back else {PeriodOrderError}
