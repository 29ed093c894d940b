"""The simulation's switches: what `POST /control` makes the bank do wrong."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.model import Detail, Returned
from sandbox.online_bank import booking
from sandbox.online_bank.judging import LARGEST
from sandbox.online_bank.statements import NewAccount, UnknownAccountError

COUNTED = ("lose_answers", "ignore", "refuse_service")
_TEXT = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]*")
_CODE = re.compile(r"[A-Z0-9]{4}")


class UnreadableRequestError(Exception):
    """The JSON does not say what it should; the text says what is missing."""


def turn(connection: sqlite3.Connection, wish: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Does what one switch says, and answers what became of it.

    Raises UnreadableRequestError, UnknownPaymentError, NotReturnableError and
    UnknownAccountError.
    """
    named = [name for name in _SWITCHES if name in wish]
    if len(named) != 1:
        raise UnreadableRequestError(f"one of these is wanted: {', '.join(_SWITCHES)}")
    return _SWITCHES[named[0]](connection, wish, now)


def take(connection: sqlite3.Connection, name: str) -> bool:
    """Uses up one of a counted switch; False if none is left."""
    changed = connection.execute(
        "UPDATE switches SET remaining = remaining - 1 WHERE name = ? AND remaining > 0", (name,)
    )
    return changed.rowcount == 1


def account_of(asked: dict[str, Any]) -> NewAccount:
    """The account that a `POST /accounts` asks for; raises UnreadableRequestError."""
    number, currency = _text(asked, "number"), _text(asked, "currency")
    if not re.fullmatch(r"[A-Za-z0-9]{4,34}", number):
        raise UnreadableRequestError("number: 4 to 34 letters and digits are wanted")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise UnreadableRequestError("currency: three capitals are wanted")
    return NewAccount(
        number=number,
        currency=currency,
        holder=_text(asked, "holder"),
        opening=_whole(asked, "opening", least=-LARGEST),
        first_sequence=_whole({"first_sequence": 1, **asked}, "first_sequence", least=1),
    )


def _count(name: str) -> Callable[[sqlite3.Connection, dict[str, Any], datetime], dict[str, Any]]:
    def turned(
        connection: sqlite3.Connection, wish: dict[str, Any], now: datetime
    ) -> dict[str, Any]:
        remaining = _whole(wish, name, least=0)
        connection.execute("INSERT OR REPLACE INTO switches VALUES (?, ?)", (name, remaining))
        return {name: remaining}

    return turned


def _reject(connection: sqlite3.Connection, wish: dict[str, Any], now: datetime) -> dict[str, Any]:
    part = _text(wish, "reject")
    if "code" in wish and wish["code"] is None:
        connection.execute("DELETE FROM rejections WHERE part = ?", (part,))
        return {"reject": part, "code": None}
    code = _code(wish)
    connection.execute("INSERT OR REPLACE INTO rejections VALUES (?, ?)", (part, code))
    return {"reject": part, "code": code}


def _return(connection: sqlite3.Connection, wish: dict[str, Any], now: datetime) -> dict[str, Any]:
    reason = _text(
        {"reason": "提现退票 收款账户已销户 account closed", **wish}, "reason", longest=105
    )
    returned = Returned(code=_code(wish), text=reason)
    booking.book_due(connection, now)
    reference = booking.give_back(connection, _text(wish, "return"), returned, now)
    return {"return": wish["return"], "reference": reference}


def _credit(connection: sqlite3.Connection, wish: dict[str, Any], now: datetime) -> dict[str, Any]:
    credit = wish["credit"]
    if not isinstance(credit, dict):
        raise UnreadableRequestError("credit: an object is wanted")
    account = _text(credit, "account")
    known = connection.execute("SELECT 1 FROM accounts WHERE number = ?", (account,)).fetchone()
    if known is None:
        raise UnknownAccountError(account)
    texts = credit.get("text", [])
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list):
        raise UnreadableRequestError("text: a text or a list of texts is wanted")
    detail = Detail(
        amount=_whole(credit, "amount", least=1),
        counterparty=_text(credit, "payer"),
        end_to_end_id=_text(
            {"end_to_end_id": "NOTPROVIDED", **credit}, "end_to_end_id", longest=35
        ),
        texts=tuple(_text({"text": text}, "text") for text in texts),
        account=_text(credit, "payer_account", longest=34) if "payer_account" in credit else "",
    )
    booking.book_due(connection, now)
    entry = booking.book(connection, account=account, kind="credit", details=[detail], at=now)
    return {"credit": account, "reference": booking.reference_of(connection, entry)}


_SWITCHES: dict[str, Callable[[sqlite3.Connection, dict[str, Any], datetime], dict[str, Any]]] = {
    "reject": _reject,
    "return": _return,
    "credit": _credit,
    **{name: _count(name) for name in COUNTED},
}


def _code(wish: dict[str, Any]) -> str:
    code = _text({"code": "AC04", **wish}, "code")
    if not _CODE.fullmatch(code):
        raise UnreadableRequestError("code: four capitals or digits are wanted")
    return code


def _text(asked: dict[str, Any], name: str, *, longest: int = 140) -> str:
    """A text that may stand in XML, as it is, not empty."""
    text = asked.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= longest or not _TEXT.fullmatch(text):
        raise UnreadableRequestError(f"{name}: a text of 1 to {longest} characters is wanted")
    return text


def _whole(asked: dict[str, Any], name: str, *, least: int) -> int:
    """A whole number: a count, or an amount in minor units."""
    number = asked.get(name)
    if type(number) is not int or not least <= number <= LARGEST:
        raise UnreadableRequestError(f"{name}: a whole number from {least} is wanted")
    return number
