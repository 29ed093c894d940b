"""Bugs in what the database guards.

`ledger_check_postings` checks one small entry in a short way and everything else in a long one:
what both have to see is planted in each.
"""

from bugs.plant import Change, beginning_with, sql

_TABLES, _GUARDS, _ISOLATION, _HOLDS = "0002_tables", "0003_guards", "0004_isolation", "0006_holds"
_ARRIVALS, _CHECKS, _POSTING = "0008_arrivals", "0009_checks", "0010_posting"
_FOLDING, _LINEAGE = "0011_folding", "0013_lineage"
_ANY_POLICY = Change(
    "ledger/catalogue.py",
    "<> {_ONLY_THE_OPEN_BOOK})",
    "NOT IN ('(book = book)', {_ONLY_THE_OPEN_BOOK}))",
)

ALONE = [
    sql(
        "a single entry need not balance",
        _CHECKS,
        "IF short AND seen = first.posting_count AND rest = 0 THEN",
        "IF short AND seen = first.posting_count THEN",
    ),
    sql(
        "a single entry may have fewer postings than it states",
        _CHECKS,
        "IF short AND seen = first.posting_count AND rest = 0 THEN",
        "IF short AND seen <= first.posting_count AND rest = 0 THEN",
    ),
    sql(
        "a single entry's lines may have any number",
        _CHECKS,
        "WHEN r.line_no > e.posting_count THEN",
        "WHEN r.line_no > e.posting_count + 1 THEN",
    ),
    sql(
        "a single entry balances over all currencies together",
        _CHECKS,
        " OR line.currency <> first.currency OR seen > 8",
        " OR seen > 8",
    ),
    sql(
        "a single entry may be in another currency than its account",
        _CHECKS,
        "WHEN a.currency <> r.currency THEN",
        "WHEN a.currency = '' THEN",
    ),
    sql(
        "a single entry's postings may have times of their own",
        _CHECKS,
        "WHEN r.known_at <> e.known_at OR r.booked_on <> e.booked_on\n",
        "WHEN r.known_at <> e.known_at\n",
    ),
    sql(
        "two entries in one statement pass for one",
        _CHECKS,
        "IF line.entry_id <> first.entry_id OR",
        "IF",
    ),
    sql(
        "a single entry's ninth posting is not looked at",
        _CHECKS,
        "FROM (SELECT * FROM arrived LIMIT 9) r",
        "FROM (SELECT * FROM arrived LIMIT 8) r",
    ),
    sql(
        "a single entry may be booked on the last closed day",
        _CHECKS,
        "WHEN r.booked_on <= c.through THEN",
        "WHEN r.booked_on < c.through THEN",
    ),
    sql(
        "a single reversal need be no mirror",
        _CHECKS,
        "OR line.reverses IS NOT NULL OR line.hold_id",
        "OR line.hold_id",
    ),
    sql(
        "a single entry does not move guarded balances",
        _CHECKS,
        " OR line.floor IS NOT NULL\n",
        "\n",
    ),
    sql(
        "what a single entry credits does not arrive",
        _CHECKS,
        "its_credits := its_credits || line.amount;",
        "its_credits := its_credits || 0::bigint;",
    ),
]

