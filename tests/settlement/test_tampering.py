"""PostgreSQL itself refuses rows that contradict one another, whoever sends them.

Each attempt is made by the application and, where row-level security would answer first, by the
owner of the database. References and amounts are found in the catalogue: a new one cannot be
forgotten.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connections

from accounts.access import acting_for
from tests.settlement.attempts import APP, FORBIDDEN, OWNER, TABLES, asked, attempt, named
from tests.settlement.furnished import KEY, LINE, NOW, Rows, a_line

# Each single-column key, and whether one that carries the merchant along stands beside it.
REFERENCES = f"""
SELECT c.relname, a.attname, t.relname, EXISTS (
    SELECT FROM pg_constraint b
    JOIN pg_attribute m ON m.attrelid = b.conrelid AND m.attnum = b.conkey[1]
    WHERE b.contype = 'f' AND b.conrelid = k.conrelid AND b.confrelid = k.confrelid
      AND b.convalidated AND m.attname = 'merchant_id' AND b.conkey[2:] = k.conkey)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND a.attname <> 'merchant_id'
  AND t.relname IN (SELECT relname FROM ({TABLES}) AS tables)
  AND c.relname IN (SELECT relname FROM ({TABLES}) AS tables)
"""
AMOUNTS = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.atttypid = 'numeric'::regtype
  AND c.relname LIKE 'settlement\\_%%' AND EXISTS (
    SELECT FROM pg_attribute m WHERE m.attrelid = c.oid AND m.attname = 'merchant_id')
"""


# --- what belongs together ----------------------------------------------------------------


def test_no_reference_leads_to_another_merchant(mine: Rows, yours: Rows) -> None:
    """Also not for the owner, whom row-level security does not bind."""
    found = asked(REFERENCES)
    assert ("settlement_payout", "store_id", "accounts_store", True) in found
    assert {f"{table}.{column}" for table, column, _, together in found if not together} == set()
    for table, column, target, _ in found:
        query = named("UPDATE {table} SET {column} = %s WHERE merchant_id = %s",
                      table=table, column=column)  # fmt: skip
        assert attempt(query, [yours.ids[target], mine.merchant.id], using=OWNER), (table, column)


@pytest.mark.parametrize("field", ["merchant", "document", "store", "known_at"])
@pytest.mark.parametrize("using", [APP, OWNER])
def test_a_line_has_its_own_document_and_store(
    mine: Rows, yours: Rows, field: str, using: str
) -> None:
    theirs = a_line(yours.ids, known_at=NOW.replace(minute=1))
    given = a_line(mine.ids, **{field: theirs[field]})
    refused = attempt(LINE, given, using=using, as_=mine)
    by_tenant = FORBIDDEN if (field, using) == ("merchant", APP) else ""
    assert refused == by_tenant or refused == "23503 line_has_its_document_and_store"
    assert refused


CHANGES = {
    "settlement_line": {"live"},
    "settlement_walletstatement": {"live"},
    "settlement_bankstatement": {"live"},
    "settlement_bankline": {"live"},
    "settlement_matchitem": {"live"},
    "settlement_payout": {"live", "state", "arrives_on", "arrived_on", "derived"},
    "settlement_match": {"state", "revoked_at"},
}
"""What may change of a row that says what a document said."""


def test_what_a_row_says_is_never_changed(mine: Rows) -> None:
    for table, may_change in CHANGES.items():
        columns = asked(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", OWNER,
            [table],
        )  # fmt: skip
        changed = {
            column
            for (column,) in columns
            if attempt(
                named("UPDATE {table} SET {column} = {column}", table=table, column=column),
                as_=mine,
            )
            != FORBIDDEN
        }
        assert changed == may_change, table


ITEM = """
INSERT INTO settlement_matchitem (id, merchant_id, match_id, payout_id, bank_line_id, amount,
    amount_currency, live)
VALUES (gen_random_uuid(), %(merchant)s, %(match)s, %(payout)s, %(bank_line)s, %(amount)s,
    %(currency)s, %(live)s)
"""


