"""Amazon: what the exam does not see of settlement reports and API answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal

import pytest

from platforms import registry
from platforms.contract import Line, LineKind, Payout, ReadError, Record, Statement, Totals
from tests.platforms.cases import FIXTURES, document

AMAZON = registry.get("amazon")


def _file(case: str) -> str:
    return next((FIXTURES / "amazon" / case).glob("input.*")).read_text()


def _read(text: str) -> list[Record]:
    return list(AMAZON.read(document(text.encode())))


def _sums(records: Iterable[Record]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for record in records:
        if isinstance(record, Line):
            sums[record.kind.value] = sums.get(record.kind.value, Decimal(0)) + record.amount
    return sums


def _payouts(records: Iterable[Record]) -> list[Payout]:
    return [record for record in records if isinstance(record, Payout)]


def test_a_settlement_adds_up_to_its_payout_kind_by_kind() -> None:
    records = _read(_file("settlement_v2_us"))
    assert _sums(records) == {
        "payout": Decimal("-53.31"),
        "reserve_released": Decimal("40.00"),
        "reserve_held": Decimal("-20.00"),
        "sale": Decimal("99.90"),  # 49.90 + 5.99 + 24.50 + 24.50 − 4.99 promotion
        "refund": Decimal("-24.50"),
        "tax": Decimal("0.00"),  # collected and withheld again
        "commission": Decimal("-51.89"),  # −7.49 − 7.35 + 3.68 − 0.74 − 39.99
        "shipping": Decimal("-11.39"),
        "advertising": Decimal("-8.80"),
        "adjustment": Decimal("29.99"),
    }
    assert sum(_sums(records).values()) == 0
    assert [payout.amount for payout in _payouts(records)] == [Decimal("53.31")]


def test_equal_rows_are_both_kept() -> None:
    twins = [
        record.external_id
        for record in _read(_file("settlement_v2_us"))
        if isinstance(record, Line) and record.amount == Decimal("24.50")
    ]
    assert len(twins) == len(set(twins)) == 2


def test_columns_that_move_or_are_new_change_no_id() -> None:
    text = _file("settlement_v2_us")
    rows = [line.split("\t") for line in text.splitlines()]
    moved = "".join("\t".join(["", *reversed(row)]) + "\n" for row in rows)
    moved = moved.replace("\tpromotion-id", "what-is-this\tpromotion-id", 1)
    assert _read(moved) == _read(text)


def test_a_settlement_that_ends_below_zero_pays_nothing_out() -> None:
    records = _read(_file("settlement_v2_nothing_paid"))
    assert not _payouts(records)
    assert sum(_sums(records).values()) == Decimal("-12.40")
    assert records[-1] == Totals(ties=True)


def test_posted_date_is_never_read() -> None:
    text = _file("settlement_v2_us")
    assert _read(text.replace("\t02/09/26\t", "\t31/31/99\t")) == _read(text)


EU = ("settlement_v2_eu_comma", "-14,25")
US = ("settlement_v2_us", "\t-7.49\t")
REFUSED: list[tuple[str, str, str, str]] = [
    (*EU, "-14.25", "not an amount"),
    (*EU, "-14,25,0", "not an amount"),
    ("settlement_v2_eu_comma", "\t75,25\t", "\t1,234\t", "not an amount"),
    (*US, "\tNaN\t", "not an amount"),
    (*US, "\t1e9999\t", "not an amount"),
    (*US, "\t-7_49\t", "not an amount"),
    (*US, "\t-7,49\t", "not an amount"),
    (*US, "\t\t", "a row without an amount"),
    ("settlement_v2_us", "\tamount\t", "\tamount-type\t", "twice"),
    ("settlement_v2_us", "53.31", "", "does not sum the settlement up"),
    ("settlement_v2_us", "\tUSD\t", "\tUS$\t", "not a currency"),
    ("settlement_v2_us", "2026-09-15 05:23:19 UTC", "09/15/2026", "not a time"),
    ("settlement_v2_us", "2026-09-15 05:23:19 UTC", "2026-02-30 05:23:19 UTC", "not a time"),
    ("settlement_v2_us", "2026-09-04 01:00:00 UTC", "2026-09-04 01:00:00 PST", "not a time"),
    ("settlement_v2_us", "\tServiceFee\t", "\t\t", "neither the settlement's first row"),
    ("settlement_v2_eu_comma", "\tEUR\tRefund", "\tUSD\tRefund", "in a file in EUR"),
    ("settlement_v2_eu_comma", "75,25\tEUR\tRefund", "75,26\tEUR\tRefund", "another total"),
    ("settlement_v2_us", "24100200301\t\t\t\t\t\tRefund", "24100200302\t\t\t\t\t\tRefund", "anoth"),
]


@pytest.mark.parametrize(("case", "old", "new", "reason"), REFUSED)
def test_what_is_not_a_settlement_is_refused(case: str, old: str, new: str, reason: str) -> None:
    text = _file(case)
    assert old in text
    changed = text.replace(old, new, 1)
    if not AMAZON.recognises(document(changed.encode())):
        reason = "neither a settlement report"
    with pytest.raises(ReadError, match=reason):
        _read(changed)


def test_money_in_an_unknown_column_is_refused_and_nothing_there_is_not() -> None:
    text = _file("settlement_v2_us")
    for value, refused in (("0.00", False), ("0.01", True)):
        lines = text.splitlines()
        lines = [lines[0] + "\tsurprise-amount", *(line + "\t" + value for line in lines[1:])]
        changed = "\n".join(lines) + "\n"
        if refused:
            with pytest.raises(ReadError, match="money in a column that is not known"):
                _read(changed)
        else:
            assert _sums(_read(changed)) == _sums(_read(text))


def test_a_description_under_an_unknown_transaction_type_is_unknown() -> None:
    changed = _file("settlement_v2_us").replace("\tOrder\t", "\tRental\t")
    found = {record.kind for record in _read(changed) if isinstance(record, Line)}
    assert LineKind.UNKNOWN in found
    assert LineKind.SALE not in found


def test_reserves_are_known_wherever_their_words_stand() -> None:
    text = _file("settlement_v2_us")
    for place in ("other-transaction\t\t", "\tother-transaction\tCurrent"):
        assert place in text
        sums = _sums(_read(text.replace(place, place.replace("other-transaction", "Transfer"))))
        assert (sums["reserve_held"], sums["reserve_released"]) == (Decimal(-20), Decimal(40))


def test_a_line_need_not_repeat_the_settlement_and_may_hold_a_sku_in_windows_1252() -> None:
    text = _file("settlement_v2_us").replace("\n24100200301\t\t", "\n\t\t")
    data = text.replace("TR-KETTLE-01", "TR-KÜCHE-01").encode("cp1252")
    records = list(AMAZON.read(document(data)))
    assert _sums(records) == _sums(_read(_file("settlement_v2_us")))
    assert [r.external_id for r in _read(text) if isinstance(r, Line)] == [
        r.external_id for r in _read(_file("settlement_v2_us")) if isinstance(r, Line)
    ]


def test_v1_finds_every_amount_of_a_row() -> None:
    records = _read(_file("settlement_v1"))
    assert _sums(records)["commission"] == Decimal("-2.24")
    assert _sums(records)["unknown"] == Decimal("-0.75")  # a fee no word of ours names
    assert sum(_sums(records).values()) == 0


# --- API --------------------------------------------------------------------------


def _changed(case: str, change: Callable[[dict[str, object]], object]) -> str:
    answer = json.loads(_file(case), parse_float=Decimal)
    change(answer)
    return json.dumps(answer, default=str, indent=1)


def test_a_deferred_sale_is_booked_once_by_its_release() -> None:
    booked, books = Decimal(0), True
    for record in _read(_file("api_transactions")):
        if isinstance(record, Statement):
            books = record.books
        elif isinstance(record, Line) and record.order_ref == "111-1":
            booked += record.amount if books else 0
    assert booked == Decimal("12.30")


def test_breakdowns_that_do_not_add_up_are_refused() -> None:
    changed = _file("api_transactions").replace('"currencyAmount": 37.01', '"currencyAmount": 37.1')
    with pytest.raises(ReadError, match="do not add up"):
        _read(changed)


@pytest.mark.parametrize(
    ("case", "old", "new", "reason"),
    [
        ("api_transactions", '"RELEASED"', '"PENDING"', "unknown transaction status"),
        ("api_transactions", '"transactionId"', '"id"', "no transactionId"),
        ("api_transactions", ": 37.01", ": NaN", "not an amount"),
        ("api_transactions", ": 37.01", ": 1e9999", "not an amount"),
        ("api_transactions", ": 37.01", ": true", "is no amount"),
        ("api_transactions", "03:35:13.214Z", "03:35:13", "not a time"),
        ("api_payouts", '"PAID"', '"LOST"', "unknown payout status"),
        ("api_payouts", '"currencyCode": "USD"', '"currencyCode": "usd"', "not a currency"),
        ("api_v0_groups", '"FinancialEventGroupId": "grp-1"', '"X": "grp-1"', "no FinancialEvent"),
    ],
)
def test_an_answer_that_says_too_little_is_refused(
    case: str, old: str, new: str, reason: str
) -> None:
    text = _file(case)
    assert old in text
    with pytest.raises(ReadError, match=reason):
        _read(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            {"payload": {"FinancialEvents": {"RetrochargeEventList": [{"CurrencyAmount": 1}]}}},
            "do not say which of their amounts add up",
        ),
        (
            {
                "expectedPayouts": [
                    {"partnerMetadata": {}, "scheduledDate": "", "currencyAmount": 1}
                ]
            },
            "a forecast",
        ),
        (
            {"balances": [{"partnerMetadata": {}, "balanceType": "", "currencyAmount": 1}]},
            "no movement",
        ),
        (
            {"summaries": [{"partnerMetadata": {}, "netProceeds": {"currencyAmount": 1}}]},
            "no single movement",
        ),
    ],
)
def test_answers_that_are_no_movements_say_what_to_give_instead(
    answer: dict[str, object], reason: str
) -> None:
    text = json.dumps(answer)
    assert registry.recognise(document(text.encode())) is AMAZON
    with pytest.raises(ReadError, match=reason):
        _read(text)


def test_a_payout_has_the_number_of_its_settlement() -> None:
    payouts = _payouts(_read(_file("api_payouts")))
    reports = _payouts(_read(_file("settlement_v2_eu_comma")))
    assert reports[0].external_id in {payout.external_id for payout in payouts}
    assert Decimal(0) not in {payout.amount for payout in payouts}  # NO_PAYOUT


def test_a_group_pays_its_converted_total_and_only_if_it_was_sent() -> None:
    payouts = _payouts(_read(_file("api_v0_groups")))
    assert [(payout.amount, payout.currency) for payout in payouts] == [
        (Decimal("10.34"), "USD"),
        (Decimal("71.2"), "GBP"),
    ]


def test_two_settlements_in_one_payout_are_refused() -> None:
    def add(answer: dict[str, object]) -> None:
        payouts = answer["payouts"]
        assert isinstance(payouts, list)
        identifiers = payouts[0]["relatedIdentifiers"]
        identifiers.append({**identifiers[0], "relatedIdentifierValue": "another"})

    with pytest.raises(ReadError, match="two different SETTLEMENT_ID"):
        _read(_changed("api_payouts", add))
