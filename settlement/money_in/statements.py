"""A bank document's statements become rows: entries new or known, balances as stated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import BankAccount
from accounts.queries import bank_account_by_number
from platforms.contract import BankLine, Statement
from settlement.errors import RefusedError
from settlement.models import BankStatement, SourceDocument
from settlement.money_in.sections import Section

STAGING = """
CREATE TEMPORARY TABLE staged_bank_line (
    n bigint, part smallint, "row" integer, reference text, amount numeric(24, 8),
    amount_currency text, booked_on date, value_on date, counterparty text, remittance text,
    end_to_end_id text, details jsonb
) ON COMMIT DROP
"""

# The bank's reference alone is not trusted to be unique: equal entries are told apart by
# their ordinal among equals, so true twins survive and an overlapping statement adds none.
KEYED = r"""
CREATE TEMPORARY TABLE keyed_bank_line ON COMMIT DROP AS
SELECT p.bank_account_id, p.statement_id, p.books, b.*,
    encode(sha256(convert_to(concat_ws(E'\x1f', p.books::text, b.says,
        row_number() OVER (PARTITION BY p.bank_account_id, p.books, b.says ORDER BY b.n)::text
    ), 'UTF8')), 'hex') AS line_key
FROM (
    SELECT s.*, concat_ws(E'\x1f', s.booked_on::text, trim_scale(s.amount)::text,
        s.amount_currency, s.reference,
        CASE WHEN s.reference = '' THEN concat_ws(E'\x1f', s.counterparty, s.remittance,
            s.end_to_end_id) ELSE '' END) AS says
    FROM staged_bank_line s
) b
JOIN unnest(%(parts)s::smallint[], %(accounts)s::uuid[], %(statements)s::uuid[],
    %(books)s::boolean[]) AS p(part, bank_account_id, statement_id, books) USING (part)
"""

ADD = """
INSERT INTO settlement_bankline (id, merchant_id, bank_account_id, statement_id, document_id,
    "row", line_key, reference, amount, amount_currency, booked_on, value_on, counterparty,
    remittance, end_to_end_id, details, books, known_at, live)
SELECT (%(prefix)s || lpad(to_hex(k.n), 12, '0'))::uuid, %(merchant)s, k.bank_account_id,
    k.statement_id, %(document)s, k."row", k.line_key, left(k.reference, 140), k.amount,
    k.amount_currency, k.booked_on, k.value_on, left(k.counterparty, 200), k.remittance,
    left(k.end_to_end_id, 140), k.details, k.books, %(known_at)s, true
FROM keyed_bank_line k
WHERE NOT EXISTS (
    SELECT FROM settlement_bankline l
    WHERE l.merchant_id = %(merchant)s AND l.bank_account_id = k.bank_account_id
      AND l.line_key = k.line_key AND l.live)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStatements:
    """What became of a bank document."""

    statements: list[BankStatement]
    kept: int
    known: int


@contextmanager
def staged_bank_lines() -> Iterator[Callable[[int, Statement, BankLine], None]]:
    """Create the staging table and yield a function that writes an entry into it."""
    with connection.cursor() as cursor:
        cursor.execute(STAGING)
        with cursor.copy("COPY staged_bank_line FROM STDIN") as copy:
            n = 0

            def write(part: int, statement: Statement, line: BankLine) -> None:
                nonlocal n
                n += 1
                copy.write_row(_staged(n, part, statement, line))

            yield write


def _staged(n: int, part: int, statement: Statement, line: BankLine) -> tuple[object, ...]:
    # Some banks date the statement and not its entries.
    day = line.booked_on or line.value_on or statement.period_to or statement.period_from
    if day is None:
        raise RefusedError(_("an entry has no date, and its statement has none"), row=line.row)
    details = json.dumps([msgspec.to_builtins(d) for d in line.details])
    return (
        n, part, line.row, line.reference, line.amount, line.currency, day, line.value_on,
        line.counterparty, line.remittance, line.end_to_end_id, details,
    )  # fmt: skip


def find_accounts(document: SourceDocument, sections: list[Section]) -> list[BankAccount]:
    """The merchant's bank account of each section.

    RefusedError names one that is not known, or not the one chosen for the document.
    """
    found = []
    for section in sections:
        stated = section.statement
        account = bank_account_by_number(stated.account, currency=stated.currency)
        if account is None:
            raise RefusedError(
                _("the statement is of account %(number)s in %(currency)s, which is not one of "
                  "your bank accounts; add that account first")
                % {"number": f"••••{stated.account[-4:]}", "currency": stated.currency or "?"}
            )  # fmt: skip
        if document.bank_account_id not in (None, account.id):
            raise RefusedError(
                _("the file is of the bank account %(number)s, not of the one you chose")
                % {"number": f"{account.masked} {account.currency}"}
            )
        found.append(account)
    return found


def store_statements(
    document: SourceDocument, *, sections: list[Section], accounts: list[BankAccount]
) -> StoredStatements:
    """Store the staged entries. Inside the document's transaction, the accounts locked."""
    statements = [_row(document, *pair) for pair in zip(sections, accounts, strict=True)]
    BankStatement.objects.bulk_create(statements)
    given: dict[str, Any] = {
        "merchant": document.merchant_id,
        "document": document.id,
        "known_at": document.known_at,
        "prefix": document.id.hex[:20],
        "parts": list(range(len(statements))),
        "accounts": [s.bank_account_id for s in statements],
        "statements": [s.id for s in statements],
        "books": [s.books for s in statements],
    }
    with connection.cursor() as cursor:
        cursor.execute(KEYED, given)
        read = cursor.rowcount
        cursor.execute(ADD, given)
        kept = cursor.rowcount
    return StoredStatements(statements=statements, kept=kept, known=read - kept)


def _row(document: SourceDocument, section: Section, account: BankAccount) -> BankStatement:
    stated, totals = section.statement, section.totals
    first = stated.period_from or section.first_day
    last = stated.period_to or section.last_day or first
    if first is None or last is None:
        raise RefusedError(_("the statement has neither a period nor a dated entry"))
    return BankStatement(
        merchant_id=document.merchant_id,
        bank_account=account,
        document=document,
        number=stated.number[:64],
        opening=totals.opening if totals else None,
        opening_currency=stated.currency,
        closing=totals.closing if totals else None,
        closing_currency=stated.currency,
        period_from=first,
        period_to=last,
        balanced=section.balanced,
        books=stated.books,
        known_at=document.known_at,
    )