TOGETHER = [
    sql(
        "an entry balances over all currencies together",
        _CHECKS,
        "FROM arrived GROUP BY book, entry_id, currency",
        "FROM arrived GROUP BY book, entry_id",
    ),
    sql(
        "an entry may have fewer postings than it states",
        _CHECKS,
        "WHEN p.lines <> e.posting_count OR p.lowest <> 1",
        "WHEN p.lines > e.posting_count OR p.lowest <> 1",
    ),
    sql(
        "a posting may have a day of its own",
        _CHECKS,
        "OR p.first_booked <> e.booked_on OR p.last_booked <> e.booked_on",
        "OR p.first_booked <> e.booked_on",
    ),
    sql(
        "a posting may be in another currency than its account",
        _CHECKS,
        "WHEN a.currency <> p.currency THEN",
        "WHEN a.currency = '' THEN",
    ),
    sql(
        "a reversal need not exchange the sides",
        _CHECKS,
        "AND q.amount = p.amount AND q.side <> p.side",
        "AND q.amount = p.amount AND q.side IS NOT NULL",
    ),
    sql(
        "a batch may be booked on the last closed day",
        _CHECKS,
        ") c ON b.booked_on <= c.through));",
        ") c ON b.booked_on < c.through));",
    ),
    sql(
        "guarded balances are locked in the order of the lines",
        _CHECKS,
        "                GROUP BY p.book, p.account_id\n            ) s\n",
        "                GROUP BY p.book, p.account_id ORDER BY min(line_no) LIMIT 1000\n"
        "            ) s\n",
        Change("ledger/migrations/0009_checks.py", "            ORDER BY s.account_id\n", ""),
    ),
    sql(
        "what a batch credits arrives as debited",
        _CHECKS,
        "array_agg(p.credits::bigint) AS credits",
        "array_agg(p.debits::bigint) AS credits",
    ),
    sql(
        "an entry without postings is let in beside a whole one",
        _CHECKS,
        "SELECT min(CASE WHEN p.line_no IS NULL THEN",
        "SELECT min(CASE WHEN e.link_count < 0 THEN",
    ),
    sql(
        "an entry may have fewer links than it states",
        _CHECKS,
        "WHEN e.link_count <> coalesce(l.links, 0) THEN",
        "WHEN e.link_count < coalesce(l.links, 0) THEN",
    ),
    sql(
        "posting in one call does not ask whether the book is open",
        _POSTING,
        "IF its_book IS DISTINCT FROM NULLIF(current_setting('tributary.tenant', true), '')::uuid",
        "IF its_book IS DISTINCT FROM its_book",
    ),
]

FOLDING = [
    sql(
        "folding counts debits twice",
        _FOLDING,
        "SET debits = b.debits + moved.debits,",
        "SET debits = b.debits + 2 * moved.debits,",
    ),
    sql(
        "folding replaces a day's totals",
        _FOLDING,
        "SET debits = d.debits + excluded.debits, credits",
        "SET debits = excluded.debits, credits",
    ),
    sql(
        "folding counts a fact on the day it was learnt",
        _FOLDING,
        "(e.event_at AT TIME ZONE 'UTC')::date,",
        "(e.known_at AT TIME ZONE 'UTC')::date,",
    ),
    sql(
        "folding leaves the postings uncounted",
        _FOLDING,
        "postings = d.postings + excluded.postings;",
        "postings = d.postings;",
    ),
    sql(
        "arrivals can be truncated",
        _ARRIVALS,
        "arrivals_stay_until_they_are_folded BEFORE UPDATE OR TRUNCATE ON",
        "arrivals_stay_until_they_are_folded BEFORE UPDATE ON",
    ),
    sql(
        "arrivals can be made up",
        _ARRIVALS,
        "arrivals_come_from_postings_only BEFORE INSERT ON ledger_arrival\n"
        "    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)",
        "arrivals_come_from_postings_only BEFORE INSERT ON ledger_arrival\n"
        "    FOR EACH STATEMENT WHEN (pg_trigger_depth() < 0)",
    ),
    sql(
        "a day's totals can be changed by hand",
        _ARRIVALS,
        "daily_totals_come_from_arrivals_only BEFORE INSERT OR UPDATE ON",
        "daily_totals_come_from_arrivals_only BEFORE INSERT ON",
    ),
]

LINEAGE = [
    sql(
        "an entry funds more than it brought",
        _LINEAGE,
        "        ) > coalesce((\n",
        "        ) > 2 * coalesce((\n",
    ),
    sql(
        "an entry may name more origins than it took",
        _LINEAGE,
        "        WHERE t.amount > coalesce((",
        "        WHERE t.amount > 2 * coalesce((",
    ),
    sql(
        "a link may come later than its entry",
        _LINEAGE,
        "NOT coalesce(l.link_no <= e.link_count, false)",
        "e.link_count IS NULL",
    ),
    sql(
        "an unguarded account may have lineage",
        _LINEAGE,
        "WHEN l.account_id IS NOT NULL AND a.floor IS NULL",
        "WHEN l.account_id IS NOT NULL AND a.id IS NULL",
    ),
    sql(
        "a link can be changed",
        _ARRIVALS,
        "link_never_changes BEFORE UPDATE OR DELETE ON",
        "link_never_changes BEFORE DELETE ON",
    ),
]

