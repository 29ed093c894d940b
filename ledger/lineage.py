"""Whose money it was: what entries took from guarded accounts, by the entries that brought it.

Conventions as in `ledger/balances.py`. Lineage is told by the links of entries: a link with an
account and an amount says how much of what the entry took there its target had brought.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from ledger.drafts import check_amount
from ledger.errors import (
    InsufficientFundsError,
    UnguardedAccountError,
    UnknownAccountError,
    UnknownEntryError,
)
from ledger.models import Side
from ledger.reading import ALWAYS, OPEN_BOOK, rows_of_open_book


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """`amount` minor units that the entry `source` brought to the account and `use` took."""

    source: str
    """A reference, as is `use`."""
    use: str
    relation: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An entry, and how much of what it brought nobody has taken yet, or is asked for."""

    reference: str
    amount: int


def origins(
    *, book: UUID, reference: str, deep: bool = False, using: str = DEFAULT_DB_ALIAS
) -> list[Flow]:
    """What funded an entry; `deep`, what funded that as well, back to the first.

    Each flow once, by whatever ways it is reached. Raises UnknownEntryError.
    """
    return _flows(book, reference, _ORIGINS, deep, using)


def uses(
    *, book: UUID, reference: str, deep: bool = False, using: str = DEFAULT_DB_ALIAS
) -> list[Flow]:
    """What an entry's money was taken for; `deep`, what that brought elsewhere was taken for too.

    Each flow once, by whatever ways it is reached. Raises UnknownEntryError.
    """
    return _flows(book, reference, _USES, deep, using)


def unspent(
    *, book: UUID, code: str, amount: int, partly: bool = False, using: str = DEFAULT_DB_ALIAS
) -> list[Source]:
    """The sources of the next `amount` of a guarded account: first in, first out.

    Of the last source the part that is needed. A source is an entry that brought something, less
    what links have taken of it; an entry that was reversed brings nothing, and what a reversal
    brings back is a source of its own. The search begins at the source that was taken from last,
    so that it costs the same however long the history is; what lies before it, left over by
    somebody who took things out of order, comes when all later ones are spent.

    Two who ask at once are told the same: who comes second with links to it is refused with
    InvalidLinkError, and asks again. Where the account has less, the sources of what it has with
    `partly`, else InsufficientFundsError. Raises UnguardedAccountError, UnknownAccountError and
    InvalidAmountError.
    """
    check_amount(code, amount)
    account = _account(book, code, using)
    if account.balance < amount and not partly:
        raise InsufficientFundsError(f"{code} has {account.balance}, not {amount}")
    found: dict[str, int] = {}
    left = min(amount, account.balance)
    if left <= 0:
        return []
    for begin in (account.last, _BEGINNING):
        for reference, free in _sources(book, account, begin, using):
            if reference not in found:
                found[reference] = min(free, left)
                left -= found[reference]
            if not left:
                return _parts(found)
    if partly:
        return _parts(found)
    raise InsufficientFundsError(f"{code}: {left} of {amount} have no source")


def _parts(found: dict[str, int]) -> list[Source]:
    return [Source(reference=reference, amount=part) for reference, part in found.items()]


class _Place(NamedTuple):
    known_at: datetime
    entry_id: UUID


class _Account(NamedTuple):
    id: UUID
    normal_side: Side
    balance: int
    last: _Place


