"""What the matcher compares, and which lines name which payouts. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

MIN_REFERENCE = 8
"""A shorter reference turns up in texts by chance."""
MIN_CUT = 12
"""Characters that must be left of a reference a bank has shortened."""
AROUND_ANNOUNCED = (timedelta(days=-1), timedelta(days=7))
"""A platform dates a payout in its own zone, perhaps a day after the bank's."""
AROUND_DUE = (timedelta(days=-1), timedelta(days=5))

_OTHER = re.compile(r"[\W_]+", re.ASCII)
_RUN = re.compile(rf"[0-9A-Za-z]{{{MIN_CUT},}}")


def squeezed(text: str) -> str:
    """A text as references are compared: ASCII letters and digits only, in capitals."""
    return _OTHER.sub("", text).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPayout:
    """A payout without its money. Amount in major units, positive = to the bank."""

    id: UUID
    amount: Decimal
    currency: str
    reference: str
    announced_on: date
    arrives_on: date | None = None

    @property
    def window(self) -> tuple[date, date]:
        """The days on which its money may be booked, both inclusive."""
        if self.arrives_on is None:
            day, (before, after) = self.announced_on, AROUND_ANNOUNCED
        else:
            day, (before, after) = self.arrives_on, AROUND_DUE
        return day + before, day + after


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """A bank entry not yet claimed. Amount in major units, positive = credit."""

    id: UUID
    amount: Decimal
    currency: str
    booked_on: date
    texts: Sequence[str] = field(default=())


class References:
    """Finds the payouts a bank text names, in time linear in the text."""

    def __init__(self, payouts: Iterable[OpenPayout]) -> None:
        self._by_reference: dict[str, list[OpenPayout]] = defaultdict(list)
        for payout in payouts:
            reference = squeezed(payout.reference)
            if len(reference) >= MIN_REFERENCE:
                self._by_reference[reference].append(payout)
        self._sorted = sorted(self._by_reference)
        self._lengths = sorted({len(reference) for reference in self._sorted}, reverse=True)

    def named_in(self, line: OpenLine) -> list[OpenPayout]:
        """Payouts whose whole reference stands in the line's texts, each once."""
        found: dict[UUID, OpenPayout] = {}
        for text in line.texts:
            for reference in self._whole(squeezed(text)):
                for payout in self._by_reference[reference]:
                    if payout.currency == line.currency:
                        found[payout.id] = payout
        return list(found.values())

    def cut_in(self, line: OpenLine) -> list[OpenPayout]:
        """Payouts one of whose references begins with a long run of the line's texts."""
        found: dict[UUID, OpenPayout] = {}
        for text in line.texts:
            for run in _RUN.findall(text):
                for payout in self._beginning_with(run.upper()):
                    if payout.currency == line.currency:
                        found[payout.id] = payout
        return list(found.values())

    def _whole(self, text: str) -> Iterator[str]:
        for length in self._lengths:
            for start in range(len(text) - length + 1):
                if (part := text[start : start + length]) in self._by_reference:
                    yield part

    def _beginning_with(self, run: str) -> Iterator[OpenPayout]:
        for reference in self._sorted[bisect_left(self._sorted, run) :]:
            if not reference.startswith(run):
                return
            yield from self._by_reference[reference]
