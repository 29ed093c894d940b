"""What PostgreSQL's catalogue must say for the ledger's guards to be at work.

Queries as in `ledger/checks.py`: a line of text per violation.
"""

from __future__ import annotations

TABLES = (
    "ledger_ledgeraccount",
    "ledger_journalentry",
    "ledger_posting",
    "ledger_balance",
    "ledger_hold",
    "ledger_link",
    "ledger_arrival",
    "ledger_daily",
    "ledger_closing",
    "ledger_seal",
    "ledger_anchor",
)

TRIGGERS = {
    "ledger_ledgeraccount": {
        "account_never_changes": "ledger_refuse",
        "accounts_never_vanish": "ledger_refuse",
        "account_has_a_balance": "ledger_open_balances",
    },
    "ledger_journalentry": {
        "entry_never_changes": "ledger_refuse",
        "entries_never_vanish": "ledger_refuse",
        "entries_have_their_postings": "ledger_check_entries",
    },
    "ledger_posting": {
        "posting_never_changes": "ledger_refuse",
        "postings_never_vanish": "ledger_refuse",
        "postings_make_whole_entries": "ledger_check_postings",
    },
    "ledger_balance": {
        "balances_never_vanish": "ledger_refuse",
        "balance_moves_with_postings_only": "ledger_refuse",
    },
    "ledger_hold": {
        "hold_is_settled_once": "ledger_check_hold_change",
        "holds_never_vanish": "ledger_refuse",
        "holds_need_money_that_is_there": "ledger_place_holds",
        "settled_holds_give_back": "ledger_settle_holds",
    },
    "ledger_link": {
        "link_never_changes": "ledger_refuse",
        "links_never_vanish": "ledger_refuse",
        "links_come_with_their_entry": "ledger_check_links",
    },
    "ledger_arrival": {
        "arrivals_stay_until_they_are_folded": "ledger_refuse",
        "arrivals_come_from_postings_only": "ledger_refuse",
        "arrivals_are_folded": "ledger_fold_arrivals",
    },
    "ledger_daily": {
        "daily_totals_never_vanish": "ledger_refuse",
        "daily_totals_come_from_arrivals_only": "ledger_refuse",
    },
    "ledger_closing": {
        "closing_never_changes": "ledger_refuse",
        "closings_never_vanish": "ledger_refuse",
        "closing_follows_the_last_one": "ledger_check_closing",
        "closings_arrive": "ledger_announce_closings",
    },
    "ledger_seal": {
        "seal_never_changes": "ledger_refuse",
        "seals_never_vanish": "ledger_refuse",
    },
    "ledger_anchor": {
        "anchor_never_changes": "ledger_refuse",
        "anchors_never_vanish": "ledger_refuse",
    },
}
PARTITION_TRIGGERS = {
    "posting_never_changes": "ledger_refuse",
    "partition_is_closed": "ledger_refuse",
}

