"""Every promise of the business proved anew from its rows, against the books and the catalogue.

The ledger proves that its books are sound; here they are proved to be the right ones: every balance
is computed a second time, from documents, payouts, statements and matches. As in `ledger.checks`
each invariant is one set-based query that returns a line of text per violation and so sees one
moment of the database. It holds at every commit, also while work is still to be done.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connections
from moneyed import CURRENCIES

from ledger.checks import EXAMPLES, Finding
from ledger.errors import BookNotOpenError
from settlement.catalogue import CATALOGUE
from settlement.money_in.staging import says

UNITS = {
    "codes": list(CURRENCIES),
    "units": [currency.sub_unit for currency in CURRENCIES.values()],
}


def prove(using: str, merchant: UUID | None = None) -> list[Finding]:
    """Prove every invariant, of one merchant or of all; one finding each, most with 0 violations.

    `using` is a connection of the operator's role or the owner; the application's can prove only
    the merchant its transaction acts for. Raises BookNotOpenError otherwise.
    """
    _refuse_to_look_through_a_keyhole(using, merchant)
    given = {"merchant": merchant, **UNITS}
    return [
        _find(using, invariant, sql, given)
        for invariant, sql in (BALANCES | ROWS | CATALOGUE).items()
    ]


def _find(using: str, invariant: str, sql: str, given: dict[str, Any]) -> Finding:
    wrapped = f"SELECT count(*), (array_agg(place))[1:{EXAMPLES}] FROM ({sql}) AS found (place)"
    with connections[using].cursor() as cursor:
        cursor.execute(wrapped, given)
        [(violations, examples)] = cursor.fetchall()
    return Finding(invariant=invariant, violations=violations, examples=tuple(examples or ()))


def _refuse_to_look_through_a_keyhole(using: str, merchant: UUID | None) -> None:
    """Where row-level security hides merchants, all would seem well."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_has_role('tributary_ops', 'USAGE'), tributary_tenant()")
        [(sees_all, acting)] = cursor.fetchall()
    if not sees_all and (merchant is None or merchant != acting):
        raise BookNotOpenError(f"the connection {using} sees only {acting or 'no merchant'}")


def _of(column: str) -> str:
    return f"(%(merchant)s::uuid IS NULL OR {column} = %(merchant)s)"


# --- the books against the business -------------------------------------------------------
#
# Amounts are signed, debits positive, in major units as the rows have them. What a match claims
# counts by its live items, not by the payout's state: a payout that was restated stays matched
# until the next reconciliation, and so do the books.

_WALLETS = f"""
    (SELECT DISTINCT ON (w.store_id, w.cash_account, w.opening_currency) w.merchant_id, w.store_id,
        s.settlement_account_id, w.opening AS amount, w.opening_currency AS currency
    FROM settlement_walletstatement w JOIN accounts_store s ON s.id = w.store_id
    WHERE w.live AND {_of("w.merchant_id")}
    ORDER BY w.store_id, w.cash_account, w.opening_currency, w.first_at, w.id)
"""
_MOVED = f"""
    (SELECT l.merchant_id, l.store_id, s.settlement_account_id, l.kind = 'unknown' AS unknown,
        sum(l.amount) AS amount, l.amount_currency AS currency
    FROM settlement_line l JOIN accounts_store s ON s.id = l.store_id
    WHERE l.live AND l.books AND l.kind NOT IN ('payout', 'payout_returned')
        AND {_of("l.merchant_id")}
    GROUP BY 1, 2, 3, 4, 6)
"""
_ANNOUNCED = f"""
    (SELECT p.merchant_id, p.store_id, p.id, p.amount, p.amount_currency AS currency
    FROM settlement_payout p WHERE p.live AND p.state <> 'returned' AND {_of("p.merchant_id")})
"""
_PAID = f"""
    (SELECT i.merchant_id, p.store_id, p.id, m.settlement_account_id, i.amount,
        i.amount_currency AS currency
    FROM settlement_matchitem i JOIN settlement_payout p ON p.id = i.payout_id
    JOIN settlement_match m ON m.id = i.match_id
    WHERE i.live AND {_of("i.merchant_id")})
"""
_HELD = f"""
    (SELECT DISTINCT ON (t.bank_account_id) t.merchant_id, t.bank_account_id, t.opening AS amount,
        t.opening_currency AS currency
    FROM settlement_bankstatement t
    WHERE t.live AND t.books AND t.opening IS NOT NULL AND {_of("t.merchant_id")}
    ORDER BY t.bank_account_id, t.period_from, t.id)
"""
_BOOKED = f"""
    (SELECT b.merchant_id, b.bank_account_id, b.id, b.amount, b.amount_currency AS currency
    FROM settlement_bankline b WHERE b.live AND b.books AND {_of("b.merchant_id")})
"""
_CLAIMED = f"""
    (SELECT i.merchant_id, b.bank_account_id, b.id, i.amount, i.amount_currency AS currency
    FROM settlement_matchitem i JOIN settlement_bankline b ON b.id = i.bank_line_id
    WHERE i.live AND {_of("i.merchant_id")})
"""

