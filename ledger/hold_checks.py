"""What must be true of holds; queries as in `ledger/checks.py`."""

from __future__ import annotations

from ledger.drafts import HOLD_HASH_SQL

_OF_BOOK = "(%(book)s::uuid IS NULL OR book = %(book)s)"
_OF_HOLD = "(%(book)s::uuid IS NULL OR h.book = %(book)s)"

KEPT = f"""
    SELECT book, account_id, sum(amount - taken) AS amount FROM ledger_hold
    WHERE state = 'held' AND {_OF_BOOK} GROUP BY book, account_id
"""
"""What live holds keep of each account."""

# An entry names the hold it posts; in older books the hold names the entry.
_POSTINGS_OF_HOLDS = f"""
    SELECT book, hold_id, id, known_at FROM ledger_journalentry
    WHERE hold_id IS NOT NULL AND {_OF_BOOK}
    UNION ALL
    SELECT h.book, h.id, h.posted_by, e.known_at FROM ledger_hold h
    JOIN ledger_journalentry e ON e.book = h.book AND e.id = h.posted_by WHERE {_OF_HOLD}
"""
_TAKEN = f"""
    SELECT e.book, e.hold_id, e.id, coalesce(
        sum(CASE p.side WHEN a.normal_side THEN -p.amount ELSE p.amount END), 0) AS taken
    FROM ({_POSTINGS_OF_HOLDS}) e
    LEFT JOIN ledger_hold h ON h.book = e.book AND h.id = e.hold_id
    LEFT JOIN ledger_posting p ON p.book = e.book AND p.entry_id = e.id
        AND p.known_at = e.known_at AND p.account_id = h.account_id
    LEFT JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
    GROUP BY e.book, e.hold_id, e.id
"""

HOLD_INVARIANTS = {
    "what is held is what live holds keep": f"""
        SELECT format('account %%s', coalesce(b.account_id, k.account_id))
        FROM ledger_balance b
        FULL JOIN ({KEPT}) k ON k.book = b.book AND k.account_id = b.account_id
        WHERE (%(book)s::uuid IS NULL OR coalesce(b.book, k.book) = %(book)s)
          AND b.held IS DISTINCT FROM coalesce(k.amount, 0)
    """,
    "every hold is what it was when it was placed, on a guarded account": f"""
        SELECT format('hold %%s', h.id) FROM ledger_hold h
        LEFT JOIN ledger_ledgeraccount a ON a.book = h.book AND a.id = h.account_id
        WHERE {_OF_HOLD} AND NOT coalesce(
            {HOLD_HASH_SQL} = h.content_hash AND a.currency = h.currency AND a.floor IS NOT NULL
                AND h.amount > 0, false)
    """,
    "what is taken of a hold is what its entries took, each of them something": f"""
        SELECT format('hold %%s', coalesce(h.id, t.hold_id)) FROM ledger_hold h
        FULL JOIN (
            SELECT book, hold_id, sum(taken) AS taken, min(taken) AS least
            FROM ({_TAKEN}) each GROUP BY book, hold_id
        ) t ON t.book = h.book AND t.hold_id = h.id
        WHERE (%(book)s::uuid IS NULL OR coalesce(h.book, t.book) = %(book)s) AND NOT coalesce(
            h.taken = coalesce(t.taken, 0) AND coalesce(t.least > 0, true), false)
    """,
    "no entry posts two holds": f"""
        SELECT format('entry %%s', h.id) FROM ({_POSTINGS_OF_HOLDS}) h
        WHERE {_OF_HOLD} GROUP BY h.book, h.id HAVING count(*) > 1
    """,
    "every hold is posted when all is taken, settled at an instant, expired when it was due": f"""
        SELECT format('hold %%s', h.id) FROM ledger_hold h
        WHERE {_OF_HOLD} AND NOT coalesce(
            h.taken BETWEEN 0 AND h.amount AND (h.taken = h.amount) = (h.state = 'posted')
            AND (h.posted_by IS NULL OR h.state = 'posted') AND CASE h.state
                WHEN 'held' THEN h.settled_at IS NULL
                WHEN 'posted' THEN h.settled_at IS NOT NULL
                WHEN 'released' THEN h.settled_at IS NOT NULL
                WHEN 'expired' THEN h.settled_at >= h.expires_at END, false)
    """,
    "every posted hold was settled when one of its entries was known": f"""
        SELECT format('hold %%s', h.id) FROM ledger_hold h
        WHERE {_OF_HOLD} AND h.state = 'posted' AND h.posted_by IS NULL AND NOT EXISTS (
            SELECT FROM ledger_journalentry e
            WHERE e.book = h.book AND e.hold_id = h.id AND e.known_at = h.settled_at)
    """,
    "every reference names one hold": f"""
        SELECT format('reference %%s of book %%s', h.reference, h.book) FROM ledger_hold h
        WHERE {_OF_HOLD} GROUP BY h.book, h.reference HAVING count(*) > 1
    """,
}
