"""Finds the one profile whose header a file has."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from platforms.banks.bank_csv.profile import (
    ColumnProfile,
    ProfileError,
    date_form,
    day,
    decoded,
)
from platforms.banks.bank_csv.profiles import PROFILES
from platforms.contract import Document, ReadError
from platforms.reading import csv_rows

# A preamble ends before this row.
HEAD_ROWS: Final = 30

Rows = Sequence[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is read: the profile, the header's row (0 if it has none), the preamble's account.

    `own` is True for a profile that came with the document.
    """

    profile: ColumnProfile
    own: bool
    header_row: int
    account: str = ""


def recognises(document: Document) -> bool:
    """Whether a profile fits: the given one, or a built-in one by its header."""
    try:
        given = _given(document)
    except ProfileError:
        # The file was uploaded for this adapter; `read` says what is wrong.
        return True
    heads = _Heads(document)
    profiles = PROFILES if given is None else (given, *PROFILES)
    return any(_fit(profile, heads, own=profile is given) for profile in profiles)


def find(document: Document) -> Layout:
    """The layout of a document.

    Raises ReadError if the given profile does not fit, or if none or several
    built-in ones do, and ProfileError if the given one is not sound.
    """
    given, heads = _given(document), _Heads(document)
    if given is not None:
        layout = _fit(given, heads, own=True)
        if layout is None:
            what = "header" if given.has_header else "columns"
            reason = f"the file does not have the {what} of the profile {given.code}"
            raise ReadError(reason, row=1)
        return layout
    found = [layout for profile in PROFILES if (layout := _fit(profile, heads, own=False))]
    if len(found) != 1:
        codes = ", ".join(layout.profile.code for layout in found) or "no profile"
        raise ReadError(f"the header must fit one profile, but fits {codes}", row=1)
    return found[0]


def cells(fields: Iterable[str]) -> list[str]:
    """A row's values, stripped (banks fill them up), without empty ones at its end."""
    found = [field.strip() for field in fields]
    while found and not found[-1]:
        found.pop()
    return found


def _given(document: Document) -> ColumnProfile | None:
    text = document.context.get("column_profile", "")
    return decoded(text) if text else None


class _Heads:
    """The first rows of a document, by encoding and delimiter."""

    def __init__(self, document: Document) -> None:
        head = document.head
        # A head that was cut ends inside a row, perhaps inside a character.
        self._head = head[: head.rfind(b"\n") + 1] or head
        self._known: dict[tuple[str, str], Rows] = {}

    def rows(self, profile: ColumnProfile) -> Rows:
        """The rows as the profile declares them, [] if they are not such text."""
        key = (profile.encoding, profile.delimiter)
        if key not in self._known:
            self._known[key] = self._read(*key)
        return self._known[key]

    def _read(self, encoding: str, delimiter: str) -> Rows:
        stream = io.BytesIO(self._head)
        rows = csv_rows(stream, encoding=encoding, delimiter=delimiter)
        found: list[tuple[int, list[str]]] = []
        # What stands before a fault may still hold the header: reading names the fault.
        with contextlib.suppress(ReadError):
            found.extend(islice(rows, HEAD_ROWS))
        return found


def _fit(profile: ColumnProfile, heads: _Heads, *, own: bool) -> Layout | None:
    rows = heads.rows(profile)
    if not rows:
        return None
    if not profile.has_header:
        fits = own and _looks_like(profile, rows[0][1])
        return Layout(profile=profile, own=own, header_row=0) if fits else None
    if profile.preamble and not rows[0][1][0].strip().startswith(profile.preamble):
        return None
    header = list(profile.header)
    for row, fields in rows if profile.preamble else rows[:1]:
        if cells(fields) == header:
            account = _account(profile, rows, row)
            return Layout(profile=profile, own=own, header_row=row, account=account)
    return None


def _looks_like(profile: ColumnProfile, fields: list[str]) -> bool:
    """Whether a first row without a header has the columns, and a day where it should be."""
    if len(fields) != len(profile.header):
        return False
    text = fields[profile.header.index(profile.columns.booked_on)].strip()
    try:
        day(text, date_form(profile.dates), row=1)
    except ReadError:
        return False
    return True


def _account(profile: ColumnProfile, rows: Rows, header_row: int) -> str:
    """The number behind the profile's label in the preamble."""
    if not profile.account_label:
        return ""
    for row, fields in rows:
        for field in fields if row < header_row else ():
            if field.strip().startswith(profile.account_label):
                return field.strip().removeprefix(profile.account_label).strip()
    return ""