_ID, _CODE = "[0-9a-f-]{36}", "[A-Z]{3}"
RECEIVABLE = f"^store:{_ID}:receivable:{_CODE}$"
IN_TRANSIT = f"^store:{_ID}:in_transit:{_CODE}$"
BANK = f"^bank:{_ID}:{_CODE}$"
UNRELATED = f"^bank:{_ID}:unrelated:{_CODE}$"
PENDING = f"^merchant:{_ID}:pending:{_CODE}$"
AVAILABLE = f"^merchant:{_ID}:available:{_CODE}$"
OPENING = f"^opening:{_ID}:{_CODE}$"
SUSPENSE = f"^suspense:{_ID}:{_CODE}$"
FAMILIES = (RECEIVABLE, IN_TRANSIT, BANK, UNRELATED, PENDING, AVAILABLE, OPENING, SUSPENSE)


def _posted(family: str, subject: str = "NULL::uuid") -> str:
    """The ledger's postings on a family of accounts, in minor units."""
    return f"""
        SELECT p.book, a.code, {subject} AS subject,
            (CASE p.side WHEN 'D' THEN p.amount ELSE -p.amount END)::numeric AS amount
        FROM ledger_posting p
        JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
        JOIN accounts_merchant owner ON owner.id = p.book
        WHERE a.code ~ '{family}' AND {_of("p.book")}
    """


def _part(code: str, rows: str, *, sign: str = "", subject: str = "NULL::uuid") -> str:
    """What rows say should be on the account of this code, whose %s are id and currency."""
    text, place = code.replace("%s", "%%s"), f"r.{_PLACE[code.split(':')[0]]}"
    return f"""
        SELECT r.merchant_id, format('{text}', {place}, r.currency), {subject}, {sign}r.amount,
            r.currency
        FROM {rows} r
    """


_PLACE = {
    "store": "store_id",
    "bank": "bank_account_id",
    "opening": "bank_account_id",
    "merchant": "settlement_account_id",
    "suspense": "settlement_account_id",
}


def _balance(family: str, *parts: str, by_subject: bool = False) -> str:
    """Where the postings of a family are not what the parts add up to."""
    posted = _posted(family, "p.subject" if by_subject else "NULL::uuid")
    return f"""
        SELECT format('%%s%%s: books - rows = %%s minor units', code, ' of ' || subject,
            trim_scale(sum(amount)))
        FROM (
            {posted}
            UNION ALL
            SELECT part.book, part.code, part.subject, -part.amount * unit.per
            FROM ({" UNION ALL ".join(parts)}) AS part (book, code, subject, amount, currency)
            JOIN unnest(%(codes)s::text[], %(units)s::int[]) AS unit (currency, per)
                USING (currency)
        ) AS both_sides
        GROUP BY book, code, subject HAVING sum(amount) <> 0
    """


_KNOWN = f"(SELECT * FROM {_MOVED} AS moved WHERE NOT unknown)"
_UNKNOWN = f"(SELECT * FROM {_MOVED} AS moved WHERE unknown)"

