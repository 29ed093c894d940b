"""Entries: what moves the balance of an account, booked once each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from itertools import groupby

from sandbox.model import Detail, Entry, Returned
from sandbox.online_bank import clock

CODES = {
    "payment": ("PMNT", "ICDT", "DMCT"),
    "return": ("PMNT", "ICDT", "RRTN"),
    "credit": ("PMNT", "RCDT", "DMCT"),
}
"""BkTxCd of each kind of entry: issued, an issued one returned, received."""


class NotReturnableError(Exception):
    """The payment is not booked, or has come back already."""


class UnknownPaymentError(Exception):
    """No payment of that EndToEndId was ever received."""


def book(
    connection: sqlite3.Connection,
    *,
    account: str,
    kind: str,
    details: Sequence[Detail],
    at: datetime,
    batch: str = "",
) -> int:
    """Books one entry of the details' sum and moves the balance; answers its id."""
    amount = sum(detail.amount for detail in details)
    (number,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM entries").fetchone()
    connection.execute(
        "INSERT INTO entries (id, account, kind, amount, booked_on, reference, batch, details)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            account,
            kind,
            amount,
            f"{at.date()}",
            reference("SO", at, number),
            batch,
            json.dumps([asdict(detail) for detail in details], ensure_ascii=False),
        ),
    )
    connection.execute(
        "UPDATE accounts SET balance = balance + ? WHERE number = ?", (amount, account)
    )
    return int(number)


def reference(prefix: str, at: datetime, number: int) -> str:
    """The bank's own reference: `SO` of an entry, `SP` of a payment it was ordered."""
    return f"{prefix}{at:%Y%m%d}{number:08d}"


def book_due(connection: sqlite3.Connection, now: datetime) -> None:
    """Books every accepted payment whose time has come, a batch as one entry."""
    rows = connection.execute(
        "SELECT * FROM payments WHERE status = 'ACCP' AND book_at <= ? ORDER BY id",
        (clock.written(now),),
    ).fetchall()
    for _, group in groupby(rows, key=_line_of):
        payments = list(group)
        first = payments[0]
        entry = book(
            connection,
            account=first["account"],
            kind="payment",
            details=[_detail(payment, -payment["amount"]) for payment in payments],
            at=datetime.fromisoformat(first["book_at"]),
            batch=first["block"] if first["batch"] else "",
        )
        connection.executemany(
            "UPDATE payments SET status = 'ACSC', entry = ? WHERE id = ?",
            [(entry, payment["id"]) for payment in payments],
        )


def give_back(
    connection: sqlite3.Connection, end_to_end_id: str, returned: Returned, now: datetime
) -> str:
    """Books a paid order back (提现退票); answers the bank's reference of the credit.

    Raises UnknownPaymentError or NotReturnableError.
    """
    payment = connection.execute(
        "SELECT * FROM payments WHERE end_to_end_id = ?", (end_to_end_id,)
    ).fetchone()
    if payment is None:
        raise UnknownPaymentError(end_to_end_id)
    if payment["status"] != "ACSC" or payment["return_entry"] is not None:
        raise NotReturnableError(f"{end_to_end_id} is not booked, or has come back already")
    entry = book(
        connection,
        account=payment["account"],
        kind="return",
        details=[_detail(payment, payment["amount"], returned)],
        at=now,
    )
    connection.execute("UPDATE payments SET return_entry = ? WHERE id = ?", (entry, payment["id"]))
    return reference_of(connection, entry)


def reference_of(connection: sqlite3.Connection, entry: int) -> str:
    """The bank's reference of an entry."""
    row = connection.execute("SELECT reference FROM entries WHERE id = ?", (entry,)).fetchone()
    return str(row["reference"])


def as_entry(row: sqlite3.Row, currency: str) -> Entry:
    """A stored entry in the words of the statement's writer."""
    booked_on = date.fromisoformat(row["booked_on"])
    return Entry(
        account=row["account"],
        currency=currency,
        kind=row["kind"],
        amount=row["amount"],
        booked_on=booked_on,
        value_on=booked_on,
        bank_code=CODES[row["kind"]],
        details=tuple(_read_detail(**told) for told in json.loads(row["details"])),
        batch=row["batch"],
        reference=row["reference"],
    )


def _read_detail(
    *, texts: list[str], returned: dict[str, str] | None, amount: int, **told: str
) -> Detail:
    reason = None if returned is None else Returned(**returned)
    return Detail(amount=amount, texts=tuple(texts), returned=reason, **told)


def _detail(payment: sqlite3.Row, amount: int, returned: Returned | None = None) -> Detail:
    """A payment as a detail; what came back is a movement of its own, so without `SP`."""
    return Detail(
        amount=amount,
        counterparty=payment["creditor"],
        end_to_end_id=payment["end_to_end_id"],
        texts=tuple(json.loads(payment["texts"])),
        account=payment["creditor_account"],
        instruction=payment["instruction"],
        reference="" if returned else payment["reference"],
        returned=returned,
    )


def _line_of(payment: sqlite3.Row) -> tuple[str, str, str]:
    """What payments of one booked line share."""
    single = "" if payment["batch"] else payment["end_to_end_id"]
    return (payment["message"], payment["block"], single)