CONSTRAINTS = {
    "ledger_ledgeraccount": (
        "ledger_account_key",
        "one_account_per_code",
        "account_code_is_not_empty",
        "account_currency_is_a_code",
        "account_is_normally_debit_or_credit",
        "account_floor_is_not_above_zero",
        "overdraft_is_not_beyond_the_floor",
    ),
    "ledger_journalentry": (
        "journal_entry_key",
        "one_entry_per_reference",
        "reversal_has_its_original",
        "entry_does_not_reverse_itself",
    ),
    "ledger_posting": ("one_posting_per_line",),
    "ledger_balance": (
        "ledger_balance_key",
        "balance_has_its_account",
        "held_is_not_negative",
        "available_is_never_below_its_floor",
    ),
    "ledger_hold": (
        "ledger_hold_key",
        "one_hold_per_reference",
        "hold_reference_is_not_empty",
        "hold_amount_is_positive",
        "hold_amount_is_below_a_quadrillion",
        "hold_content_hash_is_sha256",
        "hold_is_held_posted_released_or_expired",
        "hold_is_posted_when_all_is_taken",
        "hold_is_settled_at_an_instant",
        "hold_has_an_entry_only_if_posted",
        "hold_expires_when_its_time_has_come",
        "no_more_is_taken_than_was_held",
        "hold_reason_is_not_endless",
    ),
    "ledger_link": (
        "ledger_link_key",
        "link_has_its_entry",
        "link_has_its_target",
        "link_leads_to_another_entry",
        "link_numbers_begin_at_one",
        "link_amount_is_positive",
        "link_amount_is_of_an_account",
        "link_relation_is_not_empty",
    ),
    "ledger_daily": ("ledger_daily_key", "daily_sums_are_not_negative"),
    "ledger_closing": (
        "ledger_closing_key",
        "closing_numbers_begin_at_one",
        "closing_closes_or_reopens",
        "closing_has_a_last_day",
        "closing_has_a_name",
        "reopening_takes_two_persons",
        "reopening_has_a_reason",
        "one_closing_per_id",
        "closing_digest_is_sha256",
        "closing_reason_is_not_endless",
        "approval_has_a_name",
        "closing_is_of_days_that_have_begun",
    ),
    "ledger_seal": (
        "ledger_seal_key",
        "every_seal_has_one_successor",
        "seal_numbers_begin_at_one",
        "seal_heads_are_sha256",
        "seal_has_a_digest_for_every_record",
    ),
    "ledger_anchor": (
        "ledger_anchor_key",
        "anchor_has_its_seal",
        "anchor_signature_is_ed25519",
        "anchor_names_a_place",
    ),
}
DOMAINS = {
    ("ledger_journalentry", "reference"): ("entry_reference_is_not_empty",),
    ("ledger_journalentry", "kind"): ("entry_kind_is_not_empty",),
    ("ledger_journalentry", "memo"): ("entry_memo_is_not_endless",),
    ("ledger_journalentry", "content_hash"): ("entry_content_hash_is_sha256",),
    ("ledger_journalentry", "posting_count"): ("entry_has_at_least_two_postings",),
    ("ledger_journalentry", "metadata"): ("entry_metadata_is_an_object",),
    ("ledger_posting", "line_no"): ("posting_line_numbers_begin_at_one",),
    ("ledger_posting", "side"): ("posting_is_debit_or_credit",),
    ("ledger_posting", "amount"): (
        "posting_amount_is_positive",
        "posting_amount_is_below_a_quadrillion",
    ),
}
"""Columns whose type is a domain, and its constraints; a partition has the types of its table."""

FUNCTIONS = {
    "ledger_refuse": "7818a8aa82e533414a4793ae45bdfff0",
    "ledger_complain": "c979ba53ca2021a9a78f2957ef6519e7",
    "ledger_open_balances": "c359dc74ec806f5bcbc9254ff5555ab1",
    "ledger_check_links": "4056a98699167cd2413ef80efda998d0",
    "ledger_fold_arrivals": "75bdc188f5640d7c0a11c3957c31a748",
    "ledger_check_postings": "53041d31c4bfbc073123c9fc29bbb0d5",
    "ledger_check_entries": "dd30a0f880e56004a21b1705f7760558",
    "ledger_ensure_partitions": "498543b6a224e36ce2249942348e4d17",
    "ledger_check_hold_change": "2aba23dbf694bf5b9eb8ae4de25297a7",
    "ledger_place_holds": "bfc3b0a1a8a8e728ed143e2f5922ac47",
    "ledger_settle_holds": "477767fba8f86d343e11210c55b281be",
    "ledger_place": "baa3cb8e6dec3e9e0e2de3851f28f099",
    "ledger_release": "775afbe6b2555feb833cbc3cfe97c3fe",
    "ledger_expire": "9b5abbec1874e22ea163ecddcc85807a",
    "ledger_lock_balances": "6f2ee7fc2b65bbf937434d3f347efcc0",
    "ledger_seal_arrivals": "0f80c879403cc5817fa919c45e890e67",
    "ledger_trial_balance_digest": "2aaa729794d44c10ca9f0b3d662c4f43",
    "ledger_check_closing": "698c264d5c512e59968996a435e78f29",
    "ledger_announce_closings": "e780e25c4bf75450d747b8fe97f5dd02",
    "ledger_post": "0d8c55dca40437199f12b78507944136",
}
"""MD5 of the bodies as the migrations wrote them: a guard that was replaced is no guard."""

