"""Bugs in what the database keeps: floors, holds, closed days, lineage, history, other books."""

from bugs.plant import Change, beginning_with, sql

_TABLES, _GUARDS, _ISOLATION = "0002_tables", "0003_guards", "0004_isolation"
_ARRIVALS, _CHECKS, _LINEAGE = "0008_arrivals", "0009_checks", "0013_lineage"
_HOLDS, _PERIODS = "0014_holds", "0015_periods"
_ANY_POLICY = Change(
    "ledger/catalogue.py",
    "<> {_ONLY_THE_OPEN_BOOK})",
    "NOT IN ('(book = book)', {_ONLY_THE_OPEN_BOOK}))",
)

FLOORS = [
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

HOLDS = [
    sql(
        "a hold counts twice",
        _HOLDS,
        "SET held = held + placed.amount",
        "SET held = held + 2 * placed.amount",
    ),
    sql(
        "a hold may promise what neither money nor overdraft cover",
        _HOLDS,
        "IF NOT coalesce(free >= 0, false) THEN",
        "IF free IS NULL THEN",
    ),
    sql(
        "an overdraft is of no use to a hold",
        _HOLDS,
        "- held + overdraft INTO free",
        "- held INTO free",
    ),
    sql(
        "a settled hold gives nothing back",
        _HOLDS,
        "SET held = held - moved.freed",
        "SET held = held - 0 * moved.freed",
    ),
    sql(
        "a hold released after a part gives that part back too",
        _HOLDS,
        "THEN n.taken - o.taken ELSE o.amount - o.taken END",
        "THEN n.taken - o.taken ELSE o.amount END",
    ),
    sql(
        "more may be taken than was held",
        _HOLDS,
        "CHECK (taken >= 0 AND taken <= amount)",
        "CHECK (taken >= 0)",
    ),
    sql(
        "a hold of which all is taken stays live",
        _CHECKS,
        "state = CASE taken + moved.taken WHEN amount THEN 'posted' ELSE state END,",
        "state = state,",
        Change(
            "ledger/migrations/0014_holds.py",
            "CHECK ((state = 'posted') = (taken = amount))",
            "CHECK (state <> 'posted' OR taken = amount)",
        ),
        Change(
            "ledger/migrations/0009_checks.py",
            "settled_at = CASE taken + moved.taken WHEN amount THEN moved.known_at END",
            "settled_at = NULL",
        ),
    ),
    sql(
        "a released hold can be posted",
        _CHECKS,
        "WHERE state = 'held' AND ctid = (",
        "WHERE ctid = (",
    ),
    sql(
        "an entry need not take from the hold it posts",
        _CHECKS,
        "ELSIF moved.least <= 0 THEN",
        "ELSIF moved.least < 0 THEN",
    ),
    sql(
        "a hold expires before its time",
        _HOLDS,
        "AND state = 'held' AND expires_at <= its_settled_at\n",
        "AND state = 'held' AND expires_at <= its_settled_at + interval '1 second'\n",
        Change(
            "ledger/migrations/0014_holds.py",
            "coalesce(settled_at >= expires_at, false)",
            "expires_at IS NOT NULL",
        ),
    ),
    sql(
        "a hold does not expire at the very instant",
        _HOLDS,
        "AND state = 'held' AND expires_at <= its_settled_at\n",
        "AND state = 'held' AND expires_at < its_settled_at\n",
    ),
    sql(
        "more holds expire than were asked for",
        _HOLDS,
        "AND (expires_at, id) <= (due.last_at, due.last_id) AND",
        "AND",
    ),
    sql(
        "a released hold is not sealed",
        _HOLDS,
        "WHERE state IN ('released', 'expired') GROUP BY book;",
        "WHERE state = 'expired' GROUP BY book;",
    ),
    sql(
        "balances are locked in no order before holds are settled",
        "0006_holds",
        "ORDER BY account_id FOR NO KEY UPDATE",
        "ORDER BY md5(account_id::text || pg_backend_pid()) FOR NO KEY UPDATE",
    ),
    sql(
        "who posts holds locks balances the other way round",
        _CHECKS,
        "            ORDER BY p.account_id\n",
        "            ORDER BY p.account_id DESC\n",
    ),
]

PERIODS = [
    sql(
        "the same day can be closed twice",
        _PERIODS,
        "IF NEW.action = 'close' AND NEW.through <= last.through THEN",
        "IF NEW.action = 'close' AND NEW.through < last.through THEN",
    ),
    sql(
        "who closes a day does not wait for who is posting",
        _PERIODS,
        "PERFORM pg_advisory_xact_lock(hashtextextended('ledger_closing ' || NEW.book, 0));",
        "PERFORM hashtextextended('ledger_closing ' || NEW.book, 0);",
    ),
    sql(
        "who closed a book can reopen it alone",
        _PERIODS,
        "AND lower(btrim(approved_by)) <> lower(btrim(closed_by)));",
        "AND approved_by <> '');",
    ),
    sql(
        "a name in other letters is another person",
        _PERIODS,
        "AND lower(btrim(approved_by)) <> lower(btrim(closed_by)));",
        "AND approved_by <> closed_by);",
    ),
    sql(
        "a closing states what was booked a day later",
        _PERIODS,
        "WHERE book = its_book AND account_id = a.id AND booked_on > last_day\n",
        "WHERE book = its_book AND account_id = a.id AND booked_on > last_day + 1\n",
    ),
    sql(
        "a closing leaves out what is not folded",
        _PERIODS,
        "CASE WHEN a.floor IS NULL THEN coalesce(f.all_debits, 0) ELSE 0 END",
        "CASE WHEN a.floor IS NULL THEN 0 ELSE 0 END",
    ),
    sql(
        "a closing can be changed",
        _ARRIVALS,
        "closing_never_changes BEFORE UPDATE OR DELETE ON",
        "closing_never_changes BEFORE DELETE ON",
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
        "0006_holds",
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
    *beginning_with("test_accounts", *FLOORS),
    *beginning_with("test_holds_in_parts", *HOLDS),
    *beginning_with("test_periods", *PERIODS),
    *beginning_with("test_lineage", *LINEAGE),
    *beginning_with("test_permanence", *PERMANENCE),
    *beginning_with("test_isolation", *ISOLATION),
)
