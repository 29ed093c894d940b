"""Whose money a withdrawal takes: what came in first is paid out first.

Told by the links of the ledger's entries. A match settles payouts; a paid withdrawal is paid from
matches, or from what earlier withdrawals brought back; a returned one returns what was paid.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from uuid import UUID

from ledger import lineage
from ledger.book import Link
from ledger.lineage import Source
from ledger.models import JournalEntry
from ledger.models import Link as LinkRow
from settlement.bookings import codes
from settlement.bookings.codes import minor_of
from settlement.models import Withdrawal

SETTLES, PAID_FROM, RETURNS = "settles", "paid_from", "returns"


def taken(withdrawal: Withdrawal) -> int:
    """What leaves the available balance, in minor units: amount + fee - waived."""
    return minor_of(withdrawal.amount) + minor_of(withdrawal.fee) - minor_of(withdrawal.waived)


def available_of(withdrawal: Withdrawal) -> str:
    """The code of the account it is paid from."""
    return codes.available(withdrawal.settlement_account_id, withdrawal.amount_currency)


def paid_reference(withdrawal_id: UUID) -> str:
    """What names the entry of a withdrawal that was paid."""
    return f"withdrawal:{withdrawal_id}:paid"


class Origins:
    """Where the money comes from of one merchant's withdrawals that are about to be paid.

    Reads what is there for all of them at once, when the first is paid. Whoever pays holds the
    lock of the settlement account (proof/reconcile.py), so nobody else takes of it; PostgreSQL
    refuses to take the same money twice in any case. What was booked before keeps its links.
    """

    def __init__(self, withdrawals: Iterable[Withdrawal]) -> None:
        self._withdrawals = list(withdrawals)
        self._booked: dict[str, tuple[Link, ...]] | None = None
        self._there: dict[str, deque[Source]] = {}

    def of(self, withdrawal: Withdrawal) -> tuple[Link, ...]:
        """The links of its paid entry; fewer than it takes where less is known.

        What they lead to is spent with that: ask once for each withdrawal.
        """
        if self._booked is None:
            self._booked = _links_booked(self._withdrawals)
        reference = paid_reference(withdrawal.id)
        if reference in self._booked:
            return self._booked[reference]
        code = available_of(withdrawal)
        if code not in self._there:
            self._there[code] = self._read(withdrawal.merchant_id, code)
        parts = _first(self._there[code], taken(withdrawal))
        links = tuple(
            Link(relation=PAID_FROM, reference=part.reference, account=code, amount=part.amount)
            for part in parts
        )
        self._booked[reference] = links
        return links

    def _read(self, merchant_id: UUID, code: str) -> deque[Source]:
        wanted = Counter[str]()
        for withdrawal in self._withdrawals:
            wanted[available_of(withdrawal)] += taken(withdrawal)
        return deque(lineage.unspent(book=merchant_id, code=code, amount=wanted[code], partly=True))


def _first(there: deque[Source], amount: int) -> list[Source]:
    """Take so much of what is there, or all of it."""
    parts = []
    while amount and there:
        source = there.popleft()
        part = min(source.amount, amount)
        parts.append(Source(reference=source.reference, amount=part))
        amount -= part
        if rest := source.amount - part:
            there.appendleft(Source(reference=source.reference, amount=rest))
    return parts


def _links_booked(withdrawals: Sequence[Withdrawal]) -> dict[str, tuple[Link, ...]]:
    """The links of paid entries that are in the books already, by their references."""
    book = withdrawals[0].merchant_id
    wanted = [paid_reference(withdrawal.id) for withdrawal in withdrawals]
    entries = JournalEntry.objects.filter(book=book, reference__in=wanted)
    references = dict(entries.values_list("id", "reference"))
    booked: dict[str, tuple[Link, ...]] = dict.fromkeys(references.values(), ())
    if not references:
        return booked
    rows = LinkRow.objects.filter(book=book, entry_id__in=references).order_by("link_no")
    for row in rows.select_related("target", "account"):
        code = None if row.account is None else row.account.code
        link = Link(
            relation=row.relation, reference=row.target.reference, account=code, amount=row.amount
        )
        booked[references[row.entry_id]] += (link,)
    return booked