PERIODS = [
    sql(
        "who closed a book can reopen it alone",
        _ARRIVALS,
        "length(approved_by) >= 1 AND approved_by <> closed_by",
        "length(approved_by) >= 1",
    ),
    sql(
        "a closing can be changed",
        _ARRIVALS,
        "closing_never_changes BEFORE UPDATE OR DELETE ON",
        "closing_never_changes BEFORE DELETE ON",
    ),
]

FLOORS = [
    sql(
        "a hold counts twice",
        _HOLDS,
        "SET held = held + placed.amount",
        "SET held = held + 2 * placed.amount",
    ),
    sql(
        "a settled hold gives nothing back",
        _HOLDS,
        "SET held = held - settled.amount",
        "SET held = held - 0 * settled.amount",
    ),
    sql(
        "a hold may promise what only an overdraft would cover",
        _HOLDS,
        "IF NOT coalesce(free >= 0, false) THEN",
        "IF free IS NULL THEN",
    ),
    sql(
        "an entry may take less than the hold it posts",
        _HOLDS,
        "WHERE h.entry_id IS NOT NULL AND taken.amount IS DISTINCT FROM h.amount",
        "WHERE h.entry_id IS NOT NULL AND NOT coalesce(taken.amount <= h.amount, false)",
    ),
    sql(
        "whoever posts a hold locks balances in no order",
        _HOLDS,
        "ORDER BY account_id FOR NO KEY UPDATE",
        "ORDER BY md5(account_id::text || pg_backend_pid()) FOR NO KEY UPDATE",
    ),
    sql(
        "a guarded account may fall below its floor",
        _TABLES,
        "ELSE credits - debits END - held >= floor",
        "ELSE credits - debits END - held >= floor - 1",
    ),
    sql(
        "what is held does not count against the floor",
        _TABLES,
        "ELSE credits - debits END - held >= floor",
        "ELSE credits - debits END >= floor",
    ),
]

PERMANENCE = [
    sql(
        "a posting can be updated",
        _GUARDS,
        "posting_never_changes BEFORE UPDATE OR DELETE ON",
        "posting_never_changes BEFORE DELETE ON",
    ),
    sql(
        "an entry can be deleted",
        _GUARDS,
        "entry_never_changes BEFORE UPDATE OR DELETE ON",
        "entry_never_changes BEFORE UPDATE ON",
    ),
    sql(
        "the entries can be truncated",
        _GUARDS,
        "entries_never_vanish BEFORE TRUNCATE ON",
        "entries_never_vanish BEFORE DELETE ON",
    ),
    sql(
        "a partition can be truncated",
        _GUARDS,
        "partition_is_closed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE '",
        "partition_is_closed BEFORE INSERT OR UPDATE OR DELETE '",
    ),
    sql(
        "a balance can be moved without a posting",
        _GUARDS,
        "WHEN (pg_trigger_depth() = 0) EXECUTE",
        "WHEN (pg_trigger_depth() < 0) EXECUTE",
    ),
]

ISOLATION = [
    sql(
        "the application writes into any book",
        _ISOLATION,
        "'USING (%s) WITH CHECK (%s)', name, mine, mine);",
        "'USING (%s) WITH CHECK (%s)', name, mine, 'book = book');",
        _ANY_POLICY,
    ),
    sql(
        "the application reads every book's holds",
        _HOLDS,
        "    USING (book = NULLIF(current_setting('tributary.tenant', true), '')::uuid)\n",
        "    USING (book = book)\n",
        _ANY_POLICY,
    ),
    sql(
        "the application reads every book's arrivals and daily totals",
        _ARRIVALS,
        "'USING (%s) WITH CHECK (%s)', name, mine, mine);",
        "'USING (%s) WITH CHECK (%s)', name, 'book = book', mine);",
        _ANY_POLICY,
    ),
]

SQL = (
    *beginning_with("test_guards", *ALONE, *TOGETHER),
    *beginning_with("test_hold_guards", *FLOORS),
    *beginning_with("test_permanence", *PERMANENCE, *FOLDING, *LINEAGE, *PERIODS),
    *beginning_with("test_isolation", *ISOLATION),
)
