"""Which payouts a withdrawal's money came from, by the links of the books. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection
from djmoney.money import Money

from settlement import bookings
from settlement.models import Withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginPayout:
    """A payout that brought money."""

    id: UUID
    external_id: str
    store: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginReturn:
    """An earlier withdrawal whose money came back."""

    id: UUID
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a withdrawal took of one arrival: of payouts matched together, or of a return."""

    reference: str
    """The ledger's entry by which it arrived."""
    amount: Money
    payouts: tuple[OriginPayout, ...]
    returned: OriginReturn | None


# Entries by reference and by id are one look each; what an entry's reference names is ours to read.
_ORIGINS = """
SELECT w.id, l.link_no, s.reference, l.amount, p.id, p.external_id, st.name, b.id, b.number
FROM unnest(%(withdrawals)s::uuid[], %(references)s::text[]) AS w (id, reference)
JOIN ledger_journalentry e ON e.book = %(merchant)s AND e.reference = w.reference
JOIN ledger_link l ON l.book = %(merchant)s AND l.entry_id = e.id AND l.relation = %(relation)s
JOIN ledger_journalentry s ON s.book = %(merchant)s AND s.id = l.target_id
LEFT JOIN settlement_matchitem i
  ON i.merchant_id = %(merchant)s AND i.payout_id IS NOT NULL
    AND i.match_id = substring(s.reference FROM '^match:([0-9a-f-]{36})$')::uuid
LEFT JOIN settlement_payout p ON p.merchant_id = %(merchant)s AND p.id = i.payout_id
LEFT JOIN accounts_store st ON st.merchant_id = %(merchant)s AND st.id = p.store_id
LEFT JOIN settlement_withdrawal b
  ON b.merchant_id = %(merchant)s
    AND b.id = substring(s.reference FROM '^withdrawal:([0-9a-f-]{36}):')::uuid
ORDER BY w.id, l.link_no, p.id
"""


def origins(withdrawals: Iterable[Withdrawal]) -> dict[UUID, list[Origin]]:
    """What each withdrawal that was paid took of which arrival, first in, first out; one query.

    Of one merchant, inside `acting_for`. Nothing for what is not paid; less than was taken where
    the books do not know more.
    """
    asked = {withdrawal.id: withdrawal for withdrawal in withdrawals}
    found: dict[UUID, list[Origin]] = {id: [] for id in asked}
    for (id, _), rows in groupby(_rows(asked), key=lambda row: (row[0], row[1])):
        found[id].append(_origin(list(rows), asked[id].amount_currency))
    return found


def _rows(asked: dict[UUID, Withdrawal]) -> list[tuple[Any, ...]]:
    if not asked:
        return []
    given: dict[str, Any] = {
        "merchant": next(iter(asked.values())).merchant_id,
        "withdrawals": list(asked),
        "references": [bookings.paid_reference(id) for id in asked],
        "relation": bookings.PAID_FROM,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ORIGINS, given)
        return list(cursor.fetchall())


def _origin(rows: list[tuple[Any, ...]], currency: str) -> Origin:
    """One link, whose rows differ in their payouts."""
    _, _, reference, amount, *_, returned, number = rows[0]
    return Origin(
        reference=reference,
        amount=bookings.major(amount, currency),
        payouts=tuple(
            OriginPayout(id=id, external_id=external_id, store=store)
            for _, _, _, _, id, external_id, store, _, _ in rows
            if id is not None
        ),
        returned=None if returned is None else OriginReturn(id=returned, number=number),
    )