_BEGINNING = _Place(datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
_PAGE = 200


def _flows(book: UUID, reference: str, way: str, deep: bool, using: str) -> list[Flow]:
    sql = _FLOWS.replace("{step}", way if deep else _NO_STEP).replace(
        "{end}", "entry_id" if way is _ORIGINS else "target_id"
    )
    rows = rows_of_open_book(book, sql, {"book": book, "reference": reference}, using=using)
    if not rows:
        raise UnknownEntryError(f"no entry has the reference {reference}")
    return [
        Flow(source=source, use=use, relation=relation, account=account, amount=amount)
        for _, source, use, relation, account, amount in rows
        if amount is not None
    ]


def _account(book: UUID, code: str, using: str) -> _Account:
    """The account, what it has, and the place of the source that was taken from last."""
    rows = rows_of_open_book(book, _ACCOUNT, {"book": book, "code": code}, using=using)
    if not rows:
        raise UnknownAccountError(f"no such account: {code}")
    [(id, side, floor, net, known_at, entry_id)] = rows
    if floor is None:
        raise UnguardedAccountError(f"{code} has no floor")
    balance = net if side == Side.DEBIT else -net
    last = _BEGINNING if entry_id is None else _Place(known_at, entry_id)
    return _Account(id, Side(side), balance, last)


def _sources(book: UUID, account: _Account, begin: _Place, using: str) -> Iterator[tuple[str, int]]:
    """References of entries from a place on, and what is left of each, where something is."""
    parameters: dict[str, Any] = {
        "book": book,
        "account": account.id,
        "side": account.normal_side.value,
        "limit": _PAGE,
    }
    sql, place = _SOURCES.replace("{after}", ">="), begin
    while True:
        parameters |= {"known_at": place.known_at, "entry": place.entry_id}
        rows = rows_of_open_book(book, sql, parameters, using=using)
        for _, _, reference, free in rows:
            if free > 0:
                yield reference, free
        if not rows:
            return
        place = _Place(*rows[-1][:2])
        sql = _SOURCES.replace("{after}", ">")


# --- Queries ------------------------------------------------------------------------------

_NO_STEP = "SELECT id FROM reached WHERE false"


def _step(found: str, known: str) -> str:
    return f"""
    SELECT l.{found} FROM reached r
    JOIN LATERAL (
        SELECT {found} FROM ledger_link
        WHERE book = %(book)s AND {known} = r.id AND account_id IS NOT NULL OFFSET 0
    ) l ON true
"""


_ORIGINS, _USES = _step("target_id", "entry_id"), _step("entry_id", "target_id")
# UNION leaves out what was reached before, so that every entry is visited once.
_FLOWS = f"""
    WITH RECURSIVE named AS (
        SELECT id FROM ledger_journalentry WHERE book = %(book)s AND reference = %(reference)s
    ), reached (id) AS (
        SELECT id FROM named UNION {{step}}
    ), flows AS (
        SELECT l.* FROM reached r
        JOIN LATERAL (
            SELECT entry_id, link_no, target_id, relation, account_id, amount FROM ledger_link
            WHERE book = %(book)s AND {{end}} = r.id AND account_id IS NOT NULL OFFSET 0
        ) l ON true
    )
    SELECT {OPEN_BOOK}, n.id, s.reference, u.reference, f.relation, a.code, f.amount
    FROM {ALWAYS}
    LEFT JOIN named n ON true
    LEFT JOIN flows f ON true
    LEFT JOIN ledger_journalentry s ON s.book = %(book)s AND s.id = f.target_id
    LEFT JOIN ledger_journalentry u ON u.book = %(book)s AND u.id = f.entry_id
    LEFT JOIN ledger_ledgeraccount a ON a.book = %(book)s AND a.id = f.account_id
    ORDER BY u.known_at DESC, f.entry_id DESC, f.link_no
"""

# Ids sort by time: the newest of all that links lead to is where the last one left off.
_ACCOUNT = f"""
    SELECT {OPEN_BOOK}, a.id, a.normal_side, a.floor, b.debits - b.credits, e.known_at, l.target_id
    FROM {ALWAYS}
    LEFT JOIN ledger_ledgeraccount a ON a.book = %(book)s AND a.code = %(code)s
    LEFT JOIN ledger_balance b ON b.book = %(book)s AND b.account_id = a.id
    LEFT JOIN LATERAL (
        SELECT target_id FROM ledger_link
        WHERE book = %(book)s AND account_id = a.id ORDER BY target_id DESC LIMIT 1
    ) l ON true
    LEFT JOIN ledger_journalentry e ON e.book = %(book)s AND e.id = l.target_id
"""

_SOURCES = f"""
    WITH page AS MATERIALIZED (
        SELECT known_at, entry_id FROM ledger_posting
        WHERE book = %(book)s AND account_id = %(account)s AND side = %(side)s
          AND known_at >= %(known_at)s AND (known_at, entry_id) {{after}} (%(known_at)s, %(entry)s)
        ORDER BY known_at, entry_id LIMIT %(limit)s
    )
    SELECT {OPEN_BOOK}, p.known_at, p.entry_id, e.reference,
           CASE WHEN r.id IS NULL THEN b.brought - t.taken ELSE 0 END::bigint
    FROM {ALWAYS}
    LEFT JOIN (SELECT DISTINCT known_at, entry_id FROM page) p ON true
    LEFT JOIN ledger_journalentry e ON e.book = %(book)s AND e.id = p.entry_id
    LEFT JOIN LATERAL (
        SELECT id FROM ledger_journalentry
        WHERE book = %(book)s AND reverses = p.entry_id LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT sum(CASE side WHEN %(side)s THEN amount ELSE -amount END) AS brought
        FROM ledger_posting
        WHERE book = %(book)s AND entry_id = p.entry_id AND known_at = p.known_at
          AND account_id = %(account)s
    ) b ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(amount), 0) AS taken FROM ledger_link
        WHERE book = %(book)s AND target_id = p.entry_id AND account_id = %(account)s
    ) t ON true
    ORDER BY p.known_at, p.entry_id
"""
