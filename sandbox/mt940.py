"""MT940 statements with a German structured `:86:`, written as text.

Source: banks.md 1.2 and the public samples it names: the text stands in `?20` to `?29`
(then `?60` to `?63`) in pieces of 27 characters, the other side's name in `?32` and `?33`,
and the whole field is broken after every 65 characters wherever that falls, so that
a payout's number is cut twice. Amounts have a decimal comma and no sign: the mark
C or D is the side. The opening balance is dated as the closing one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from sandbox import money
from sandbox.days import Period
from sandbox.model import BankAccount, Entry

FORMAT = "MT940"
PIECE = 27
LINE = 65
_TEXT_CODES = (*range(20, 30), *range(60, 64))
_NAME_CODES = (32, 33)
_PRIMANOTA = "009310"
# Geschäftsvorfallcode and posting text: 166 and 116 as in the reference; the two of the
# bank's own lines are the usual ones of the German list.
_CREDIT = ("166", "GUTSCHRIFT")
_DEBIT = ("116", "UEBERWEISUNG")
_OWN = {"charge": ("808", "ENTGELT"), "interest": ("814", "ZINSEN")}


def statement(
    account: BankAccount, period: Period, number: int, opening: int, entries: Sequence[Entry]
) -> str:
    """One statement of a period; the closing balance is opening plus the lines.

    Raises UnicodeEncodeError for texts outside ASCII, ValueError for a text that is too
    long and for an entry of several transactions: the format holds one per line.
    """
    closing = opening + sum(entry.amount for entry in entries)
    before = period.first - timedelta(days=1)
    lines = [
        f":20:SBX{period.last:%y%m%d}{account.currency}",
        f":25:{account.number}",
        f":28C:{number:05d}/001",
        f":60F:{_balance(account, before, opening)}",
        *(line for entry in entries for line in _entry(entry)),
        f":62F:{_balance(account, period.last, closing)}",
        "-",
    ]
    text = "".join(f"{line}\r\n" for line in lines)
    text.encode("ascii")
    return text


def _balance(account: BankAccount, day: date, cents: int) -> str:
    return f"{_side(cents)}{day:%y%m%d}{account.currency}{_amount(cents)}"


def _entry(entry: Entry) -> Iterator[str]:
    """The booking with the day of its value first, then its text."""
    dates = f"{entry.value_on:%y%m%d}{entry.booked_on:%m%d}"
    amount = f"{_side(entry.amount)}{_amount(entry.amount)}"
    yield f":61:{dates}{amount}NTRFNONREF//{entry.reference}"
    field = _field(entry)
    first, *more = (field[i : i + LINE] for i in range(0, len(field), LINE))
    yield f":86:{first}"
    yield from more


def _field(entry: Entry) -> str:
    name, text = _party_and_text(entry)
    usual = _CREDIT if entry.amount > 0 else _DEBIT
    code, posting = _OWN.get(entry.kind, usual)
    texts = "".join(_pieces(text, _TEXT_CODES))
    return f"{code}?00{posting}?10{_PRIMANOTA}{texts}{''.join(_pieces(name, _NAME_CODES))}"


def _party_and_text(entry: Entry) -> tuple[str, str]:
    if not entry.details:
        return "", entry.info
    (detail,) = entry.details
    return detail.counterparty, "".join(detail.texts)


def _pieces(text: str, codes: Sequence[int]) -> Iterator[str]:
    if len(text) > PIECE * len(codes):
        raise ValueError(f"more text than the field holds: {text}")
    for number, start in enumerate(range(0, len(text), PIECE)):
        yield f"?{codes[number]}{text[start : start + PIECE]}"


def _side(cents: int) -> str:
    return "C" if cents >= 0 else "D"


def _amount(cents: int) -> str:
    return money.text(abs(cents)).replace(".", ",")