DEFINERS = (
    "ledger_check_links",
    "ledger_open_balances",
    "ledger_fold_arrivals",
    "ledger_check_postings",
    "ledger_check_entries",
    "ledger_place_holds",
    "ledger_settle_holds",
    "ledger_check_closing",
    "ledger_announce_closings",
)
"""Functions with the owner's rights that only the ledger's own triggers call."""


def _values(*rows: tuple[str, ...]) -> str:
    return "VALUES " + ", ".join("('{}')".format("', '".join(row)) for row in rows)


_SETTLING = "'state', 'settled_at', 'reason'"
"""What the application may change of a hold; the trigger sees to it that it does so once."""

# The policies' expression as PostgreSQL prints it.
_ONLY_THE_OPEN_BOOK = (
    "$$(book = (NULLIF(current_setting('tributary.tenant'::text, true), ''::text))::uuid)$$"
)
_PARTITIONS = "SELECT inhrelid FROM pg_inherits WHERE inhparent = 'ledger_posting'::regclass"
_ALL_TABLES = f"""
    SELECT t::regclass::oid AS oid FROM ({_values(*((table,) for table in TABLES))}) AS named (t)
    UNION ALL {_PARTITIONS}
"""
_WANTED_TRIGGERS = f"""
    SELECT t::regclass::oid AS oid, name, function FROM (
        {_values(*((t, n, f) for t, names in TRIGGERS.items() for n, f in names.items()))}
    ) AS named (t, name, function)
    UNION ALL
    SELECT inhrelid, name, function FROM ({_PARTITIONS}) AS parts,
        ({_values(*PARTITION_TRIGGERS.items())}) AS named (name, function)
"""
_WANTED_CONSTRAINTS = f"""
    SELECT t::regclass::oid AS oid, name FROM (
        {_values(*((t, name) for t, names in CONSTRAINTS.items() for name in names))}
    ) AS named (t, name)
"""