@pytest.mark.parametrize("side", ["payout", "bank_line"])
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount": "6.00000001"}, "23514 match_item_fits_its_side"),
        ({"amount": "-6"}, "23514 match_item_fits_its_side"),
        ({"amount": "0"}, "23514 match_item_fits_its_side"),
        ({"amount": "NaN"}, "23514 match_item_fits_its_side"),
        ({"currency": "USD"}, "23514 match_item_fits_its_side"),
        ({"payout": None, "bank_line": None}, "23514 match_item_fits_its_side"),
        ({"payout": "both", "bank_line": "both"}, "23514 match_item_has_one_side"),
        ({"live": True}, "23505 {side}_is_matched_once"),
        ({}, ""),
    ],
)
def test_an_item_claims_no_more_than_its_side_and_nothing_twice(
    mine: Rows, side: str, change: dict[str, Any], refusal: str
) -> None:
    sides = {"payout": mine.ids["settlement_payout"], "bank_line": mine.ids["settlement_bankline"]}
    given = {
        "merchant": mine.merchant.id,
        "match": mine.ids["settlement_match"],
        "payout": None,
        "bank_line": None,
        "amount": 6,
        "currency": "CNY",
        "live": False,
        side: sides[side],
    } | {key: sides[key] if value == "both" else value for key, value in change.items()}
    for using in (APP, OWNER):
        assert attempt(ITEM, given, using=using, as_=mine) == refusal.format(side=side)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("amount = 6.01", "23514 match_item_fits_its_side"),
        ("amount = 'NaN'", "23514 match_item_fits_its_side"),
        ("amount_currency = 'USD'", "23514 match_item_fits_its_side"),
        ("payout_id = NULL", "23514 match_item_fits_its_side"),
        ("bank_line_id = (SELECT id FROM settlement_bankline LIMIT 1)",
         "23514 match_item_has_one_side"),
    ],
)  # fmt: skip
def test_an_item_is_not_changed_into_a_wrong_one(mine: Rows, change: str, refusal: str) -> None:
    query = f"UPDATE settlement_matchitem SET {change} WHERE id = %s"
    assert attempt(query, [mine.ids["settlement_matchitem"]], using=OWNER) == refusal


COPY_OF_MINE = """
INSERT INTO {table}
SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid()) || %s)).*
FROM {table} t WHERE id = %s
"""


@pytest.mark.parametrize(
    ("table", "change", "refusal"),
    [
        ("settlement_sourcedocument", "{}", "23505 document_is_stored_once"),
        ("settlement_sourcedocument", '{"state": "refused"}', "23505 document_is_stored_once"),
        ("settlement_sourcedocument", '{"state": "withdrawn"}', ""),
        ("settlement_payout", "{}", "23505"),
        ("settlement_payout", '{"live": false}', "23505 payout_is_once_per_version"),
        ("settlement_payout", '{"version": 2}', "23505 payout_has_one_live_version"),
        ("settlement_payout", '{"version": 2, "live": false}', ""),
        ("settlement_bankline", "{}", "23505 bank_line_is_stored_once"),
        ("settlement_bankline", '{"live": false}', ""),
        ("settlement_reconexception", "{}", "23505 exception_is_open_once_per_subject"),
        ("settlement_reconexception", '{"state": "assigned"}',
         "23505 exception_is_open_once_per_subject"),
        ("settlement_reconexception", '{"state": "resolved"}', ""),
        ("settlement_reconrun", "{}", "23505 reconciliation_waits_once"),
        ("accounts_store", "{}", "23505 store_name_is_once_on_a_platform"),
        ("accounts_bankaccount", "{}", "23505 bank_account_is_once_in_a_merchant"),
        ("accounts_member", "{}", "23505 member_is_once_in_a_merchant"),
        ("accounts_settlementaccount", "{}", "23505 settlement_account_name_is_once_in_a_merchant"),
        ("accounts_storelink", "{}", "23505 store_link_is_once_per_cash_account"),
    ],
)  # fmt: skip
def test_nothing_is_stored_twice(mine: Rows, table: str, change: str, refusal: str) -> None:
    query = named(COPY_OF_MINE, table=table)
    for using in (APP, OWNER):
        answer = attempt(query, [change, mine.ids[table]], using=using, as_=mine)
        assert answer.startswith(refusal) if refusal else not answer, using


def test_a_withdrawn_document_does_not_come_back_beside_another(mine: Rows) -> None:
    """Uniqueness holds for updates as well."""
    old = uuid.uuid4()
    copy = named(COPY_OF_MINE, table="settlement_sourcedocument")
    change = f'{{"id": "{old}", "state": "withdrawn"}}'
    with (
        pytest.raises(IntegrityError, match="document_is_stored_once"),
        acting_for(mine.merchant.id),
        connections[APP].cursor() as cursor,
    ):
        cursor.execute(copy, [change, mine.ids["settlement_sourcedocument"]])
        cursor.execute("UPDATE settlement_sourcedocument SET state = 'loaded' WHERE id = %s", [old])


def test_a_line_is_stored_once_in_its_document_and_known_once(mine: Rows) -> None:
    again = a_line(mine.ids, line=mine.ids["settlement_line"])
    for using in (APP, OWNER):
        assert attempt(LINE, again, using=using, as_=mine).startswith("23505")
        assert attempt(KEY, again, using=using, as_=mine) == "23505 line_is_known_once"
        first = a_line(mine.ids, version=0)
        refusal = attempt(LINE, first, using=using, as_=mine)
        assert refusal == "23514 line_version_counts_from_one"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_every_amount_is_a_number(mine: Rows, value: str) -> None:
    columns = asked(AMOUNTS)
    assert ("settlement_line", "amount") in columns
    accepted = {
        f"{table}.{column}"
        for table, column in columns
        if attempt(
            named("UPDATE {table} SET {column} = %s WHERE merchant_id = %s", table=table,
                  column=column), [value, mine.merchant.id], using=OWNER,
        )[:5] not in ("23514", "22003")
    }  # fmt: skip
    assert accepted == set()
