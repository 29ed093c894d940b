"""What a column profile is: which columns a bank's CSV has and what they mean.

A profile is data. Built-in ones stand in profiles.py; an operator's own arrives
as JSON and is checked by the same rules.
"""

from __future__ import annotations

import codecs
import re
from datetime import date
from typing import Final

import msgspec

from platforms.contract import ReadError
from platforms.reading import shown

MAX_JSON: Final = 64 * 1024
DELIMITERS: Final = (",", ";", "\t", "|")


class ProfileError(ReadError):
    """A column profile is not sound; the reason names what is wrong in it."""


class Columns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The header names by meaning; "" for what the file does not have.

    Either `amount` is signed, or it stands beside `direction`, or `credit` and
    `debit` are two columns. `status` must hold one of the profile's `booked`
    words. `same` names a column that must not change (a file of two accounts).
    """

    booked_on: str
    value_on: str = ""
    amount: str = ""
    direction: str = ""
    credit: str = ""
    debit: str = ""
    balance: str = ""
    currency: str = ""
    account: str = ""
    status: str = ""
    same: str = ""
    reference: str = ""
    counterparty: str = ""
    end_to_end_id: str = ""
    remittance: tuple[str, ...] = ()

    def named(self) -> list[str]:
        """Every header name that is used."""
        texts = [value for value in msgspec.structs.astuple(self) if isinstance(value, str)]
        return [name for name in (*texts, *self.remittance) if name]


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One layout of one bank's export; `code` and `version` name it for good.

    `header` is the whole header row, cells stripped. `has_header` False: the
    file has none and `header` names its columns in order (only as a chosen
    profile: nothing else says what the columns are). `preamble` begins the first
    line ("" = the header is the first row), `account_label` stands before the
    account's number there. `trailer` are words that begin the rows after the
    last entry; `trailer_sums`: such a row states the sums in the credit and
    debit columns. `dates` is written with YYYY, MM, DD (and hh, mm, ss).
    `order` is "oldest_first", "newest_first" or "" where the bank lets people
    choose. `credits` and `debits` are the words of `direction`, `blanks` stand
    for an empty cell, `currencies` translate the file's words into ISO codes.
    `refusal` says why files of this layout are not taken at all.
    """

    code: str
    version: int = 1
    name: str
    header: tuple[str, ...]
    columns: Columns
    encoding: str = "utf-8"
    delimiter: str = ","
    has_header: bool = True
    preamble: str = ""
    account_label: str = ""
    trailer: tuple[str, ...] = ()
    trailer_sums: bool = False
    dates: str = "YYYY-MM-DD"
    decimal: str = "."
    thousands: str = ""
    symbol: str = ""
    credits: tuple[str, ...] = ()
    debits: tuple[str, ...] = ()
    booked: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ()
    currency: str = ""
    currencies: dict[str, str] = {}
    order: str = ""
    verified: bool = False
    refusal: str = ""

    @property
    def sign_by_balance(self) -> bool:
        """Whether a wrong sign would show: the running balance proves each row."""
        return bool(self.columns.balance)


def decoded(text: str) -> ColumnProfile:
    """Read an operator's profile from JSON. Raises ProfileError naming what is wrong."""
    if len(text) > MAX_JSON:
        raise ProfileError("the column profile is too long")
    try:
        profile = msgspec.json.decode(text.encode(), type=ColumnProfile)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ProfileError(f"the column profile cannot be read: {error}") from error
    faults = [fault for holds, fault in _checks(profile) if not holds]
    if faults:
        raise ProfileError(f"the column profile is not sound: {'; '.join(faults)}")
    return profile


def as_json(profile: ColumnProfile) -> str:
    """The profile as `decoded` reads it."""
    return msgspec.json.encode(profile).decode()


