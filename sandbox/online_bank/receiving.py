"""Payment files: each is answered once, each order is decided once.

MsgId names a file and EndToEndId an order for ever. The same bytes again get the first
answer again, word for word. A MsgId with other bytes is DU01 (DuplicateMessageID); an
EndToEndId seen before, in whatever file, is DU04 (DuplicateEndToEndID), even if it was
refused then: a number says one thing for good, so a query never has two answers.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sandbox.online_bank import booking, clock, judging, report
from sandbox.online_bank.booking import UnknownPaymentError
from sandbox.online_bank.judging import Reason
from sandbox.online_bank.orders import Block, Message, Order
from sandbox.online_bank.report import Original, Told

_DIFFERENT_FILE = Reason(code="DU01", text="this MsgId was used for other contents")
_USED = Reason(code="DU04", text="this EndToEndId was used before")
_NO_FUNDS = Reason(code="AM04", text="the account does not cover the amount")


@dataclass(frozen=True, kw_only=True)
class _Arrival:
    """A file being received: what all its orders share."""

    connection: sqlite3.Connection
    message: Message
    refused: Reason | None
    now: datetime
    delay: timedelta


def answer(
    connection: sqlite3.Connection,
    message: Message,
    body: bytes,
    *,
    now: datetime,
    delay: timedelta,
) -> bytes:
    """Decides a file and answers its pain.002; what was answered before is repeated."""
    digest = hashlib.sha256(body).hexdigest()
    known = connection.execute(
        "SELECT digest, answer FROM messages WHERE identifier = ?", (message.identifier,)
    ).fetchone()
    if known is not None and known["digest"] == digest:
        return bytes(known["answer"])
    refused = judging.of_message(message) if known is None else _DIFFERENT_FILE
    arrival = _Arrival(
        connection=connection, message=message, refused=refused, now=now, delay=delay
    )
    told = [one for block in message.blocks for one in _decide_block(arrival, block)]
    said = report.of_file(_original(message), told, identifier=_new(), at=now, reason=refused)
    if known is None:
        connection.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?)",
            (message.identifier, digest, said, clock.written(now)),
        )
    booking.book_due(connection, now)
    return said


def state_of(connection: sqlite3.Connection, end_to_end_id: str, now: datetime) -> bytes:
    """A pain.002 about one order; raises UnknownPaymentError if it was never received.

    What came back stays ACSC: a return is told by the statement, not by a status.
    """
    row = connection.execute(
        "SELECT * FROM payments WHERE end_to_end_id = ?", (end_to_end_id,)
    ).fetchone()
    if row is None:
        raise UnknownPaymentError(end_to_end_id)
    refused = row["status"] == "RJCT"
    told = Told(
        block=row["block"],
        instruction=row["instruction"],
        end_to_end_id=end_to_end_id,
        status=row["status"],
        reason=Reason(code=row["code"], text=row["reason"]) if refused else None,
        reference=row["reference"],
        accepted_at="" if refused else _seconds(datetime.fromisoformat(row["received_at"])),
    )
    original = Original(name=row["message_name"], identifier=row["message"])
    return report.of_payment(original, told, identifier=_new(), at=now)


def _decide_block(arrival: _Arrival, block: Block) -> Iterator[Told]:
    account = arrival.connection.execute(
        "SELECT currency FROM accounts WHERE number = ?", (block.debtor_account,)
    ).fetchone()
    currency = None if account is None else str(account["currency"])
    refused = arrival.refused or judging.of_block(block, account_currency=currency)
    for order in block.orders:
        if _is_used(arrival.connection, order):
            yield _told(block, order, refused or _USED)
            continue
        reason = refused
        if reason is None and currency is not None:
            reason = judging.of_order(order, account_currency=currency)
            reason = reason or _of_circumstances(arrival.connection, block, order)
        yield _record(arrival, block, order, reason)


def _is_used(connection: sqlite3.Connection, order: Order) -> bool:
    found = connection.execute(
        "SELECT 1 FROM payments WHERE end_to_end_id = ?", (order.end_to_end_id,)
    )
    return found.fetchone() is not None


def _of_circumstances(connection: sqlite3.Connection, block: Block, order: Order) -> Reason | None:
    """Why a sound order is refused now: a switch of the simulation, or no funds."""
    for row in connection.execute("SELECT part, code FROM rejections ORDER BY part"):
        if row["part"] in order.creditor or row["part"] in order.account:
            return Reason(code=row["code"], text="refused by a switch of the simulation")
    if judging.minor(order) > available(connection, block.debtor_account):
        return _NO_FUNDS
    return None


def available(connection: sqlite3.Connection, account: str) -> int:
    """The booked balance less what is accepted and not booked yet, in minor units."""
    (amount,) = connection.execute(
        "SELECT balance - (SELECT coalesce(sum(amount), 0) FROM payments"
        " WHERE status = 'ACCP' AND account = number) FROM accounts WHERE number = ?",
        (account,),
    ).fetchone()
    return int(amount)


def _record(arrival: _Arrival, block: Block, order: Order, reason: Reason | None) -> Told:
    """Remembers the decision, so that a query finds it; a nameless order has no query."""
    if not judging.has_a_name(order):
        return _told(block, order, reason)
    (number,) = arrival.connection.execute(
        "SELECT coalesce(max(id), 0) + 1 FROM payments"
    ).fetchone()
    own = "" if reason else booking.reference("SP", arrival.now, number)
    columns = {
        "id": number,
        "end_to_end_id": order.end_to_end_id,
        "message": arrival.message.identifier,
        "message_name": arrival.message.name,
        "block": block.identifier,
        "batch": block.batch,
        "instruction": order.instruction,
        "account": block.debtor_account,
        "amount": judging.readable_amount(order),
        "creditor": order.creditor,
        "creditor_account": order.account,
        "texts": json.dumps(order.texts, ensure_ascii=False),
        "status": "RJCT" if reason else "ACCP",
        "code": reason.code if reason else "",
        "reason": reason.text if reason else "",
        "reference": own,
        "received_at": clock.written(arrival.now),
        "book_at": clock.written(_book_at(arrival, block)),
    }
    marks = ", ".join("?" * len(columns))
    arrival.connection.execute(
        f"INSERT INTO payments ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
    )
    return _told(block, order, reason, reference=own, accepted_at=_seconds(arrival.now))


def _book_at(arrival: _Arrival, block: Block) -> datetime:
    """After the bank's delay, and not before the day asked for."""
    soonest = arrival.now + arrival.delay
    day = judging.execution_day(block)
    return soonest if day is None else max(soonest, clock.start_of(day))


def _told(
    block: Block, order: Order, reason: Reason | None, *, reference: str = "", accepted_at: str = ""
) -> Told:
    return Told(
        block=block.identifier,
        instruction=order.instruction,
        end_to_end_id=order.end_to_end_id,
        status="RJCT" if reason else "ACCP",
        reason=reason,
        reference=reference,
        accepted_at="" if reason else accepted_at,
    )


def _original(message: Message) -> Original:
    return Original(
        name=message.name,
        identifier=message.identifier,
        created=message.created,
        count=message.count,
        control_sum=message.control_sum,
    )


def _new() -> str:
    """An identification of an answer, never given twice."""
    return f"SB{uuid4().hex}"


def _seconds(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
