"""Bugs in what the database makes sure of when something is posted, folded and sealed.

`ledger_check_postings` checks one small entry in a short way and everything else in a long one:
what both have to see is planted in each.
"""

from bugs.plant import Change, beginning_with, sql

_ARRIVALS, _CHECKS, _POSTING = "0008_arrivals", "0009_checks", "0010_posting"
_FOLDING, _SEALS = "0017_folding", "0016_seals"

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
    sql(
        "a single entry is posted while its day is being closed",
        _CHECKS,
        "short := pg_advisory_xact_lock_shared(hashtextextended('ledger_closing ' || mine, 0))\n"
        "        IS NOT NULL;",
        "short := true;",
    ),
]

TOGETHER = [
    sql(
        "a batch's entries need not balance",
        _CHECKS,
        "AND p.booked_on = e.booked_on AND p.net = 0, false)),",
        "AND p.booked_on = e.booked_on, false)),",
    ),
    sql(
        "a batch's entries may have fewer postings than they state",
        _CHECKS,
        "               p.lines = e.posting_count AND p.lowest = 1 AND",
        "               p.lines <= e.posting_count AND p.lowest = 1 AND",
    ),
    sql(
        "a batch's lines need not begin at one",
        _CHECKS,
        "p.lowest = 1 AND p.highest = e.posting_count\n",
        "p.highest >= e.posting_count\n",
    ),
    sql(
        "a batch's postings may have days of their own",
        _CHECKS,
        "               AND p.known_at = e.known_at AND p.booked_on = e.booked_on AND p.net = 0",
        "               AND p.known_at = e.known_at AND p.net = 0",
    ),
    sql(
        "an entry balances over all currencies together",
        _CHECKS,
        "            FROM arrived GROUP BY book, entry_id, currency\n",
        "            FROM arrived GROUP BY book, entry_id\n",
    ),
    sql(
        "an entry of two currencies may have fewer postings than it states",
        _CHECKS,
        "WHEN p.lines <> e.posting_count OR p.lowest <> 1",
        "WHEN p.lines > e.posting_count OR p.lowest <> 1",
    ),
    sql(
        "an entry of two currencies may have days of their own",
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
        "WHERE moved.first_day <= c.through));",
        "WHERE moved.first_day < c.through));",
    ),
    sql(
        "only a batch's last day is looked at",
        _CHECKS,
        "SELECT p.book, min(p.booked_on) AS first_day,",
        "SELECT p.book, max(p.booked_on) AS first_day,",
    ),
    sql(
        "guarded balances are locked in the order of what moves",
        _CHECKS,
        "            ORDER BY s.account_id\n",
        "            ORDER BY s.debits, s.credits\n",
    ),
    sql(
        "what a batch credits arrives as debited",
        _CHECKS,
        "coalesce(array_agg(p.credits::bigint)",
        "coalesce(array_agg(p.debits::bigint)",
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
        "(event_at AT TIME ZONE 'UTC')::date AS event_day",
        "(known_at AT TIME ZONE 'UTC')::date AS event_day",
    ),
    sql(
        "folding counts a late comer on the day it was learnt",
        _FOLDING,
        "(e.event_at AT TIME ZONE 'UTC')::date, (e.known_at",
        "(e.known_at AT TIME ZONE 'UTC')::date, (e.known_at",
    ),
    sql(
        "folding forgets what came late",
        _FOLDING,
        "WHERE u.id NOT BETWEEN near.first_id AND near.last_id",
        "WHERE u.id > near.last_id",
    ),
    sql(
        "folding counts the neighbours of what arrived",
        _FOLDING,
        "JOIN unnest(its.ids) AS u (id) ON u.id = e.id\n                JOIN ledger_posting",
        "JOIN ledger_posting",
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

SEALS = [
    sql(
        "closings are never sealed",
        _SEALS,
        "(SELECT ctid, ids FROM ledger_arrival WHERE book = its_book LIMIT most)",
        "(SELECT ctid, ids FROM ledger_arrival WHERE book = its_book AND kind <> 'closing'\n"
        "              LIMIT most)",
    ),
    sql(
        "two seal the same book at once",
        _SEALS,
        "PERFORM pg_advisory_xact_lock(hashtextextended('ledger_seal ' || its_book, 0));",
        "PERFORM hashtextextended('ledger_seal ' || its_book, 0);",
    ),
    sql(
        "a long call leaves out the last record of each seal",
        _SEALS,
        "its_ids := all_ids[done + 1 : done + size];",
        "its_ids := all_ids[done + 1 : done + size - 1];",
        Change(
            "ledger/migrations/0016_seals.py",
            "its_kinds := all_kinds[done + 1 : done + size];",
            "its_kinds := all_kinds[done + 1 : done + size - 1];",
        ),
    ),
    sql(
        "the second seal of a call does not follow the first",
        _SEALS,
        "        its_previous := its_head;\n",
        "",
        Change(
            "ledger/migrations/0016_seals.py",
            "    CONSTRAINT every_seal_has_one_successor UNIQUE (book, previous),\n",
            "",
        ),
        Change("ledger/catalogue.py", '        "every_seal_has_one_successor",\n', ""),
    ),
    sql(
        "a seal's head does not cover what its records say",
        _SEALS,
        "|| '36:' || d.id || '64:'\n                   || encode(d.digest, 'hex')",
        "|| '36:' || d.id",
    ),
    sql(
        "a seal does not say how a hold was settled",
        _SEALS,
        '_instant("h.settled_at"), "h.reason",',
        '_instant("h.settled_at"),',
        Change("ledger/chain.py", '    "h.reason",\n', ""),
    ),
    sql(
        "a seal can be changed",
        _SEALS,
        "seal_never_changes BEFORE UPDATE OR DELETE ON",
        "seal_never_changes BEFORE DELETE ON",
    ),
    sql(
        "the seals can be truncated",
        _SEALS,
        "seals_never_vanish BEFORE TRUNCATE ON",
        "seals_never_vanish BEFORE DELETE ON",
    ),
]

SQL = (
    *beginning_with("test_guards", *ALONE, *TOGETHER),
    *beginning_with("test_seals", *FOLDING, *SEALS),
)
