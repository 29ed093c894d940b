"""How long texts may be, to the character, and how large amounts and overdrafts, to the unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from ledger.book import AccountSpec, Draft, Link, Side, credit, debit
from ledger.drafts import AMOUNT_LIMIT, check, check_account
from ledger.errors import InvalidAmountError, InvalidDraftError
from tests.ledger.build import CASH, OWED, a_draft

With = Callable[[str], Draft]

TEXTS: dict[str, tuple[With, int, int]] = {
    "reference": (lambda text: a_draft(reference=text), 1, 200),
    "kind": (lambda text: a_draft(kind=text), 1, 100),
    "memo": (lambda text: a_draft(memo=text), 0, 2000),
    "metadata's name": (lambda text: a_draft(metadata={text: ""}), 1, 100),
    "metadata": (lambda text: a_draft(metadata={"name": text}), 0, 2000),
    "relation": (lambda text: a_draft(links=(Link(relation=text, reference="x"),)), 1, 100),
}


@pytest.mark.parametrize(("draft", "least", "most"), TEXTS.values(), ids=TEXTS)
def test_a_text_may_be_as_long_as_is_said_and_no_longer(draft: With, least: int, most: int) -> None:
    check(draft("x" * least))
    check(draft("文" * most))
    for length in (least - 1, most + 1):
        if length >= 0:
            with pytest.raises(InvalidDraftError):
                check(draft("x" * length))


def test_an_amount_is_from_one_to_just_below_a_quadrillion() -> None:
    for amount in (1, AMOUNT_LIMIT - 1):
        check(a_draft(debit(CASH, amount, "CNY"), credit(OWED, amount, "CNY")))
    wrong: list[Any] = [0, -1, AMOUNT_LIMIT, True, 1.0]
    for amount in wrong:
        with pytest.raises(InvalidAmountError):
            check(a_draft(debit(CASH, amount, "CNY"), credit(OWED, amount, "CNY")))


@pytest.mark.parametrize(
    "good",
    [
        {"code": "x"},
        {"code": "x" * 200},
        {"floor": 0},
        {"floor": 1 - AMOUNT_LIMIT},
        {"floor": -5, "overdraft": 5},
        {"floor": -5, "overdraft": 0},
    ],
)
def test_an_account_may_be_opened_up_to_its_limits(good: dict[str, object]) -> None:
    check_account(_account(good))


@pytest.mark.parametrize(
    "bad",
    [
        {"code": ""},
        {"code": "x" * 201},
        {"currency": "cny"},
        {"currency": "CNYX"},
        {"floor": 1},
        {"floor": -AMOUNT_LIMIT},
        {"floor": -5, "overdraft": 6},
        {"floor": -5, "overdraft": -1},
        {"overdraft": 1},
    ],
)
def test_an_account_may_not_be_opened_beyond_them(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidDraftError):
        check_account(_account(bad))


def _account(fields: dict[str, object]) -> AccountSpec:
    usual = AccountSpec(code="cash", currency="CNY", normal_side=Side.DEBIT)
    return dataclasses.replace(usual, **fields)  # type: ignore[arg-type]
