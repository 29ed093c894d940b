"""What a statement adds up to, and whether that is what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from platforms.contract import BankLine, Line, LineKind, Payout, PayoutStatus, Totals
from platforms.tally import Tally

NOW = datetime(2026, 10, 9, tzinfo=UTC)


def line(row: int, amount: str) -> Line:
    return Line(
        external_id=f"{row}{amount}",
        kind=LineKind.SALE,
        amount=Decimal(amount),
        currency="EUR",
        event_at=NOW,
        row=row,
    )


def bank_line(row: int, amount: str) -> BankLine:
    return BankLine(reference="", amount=Decimal(amount), currency="EUR", booked_on=None, row=row)


def payout(row: int, amount: str, *, derived: bool = False) -> Payout:
    return Payout(
        external_id=str(row),
        amount=Decimal(amount),
        currency="EUR",
        status=PayoutStatus.PAID,
        announced_at=NOW,
        row=row,
        derived=derived,
    )


def tally(*records: Line | BankLine | Payout) -> Tally:
    made = Tally()
    for record in records:
        made.add(record)
    return made


def test_records_of_one_row_count_once_with_their_net() -> None:
    made = tally(line(2, "988.21"), line(2, "-57.68"), line(3, "-10.00"))
    assert (made.rows, made.credit_count, made.debit_count) == (2, 1, 1)
    assert (made.credit, made.debit) == (Decimal("930.53"), Decimal("10.00"))


def test_bank_entries_on_one_line_of_xml_are_entries_of_their_own() -> None:
    made = tally(bank_line(1, "5"), bank_line(1, "-3"), bank_line(1, "-1"))
    assert (made.rows, made.credit, made.debit) == (3, Decimal(5), Decimal(4))


def test_a_payout_counts_where_its_row_has_no_line() -> None:
    with_line = tally(line(2, "-36.80"), payout(2, "36.80"), payout(2, "36.80", derived=True))
    assert (with_line.rows, with_line.credit, with_line.debit) == (1, Decimal(0), Decimal("36.80"))
    alone = tally(payout(2, "41.90"), payout(3, "-5.00"))
    assert (alone.rows, alone.credit, alone.debit) == (2, Decimal("41.90"), Decimal("5.00"))


def test_nothing_stated_is_neither_right_nor_wrong() -> None:
    made = tally(line(2, "5"))
    assert made.agrees(None) is None
    assert made.agrees(Totals()) is None
    assert made.agrees(Totals(opening=Decimal(7))) is None


def test_every_stated_figure_is_compared() -> None:
    made = tally(line(2, "5.00"), line(3, "-2.00"))
    good: dict[str, Any] = {
        "credit_count": 1,
        "credit": Decimal("5"),
        "debit_count": 1,
        "debit": Decimal("2.0"),
        "opening": Decimal("-1"),
        "closing": Decimal("2"),
        "ties": True,
    }
    assert made.agrees(Totals(**good)) is True
    counts: dict[str, Any] = {"credit_count": 2, "debit_count": 0, "ties": False}
    sums = {"credit": "5.01", "debit": "-2", "opening": "0", "closing": "3"}
    wrong = {**counts, **{name: Decimal(text) for name, text in sums.items()}}
    for name, value in wrong.items():
        assert made.agrees(Totals(**{**good, name: value})) is False


def test_a_row_of_nothing_may_stand_on_either_side_but_only_once() -> None:
    made = tally(line(2, "5.00"), line(3, "0.00"))
    assert made.agrees(Totals(credit_count=1, debit_count=1)) is True
    assert made.agrees(Totals(credit_count=2, debit_count=0)) is True
    assert made.agrees(Totals(credit_count=3, debit_count=0)) is False


def test_sums_are_exact_far_beyond_28_digits() -> None:
    big = "9999999999999999.99999999"
    made = tally(*(line(row, big) for row in range(2, 1002)), line(1002, "0.00000001"))
    assert made.credit == Decimal("9999999999999999999.99999001")
