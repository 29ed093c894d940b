"""Looks into files and hooks and says what is in them, without a database.

What `./manage.py inspect` and `verify_hook` print. It uses only the adapters, so
that it works before anything is installed, and reads as a stream: a file of two
million rows takes no more memory than one of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from platforms import registry
from platforms.banks.bank_csv.profile import ColumnProfile, decoded
from platforms.contract import (
    Adapter,
    AdapterError,
    BankLine,
    Document,
    Line,
    Link,
    Payout,
    RawHook,
    ReadError,
    Reply,
    Statement,
    Totals,
)
from platforms.tally import Tally
from settlement.errors import RefusedError

HEAD: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a document could not be read; `row` as a person sees the file."""

    row: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One statement of a document, or why the document could not be read.

    Amounts are decimal strings in the major unit without an exponent; credit
    and debit are both positive and add up source rows by their net. `kinds`
    counts records by kind; `balanced` is None where nothing is stated.
    """

    file: str
    code: str | None = None
    kind: str | None = None
    account: str | None = None
    currency: str | None = None
    lines: int = 0
    credit_count: int = 0
    debit_count: int = 0
    credit: str = "0"
    debit: str = "0"
    opening: str | None = None
    closing: str | None = None
    balanced: bool | None = None
    period_from: str | None = None
    period_to: str | None = None
    kinds: Mapping[str, int] = field(default_factory=dict)
    error: Fault | None = None

    def as_json(self) -> dict[str, object]:
        """The summary as plain values, in the order of its fields."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a hook is authentic, why not, and what the platform is answered."""

    accepted: bool
    reason: str
    reply: Reply

    def as_json(self) -> dict[str, object]:
        """The verdict as plain values; the body as text."""
        return {
            "accepted": self.accepted,
            "reason": self.reason,
            "reply": {
                "status": self.reply.status,
                "body": self.reply.body.decode(),
                "content_type": self.reply.content_type,
            },
        }


def inspect_file(
    path: Path, as_code: str = "", *, context: Mapping[str, str] | None = None
) -> list[Summary]:
    """Summarise a file, a summary a statement; a file that cannot be opened is an error.

    `context` is what an uploader would choose: account, currency, column_profile.
    """
    try:
        document = replace(document_at(path), context=dict(context or {}))
    except OSError as error:
        reason = error.strerror or str(error)
        return [Summary(file=str(path), error=Fault(row=None, reason=reason))]
    return inspect(document, as_code)


def document_at(path: Path) -> Document:
    """A file as the adapters see it. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    return Document(name=str(path), head=head, open=lambda: path.open("rb"), origin="file")


def inspect(document: Document, as_code: str = "") -> list[Summary]:
    """Summarise a document: one summary a statement, or one with the error.

    `as_code` names the adapter instead of recognising it; UnknownAdapterError if
    there is none. A document that fails half-way gives its error alone: the
    statements before it are not to be relied on.
    """
    blank = Summary(file=document.name)
    adapter = registry.get(as_code) if as_code else None
    try:
        adapter = adapter or registry.recognise(document)
        blank = replace(blank, code=adapter.code, kind=adapter.family)
        return list(_summaries(adapter, document, blank))
    except ReadError as error:
        return [replace(blank, error=Fault(row=error.row, reason=error.reason))]


def column_profile(definition: str) -> ColumnProfile:
    """A column profile of a bank's CSV, checked. Raises RefusedError naming what is wrong."""
    try:
        return decoded(definition)
    except ReadError as error:
        raise RefusedError(error.reason) from error


def judge_hook(adapter: Adapter, hook: RawHook, link: Link, now: datetime) -> Verdict:
    """Verify a hook and, where the link holds what it takes, open its payload.

    Raises UnknownAdapterError if the platform sends no hooks.
    """
    platform = registry.pushes(adapter)
    try:
        platform.verify(hook, link, now)
        if "aes_key" not in adapter.credentials or link.secrets.get("aes_key"):
            platform.unwrap(hook, link)
    except AdapterError as error:
        return Verdict(accepted=False, reason=str(error), reply=platform.reply(False))
    return Verdict(accepted=True, reason="", reply=platform.reply(True))


def _summaries(adapter: Adapter, document: Document, blank: Summary) -> Iterator[Summary]:
    current: _Current | None = None
    for record in adapter.read(document):
        if isinstance(record, Statement):
            if current is not None:
                yield current.summary(None)
            current = _Current(record, blank)
        elif current is None:
            raise ReadError(f"{adapter.code} gave a record outside a statement")
        elif isinstance(record, Totals):
            yield current.summary(record)
            current = None
        else:
            current.add(record)
    if current is not None:
        yield current.summary(None)


class _Current:
    """The statement that is being read."""

    def __init__(self, statement: Statement, blank: Summary) -> None:
        self._statement = statement
        self._blank = blank
        self._tally = Tally()
        self._kinds: Counter[str] = Counter()
        self._first: date | None = None
        self._last: date | None = None

    def add(self, record: Line | Payout | BankLine) -> None:
        """Take one record of the statement."""
        self._tally.add(record)
        if isinstance(record, Line):
            self._kinds[record.kind.value] += 1
            self._saw(record.event_at.date())
        elif isinstance(record, BankLine):
            if record.booked_on is not None:
                self._saw(record.booked_on)
        elif not record.derived:
            self._saw(record.announced_at.date())

    def summary(self, totals: Totals | None) -> Summary:
        """Close the statement with what it says it adds up to."""
        statement, tally = self._statement, self._tally
        return replace(
            self._blank,
            account=statement.account,
            currency=statement.currency,
            lines=tally.rows,
            credit_count=tally.credit_count,
            debit_count=tally.debit_count,
            credit=_plain(tally.credit),
            debit=_plain(tally.debit),
            opening=_stated(totals.opening if totals else None),
            closing=_stated(totals.closing if totals else None),
            balanced=tally.agrees(totals),
            period_from=_day(statement.period_from or self._first),
            period_to=_day(statement.period_to or self._last),
            kinds=dict(sorted(self._kinds.items())),
        )

    def _saw(self, day: date) -> None:
        if self._first is None or day < self._first:
            self._first = day
        if self._last is None or day > self._last:
            self._last = day


def _plain(value: Decimal) -> str:
    return f"{value:f}"


def _stated(value: Decimal | None) -> str | None:
    return None if value is None else _plain(value)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