def _checks(profile: ColumnProfile) -> list[tuple[bool, str]]:
    columns, header = profile.columns, profile.header
    missing = [name for name in columns.named() if name not in header]
    ways = (
        bool(columns.amount) and not columns.direction,
        bool(columns.amount and columns.direction),
        bool(columns.credit and columns.debit),
    )
    return [
        (bool(_CODE.fullmatch(profile.code)), "code is not a lower-case word"),
        (profile.version >= 1, "version does not count from 1"),
        (bool(profile.name), "name is empty"),
        (len(set(header)) == len(header) > 1, "header has fewer than two names or one twice"),
        (all(name == name.strip() for name in header), "a header name has spaces around it"),
        (not missing, f"the header lacks {', '.join(missing)}"),
        (
            sum(ways) == 1 and bool(columns.credit) == bool(columns.debit),
            "the amount is not one column, or one with a direction, or credit and debit",
        ),
        (
            bool(columns.direction) == bool(profile.credits) == bool(profile.debits),
            "direction needs its words in credits and debits, and they need it",
        ),
        (not set(profile.credits) & set(profile.debits), "a word is in credits and in debits"),
        (bool(columns.status) == bool(profile.booked), "status needs its words in booked"),
        (_is_encoding(profile.encoding), f"there is no encoding {profile.encoding}"),
        (profile.delimiter in DELIMITERS, "delimiter is none of , ; tab |"),
        (is_date_form(profile.dates), "dates does not have YYYY, MM and DD once each"),
        (profile.decimal in (".", ","), "decimal is neither . nor ,"),
        (profile.thousands in ("", ".", ",", "'", " "), "thousands is not a mark"),
        (profile.decimal != profile.thousands, "decimal and thousands are the same mark"),
        (profile.order in ("", "oldest_first", "newest_first"), "order is not known"),
        (_are_currencies(profile), "a currency is not three capital letters"),
        (not profile.trailer_sums or bool(profile.trailer and columns.credit),
         "trailer_sums needs a trailer and the columns credit and debit"),
        (not profile.account_label or bool(profile.preamble), "account_label needs a preamble"),
        (profile.has_header or not profile.preamble, "a file without header has no preamble"),
    ]  # fmt: skip


def _is_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name).name in _ENCODINGS
    except (LookupError, ValueError):
        return False


def _are_currencies(profile: ColumnProfile) -> bool:
    units = [*profile.currencies.values(), *filter(None, [profile.currency])]
    return all(_UNIT.fullmatch(unit) for unit in units)


_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_UNIT: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_ENCODINGS: Final = frozenset(
    {"utf-8", "gb18030", "gbk", "cp1252", "iso8859-1", "iso8859-15", "cp1250", "iso8859-2"}
    | {"cp852", "big5", "shift_jis", "ascii"}
)

# --- days -------------------------------------------------------------------

_TOKENS: Final = {
    "YYYY": "(?P<y>[0-9]{4})",
    "MM": "(?P<m>[0-9]{2})",
    "DD": "(?P<d>[0-9]{2})",
    "hh": "[0-9]{2}",
    "mm": "[0-9]{2}",
    "ss": "[0-9]{2}",
}
_TOKEN: Final = re.compile("YYYY|MM|DD|hh|mm|ss")


def is_date_form(form: str) -> bool:
    """Whether a form names the year, the month and the day, once each."""
    found = _TOKEN.findall(form)
    return len(found) == len(set(found)) and {"YYYY", "MM", "DD"} <= set(found)


def date_form(form: str) -> re.Pattern[str]:
    """The form as a pattern with the groups y, m and d."""
    parts = re.split(f"({_TOKEN.pattern})", form)
    return re.compile("".join(_TOKENS.get(part, re.escape(part)) for part in parts), re.ASCII)


def day(text: str, form: re.Pattern[str], *, row: int) -> date:
    """Read a day in the profile's form. Raises ReadError."""
    match = form.fullmatch(text)
    if match is None:
        raise ReadError(f"not a day: {shown(text)}", row=row)
    try:
        return date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError as error:
        raise ReadError(f"not a day: {shown(text)}", row=row) from error
