"""Every promise of the ledger proved anew from its rows and from PostgreSQL's catalogue.

The triggers make broken books impossible for the application. An owner of the database can switch
triggers off; what is done then is found here. Each invariant is one set-based query that returns a
line of text per violation, and so sees one moment of the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from ledger.catalogue import CATALOGUE_INVARIANTS
from ledger.drafts import AMOUNT_LIMIT, CLOSING_DIGEST_SQL, CONTENT_HASH_SQL
from ledger.errors import BookNotOpenError
from ledger.hold_checks import HOLD_INVARIANTS, KEPT
from ledger.reading import OPEN_BOOK

EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How often an invariant is broken, and a few places where it is."""

    invariant: str
    violations: int
    examples: tuple[str, ...] = ()


def prove(using: str, book: UUID | None = None) -> list[Finding]:
    """Prove every invariant, of one book or of all; one finding each, most with 0 violations.

    `using` is a connection of the operator's role or the owner. The application's role can prove
    only the book its transaction acts for: anything else raises BookNotOpenError.
    """
    refuse_to_look_through_a_keyhole(using, book)
    findings = [
        find(using, invariant, sql, {"book": book}) for invariant, sql in ROW_INVARIANTS.items()
    ]
    return findings + [
        find(using, invariant, sql, None) for invariant, sql in CATALOGUE_INVARIANTS.items()
    ]


def operator_alias() -> str:
    """The connection that sees every book: `ops` where it is configured."""
    return "ops" if "ops" in connections else DEFAULT_DB_ALIAS


def find(using: str, invariant: str, sql: str, parameters: dict[str, Any] | None) -> Finding:
    """What a query finds that returns a line of text per violation."""
    wrapped = f"SELECT count(*), (array_agg(place))[1:{EXAMPLES}] FROM ({sql}) AS found (place)"
    with connections[using].cursor() as cursor:
        cursor.execute(wrapped, parameters)
        [(violations, examples)] = cursor.fetchall()
    return Finding(invariant=invariant, violations=violations, examples=tuple(examples or ()))


def refuse_to_look_through_a_keyhole(using: str, book: UUID | None) -> None:
    """Raise BookNotOpenError where row-level security hides books: all would seem well."""
    sql = f"""
        SELECT pg_has_role(current_user, 'tributary_ops', 'USAGE')
            OR pg_has_role(current_user, relowner, 'USAGE'), {OPEN_BOOK}
        FROM pg_class WHERE oid = 'ledger_posting'::regclass
    """
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        [(sees_all, open_book)] = cursor.fetchall()
    if not sees_all and (book is None or book != open_book):
        raise BookNotOpenError(f"the connection {using} sees only {open_book or 'no book'}")


# Where a subquery adds up, it adds up the one book only.
_OF_BOOK = "(%(book)s::uuid IS NULL OR book = %(book)s)"
_OF_ENTRY = "(%(book)s::uuid IS NULL OR e.book = %(book)s)"
_OF_POSTING = "(%(book)s::uuid IS NULL OR p.book = %(book)s)"
_OF_ARRIVAL = "(%(book)s::uuid IS NULL OR r.book = %(book)s)"
_OF_CLOSING = "(%(book)s::uuid IS NULL OR c.book = %(book)s)"
_OF_ACCOUNT = "(%(book)s::uuid IS NULL OR a.book = %(book)s)"
_NET = "sum(CASE p.side WHEN 'D' THEN p.amount ELSE -p.amount END)"

