"""Bugs in what the ledger reads, and in what it proves."""

from bugs.plant import beginning_with, code

READING = [
    code(
        "a balance ignores the side its account is normally on",
        "balances",
        "return net if self.normal_side is Side.DEBIT else -net",
        "return net",
    ),
    code(
        "a balance leaves out what has just arrived",
        "reading",
        "(c.credits + coalesce(r.credits, 0))::bigint AS credits_now",
        "c.credits AS credits_now",
    ),
    code(
        "a past balance leaves out what was learnt at the very instant",
        "balances",
        "astimezone(UTC) + timedelta(microseconds=1)",
        "astimezone(UTC)",
    ),
    code(
        "a balance of what had happened counts by the day it was learnt",
        "balances",
        'Axis.EVENT: _Parts("event_day"',
        'Axis.EVENT: _Parts("known_day"',
    ),
    code(
        "a balance of what was known counts a day's new postings twice",
        "balances",
        '"known_at < %(midnight)s")',
        '"known_at < %(until)s")',
    ),
    code(
        "a balance of what had happened counts a day's new postings twice",
        "balances",
        "    WHERE NOT EXISTS (SELECT FROM unfolded u WHERE u.id = p.entry_id)\n",
        "",
    ),
    code(
        "a statement's pages leave a line out where they meet",
        "statements",
        "(known_at, entry_id, line_no) < (%(known_at)s, %(entry)s, %(line)s)",
        "(known_at, entry_id, line_no) < (%(known_at)s, %(entry)s, %(line)s - 1)",
    ),
    code(
        "a statement tells an entry's lines in the wrong order",
        "statements",
        "ORDER BY p.known_at DESC, p.entry_id DESC, p.line_no DESC",
        "ORDER BY p.known_at DESC, p.entry_id DESC, p.line_no",
    ),
    code(
        "an account statement's closing balance leaves out the last day",
        "statements",
        "FILTER (WHERE booked_on > %(end)s), 0) AS after_end",
        "FILTER (WHERE booked_on >= %(end)s), 0) AS after_end",
    ),
    code(
        "an account statement's pages overlap by a row",
        "statements",
        "            > (%(booked_on)s, %(known_at)s, %(entry)s, %(line)s), true)",
        "            >= (%(booked_on)s, %(known_at)s, %(entry)s, %(line)s), true)",
    ),
    code(
        "an account statement leaves out what is not folded",
        "statements",
        "        WHERE booked_on BETWEEN %(first)s AND %(end)s\n    ), explained",
        "        WHERE booked_on BETWEEN %(first)s AND %(end)s AND false\n    ), explained",
    ),
    code(
        "a period's turnover leaves out the last day",
        "totals",
        "coalesce(sum({d}) FILTER (WHERE booked_on <= %(end)s), 0) AS debits",
        "coalesce(sum({d}) FILTER (WHERE booked_on < %(end)s), 0) AS debits",
    ),
    code(
        "a period's closing balance counts the day after it",
        "totals",
        "coalesce(sum({c}) FILTER (WHERE booked_on > %(end)s), 0) AS later_credits",
        "coalesce(sum({c}) FILTER (WHERE booked_on > %(end)s + 1), 0) AS later_credits",
    ),
    code(
        "sums by subject count every account",
        "balances",
        "AND a.id = p.account_id AND a.code ^@ %s)",
        "AND a.id = p.account_id AND (a.code ^@ %s OR true))",
    ),
    code(
        "the first open day is the last closed one",
        "periods",
        "None if through is None else through + timedelta(days=1)",
        "through",
    ),
    code(
        "more of a source is named than is needed",
        "lineage",
        "found[reference] = min(free, left)",
        "found[reference] = free",
    ),
    code(
        "what a reversed entry brought is still there to be spent",
        "lineage",
        "CASE WHEN r.id IS NULL THEN b.brought - t.taken ELSE 0 END",
        "(b.brought - t.taken)",
    ),
    code(
        "what was taken of a source is still there",
        "lineage",
        "THEN b.brought - t.taken ELSE 0 END",
        "THEN b.brought ELSE 0 END",
    ),
    code(
        "a book that is not open reads as an empty one",
        "reading",
        "if not rows or rows[0][0] != book:",
        "if not rows:",
    ),
]

PROVING = [
    code(
        "the proof sees entries with too many credits only",
        "checks",
        "GROUP BY p.book, p.entry_id, p.currency HAVING {_NET} <> 0",
        "GROUP BY p.book, p.entry_id, p.currency HAVING {_NET} < 0",
    ),
    code(
        "the proof takes balances for right while something arrives",
        "checks",
        "b.debits + coalesce(r.debits, 0) = coalesce(s.debits, 0)",
        "(b.debits = s.debits OR r.debits IS NOT NULL OR s.debits IS NULL)",
    ),
]

CHAIN = [
    code(
        "the chain does not miss a record that is gone",
        "chain",
        "WHERE r.digest IS DISTINCT FROM r.digest_now",
        "WHERE r.digest <> r.digest_now",
    ),
    code(
        "the chain does not miss what was never sealed",
        "chain",
        "WHERE r.sealed + r.waits > 1 OR r.must > r.sealed + r.waits\n",
        "WHERE r.sealed + r.waits > 1\n",
    ),
    code(
        "the chain does not look at what a seal follows",
        "chain",
        "WHERE number <> before + 1 OR previous <> head_before",
        "WHERE number <> before + 1",
    ),
    code(
        "any signature of an exported head will do",
        "chain",
        "if is_signed(head, self.keys):",
        "if head.signature:",
    ),
    code(
        "an exported head may be another than its seal's",
        "chain",
        "elif found != (head.head, head.previous):",
        "elif not found:",
    ),
]

CODE = (
    *beginning_with("test_reading_the_past", *READING),
    *beginning_with("test_check_books", *PROVING),
    *beginning_with("test_chain", *CHAIN),
)