BALANCES = {
    "what stores are owed is their opening and lines without their payouts": _balance(
        RECEIVABLE,
        _part("store:%s:receivable:%s", _WALLETS),
        _part("store:%s:receivable:%s", _MOVED),
        _part("store:%s:receivable:%s", _ANNOUNCED, sign="-"),
    ),
    "in transit is what each payout announced, and nothing once it is matched": _balance(
        IN_TRANSIT,
        _part("store:%s:in_transit:%s", _ANNOUNCED, subject="r.id"),
        _part("store:%s:in_transit:%s", _PAID, sign="-", subject="r.id"),
        by_subject=True,
    ),
    "the bank holds its opening and its booked lines": _balance(
        BANK, _part("bank:%s:%s", _HELD), _part("bank:%s:%s", _BOOKED)
    ),
    "unrelated at the bank is each line that no match claims": _balance(
        UNRELATED,
        _part("bank:%s:unrelated:%s", _BOOKED, sign="-", subject="r.id"),
        _part("bank:%s:unrelated:%s", _CLAIMED, subject="r.id"),
        by_subject=True,
    ),
    "the merchant's pending money is what is not matched yet": _balance(
        PENDING,
        _part("merchant:%s:pending:%s", _WALLETS, sign="-"),
        _part("merchant:%s:pending:%s", _KNOWN, sign="-"),
        _part("merchant:%s:pending:%s", _PAID),
    ),
    "the merchant's available money is what is matched": _balance(
        AVAILABLE, _part("merchant:%s:available:%s", _PAID, sign="-")
    ),
    "the bank's opening is the earliest statement's": _balance(
        OPENING, _part("opening:%s:%s", _HELD, sign="-")
    ),
    "in suspense are the lines nobody understands": _balance(
        SUSPENSE, _part("suspense:%s:%s", _UNKNOWN, sign="-")
    ),
    "nothing is booked anywhere else": f"""
        SELECT a.code FROM ledger_ledgeraccount a
        JOIN accounts_merchant owner ON owner.id = a.book
        WHERE {_of("a.book")} AND NOT a.code ~ '{"|".join(FAMILIES)}'
    """,
    # Statements that leave a gap, do not balance, or end on one day with several balances say
    # nothing about the sum; the rest must end where the books are.
    "the books equal the latest statement where statements are continuous": f"""
        WITH followed AS (
            SELECT t.*, max(t.period_to) OVER (
                PARTITION BY t.bank_account_id ORDER BY t.period_from, t.period_to, t.id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
            FROM settlement_bankstatement t WHERE t.live AND t.books AND {_of("t.merchant_id")}
        ), latest AS (
            SELECT t.merchant_id, t.bank_account_id, t.closing_currency AS currency,
                min(t.closing) AS closing
            FROM followed t
            WHERE t.period_to = (SELECT max(period_to) FROM followed o
                                 WHERE o.bank_account_id = t.bank_account_id)
              AND NOT EXISTS (
                SELECT FROM followed o WHERE o.bank_account_id = t.bank_account_id AND (
                    o.opening IS NULL OR o.closing IS NULL OR NOT o.balanced
                    OR o.reached < o.period_from AND NOT EXISTS (
                        SELECT FROM followed b WHERE b.bank_account_id = o.bank_account_id
                          AND b.period_to = o.reached AND b.closing = o.opening)))
            GROUP BY 1, 2, 3 HAVING count(DISTINCT t.closing) = 1
        )
        SELECT format('bank account %%s: books %%s, statement %%s minor units',
            l.bank_account_id, coalesce(sum(p.amount), 0), trim_scale(l.closing * unit.per))
        FROM latest l
        JOIN unnest(%(codes)s::text[], %(units)s::int[]) AS unit (currency, per) USING (currency)
        LEFT JOIN ({_posted(BANK)}) p
          ON p.book = l.merchant_id AND p.code = format('bank:%%s:%%s', l.bank_account_id, currency)
        GROUP BY l.bank_account_id, l.closing, unit.per
        HAVING coalesce(sum(p.amount), 0) <> l.closing * unit.per
    """,
}


# --- the rows among themselves ------------------------------------------------------------

_LOADED = (
    "coalesce(d.state = 'loaded' OR d.state IN ('stored', 'reading') AND d.readings > 0, false)"
)
"""A document is read again while its rows stay (see withdrawing.py)."""


def _rows_of(table: str, what: str) -> str:
    return f"""
        SELECT format('{what} %%s of document %%s', r.id, r.document_id) FROM {table} r
        LEFT JOIN settlement_sourcedocument d
          ON d.id = r.document_id AND d.merchant_id = r.merchant_id
        WHERE r.live AND NOT {_LOADED} AND {_of("r.merchant_id")}
    """


