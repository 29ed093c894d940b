"""Walks the messages of a file: one statement a page, tied by its own balances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from platforms.banks.mt940 import entries, tokens
from platforms.banks.mt940.entries import Balance
from platforms.banks.mt940.tokens import Field
from platforms.contract import BankLine, Document, ReadError, Record, Statement, Totals

Records = Iterator[Record]


def read(document: Document) -> Records:
    """Yield Statement, BankLines, Totals for every page of every message. Raises ReadError."""
    message: _Message | None = None
    unfinished: _Unfinished | None = None
    found = False
    for field in tokens.fields(document):
        if field.tag in ("940", "942"):
            continue
        if message is not None and field.tag in ("20", tokens.END):
            yield from message.ended(field.row)
            unfinished, message = message.unfinished, None
        if field.tag == "20":
            message, found = _Message(field.row, unfinished), True
        elif message is not None:
            yield from message.take(field)
        elif field.tag != tokens.END:
            raise ReadError(f":{field.tag}: stands outside a message", row=field.row)
    if message is not None:
        yield from message.ended(None)
    if not found:
        raise ReadError("there is no message in it", row=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unfinished:
    """A page that ended with an interim balance (:62M:): another one follows."""

    account: str
    closing: Balance


class _Page:
    """What one page of a message says; MT940 has balances, MT942 a floor and sums."""

    def __init__(self) -> None:
        self.number: str | None = None
        self.opening: Balance | None = None
        self.floor = ""
        self.closing: Balance | None = None
        self.goes_on = False
        self.sums: dict[str, tuple[int, Decimal]] = {}
        self.seen: set[bool] = set()
        self.stated = False

    @property
    def unit(self) -> str:
        return self.opening.currency if self.opening else self.floor

    @property
    def ended(self) -> bool:
        return self.closing is not None or bool(self.sums)

    def totals(self) -> Totals:
        credit, debit = self.sums.get("90C"), self.sums.get("90D")
        return Totals(
            credit_count=credit[0] if credit else None,
            credit=credit[1] if credit else None,
            debit_count=debit[0] if debit else None,
            debit=debit[1] if debit else None,
            opening=self.opening.value if self.opening else None,
            closing=self.closing.value if self.closing else None,
        )


class _Message:
    """A message whose end has not come yet."""

    def __init__(self, row: int, before: _Unfinished | None) -> None:
        self._row = row
        self._before = before
        self._account: str | None = None
        self._page = _Page()
        self._entry: Field | None = None
        self._texts: list[Field] = []

    def take(self, field: Field) -> Records:
        """Take the next field; yields what it completes."""
        return _TAKES[field.tag](self, field)

    def ended(self, row: int | None) -> Records:
        """Yield what is left. Raises ReadError if the message is not whole."""
        yield from self._flush()
        page = self._page
        if page.opening is not None and page.closing is None:
            raise ReadError("the statement has no closing balance (:62F:): it was cut", row=row)
        if not page.unit:
            raise ReadError("the message has no opening balance (:60F:)", row=self._row)
        if page.opening is None:
            self._check_sums(row)
        yield from self._state(())
        yield page.totals()

    @property
    def unfinished(self) -> _Unfinished | None:
        """The page another one must continue, if its last one says so."""
        page = self._page
        if page.closing is None or not page.goes_on or self._account is None:
            return None
        return _Unfinished(account=self._account, closing=page.closing)

    def _check_sums(self, row: int | None) -> None:
        """An interim report has no balances: its end is proved by its sums alone."""
        sides = {"90C" for credit in self._page.seen if credit} | {
            "90D" for credit in self._page.seen if not credit
        }
        if not self._page.sums or sides - self._page.sums.keys():
            raise ReadError("the report lacks its sums (:90C:, :90D:): it was cut", row=row)

    # --- one field each ---------------------------------------------------------------

    def account(self, field: Field) -> Records:
        if self._account is not None:
            raise ReadError("a second :25: in one message", row=field.row)
        self._account = field.lines[0].strip().removeprefix("/")
        yield from ()

    def number(self, field: Field) -> Records:
        yield from self._next_page(field)
        if self._page.number is not None:
            raise ReadError(f"a second :{field.tag}: in one page", row=field.row)
        self._page.number = field.text

    def opening(self, field: Field) -> Records:
        yield from self._next_page(field)
        if self._page.unit:
            raise ReadError("a second opening balance", row=field.row)
        self._page.opening = entries.balance(field)
        before = self._before
        if before is None or field.tag != "60M" or before.account != self._account:
            return
        if (before.closing.currency, before.closing.value) != (
            self._page.opening.currency,
            self._page.opening.value,
        ):
            raise ReadError("it does not begin where the page before ends", row=field.row)

    def floor(self, field: Field) -> Records:
        if self._page.opening is None:
            unit = entries.floor_currency(field)
            if self._page.floor not in ("", unit):
                raise ReadError(f"it is in {unit} and in {self._page.floor}", row=field.row)
            self._page.floor = unit
        yield from ()

    def entry(self, field: Field) -> Records:
        if self._page.ended:
            raise ReadError("an entry after the end of its page", row=field.row)
        if not self._page.unit:
            raise ReadError("an entry before the opening balance", row=field.row)
        yield from self._flush()
        yield from self._state((field,))
        self._entry = field

    def text(self, field: Field) -> Records:
        # A text that follows no entry is about the statement.
        if self._entry is not None:
            self._texts.append(field)
        yield from ()

    def closing(self, field: Field) -> Records:
        yield from self._flush()
        page = self._page
        if page.closing is not None:
            raise ReadError("a second closing balance", row=field.row)
        page.closing, page.goes_on = entries.balance(field), field.tag == "62M"
        if page.opening is None:
            raise ReadError("a closing balance without an opening one", row=field.row)
        if page.closing.currency != page.opening.currency:
            stated = f"{page.opening.currency} and closes in {page.closing.currency}"
            raise ReadError(f"the statement opens in {stated}", row=field.row)

    def sums(self, field: Field) -> Records:
        yield from self._flush()
        if field.tag in self._page.sums:
            raise ReadError(f"a second :{field.tag}:", row=field.row)
        self._page.sums[field.tag] = entries.total(field, unit=self._page.unit)

    def nothing(self, field: Field) -> Records:
        yield from self._flush()

    # --- what it makes ----------------------------------------------------------------

    def _next_page(self, field: Field) -> Records:
        """A message may hold several pages: 62M, then 28C and 60M."""
        if self._page.ended:
            yield from self.ended(field.row)
            self._before, self._page = self.unfinished, _Page()

    def _state(self, entry: tuple[Field, ...]) -> Iterator[Statement]:
        """Yield the statement, once. One without entries is dated by its balance."""
        page = self._page
        if page.stated:
            return
        page.stated = True
        if not self._account:
            raise ReadError("the message names no account (:25:)", row=self._row)
        empty_on = page.closing.on if page.closing and not entry else None
        yield Statement(
            account=_without_currency(self._account, page.unit),
            currency=page.unit,
            number=page.number or "",
            profile="mt940" if page.opening else "mt942",
            books=page.opening is not None,
            period_from=empty_on,
            period_to=empty_on,
        )

    def _flush(self) -> Iterator[BankLine]:
        if self._entry is None:
            return
        line = entries.read(self._entry, self._texts, unit=self._page.unit)
        if line.amount:
            self._page.seen.add(line.amount > 0)
        self._entry, self._texts = None, []
        yield line


def _without_currency(account: str, unit: str) -> str:
    """The number alone: several banks write the account's currency behind it."""
    number = account.removesuffix(unit).rstrip()
    return number if number[-1:].isdigit() else account


_TAKES: Final[Mapping[str, Callable[[_Message, Field], Records]]] = {
    "25": _Message.account,
    "25P": _Message.account,
    "28": _Message.number,
    "28C": _Message.number,
    "60F": _Message.opening,
    "60M": _Message.opening,
    "34F": _Message.floor,
    "61": _Message.entry,
    "86": _Message.text,
    "NS": _Message.text,
    "62F": _Message.closing,
    "62M": _Message.closing,
    "90C": _Message.sums,
    "90D": _Message.sums,
    **dict.fromkeys(("21", "13", "13D", "64", "65"), _Message.nothing),
}
