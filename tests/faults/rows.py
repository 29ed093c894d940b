"""All rows of a database in words that do not depend on the run: the oracle of the fault tests.

Two trials of a scene share the ids of what was there before, and of lines and bank lines, which
follow from their document's. Ids that are drawn anew (payouts, statements, matches, entries) are
replaced by what they stand for, and instants of our own clock are left out; every other column
counts, also one that is added later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

Rows = Mapping[str, Counter[str]]
"""Per table, every row as a text and how often it occurs."""
Ask = Callable[[str], list[tuple[Any, ...]]]

NAMED = """
WITH named (id, name) AS (
    SELECT p.id, concat_ws(' ', 'payout', s.name, p.external_id, p.version)
    FROM settlement_payout p JOIN accounts_store s ON s.id = p.store_id
    UNION ALL
    SELECT b.id, concat_ws(' ', 'statement', d.name, b.period_from, b.number)
    FROM settlement_bankstatement b JOIN settlement_sourcedocument d ON d.id = b.document_id
    UNION ALL
    SELECT w.id, concat_ws(' ', 'wallet', d.name, w.first_at, w.opening_currency)
    FROM settlement_walletstatement w JOIN settlement_sourcedocument d ON d.id = w.document_id
    UNION ALL SELECT id, 'document ' || id FROM settlement_sourcedocument
    UNION ALL SELECT id, 'bank line ' || id FROM settlement_bankline
)
"""

# The sides of a match and the postings of an entry, each as one text.
SIDES = """(
    SELECT string_agg(concat_ws(' ', n.name, i.amount, i.amount_currency, i.live), '; '
        ORDER BY n.name)
    FROM settlement_matchitem i JOIN named n ON n.id = coalesce(i.payout_id, i.bank_line_id)
    WHERE i.match_id = m.id
)"""
POSTINGS = """(
    SELECT string_agg(concat_ws(' ', p.side, p.amount, p.currency, a.code, n.name), '; '
        ORDER BY p.line_no)
    FROM ledger_posting p JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
    LEFT JOIN named n ON n.id = p.subject
    WHERE p.book = e.book AND p.entry_id = e.id
)"""
ABOUT = """(SELECT string_agg(n.name, '; ' ORDER BY n.name) FROM named n WHERE n.id IN
    (x.subject, x.payout_id, x.bank_line_id, x.statement_id, x.document_id))"""
BALANCES = """
SELECT concat_ws(' ', a.code, a.currency, a.normal_side,
    sum(CASE p.side WHEN 'D' THEN p.amount ELSE -p.amount END))
FROM ledger_ledgeraccount a LEFT JOIN ledger_posting p ON p.book = a.book AND p.account_id = a.id
GROUP BY a.book, a.id, a.code, a.currency, a.normal_side
"""

ALL = {
    "documents": """SELECT to_jsonb(d) - '{attempts,loaded_at}'::text[]
        FROM settlement_sourcedocument d""",
    "lines": "SELECT l::text FROM settlement_line l",
    "line keys": "SELECT k::text FROM settlement_linekey k",
    "payouts": "SELECT to_jsonb(p) - 'id' FROM settlement_payout p",
    "wallets": "SELECT to_jsonb(w) - 'id' FROM settlement_walletstatement w",
    "statements": "SELECT to_jsonb(b) - 'id' FROM settlement_bankstatement b",
    "bank lines": f"""{NAMED} SELECT to_jsonb(l) - 'statement_id', n.name
        FROM settlement_bankline l LEFT JOIN named n ON n.id = l.statement_id""",
    "matches": f"""{NAMED} SELECT to_jsonb(m) - '{{id,made_at,revoked_at}}'::text[], {SIDES}
        FROM settlement_match m""",
    "exceptions": f"""{NAMED} SELECT to_jsonb(x) - '{{id,opened_at,closed_at,subject,payout_id,
        statement_id}}'::text[], {ABOUT}
        FROM settlement_reconexception x""",
    "runs": """SELECT to_jsonb(r) - '{id,attempts,requested_at,finished_at}'::text[]
        FROM settlement_reconrun r""",
    # A reversal is dated by the clock.
    "entries": f"""{NAMED} SELECT concat_ws(' | ', e.kind, e.memo, e.posting_count,
        CASE WHEN e.reverses IS NULL THEN concat_ws(' ', e.event_at, e.booked_on) END, {POSTINGS})
        FROM ledger_journalentry e""",
    "balances": BALANCES,
}

STANDING = {
    "documents": """SELECT concat_ws(' ', id, state, code, size, bytes_read, error_reason,
        rows_kept + rows_known + rows_restated) FROM settlement_sourcedocument""",
    "lines": """SELECT to_jsonb(l) - '{id,document_id,known_at,row,version}'::text[]
        FROM settlement_line l WHERE live""",
    "payouts": """SELECT to_jsonb(p) - '{id,document_id,known_at,row,version}'::text[]
        FROM settlement_payout p WHERE live""",
    "wallets": "SELECT to_jsonb(w) - 'id' FROM settlement_walletstatement w WHERE live",
    "statements": "SELECT to_jsonb(b) - 'id' FROM settlement_bankstatement b WHERE live",
    "bank lines": """SELECT to_jsonb(l) - '{id,statement_id,document_id,known_at,row}'::text[]
        FROM settlement_bankline l WHERE live""",
    "matches": f"""{NAMED} SELECT concat_ws(' ', m.state, m.rule, {SIDES})
        FROM settlement_match m WHERE m.state = 'confirmed'""",
    "exceptions": f"""{NAMED} SELECT concat_ws(' ', x.reason, x.difference, {ABOUT})
        FROM settlement_reconexception x WHERE x.state NOT IN ('resolved', 'written_off')""",
    "balances": BALANCES,
}


def all_rows(ask: Ask) -> Rows:
    """Every row there is, history included: for work that is done in one order only."""
    return _rows(ask, ALL)


def standing_rows(ask: Ask) -> Rows:
    """What stands at the end, whatever document came first or was reconciled meanwhile."""
    return _rows(ask, STANDING)


def _rows(ask: Ask, queries: Mapping[str, str]) -> Rows:
    return {table: Counter(map(str, ask(sql))) for table, sql in queries.items()}


def differences(expected: Rows, found: Rows, *, shown: int = 3) -> list[str]:
    """The first rows of each table that are missing or too many; empty where all are the same."""
    return [
        f"{table}: {sum(rows.values())} {verdict}, as {list(rows)[:shown]}"
        for table in expected
        for verdict, rows in (
            ("missing", expected[table] - found[table]),
            ("too many", found[table] - expected[table]),
        )
        if rows
    ]
