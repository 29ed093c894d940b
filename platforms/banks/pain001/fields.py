"""What pain.001 can carry, field by field. What does not fit is refused, never cut."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final

from platforms.contract import OrderError, PaymentOrder

MESSAGE_ID: Final = 35
NUMBER: Final = 30
REMITTANCE: Final = 140

# The identifiers every scheme takes (EPC230-15): no slash at either end and no two in a row.
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9?:().,'+-]+(?:/[A-Za-z0-9?:().,'+-]+)*", re.ASCII)

# Minor digits by ISO 4217; two for all others.
_NO_DIGITS: Final = re.compile(
    "BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|UYI|VND|VUV|XAF|XOF|XPF", re.ASCII
)
_THREE_DIGITS: Final = re.compile("BHD|IQD|JOD|KWD|LYD|OMR|TND", re.ASCII)
_FOUR_DIGITS: Final = re.compile("CLF|UYW", re.ASCII)
# InstdAmt has 18 digits in all, 5 of them after the point at most.
_LIMIT: Final = Decimal(10**13)
_SEPA_LIMIT: Final = Decimal(10**9)
"""EPC132-08, AT-04: at most 999999999.99."""

_CURRENCY: Final = re.compile("[A-Z]{3}", re.ASCII)
_IBAN: Final = re.compile("[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC: Final = re.compile("[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)
_CNAPS: Final = re.compile("[0-9]{12}", re.ASCII)


def identifier(number: str, field: str, value: str, *, most: int) -> str:
    """An id of ours, if every bank on the way carries it. Raises OrderError."""
    if len(value) > most or not _IDENTIFIER.fullmatch(value):
        raise OrderError(number, field, f"is no identifier of at most {most} ASCII characters")
    return value


def text(order: PaymentOrder, field: str, value: str, *, most: int, least: int = 1) -> str:
    """A text of so many characters without control characters. Raises OrderError."""
    if value != value.strip():
        raise OrderError(order.number, field, "begins or ends with a space")
    if not least <= len(value) <= most:
        raise OrderError(order.number, field, f"has {len(value)} characters, {most} are possible")
    if any(not _is_plain(character) for character in value):
        raise OrderError(order.number, field, "has a character no message can carry")
    return value


def latin(order: PaymentOrder, field: str, value: str) -> str:
    """The text in the letters SEPA takes: accents fall, other letters are an OrderError.

    Source: EPC217-08, the basic Latin set that every participant supports.
    """
    spelt = "".join(_SPELT.get(character, character) for character in value)
    bare = "".join(c for c in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(c))
    if not _LATIN.fullmatch(bare):
        raise OrderError(order.number, field, "has a letter that SEPA does not carry")
    return bare


def amount(order: PaymentOrder) -> str:
    """The amount with exactly the digits of its currency. Raises OrderError."""
    if not _CURRENCY.fullmatch(order.currency):
        raise OrderError(order.number, "currency", "is no ISO 4217 code")
    value, digits = order.amount, digits_of(order.currency)
    limit = _SEPA_LIMIT if is_sepa(order) else _LIMIT
    if not value.is_finite() or not 0 < value < limit:
        raise OrderError(order.number, "amount", f"is not between nothing and {limit}")
    if value != round(value, digits):
        raise OrderError(order.number, "amount", f"has more than {digits} digits after the point")
    return f"{value:.{digits}f}"


def digits_of(currency: str) -> int:
    """How many digits a currency has after the point (ISO 4217)."""
    forms = ((_NO_DIGITS, 0), (_THREE_DIGITS, 3), (_FOUR_DIGITS, 4))
    return next((digits for form, digits in forms if form.fullmatch(currency)), 2)


def account(order: PaymentOrder, field: str, value: str) -> str:
    """An IBAN, or a bank's own number of at most 34 characters. Raises OrderError.

    What has the shape of an IBAN and fails its checksum is a slip of the pen, not a number.
    """
    text(order, field, value, most=34)
    if not value.isascii() or " " in value:
        raise OrderError(order.number, field, "is not in plain letters and digits")
    if _IBAN.fullmatch(value) and not is_iban(value):
        raise OrderError(order.number, field, "is an IBAN with a wrong checksum")
    return value


def is_iban(value: str) -> bool:
    """Whether it has the shape and the checksum of an IBAN (ISO 13616, mod 97)."""
    if not _IBAN.fullmatch(value):
        return False
    turned = value[4:] + value[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def is_bic(value: str) -> bool:
    """Whether it has the shape of a BIC (ISO 9362)."""
    return bool(_BIC.fullmatch(value))


def is_cnaps(value: str) -> bool:
    """Whether it has the shape of a Chinese bank's CNAPS code: twelve digits."""
    return bool(_CNAPS.fullmatch(value))


def is_sepa(order: PaymentOrder) -> bool:
    """Whether it is a SEPA credit transfer: euro between two IBANs of its area."""
    accounts = (order.debtor_account, order.creditor_account)
    return order.currency == "EUR" and all(
        is_iban(value) and _SEPA_AREA.fullmatch(value[:2]) for value in accounts
    )


def _is_plain(character: str) -> bool:
    # XML has no way to say control characters, surrogates and U+FFFE/F; what is invisible would
    # make two payees look alike. Private letters stay: rare Chinese names are written with them.
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}


# IBAN countries of the SEPA schemes (EPC409-09). Jersey, Guernsey and Man have GB, overseas France
# has FR.
_SEPA_AREA: Final = re.compile(
    "AD|AL|AT|BE|BG|CH|CY|CZ|DE|DK|EE|ES|FI|FR|GB|GI|GR|HR|HU|IE|IS|IT|LI|LT|LU|LV|MC|MD|ME|MK|MT|"
    "NL|NO|PL|PT|RO|RS|SE|SI|SK|SM|VA",
    re.ASCII,
)
_LATIN: Final = re.compile(r"[A-Za-z0-9/?:().,'+ -]*", re.ASCII)
# Letters that do not come apart into a plain one and an accent.
_SPELT: Final = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th",
    "ı": "i", "&": "+", "’": "'", "–": "-",
}  # fmt: skip
