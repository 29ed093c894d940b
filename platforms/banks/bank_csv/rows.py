"""Reads the rows of a file by its layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from io import SEEK_END
from typing import BinaryIO, Final

from platforms.banks.bank_csv import layout as layouts
from platforms.banks.bank_csv import profile as profiles
from platforms.banks.bank_csv.chain import Chain, Link
from platforms.banks.bank_csv.layout import Layout, cells
from platforms.banks.bank_csv.profile import ColumnProfile
from platforms.banks.bank_csv.profiles import OWN
from platforms.contract import BankLine, Document, ReadError, Record, Statement, Totals
from platforms.reading import amount, csv_rows, currency, shown
from platforms.values import EXACT, NOTHING

NO_ACCOUNT: Final = (
    "the file does not say which account it is of: choose the bank account it belongs to"
)
NO_CURRENCY: Final = (
    "the file does not say which currency it is in: choose the bank account it belongs to"
)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, BankLines, Totals. Raises ReadError."""
    layout = layouts.find(document)
    profile = layout.profile
    if profile.refusal:
        raise ReadError(profile.refusal)
    reader = _Reader(layout, document.context)
    with document.open() as stream:
        _require_whole_end(stream, profile)
        for row, fields in csv_rows(stream, encoding=profile.encoding, delimiter=profile.delimiter):
            if row > layout.header_row and (found := cells(fields)):
                yield from reader.take(row, found, width=len(fields))
    yield reader.totals()


def _require_whole_end(stream: BinaryIO, profile: ColumnProfile) -> None:
    """A last row without a line end may have lost a part of its last value.

    Where that value is a currency or the same in every row, the loss would show.
    """
    size = stream.seek(0, SEEK_END)
    stream.seek(max(size - 1, 0))
    ends = stream.read(1) == b"\n"
    stream.seek(0)
    if not ends and profile.header[-1] not in (profile.columns.currency, profile.columns.same):
        raise ReadError("the file does not end with a line end: it was cut")


class _Reader:
    """Reads rows into records; knows what the file has said of itself so far."""

    def __init__(self, layout: Layout, context: Mapping[str, str]) -> None:
        self._layout = layout
        self._profile = layout.profile
        self._context = context
        self._at = {name: place for place, name in enumerate(layout.profile.header)}
        self._days = profiles.date_form(layout.profile.dates)
        self._chain = Chain(layout.profile.order)
        self._said: dict[str, str] = {}
        self._trailer: int | None = None
        self._credit: Decimal | None = None
        self._debit: Decimal | None = None

    def take(self, row: int, found: list[str], *, width: int) -> Iterator[Statement | BankLine]:
        """Take one row of `width` values: stripped, without empty ones at its end."""
        if self._profile.trailer and found[0].startswith(self._profile.trailer):
            self._end(row, found)
            return
        if self._trailer is not None:
            raise ReadError("a row after the last one", row=row)
        wanted = len(self._profile.header)
        if width < wanted or len(found) > wanted:
            raise ReadError(f"the row has {width} values, the header {wanted}", row=row)
        entry = _Row(row, found, self._profile, self._at, self._days)
        if not self._said:
            yield self._statement(entry)
        self._check_same(entry)
        line = entry.line(self._said["currency"])
        if self._profile.columns.balance:
            balance = entry.money(self._profile.columns.balance)
            on = line.booked_on
            assert on is not None
            self._chain.add(Link(row=row, on=on, amount=line.amount, balance=balance))
        yield line

    def totals(self) -> Totals:
        """What the file says it adds up to. Raises ReadError if it is not whole."""
        if not self._said:
            raise ReadError("there is no entry in it")
        if self._profile.trailer_sums and self._trailer is None:
            words = " / ".join(self._profile.trailer)
            raise ReadError(f"the last row ({words}) is missing: the file was cut")
        opening, closing = self._chain.ends()
        return Totals(credit=self._credit, debit=self._debit, opening=opening, closing=closing)

    def _statement(self, entry: _Row) -> Statement:
        """Open the statement with what its first entry says."""
        self._said = self._facts(entry)
        profile = self._profile
        name = profile.code
        if self._layout.own:
            name = f"{profile.code}.{profile.version}" if profile.verified else OWN
        return Statement(
            account=self._account(self._said["account"]),
            currency=self._said["currency"],
            profile=name,
        )

    def _facts(self, entry: _Row) -> dict[str, str]:
        columns = self._profile.columns
        return {
            "account": entry.text(columns.account) or self._layout.account,
            "currency": entry.currency() or self._context.get("currency", ""),
            "same": entry.text(columns.same),
        }

    def _account(self, stated: str) -> str:
        """The number stated, or chosen; one shown in part must be the chosen one's."""
        chosen = self._context.get("account", "")
        if not (stated or chosen):
            raise ReadError(NO_ACCOUNT)
        if not self._said["currency"]:
            raise ReadError(NO_CURRENCY)
        currency(self._said["currency"])
        if "*" not in stated:
            return stated or chosen
        if not chosen:
            raise ReadError(f"the file shows its account only as {stated}: choose the account")
        shown_parts = [re.escape(part) for part in re.split(r"[*]+", stated.replace(" ", ""))]
        if not re.fullmatch(".+".join(shown_parts), chosen.replace(" ", "")):
            raise ReadError(f"the file is of account {stated}, which is not the chosen one")
        return chosen

    def _check_same(self, entry: _Row) -> None:
        """One file is of one account and one currency."""
        for what, said in self._facts(entry).items():
            if said != self._said[what]:
                reason = f"it is of {said}, the rows before are of {self._said[what]}"
                raise ReadError(f"{reason}: export them one by one", row=entry.row)

    def _end(self, row: int, found: list[str]) -> None:
        """Read the sums of a trailing row, if the layout has them."""
        if self._trailer is not None and self._profile.trailer_sums:
            raise ReadError("a second row of sums", row=row)
        self._trailer = row
        if self._profile.trailer_sums:
            columns = self._profile.columns
            sums = _Row(row, found, self._profile, self._at, self._days)
            self._credit, self._debit = sums.money(columns.credit), sums.money(columns.debit)