ROW_INVARIANTS = {
    "every entry balances in every currency": f"""
        SELECT format('entry %%s: %%s %%s', p.entry_id, {_NET}, p.currency) FROM ledger_posting p
        WHERE {_OF_POSTING} GROUP BY p.book, p.entry_id, p.currency HAVING {_NET} <> 0
    """,
    "every entry has the postings it states, numbered from 1": f"""
        SELECT format('entry %%s: %%s of %%s', e.id, coalesce(c.lines, 0), e.posting_count)
        FROM ledger_journalentry e
        LEFT JOIN (
            SELECT book, entry_id, count(*) AS lines, count(DISTINCT line_no) AS numbers,
                   min(line_no) AS lowest, max(line_no) AS highest
            FROM ledger_posting WHERE {_OF_BOOK} GROUP BY book, entry_id
        ) c ON c.book = e.book AND c.entry_id = e.id
        WHERE {_OF_ENTRY} AND NOT coalesce(
            c.lines = e.posting_count AND c.numbers = c.lines AND c.lowest = 1
                AND c.highest = c.lines AND c.lines >= 2, false)
    """,
    "every posting has an entry of its book, and its times": f"""
        SELECT format('posting %%s/%%s', p.entry_id, p.line_no) FROM ledger_posting p
        LEFT JOIN ledger_journalentry e ON e.book = p.book AND e.id = p.entry_id
        WHERE {_OF_POSTING}
          AND NOT coalesce(e.known_at = p.known_at AND e.booked_on = p.booked_on, false)
    """,
    "every posting has an account of its book and currency": f"""
        SELECT format('posting %%s/%%s', p.entry_id, p.line_no) FROM ledger_posting p
        LEFT JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
        WHERE {_OF_POSTING} AND NOT coalesce(a.currency = p.currency, false)
    """,
    "every amount is positive and has a side": f"""
        SELECT format('posting %%s/%%s: %%s', p.entry_id, p.line_no, p.amount)
        FROM ledger_posting p
        WHERE {_OF_POSTING}
          AND NOT (p.amount > 0 AND p.amount < {AMOUNT_LIMIT} AND p.side IN ('D', 'C'))
    """,
    "every entry is what it was when it was posted": f"""
        SELECT format('entry %%s', e.id) FROM ledger_journalentry e
        LEFT JOIN ledger_posting p
          ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
        LEFT JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
        WHERE {_OF_ENTRY} GROUP BY e.book, e.id
        HAVING NOT coalesce({CONTENT_HASH_SQL} = e.content_hash, false)
    """,
    "every reference names one entry": f"""
        SELECT format('reference %%s of book %%s', e.reference, e.book) FROM ledger_journalentry e
        WHERE {_OF_ENTRY} GROUP BY e.book, e.reference HAVING count(*) > 1
    """,
    "every code names one account": f"""
        SELECT format('account %%s of book %%s', a.code, a.book) FROM ledger_ledgeraccount a
        WHERE {_OF_ACCOUNT} GROUP BY a.book, a.code HAVING count(*) > 1
    """,
    "every reversal mirrors its original": f"""
        SELECT format('entry %%s', e.id) FROM ledger_journalentry e
        LEFT JOIN ledger_journalentry o ON o.book = e.book AND o.id = e.reverses
        WHERE {_OF_ENTRY} AND e.reverses IS NOT NULL AND (
            NOT coalesce(o.posting_count = e.posting_count, false) OR EXISTS (
                SELECT FROM ledger_posting p
                WHERE p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
                AND NOT EXISTS (
                    SELECT FROM ledger_posting q
                    WHERE q.book = o.book AND q.entry_id = o.id AND q.known_at = o.known_at
                      AND q.line_no = p.line_no AND q.account_id = p.account_id
                      AND q.currency = p.currency AND q.amount = p.amount AND q.side <> p.side
                      AND q.subject IS NOT DISTINCT FROM p.subject)))
    """,
    "every entry is reversed at most once": f"""
        SELECT format('entry %%s', e.reverses) FROM ledger_journalentry e
        WHERE {_OF_ENTRY} AND e.reverses IS NOT NULL
        GROUP BY e.book, e.reverses HAVING count(*) > 1
    """,
    "every balance is the sum of its postings, those just arrived included": f"""
        SELECT format('account %%s', coalesce(a.id, b.account_id))
        FROM (SELECT * FROM ledger_ledgeraccount WHERE {_OF_BOOK}) a
        FULL JOIN (SELECT * FROM ledger_balance WHERE {_OF_BOOK}) b
          ON b.book = a.book AND b.account_id = a.id
        LEFT JOIN (
            SELECT p.book, p.account_id, sum(p.amount) FILTER (WHERE p.side = 'D') AS debits,
                   sum(p.amount) FILTER (WHERE p.side = 'C') AS credits
            FROM ledger_posting p WHERE {_OF_POSTING} GROUP BY p.book, p.account_id
        ) s ON s.book = a.book AND s.account_id = a.id
        LEFT JOIN (
            SELECT r.book, u.account_id, sum(u.debits) AS debits, sum(u.credits) AS credits
            FROM ledger_arrival r,
                unnest(r.accounts, r.debits, r.credits) AS u (account_id, debits, credits)
            WHERE {_OF_ARRIVAL} GROUP BY r.book, u.account_id
        ) r ON r.book = a.book AND r.account_id = a.id
        WHERE (%(book)s::uuid IS NULL OR coalesce(a.book, b.book) = %(book)s) AND NOT coalesce(
            b.debits + coalesce(r.debits, 0) = coalesce(s.debits, 0)
                AND b.credits + coalesce(r.credits, 0) = coalesce(s.credits, 0)
                AND b.floor IS NOT DISTINCT FROM a.floor AND b.normal_side = a.normal_side
                AND b.overdraft = a.overdraft AND (a.floor IS NULL OR r.account_id IS NULL), false)
    """,
    "every day's totals are the sums of its postings": f"""
        SELECT format('account %%s, booked on %%s', account_id, booked_on)
        FROM (SELECT * FROM ledger_daily WHERE {_OF_BOOK}) d
        FULL JOIN (
            SELECT p.book, p.account_id, e.booked_on, (e.event_at AT TIME ZONE 'UTC')::date,
                   (e.known_at AT TIME ZONE 'UTC')::date, count(*),
                   sum(CASE p.side WHEN 'D' THEN p.amount ELSE 0 END),
                   sum(CASE p.side WHEN 'C' THEN p.amount ELSE 0 END)
            FROM ledger_journalentry e
            JOIN ledger_posting p
              ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
            LEFT JOIN (SELECT book, unnest(ids) AS id FROM ledger_arrival
                       WHERE kind = 'entry' AND {_OF_BOOK}) r
              ON r.book = e.book AND r.id = e.id
            WHERE r.id IS NULL AND {_OF_ENTRY} GROUP BY 1, 2, 3, 4, 5
        ) s (book, account_id, booked_on, event_day, known_day, postings, debits, credits)
          USING (book, account_id, booked_on, event_day, known_day)
        WHERE (%(book)s::uuid IS NULL OR book = %(book)s) AND NOT coalesce(
            d.postings = s.postings AND d.debits = s.debits AND d.credits = s.credits, false)
    """,
    "no entry funds more than it brought": f"""
        SELECT format('entry %%s', l.target_id)
        FROM (SELECT book, target_id, account_id, sum(amount) AS amount FROM ledger_link
              WHERE account_id IS NOT NULL AND {_OF_BOOK}
              GROUP BY book, target_id, account_id) l
        LEFT JOIN ledger_journalentry e ON e.book = l.book AND e.id = l.target_id
        LEFT JOIN ledger_ledgeraccount a ON a.book = l.book AND a.id = l.account_id
        LEFT JOIN ledger_posting p ON p.book = l.book AND p.entry_id = l.target_id
            AND p.known_at = e.known_at AND p.account_id = l.account_id
        WHERE (%(book)s::uuid IS NULL OR l.book = %(book)s)
        GROUP BY l.book, l.target_id, l.account_id, l.amount, a.normal_side
        HAVING NOT coalesce({_NET} * (CASE a.normal_side WHEN 'D' THEN 1 ELSE -1 END)
            >= l.amount, false)
    """,
    "every closing follows the one before": """
        SELECT format('closing %%s of book %%s', number, book)
        FROM (SELECT *, lag(number, 1, 0) OVER w AS former, lag(through) OVER w AS until
              FROM ledger_closing WINDOW w AS (PARTITION BY book ORDER BY number)) c
        WHERE (%(book)s::uuid IS NULL OR book = %(book)s) AND NOT coalesce(
            number = former + 1 AND CASE action
                WHEN 'close' THEN until IS NULL OR through > until
                ELSE until IS NOT NULL AND (through IS NULL OR through < until) END, false)
    """,
    # A day that was reopened since is another closing's to prove: the last one's, whatever it did.
    "every closed day is what it was when it was closed": f"""
        SELECT format('closing %%s of book %%s', c.number, c.book)
        FROM ledger_closing c
        LEFT JOIN (
            SELECT c.book, c.number, a.code, a.currency, sum(d.debits) AS debits,
                   sum(d.credits) AS credits
            FROM ledger_closing c
            JOIN (
                SELECT book, account_id, booked_on,
                       sum(CASE side WHEN 'D' THEN amount ELSE 0 END) AS debits,
                       sum(CASE side WHEN 'C' THEN amount ELSE 0 END) AS credits
                FROM ledger_posting WHERE {_OF_BOOK} GROUP BY book, account_id, booked_on
            ) d ON d.book = c.book AND d.booked_on <= c.through
            JOIN ledger_ledgeraccount a ON a.book = d.book AND a.id = d.account_id
            WHERE {_OF_CLOSING} GROUP BY c.book, c.number, a.code, a.currency
        ) t ON t.book = c.book AND t.number = c.number
        WHERE {_OF_CLOSING} AND NOT EXISTS (
            SELECT FROM ledger_closing n WHERE n.book = c.book AND n.number > c.number
                AND coalesce(n.through < c.through, true))
        GROUP BY c.book, c.number, c.through, c.digest
        HAVING {CLOSING_DIGEST_SQL} IS DISTINCT FROM c.digest
    """,
    "every entry has the links it states": f"""
        SELECT format('entry %%s', e.id) FROM ledger_journalentry e
        LEFT JOIN (
            SELECT book, entry_id, count(*) AS links, max(link_no) AS highest
            FROM ledger_link WHERE {_OF_BOOK} GROUP BY book, entry_id
        ) l ON l.book = e.book AND l.entry_id = e.id
        WHERE {_OF_ENTRY} AND (coalesce(l.links, 0) <> e.link_count
                               OR coalesce(l.highest, 0) <> e.link_count)
    """,
    "no guarded account is below its floor": f"""
        SELECT format('account %%s', a.id) FROM ledger_ledgeraccount a
        LEFT JOIN ledger_posting p ON p.book = a.book AND p.account_id = a.id
        LEFT JOIN ({KEPT}) k ON k.book = a.book AND k.account_id = a.id
        WHERE {_OF_ACCOUNT} AND a.floor IS NOT NULL GROUP BY a.book, a.id, k.amount
        HAVING coalesce({_NET}, 0) * (CASE a.normal_side WHEN 'D' THEN 1 ELSE -1 END)
            - coalesce(k.amount, 0) < a.floor
    """,
    **HOLD_INVARIANTS,
}