ROWS = {
    "every confirmed match is equal on both sides": f"""
        SELECT format('match %%s', m.id) FROM settlement_match m
        LEFT JOIN settlement_matchitem i ON i.match_id = m.id AND i.live
        WHERE m.state = 'confirmed' AND {_of("m.merchant_id")}
        GROUP BY m.id
        HAVING count(i.payout_id) = 0 OR count(i.bank_line_id) = 0
            OR count(DISTINCT i.amount_currency) > 1
            OR sum(CASE WHEN i.payout_id IS NULL THEN -i.amount ELSE i.amount END) <> 0
    """,
    "a match's items are live while it is confirmed": f"""
        SELECT format('item %%s of match %%s', i.id, i.match_id) FROM settlement_matchitem i
        LEFT JOIN settlement_match m ON m.id = i.match_id AND m.merchant_id = i.merchant_id
        WHERE i.live IS DISTINCT FROM (m.state = 'confirmed') AND {_of("i.merchant_id")}
    """,
    "an item claims no more than its side has": f"""
        SELECT format('item %%s', i.id) FROM settlement_matchitem i
        LEFT JOIN settlement_payout p ON p.id = i.payout_id AND p.merchant_id = i.merchant_id
        LEFT JOIN settlement_bankline b ON b.id = i.bank_line_id AND b.merchant_id = i.merchant_id
        WHERE {_of("i.merchant_id")} AND NOT coalesce(
            num_nonnulls(i.payout_id, i.bank_line_id) = 1
            AND i.amount_currency = coalesce(p.amount_currency, b.amount_currency)
            AND abs(i.amount) <= abs(coalesce(p.amount, b.amount))
            AND sign(i.amount) = sign(coalesce(p.amount, b.amount)), false)
    """,
    "a payout is reconciled exactly while one live item claims it": f"""
        SELECT format('payout %%s: %%s, %%s live items', p.id, p.state, count(i.id))
        FROM settlement_payout p
        LEFT JOIN settlement_matchitem i ON i.payout_id = p.id AND i.live
        WHERE p.live AND {_of("p.merchant_id")}
        GROUP BY p.id HAVING count(i.id) <> (p.state = 'reconciled')::int
    """,
    "no bank line is claimed twice": f"""
        SELECT format('bank line %%s', i.bank_line_id) FROM settlement_matchitem i
        WHERE i.live AND i.bank_line_id IS NOT NULL AND {_of("i.merchant_id")}
        GROUP BY i.bank_line_id HAVING count(*) > 1
    """,
    "a match that lost a side is about to be revoked": f"""
        SELECT format('match %%s', i.match_id) FROM settlement_matchitem i
        JOIN settlement_match m ON m.id = i.match_id
        LEFT JOIN settlement_payout p ON p.id = i.payout_id
        LEFT JOIN settlement_bankline b ON b.id = i.bank_line_id
        WHERE i.live AND NOT coalesce(p.live, b.live, false) AND {_of("i.merchant_id")}
          AND NOT EXISTS (
            SELECT FROM settlement_reconrun r
            WHERE r.settlement_account_id = m.settlement_account_id
              AND r.state IN ('queued', 'running'))
    """,
    "a payout has one live version": f"""
        SELECT format('payout %%s of store %%s', p.external_id, p.store_id)
        FROM settlement_payout p WHERE p.live AND {_of("p.merchant_id")}
        GROUP BY p.merchant_id, p.store_id, p.external_id HAVING count(*) > 1
    """,
    "a document is stored once": f"""
        SELECT format('document %%s', d.sha256) FROM settlement_sourcedocument d
        WHERE d.state <> 'withdrawn' AND {_of("d.merchant_id")}
        GROUP BY d.merchant_id, d.sha256 HAVING count(*) > 1
    """,
    "every live row's document is loaded": " UNION ALL ".join(
        (
            # Half a million lines of a document share it, so each document is looked at once.
            f"""
            SELECT format('lines of document %%s', r.document_id) FROM (
                SELECT DISTINCT merchant_id, document_id, store_id, known_at
                FROM settlement_line l WHERE l.live AND {_of("l.merchant_id")}
            ) r
            LEFT JOIN settlement_sourcedocument d
              ON d.id = r.document_id AND d.merchant_id = r.merchant_id
                AND d.store_id = r.store_id AND d.known_at = r.known_at
            WHERE NOT {_LOADED}
            """,
            _rows_of("settlement_payout", "payout"),
            _rows_of("settlement_walletstatement", "wallet statement"),
            _rows_of("settlement_bankstatement", "bank statement"),
            _rows_of("settlement_bankline", "bank line"),
        )
    ),
    "every live line is known, and says what it said": f"""
        SELECT format('line %%s of document %%s', coalesce(l.external_id, k.external_id),
            coalesce(l.document_id, k.document_id))
        FROM (SELECT * FROM settlement_line l WHERE l.live AND {_of("l.merchant_id")}) l
        FULL JOIN (
            SELECT * FROM settlement_linekey k
            WHERE k.fingerprint IS NOT NULL AND {_of("k.merchant_id")}
        ) k ON k.merchant_id = l.merchant_id AND k.document_id = l.document_id
            AND k.line_id = l.id AND k.known_at = l.known_at
        WHERE NOT coalesce(k.store_id = l.store_id AND k.external_id = l.external_id
            AND k.version >= l.version AND k.fingerprint = {says("l")}, false)
    """,
}
