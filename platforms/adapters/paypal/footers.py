"""What a report says of itself, against what its rows add up to.

SF and RF: currency, gross credits, gross debits, fee credits, fee debits, then the
beginning and ending available, total and payable balances, each with CR or DR, and a
count. The four sums and SC, RC and FF (counts of body rows) are checked, and that the
rows lead from one beginning balance to its ending one: holds change the available
balance only, so either of the first two pairs may be the one that fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from platforms.adapters.paypal import body
from platforms.contract import ReadError
from platforms.reading import count, currency, shown
from platforms.values import EXACT, NOTHING

NAMES: Final = frozenset({"RH", "FH", "SH", "CH", "SB", "SF", "SC", "RF", "RC", "FF"})
_WIDTH: Final = 19
_COUNT_ONLY: Final = 2


class Framed(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the file; `entry` is what a body row says."""

    row: int
    name: str
    fields: tuple[str, ...]
    section: int
    entry: body.Entry | None
    detail: bool


class _Footer(msgspec.Struct, frozen=True, kw_only=True):
    """One SF or RF; balances are signed."""

    sums: tuple[Decimal, ...]
    available: tuple[Decimal, Decimal]
    total: tuple[Decimal, Decimal]

    def proves(self, sums: _Sums) -> bool:
        """Whether the rows add up to this."""
        if tuple(sums.parts) != self.sums:
            return False
        moved = sums.net
        return any(EXACT.add(a, moved) == b for a, b in (self.available, self.total))


@dataclass(slots=True)
class _Sums:
    """Gross credits, gross debits, fee credits, fee debits: all positive."""

    parts: list[Decimal] = field(default_factory=lambda: [NOTHING] * 4)

    @property
    def net(self) -> Decimal:
        """What the rows move together."""
        credits, debits, back, taken = self.parts
        return EXACT.subtract(EXACT.add(credits, back), EXACT.add(debits, taken))

    def add(self, entry: body.Entry) -> None:
        """Add one row."""
        for place, value in ((0, entry.gross), (2, entry.fee)):
            place += value < 0
            self.parts[place] = EXACT.add(self.parts[place], abs(value))


@dataclass(slots=True)
class Section:
    """One account's part of the report."""

    account: str
    begins: datetime
    ends: datetime
    detail: bool = False
    rows: int = 0
    closed: bool = False
    sums: dict[str, _Sums] = field(default_factory=dict)
    footers: dict[str, _Footer] = field(default_factory=dict)


class Proof:
    """Takes every record of a file, then says of each section and currency if it ties."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._file = 0
        self._rows = 0
        self._faulty = False
        self._ended = False
        self._report: dict[str, _Footer] = {}

    def add(self, record: Framed) -> None:
        """Take one record. Raises ReadError."""
        match record.name:
            case "FH":
                self._file = count(_value(record, 1), row=record.row)
            case "SH":
                self.sections.append(_section(record))
            case "CH":
                self._section(record).detail = record.detail
            case "SB" if record.entry is not None:
                self._add_entry(self._section(record), record.entry)
            case "SF" | "RF":
                self._add_footer(record)
            case "SC":
                section = self._section(record)
                section.closed = True
                self._check_count(record, section.rows)
            case "RC":
                self._check_count(record, self._rows)
            case "FF":
                self._ended = True
                self._faulty |= count(_value(record, 1), row=record.row) != self._rows

    def finish(self) -> None:
        """Raise ReadError if the file has no end, or not even a beginning."""
        if not self._ended:
            raise ReadError("the file does not end with FF: it was cut")
        if not self.sections or not self._file:
            raise ReadError("the file has no file or section header")

    def ties(self, section: int, unit: str) -> bool | None:
        """Whether a section's rows in a currency are what the footers say.

        None where this file is not the whole report and cannot know.
        """
        if self._faulty:
            return False
        found = self.sections[section]
        if found.detail:
            return found.closed or None
        footer = found.footers.get(unit)
        if footer is None:
            return False if found.closed and self._file == 1 else None
        proved = footer.proves(found.sums.get(unit, _Sums())) and self._report_agrees(unit)
        # The rows of the files before this one are not here.
        return proved if proved or self._file == 1 else None

    def still(self) -> list[tuple[int, str]]:
        """The sections and currencies that have totals and no row."""
        return [
            (number, unit)
            for number, section in enumerate(self.sections)
            for unit in section.footers
            if unit not in section.sums
        ]

    def _add_entry(self, section: Section, entry: body.Entry) -> None:
        section.rows += 1
        self._rows += 1
        section.sums.setdefault(entry.currency, _Sums()).add(entry)

    def _add_footer(self, record: Framed) -> None:
        section = self._section(record)
        if len(record.fields) == _COUNT_ONLY:
            self._check_count(record, section.rows if record.name == "SF" else self._rows)
            return
        if section.detail:
            # It counts rows that moved nothing; which of its sums do is not confirmed.
            return
        unit = currency(_value(record, 1), row=record.row)
        footers = section.footers if record.name == "SF" else self._report
        if unit in footers:
            raise ReadError(f"a second {record.name} in {unit}", row=record.row)
        footers[unit] = _footer(record, unit)

    def _check_count(self, record: Framed, rows: int) -> None:
        """Compare a count; a later file of a report counts rows that are not here."""
        stated = count(_value(record, 1), row=record.row)
        self._faulty |= stated < rows or (stated != rows and self._file == 1)

    def _report_agrees(self, unit: str) -> bool:
        """Whether the report's own totals are those of all sections."""
        footer = self._report.get(unit)
        if footer is None or self._file != 1:
            return True
        every = [section.sums[unit] for section in self.sections if unit in section.sums]
        totals = [
            sum(parts, NOTHING) for parts in zip(*(sums.parts for sums in every), strict=True)
        ]
        return tuple(totals or [NOTHING] * 4) == footer.sums

    def _section(self, record: Framed) -> Section:
        if not self.sections:
            raise ReadError(f"{record.name} before a section", row=record.row)
        return self.sections[-1]


def _section(record: Framed) -> Section:
    return Section(
        account=_value(record, 3),
        begins=body.instant(_value(record, 1), row=record.row),
        ends=body.instant(_value(record, 2), row=record.row),
    )


def _footer(record: Framed, unit: str) -> _Footer:
    """Read one SF or RF. Raises ReadError."""
    fields, row = record.fields, record.row
    if len(fields) != _WIDTH:
        raise ReadError(f"{record.name} has {len(fields)} values, not {_WIDTH}", row=row)
    sums = tuple(body.minor(text, "CR", unit, row=row) for text in fields[2:6])
    balances = [
        body.minor(fields[at + 1], fields[at], unit, row=row) for at in range(6, _WIDTH - 1, 2)
    ]
    return _Footer(
        sums=sums, available=(balances[0], balances[1]), total=(balances[2], balances[3])
    )


def _value(record: Framed, position: int) -> str:
    """A value that is there and not empty."""
    if len(record.fields) <= position or not record.fields[position]:
        raise ReadError(f"{shown(record.name)} lacks value {position}", row=record.row)
    return record.fields[position]
