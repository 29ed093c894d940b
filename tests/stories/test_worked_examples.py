"""The worked examples of docs/ledger.md: what is written there is done, and must come out so."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ledger import errors, partitions, seals
from ledger.balances import balances, funds
from ledger.book import AccountSpec, Draft, Movement, Side, open_accounts, post, reverse
from ledger.holds import expire, place, release
from ledger.holds import post as post_hold
from ledger.models import Hold
from ledger.periods import close
from ledger.statements import account_statement
from ledger.totals import period_trial_balance
from tests.ledger.build import broken, in_book

pytestmark = pytest.mark.usefixtures("database")

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger.md"
BLOCK = re.compile(r"^```([a-z]+)([^\n]*)\n(.*?)^```$", re.M | re.S)
SIDES = {"debit": Side.DEBIT, "credit": Side.CREDIT}


def minor(text: str) -> int:
    """An amount of the document in cents."""
    return int(Decimal(text) * 100)


def noon(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(12), UTC)


@dataclass
class Reader:
    """One book that is written as the document tells, and compared with its tables."""

    book: uuid.UUID = field(default_factory=uuid.uuid4)
    now: datetime = datetime(2026, 3, 1, 9, tzinfo=UTC)
    checked: list[str] = field(default_factory=list)

    def read(self, kind: str, rest: str, body: str) -> None:
        """Do what a block says; blocks of other kinds are no examples."""
        doing: dict[str, Callable[[str, list[str]], None]] = {
            "accounts": self.accounts,
            "journal": self.journal,
            "refused": self.refused,
            "balances": self.balances,
            "available": self.available,
            "statement": self.statement,
            "trial": self.trial_balance,
        }
        if kind in doing:
            doing[kind](rest, body.splitlines())
            self.checked.append(kind)

    def accounts(self, _rest: str, lines: list[str]) -> None:
        specs = []
        for line in lines:
            side, code, *floor = line.split()
            specs.append(
                AccountSpec(
                    code=code,
                    currency=code[-3:],
                    normal_side=SIDES[side],
                    floor=minor(floor[-1]) if floor else None,
                )
            )
        with in_book(self.book):
            partitions.ensure(self.now, months=3)
            open_accounts(book=self.book, specs=specs, now=self.now)

    def journal(self, _rest: str, lines: list[str]) -> None:
        for heading, legs in steps(lines):
            self.step(heading.split(), legs)

    def refused(self, _rest: str, lines: list[str]) -> None:
        for heading, legs in steps(lines):
            error, *words = heading.split()
            with pytest.raises(getattr(errors, error)):
                self.step(words, legs)

    def step(self, words: list[str], legs: list[str]) -> None:
        """One fact: dated, it is posted; else it is a hold, a closing and the like."""
        with in_book(self.book):
            match words:
                case ["hold", reference, account, amount]:
                    self.hold(reference, account, amount, None)
                case ["hold", reference, account, amount, "until", day]:
                    self.hold(reference, account, amount, noon(day))
                case ["release", reference]:
                    release(book=self.book, reference=reference, reason="", now=self.now)
                case ["expire", day]:
                    assert expire(book=self.book, now=noon(day)) == 1
                case ["close", day, "by", person]:
                    self.now = noon(day) + timedelta(days=1)
                    through = date.fromisoformat(day)
                    close(book=self.book, through=through, by=person, reason="", now=self.now)
                case [day, *fact]:
                    self.fact(day, fact, legs)

    def fact(self, day: str, words: list[str], legs: list[str]) -> None:
        self.now = max(self.now, noon(day))
        booked_on = date.fromisoformat(day)
        match words:
            case ["reverse", reference]:
                reverse(
                    book=self.book,
                    reference=reference,
                    reason="wrong file",
                    now=self.now,
                    booked_on=booked_on,
                )
            case [reference]:
                post(book=self.book, draft=draft(reference, day, legs), now=self.now)
            case [reference, "posts", *part, hold]:
                post_hold(
                    book=self.book,
                    reference=hold,
                    draft=draft(reference, day, legs),
                    now=self.now,
                    part=part == ["part", "of"],
                )

    def hold(self, reference: str, account: str, amount: str, until: datetime | None) -> None:
        place(
            book=self.book,
            reference=reference,
            account=account,
            amount=minor(amount),
            currency=account[-3:],
            subject=None,
            now=self.now,
            expires_at=until,
        )

    def balances(self, _rest: str, lines: list[str]) -> None:
        expected = {code: minor(amount) for code, amount in map(str.split, lines)}
        with in_book(self.book):
            found = balances(book=self.book, codes=list(expected))
        assert {code: balance.amount for code, balance in found.items()} == expected

    def available(self, _rest: str, lines: list[str]) -> None:
        for line in lines:
            code, balance, _, held, _, available = line.split()
            with in_book(self.book):
                found = funds(book=self.book, code=code)
            assert (found.balance, found.held, found.available) == (
                minor(balance),
                minor(held),
                minor(available),
            )

    def statement(self, rest: str, lines: list[str]) -> None:
        code, start, end = rest.split()
        with in_book(self.book):
            found = account_statement(
                book=self.book,
                code=code,
                start=date.fromisoformat(start),
                end=date.fromisoformat(end),
            )
        told = [["opening", amount(found.opening)]]
        for row in found.rows:
            signed = row.amount if row.side is Side.DEBIT else -row.amount
            told.append(
                [str(row.booked_on), row.reference, amount(signed), amount(row.balance)],
            )
        assert [*told, ["closing", amount(found.closing)]] == [line.split() for line in lines]

    def trial_balance(self, rest: str, lines: list[str]) -> None:
        _, start, end = rest.split()
        with in_book(self.book):
            found = period_trial_balance(
                book=self.book, start=date.fromisoformat(start), end=date.fromisoformat(end)
            )
        told = [
            [row.code, *map(amount, (row.opening, row.debits, row.credits, row.closing))]
            for row in found.rows
        ]
        turnover = found.totals["CNY"].turnover
        told.append(["total", amount(turnover.debits), amount(turnover.credits)])
        assert told == [line.split() for line in lines]


def steps(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each fact's first line with the indented lines below it."""
    heads = [n for n, line in enumerate(lines) if not line.startswith(" ")]
    for head, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        yield lines[head], lines[head + 1 : end]


def draft(reference: str, day: str, legs: list[str]) -> Draft:
    movements = []
    for leg in legs:
        side, code, text = leg.split()
        movements.append(Movement(SIDES[side], code, minor(text), code[-3:]))
    return Draft(
        reference=reference,
        kind="example",
        movements=tuple(movements),
        event_at=noon(day),
        booked_on=date.fromisoformat(day),
    )


def amount(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f}"


@pytest.mark.parametrize("folding", [False, True])
def test_every_example_comes_out_as_written(folding: bool) -> None:
    """Also when all that has arrived is sealed and folded after every block."""
    reader = Reader()
    for kind, rest, body in BLOCK.findall(DOCUMENT.read_text()):
        reader.read(kind, rest, body)
        if folding:
            with in_book(reader.book):
                seals.seal(book=reader.book, now=reader.now)
    assert set(reader.checked) == {
        "accounts", "journal", "refused", "balances", "available", "statement", "trial",
    }  # fmt: skip
    with in_book(reader.book):
        assert set(Hold.objects.values_list("state", flat=True)) == {
            "posted", "released", "expired",
        }  # fmt: skip
    assert broken("ops", reader.book) == {}