class _Row:
    """One row's values by the names of the header."""

    def __init__(
        self,
        row: int,
        found: list[str],
        profile: ColumnProfile,
        at: Mapping[str, int],
        days: re.Pattern[str],
    ) -> None:
        self.row = row
        self._found = found
        self._profile = profile
        self._at = at
        self._days = days

    def text(self, name: str) -> str:
        """The value under a header name, "" if there is none or a word for none."""
        place = self._at[name] if name else len(self._found)
        value = self._found[place] if place < len(self._found) else ""
        return "" if value in self._profile.blanks else value

    def money(self, name: str) -> Decimal:
        """The signed amount under a header name. Raises ReadError."""
        text, symbol = self.text(name), self._profile.symbol
        sign = text[:1] if text[:1] in ("+", "-") else ""
        if symbol:
            text = sign + text.removeprefix(sign).removeprefix(symbol)
        return amount(
            text,
            thousands=self._profile.thousands,
            decimal=self._profile.decimal,
            row=self.row,
        )

    def currency(self) -> str:
        """The currency the row or the profile states, "" if neither does. Raises ReadError."""
        word = self.text(self._profile.columns.currency)
        if not self._profile.columns.currency:
            return self._profile.currency
        return self._profile.currencies.get(word) or currency(word, row=self.row)

    def line(self, unit: str) -> BankLine:
        """The row as an entry. Raises ReadError."""
        columns = self._profile.columns
        status = self.text(columns.status)
        if columns.status and status not in self._profile.booked:
            raise ReadError(f"the entry is {shown(status)}, not booked", row=self.row)
        value_on = self.text(columns.value_on)
        return BankLine(
            reference=self.text(columns.reference),
            amount=self._amount(),
            currency=unit,
            booked_on=self._day(self.text(columns.booked_on)),
            row=self.row,
            value_on=self._day(value_on) if value_on else None,
            counterparty=self.text(columns.counterparty),
            remittance=" ".join(filter(None, map(self.text, columns.remittance))),
            end_to_end_id=self.text(columns.end_to_end_id),
        )

    def _day(self, text: str) -> date:
        return profiles.day(text, self._days, row=self.row)

    def _amount(self) -> Decimal:
        columns = self._profile.columns
        if columns.credit:
            return self._of_two_columns()
        if not columns.direction:
            return self.money(columns.amount)
        word, value = self.text(columns.direction), self._side(columns.amount)
        if word in self._profile.credits:
            return value
        if word in self._profile.debits:
            return EXACT.minus(value)
        raise ReadError(f"neither a credit nor a debit: {shown(word)}", row=self.row)

    def _of_two_columns(self) -> Decimal:
        columns = self._profile.columns
        sides = [
            self._side(name) if self.text(name) else None
            for name in (columns.credit, columns.debit)
        ]
        if sides == [None, None]:
            raise ReadError("neither a credit nor a debit", row=self.row)
        if all(sides):
            raise ReadError("both a credit and a debit", row=self.row)
        return EXACT.subtract(sides[0] or NOTHING, sides[1] or NOTHING)

    def _side(self, name: str) -> Decimal:
        """The amount of one side.

        A negative one is a reversal, or the bank's way of writing debits. Only the
        running balance can tell which: without one it is refused.
        """
        value = self.money(name)
        if value < 0 and not self._profile.sign_by_balance:
            raise ReadError(f"a negative amount in {shown(name)}", row=self.row)
        return value
