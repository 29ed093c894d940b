"""The values in the fields: balances, sums, and the :61: line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from platforms.banks.mt940 import details
from platforms.banks.mt940.tokens import Field
from platforms.contract import BankLine, ReadError
from platforms.reading import amount, count, currency, shown

_BALANCE: Final = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9.,]+)")
_SUM: Final = re.compile(r"([0-9]{1,5})([A-Z]{3})([0-9.,]+)")
_FLOOR: Final = re.compile(r"([A-Z]{3})[CD]?[0-9.,]+")
_ENTRY: Final = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4}|[ ]{4})?(?P<mark>RC|RD|C|D)(?P<letter>[A-Z])?"
    r"(?P<amount>[0-9][0-9.,]*)(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<rest>.*)"
)

# A reversed credit takes money away. mt-940's default reads it as a credit
# (banks.md §0.2: a real file misses its balance by twice the amount).
_GIVES: Final = {"C": True, "D": False, "RC": False, "RD": True}

# Amounts have a decimal comma, which Knab leaves out of whole ones; Rabobank's old files have
# a point and two digits.
_COMMA: Final = re.compile(r"([0-9]{1,16})(?:,([0-9]{0,4}))?")
_POINT: Final = re.compile(r"([0-9]{1,16})\.([0-9]{2}|)")

_NO_REFERENCE: Final = frozenset(
    {"NONREF", "NOTPROVIDED", "EREF", "PREF", "MARF", "EREF+", "KREF+", "N", "X"}
)
# The customer's reference has 16 places; what follows it without "//" is a name.
_REFERENCE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A balance, signed."""

    on: date
    currency: str
    value: Decimal


def balance(found: Field) -> Balance:
    """Read :60: or :62:, `C090623EUR17369,99`; D is negative. Raises ReadError."""
    match = _BALANCE.fullmatch(found.text)
    if not match:
        raise ReadError(f":{found.tag}: is not a balance: {shown(found.text)}", row=found.row)
    value = money(match[4], row=found.row)
    return Balance(
        on=day(match[2], row=found.row),
        currency=currency(match[3], row=found.row),
        value=value if match[1] == "C" or not value else -value,
    )


def total(found: Field, *, unit: str) -> tuple[int, Decimal]:
    """Read :90C: or :90D:, `3PLN0,03`: how many and how much. Raises ReadError."""
    match = _SUM.fullmatch(found.text)
    if not match or match[2] != unit:
        reason = f":{found.tag}: is not a sum in {unit}: {shown(found.text)}"
        raise ReadError(reason, row=found.row)
    return count(match[1], row=found.row), money(match[3], row=found.row)


def floor_currency(found: Field) -> str:
    """The currency of an MT942's :34F:, `PLN0,` or `EURC100,`. Raises ReadError."""
    match = _FLOOR.fullmatch(found.text)
    if not match:
        raise ReadError(f":34F: is not a floor: {shown(found.text)}", row=found.row)
    return currency(match[1], row=found.row)


def money(text: str, *, row: int) -> Decimal:
    """Read an unsigned amount as SWIFT writes it: `7,5`, `35122,`. Raises ReadError."""
    match = _COMMA.fullmatch(text) or _POINT.fullmatch(text)
    if not match:
        raise ReadError(f"not an amount: {shown(text)}", row=row)
    return amount(".".join(filter(None, match.groups())), row=row)


def day(text: str, *, row: int) -> date:
    """Read YYMMDD; 80 to 99 are the last century's. Raises ReadError."""
    year = int(text[:2])
    return _on(year + (1900 if year >= 80 else 2000), text[2:], row)


def read(found: Field, texts: list[Field], *, unit: str) -> BankLine:
    """Read one :61: with the :86: fields that follow it. Raises ReadError."""
    match = _ENTRY.fullmatch(found.lines[0].strip())
    rest = "" if match is None else match["rest"].strip()
    if match is None or (match["type"] is None and rest and not rest.startswith("//")):
        raise ReadError(f":61: is not an entry: {shown(found.lines[0])}", row=found.row)
    # "CR2,00" is a credit with the third letter of EUR, not a reversal.
    if match["letter"] not in (None, unit[2]):
        raise ReadError(f"the funds letter {match['letter']} is not of {unit}", row=found.row)
    value = money(match["amount"], row=found.row)
    value_on = day(match["value"], row=found.row)
    customer, _, bank = rest.partition("//")
    said = details.said(texts)
    supplement = " ".join(line.strip() for line in found.lines[1:])
    return BankLine(
        reference=_reference(bank.strip(), customer[:_REFERENCE].strip()),
        amount=value if _GIVES[match["mark"]] or not value else -value,
        currency=unit,
        booked_on=_booked(match["entry"], value_on, found.row),
        row=found.row,
        value_on=value_on,
        counterparty=said.counterparty or customer[_REFERENCE:].strip(),
        remittance=" ".join(filter(None, (said.remittance, supplement))),
        end_to_end_id=_reference(said.end_to_end_id),
    )


def _booked(text: str | None, value_on: date, row: int) -> date | None:
    """The entry's day, written without a year: the one nearest to the value date."""
    if not text or not text.strip():
        return None
    years = (value_on.year - 1, value_on.year, value_on.year + 1)
    days = [_on(year, text, row) for year in years]
    return min(days, key=lambda on: abs(on - value_on))


def _on(year: int, text: str, row: int) -> date:
    month, number = int(text[:2]), int(text[2:])
    # Interest is counted in months of 30 days: 30 February is February's last day.
    if month == 2 and number in (29, 30):
        return date(year, 3, 1) - timedelta(days=1)
    try:
        return date(year, month, number)
    except ValueError as error:
        raise ReadError(f"not a day: {shown(text)}", row=row) from error


def _reference(*candidates: str) -> str:
    return next((text for text in candidates if text and text.upper() not in _NO_REFERENCE), "")