CATALOGUE_INVARIANTS = {
    "every guard trigger is in place and always on": f"""
        SELECT format('%s on %s', w.name, w.oid::regclass) FROM ({_WANTED_TRIGGERS}) w
        LEFT JOIN pg_trigger t
          ON t.tgrelid = w.oid AND t.tgname = w.name AND t.tgfoid = to_regproc(w.function)
        WHERE t.tgenabled IS DISTINCT FROM 'A'
    """,
    "every constraint is in place": f"""
        SELECT format('%s on %s', w.name, w.oid::regclass) FROM ({_WANTED_CONSTRAINTS}) w
        LEFT JOIN pg_constraint c ON c.conrelid = w.oid AND c.conname = w.name
        WHERE NOT coalesce(c.convalidated, false)
        UNION ALL
        SELECT format('%s of %s.%s', w.name, w.t, w.attname)
        FROM ({_values(*((t, a, c) for (t, a), names in DOMAINS.items() for c in names))})
            AS w (t, attname, name)
        JOIN pg_attribute a ON a.attrelid = w.t::regclass AND a.attname = w.attname
        LEFT JOIN pg_constraint c ON c.contypid = a.atttypid AND c.conname = w.name
        WHERE NOT coalesce(c.convalidated, false)
        UNION ALL
        SELECT 'one_reversal_per_entry on ledger_journalentry'
        WHERE NOT EXISTS (
            SELECT FROM pg_index WHERE indexrelid = to_regclass('one_reversal_per_entry')
                AND indrelid = 'ledger_journalentry'::regclass AND indisunique AND indisvalid)
    """,
    "every table keeps books apart, for its owner too": f"""
        SELECT format('%s', c.oid::regclass) FROM ({_ALL_TABLES}) w JOIN pg_class c USING (oid)
        WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
        UNION ALL
        SELECT DISTINCT format('%s on %s', p.polname, p.polrelid::regclass)
        FROM ({_ALL_TABLES}) w JOIN pg_policy p ON p.polrelid = w.oid, unnest(p.polroles) AS role
        WHERE (role = 0 OR pg_has_role('tributary_app', role, 'MEMBER')) AND EXISTS (
            SELECT FROM (VALUES (p.polqual), (p.polwithcheck)) AS side (expression)
            WHERE pg_get_expr(expression, p.polrelid) <> {_ONLY_THE_OPEN_BOOK})
    """,
    "the application can add and settle, never change": f"""
        SELECT format('%s on %s', privilege, w.oid::regclass) FROM ({_ALL_TABLES}) w,
            unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) privilege
        WHERE has_table_privilege('tributary_app', w.oid, privilege)
        UNION ALL
        SELECT format('UPDATE of %s of %s', attname, w.oid::regclass)
        FROM ({_ALL_TABLES}) w JOIN pg_attribute ON attrelid = w.oid AND attnum > 0
        WHERE NOT attisdropped AND has_column_privilege('tributary_app', w.oid, attnum, 'UPDATE')
          AND NOT (w.oid = 'ledger_hold'::regclass AND attname IN ({_SETTLING}))
        UNION ALL
        SELECT format('INSERT on %s', w.oid::regclass)
        FROM (SELECT t::regclass::oid AS oid
            FROM unnest(ARRAY['ledger_balance', 'ledger_arrival', 'ledger_daily',
                'ledger_seal']) AS t
            UNION ALL {_PARTITIONS}) w
        WHERE has_any_column_privilege('tributary_app', w.oid, 'INSERT')
        UNION ALL
        SELECT format('%s is a superuser or bypasses row-level security', rolname) FROM pg_roles
        WHERE rolname IN ('tributary_app', 'tributary_ops') AND (rolsuper OR rolbypassrls)
        UNION ALL
        SELECT format('tributary_app owns %s', c.oid::regclass)
        FROM ({_ALL_TABLES}) w JOIN pg_class c USING (oid)
        WHERE pg_has_role('tributary_app', c.relowner, 'MEMBER')
        UNION ALL
        SELECT 'CREATE on schema public'
        WHERE has_schema_privilege('tributary_app', 'public', 'CREATE')
    """,
    "the operator can read, nothing else": f"""
        SELECT format('%s on %s', privilege, w.oid::regclass) FROM ({_ALL_TABLES}) w,
            unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
                privilege
        WHERE has_table_privilege('tributary_ops', w.oid, privilege)
           OR privilege IN ('INSERT', 'UPDATE')
              AND has_any_column_privilege('tributary_ops', w.oid, privilege)
    """,
    "every guard does what it was written to do": f"""
        SELECT named.name FROM ({_values(*FUNCTIONS.items())}) AS named (name, body)
        LEFT JOIN pg_proc p ON p.oid = to_regproc(named.name)
        WHERE md5(p.prosrc) IS DISTINCT FROM named.body
    """,
    "nobody can borrow the guards' rights": f"""
        SELECT p.oid::regprocedure::text
        FROM ({_values(*((name,) for name in DEFINERS))}) AS named (name)
        LEFT JOIN pg_proc p ON p.oid = to_regproc(named.name)
        WHERE has_function_privilege('tributary_app', p.oid, 'EXECUTE')
           OR has_function_privilege('tributary_ops', p.oid, 'EXECUTE')
           OR NOT coalesce(p.prosecdef AND 'search_path=public, pg_temp' = ANY(p.proconfig), false)
    """,
    "next month's postings have a partition": f"""
        SELECT next.name FROM (
            SELECT 'ledger_posting_' || to_char(now() + interval '1 month', 'YYYY_MM')
        ) AS next (name)
        WHERE NOT EXISTS (
            SELECT FROM ({_PARTITIONS}) AS parts WHERE inhrelid = to_regclass(next.name))
    """,
}
