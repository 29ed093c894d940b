"""Accounts and their statements: issued when something was booked, never changed."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import camt
from sandbox.days import Period
from sandbox.model import BankAccount
from sandbox.online_bank import booking
from sandbox.online_bank.receiving import available


class DifferentAccountError(Exception):
    """The account exists with another currency, holder, opening or first sequence."""


class UnknownAccountError(Exception):
    """No account of that number."""


class UnknownStatementError(Exception):
    """No statement of that name."""


class UnbalancedError(Exception):
    """Entries do not lead to the balance; the state is damaged."""


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """An account to open; `opening` in minor units, sequence of its first statement."""

    number: str
    currency: str
    holder: str
    opening: int
    first_sequence: int = 1


def open_account(connection: sqlite3.Connection, account: NewAccount) -> bool:
    """Opens an account; False if exactly this one exists. Raises DifferentAccountError."""
    told = (
        account.number,
        account.currency,
        account.holder,
        account.opening,
        account.first_sequence,
    )
    known = connection.execute(
        "SELECT number, currency, holder, opening, first_sequence FROM accounts WHERE number = ?",
        (account.number,),
    ).fetchone()
    if known is None:
        connection.execute("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?)", (*told, told[3]))
        return True
    if tuple(known) != told:
        raise DifferentAccountError(f"account {account.number} is another one")
    return False


def close(connection: sqlite3.Connection, now: datetime) -> list[str]:
    """Issues a statement of each account with entries since its last; answers the names."""
    booking.book_due(connection, now)
    accounts = connection.execute(
        "SELECT * FROM accounts WHERE number IN"
        " (SELECT account FROM entries WHERE statement IS NULL) ORDER BY number"
    ).fetchall()
    return [_issue(connection, account, now) for account in accounts]


def _issue(connection: sqlite3.Connection, account: sqlite3.Row, now: datetime) -> str:
    number = account["number"]
    rows = connection.execute(
        "SELECT * FROM entries WHERE account = ? AND statement IS NULL ORDER BY id", (number,)
    ).fetchall()
    last = connection.execute(
        "SELECT sequence, closing FROM statements WHERE account = ? ORDER BY sequence DESC",
        (number,),
    ).fetchone()
    sequence = last["sequence"] + 1 if last else account["first_sequence"]
    opening = last["closing"] if last else account["opening"]
    closing = opening + sum(row["amount"] for row in rows)
    if closing != account["balance"]:
        raise UnbalancedError(f"{number}: {closing} is not {account['balance']}")
    entries = [booking.as_entry(row, account["currency"]) for row in rows]
    days = [entry.booked_on for entry in entries]
    body = camt.statement(
        BankAccount(
            number=number,
            currency=account["currency"],
            holder=account["holder"],
            format=camt.FORMAT,
            opening=opening,
        ),
        Period(first=min(days), last=max(days)),
        sequence,
        opening,
        entries,
        version=camt.V08,
        issued_at=now,
    )
    name = f"camt053-{number}-{sequence:05d}.xml"
    connection.execute(
        "INSERT INTO statements VALUES (?, ?, ?, ?, ?)",
        (name, number, sequence, closing, body.encode()),
    )
    connection.executemany(
        "UPDATE entries SET statement = ? WHERE id = ?", [(name, row["id"]) for row in rows]
    )
    return name


def listed(connection: sqlite3.Connection, account: str, after: str) -> list[dict[str, Any]]:
    """An account's statements, oldest first, from the one after `after` ("": all).

    Raises UnknownAccountError, and UnknownStatementError if `after` is not one of them.
    """
    if not connection.execute("SELECT 1 FROM accounts WHERE number = ?", (account,)).fetchone():
        raise UnknownAccountError(account)
    rows = connection.execute(
        "SELECT name, account, currency, sequence FROM statements JOIN accounts"
        " ON accounts.number = account WHERE account = ? ORDER BY sequence",
        (account,),
    ).fetchall()
    names = [row["name"] for row in rows]
    if after and after not in names:
        raise UnknownStatementError(after)
    start = names.index(after) + 1 if after else 0
    return [dict(row) for row in rows[start:]]


def body_of(connection: sqlite3.Connection, name: str) -> bytes:
    """A statement's bytes; raises UnknownStatementError."""
    row = connection.execute("SELECT body FROM statements WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise UnknownStatementError(name)
    return bytes(row["body"])


def truth(connection: sqlite3.Connection) -> dict[str, Any]:
    """Everything the bank knows, in minor units; for tests and the demo's truth."""
    told: dict[str, Any] = {"simulated": True}
    for table, columns in _TRUTH.items():
        rows = connection.execute(f"SELECT {columns} FROM {table} ORDER BY rowid")
        told[table] = [dict(row) for row in rows]
    for entry in told["entries"]:
        entry["details"] = json.loads(entry["details"])
    for payment in told["payments"]:
        payment["texts"] = json.loads(payment["texts"])
    for account in told["accounts"]:
        account["available"] = available(connection, account["number"])
    return told


_TRUTH = {
    "accounts": "number, currency, holder, opening, first_sequence, balance",
    "messages": "identifier, received_at",
    "payments": "end_to_end_id, message, instruction, account, amount, creditor,"
    " creditor_account, texts, status, code, reason, reference, received_at, book_at,"
    " (SELECT reference FROM entries WHERE id = entry) AS entry,"
    " (SELECT reference FROM entries WHERE id = return_entry) AS return_entry",
    "entries": "account, kind, amount, booked_on, reference, batch, details, statement",
    "statements": "name, account, sequence, closing",
    "switches": "name, remaining",
    "rejections": "part, code",
}
