"""Banks' CSV: what a profile declares is read, what it does not is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from platforms.banks.bank_csv import ADAPTER
from platforms.banks.bank_csv.profile import ProfileError, as_json, decoded
from platforms.banks.bank_csv.profiles import PROFILES, UNVERIFIED
from platforms.contract import BankLine, ReadError, Record, Statement, Totals
from tests.platforms.cases import document

CMB = "记账日期,货币,交易金额,联机余额,交易摘要,对手信息,客户摘要\n"
CHOSEN = {"account": "622200001111", "currency": "CNY"}
SIGNED: dict[str, Any] = {
    "code": "own",
    "name": "Own",
    "header": ["Day", "Text", "Amount"],
    "columns": {"booked_on": "Day", "amount": "Amount", "remittance": ["Text"]},
}
SIDES = SIGNED | {
    "header": ["Day", "In", "Out"],
    "columns": {"booked_on": "Day", "credit": "In", "debit": "Out"},
}
FLAGGED = SIGNED | {
    "header": ["Day", "Way", "Amount"],
    "columns": {"booked_on": "Day", "amount": "Amount", "direction": "Way"},
    "credits": ["C"],
    "debits": ["D"],
}


def read(text: str | bytes, context: Mapping[str, str] = CHOSEN) -> list[Record]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(ADAPTER.read(document(data, **context)))


def own(profile: Mapping[str, Any], **context: str) -> dict[str, str]:
    return {**CHOSEN, **context, "column_profile": json.dumps(profile)}


def refused(text: str | bytes, context: Mapping[str, str] = CHOSEN) -> str:
    with pytest.raises(ReadError) as caught:
        read(text, context)
    return str(caught.value)


def amounts(records: list[Record]) -> list[str]:
    return [str(record.amount) for record in records if isinstance(record, BankLine)]


def ends(records: list[Record]) -> tuple[Decimal | None, Decimal | None]:
    totals = records[-1]
    assert isinstance(totals, Totals)
    return totals.opening, totals.closing


# --- the running balance ------------------------------------------------------------------

OLDEST = [
    "2026-11-01,CNY,100.00,300.00,a,b,c\n",
    "2026-11-02,CNY,-50.00,250.00,a,b,c\n",
    '2026-11-02,CNY,"1,000.00","1,250.00",a,b,c\n',
]


@pytest.mark.parametrize("rows", [OLDEST, OLDEST[::-1]])
def test_the_balance_is_followed_from_either_end(rows: list[str]) -> None:
    records = read(CMB + "".join(rows))
    assert ends(records) == (Decimal("200.00"), Decimal("1250.00"))
    assert sorted(amounts(records)) == ["-50.00", "100.00", "1000.00"]


@pytest.mark.parametrize("rows", [OLDEST, OLDEST[::-1]])
def test_a_row_that_is_missing_or_changed_is_named(rows: list[str]) -> None:
    assert refused(CMB + rows[0] + rows[2]).startswith("row 3: the balance ")
    changed = "".join(rows).replace("-50.00", "-50.01")
    assert "does not follow" in refused(CMB + changed)


def test_a_wrong_sign_shows_at_the_balance() -> None:
    assert "does not follow" in refused(CMB + "".join(OLDEST).replace("-50.00", "50.00"))


def test_one_row_has_both_ends() -> None:
    assert ends(read(CMB + OLDEST[0])) == (Decimal("200.00"), Decimal("300.00"))


def test_rows_that_fit_both_orders_are_ordered_by_their_days_or_refused() -> None:
    there, back = "CNY,100.00,300.00,a,b,c\n", "CNY,-100.00,200.00,a,b,c\n"
    assert ends(read(f"{CMB}2026-11-01,{there}2026-11-02,{back}")) == (200, 200)
    assert ends(read(f"{CMB}2026-11-02,{there}2026-11-01,{back}")) == (300, 300)
    assert "newest or the oldest" in refused(f"{CMB}2026-11-01,{there}2026-11-01,{back}")


def test_a_declared_order_is_the_only_one() -> None:
    (cmb,) = [profile for profile in PROFILES if profile.code == "cmb_debit"]
    declared = json.loads(as_json(cmb)) | {"order": "newest_first"}
    assert "does not follow" in refused(CMB + "".join(OLDEST), own(declared))
    assert amounts(read(CMB + "".join(OLDEST[::-1]), own(declared)))


# --- amounts and their signs --------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "row", "amount"),
    [
        (SIGNED, "x,-5.00", "-5.00"),
        (SIGNED | {"decimal": ",", "thousands": "."}, "x,'1.234,56'", "1234.56"),
        (SIGNED | {"symbol": "$", "thousands": ","}, "x,'-$1,234.56'", "-1234.56"),
        (SIDES, "5.00,", "5.00"),
        (SIDES, "0.00,5.00", "-5.00"),
        (SIDES, ",5.00", "-5.00"),
        (FLAGGED, "C,5.00", "5.00"),
        (FLAGGED, "D,5.00", "-5.00"),
    ],
)
def test_a_sign_rule(profile: dict[str, Any], row: str, amount: str) -> None:
    text = ",".join(profile["header"]) + f"\n2026-11-01,{row}\n".replace("'", '"')
    assert amounts(read(text, own(profile))) == [amount]


@pytest.mark.parametrize(
    ("profile", "row", "reason"),
    [
        (SIGNED, "x,", "not an amount"),
        (SIGNED, "x,'1,234.56'", "not an amount"),
        (SIGNED, "x,1.234,56", "4 values"),
        (SIGNED, "x", "2 values"),
        (SIDES, ",", "neither a credit nor a debit"),
        (SIDES, "1.00,2.00", "both a credit and a debit"),
        # Without a balance nothing tells a reversal from a bank that writes debits so.
        (SIDES, ",-5.00", "a negative amount in 'Out'"),
        (FLAGGED, "C,-5.00", "a negative amount"),
        (FLAGGED, "X,5.00", "neither a credit nor a debit: 'X'"),
    ],
)
def test_what_no_sign_rule_declares(profile: dict[str, Any], row: str, reason: str) -> None:
    text = ",".join(profile["header"]) + f"\n2026-11-01,{row}\n".replace("'", '"')
    assert reason in refused(text, own(profile))


@pytest.mark.parametrize(
    ("form", "text", "holds"),
    [
        ("DD.MM.YYYY", "02.11.2026", True),
        ("MM/DD/YYYY", "11/02/2026", True),
        ("YYYYMMDD", "20261102", True),
        ("YYYY-MM-DD hh:mm:ss", "2026-11-02 23:59:59", True),
        ("MM/DD/YYYY", "13/02/2026", False),
        ("DD.MM.YYYY", "2.11.2026", False),
        ("DD.MM.YYYY", "02.11.26", False),
        ("YYYY-MM-DD", "2026-11-31", False),
        ("YYYY-MM-DD", "２０２６-11-02", False),
    ],
)
def test_days_are_written_as_declared(form: str, text: str, holds: bool) -> None:
    data = f"Day,Text,Amount\n{text},x,1.00\n"
    context = own(SIGNED | {"dates": form})
    if holds:
        (line,) = [r for r in read(data, context) if isinstance(r, BankLine)]
        assert line.booked_on is not None and line.booked_on.isoformat() == "2026-11-02"
    else:
        assert "not a day" in refused(data, context)


# --- whose it is --------------------------------------------------------------------------


def test_a_file_that_names_no_account_asks_for_one() -> None:
    assert refused(CMB + OLDEST[0], {}) == (
        "the file does not say which account it is of: choose the bank account it belongs to"
    )
    text = "Day,Text,Amount\n2026-11-01,x,1.00\n"
    assert "which currency" in refused(text, {**own(SIGNED), "currency": ""})


def test_the_file_goes_before_the_choice() -> None:
    gls = next(profile for profile in PROFILES if profile.code == "gls")
    cells = dict.fromkeys(gls.header, "") | {
        "Kontonummer": "99", "Buchungstag": "10.10.2017", "Betrag": "-98,76",
        "Kontostand": "1.234,56", "Währung": "EUR",
    }  # fmt: skip
    data = f"{';'.join(gls.header)}\n{';'.join(cells.values())}\n".encode("cp1252")
    statement = read(data)[0]
    assert isinstance(statement, Statement)
    assert (statement.account, statement.currency) == ("99", "EUR")


def test_two_accounts_or_currencies_in_one_file_are_refused() -> None:
    mixed = OLDEST[0] + "2026-11-02,USD,-50.00,250.00,a,b,c\n"
    assert "row 3: it is of USD, the rows before are of CNY" in refused(CMB + mixed)
    n26 = next(profile for profile in PROFILES if profile.code == "n26")
    rows = [f"2020-03-07,,X,,T,ref,{space},1.00,,,\n" for space in ("Main", "Savings")]
    assert "it is of Savings" in refused(",".join(n26.header) + "\n" + "".join(rows))


def test_a_number_shown_in_part_must_be_the_chosen_ones() -> None:
    (icbc,) = [profile for profile in PROFILES if profile.code == "icbc_debit_v1"]
    cells = dict.fromkeys(icbc.header, "") | {
        "交易日期": "2026-11-01", "记账金额(收入)": "5.00", "记账币种": "人民币", "余额": "5.00",
    }  # fmt: skip
    text = (
        f"明细查询文件下载\n\n卡号: 6222****1111,别名\n\n{','.join(icbc.header)}\n"
        f"{','.join(cells.values())}\n人民币合计,,,,,,,,5.00,0.00,\n"
    )
    assert amounts(read(text)) == ["5.00"]
    assert "not the chosen one" in refused(text, {"account": "622200001112"})
    assert "choose the account" in refused(text, {})
    assert "人民币合计 / 合计) is missing" in refused(text[: text.index("人民币合计")])
    assert "a row after the last one" in refused(text + ",".join(cells.values()) + "\n")


def test_an_entry_that_is_not_booked_is_refused() -> None:
    header = "Date,Status,Type,CheckNumber,Description,Withdrawal,Deposit,RunningBalance\n"
    assert "the entry is 'Pending', not booked" in refused(
        f"{header}08/17/2022,Pending,ACH,,PAYPAL,$57.27,,$1.00\n"
    )


def test_a_card_is_no_bank_account() -> None:
    text = "交易日期,记账日期,交易说明,交易币种/金额,入账币种/金额\n"
    assert "a credit card's export" in refused(text)


# --- which profile ------------------------------------------------------------------------


def test_a_file_cut_before_its_last_line_end_is_refused() -> None:
    assert "does not end with a line end" in refused((CMB + "".join(OLDEST))[:-1])


def test_a_file_without_rows_is_refused() -> None:
    assert "there is no entry" in refused(CMB)


def test_a_header_must_be_whole() -> None:
    for header in (
        CMB.replace("货币,", ""),
        CMB.replace("\n", ",more\n"),
        CMB.replace("货币", "币"),
    ):
        assert not ADAPTER.recognises(document((header + OLDEST[0]).encode()))
    assert ADAPTER.recognises(document((CMB + OLDEST[0]).encode("gb18030")))
    assert ADAPTER.recognises(document(("\ufeff" + CMB + OLDEST[0]).encode()))


def test_every_built_in_profile_is_sound_alone_and_marked() -> None:
    headers = {(profile.preamble, profile.header) for profile in PROFILES}
    assert len(headers) == len({profile.code for profile in PROFILES}) == len(PROFILES)
    for profile in PROFILES:
        assert decoded(as_json(profile)) == profile
        assert profile.verified or profile.refusal or profile.code in UNVERIFIED
        head = f"{profile.preamble}\n" if profile.preamble else ""
        data = (head + profile.delimiter.join(profile.header) + "\n").encode(profile.encoding)
        reason = profile.refusal or "there is no entry in it"
        assert refused(data) == reason


def test_an_own_profile_goes_before_the_built_in_ones() -> None:
    text = CMB + OLDEST[0]
    mine = {
        "code": "mine", "version": 2, "name": "Mine", "header": CMB.strip().split(","),
        "columns": {"booked_on": "记账日期", "amount": "交易金额", "currency": "货币"},
    }  # fmt: skip
    for verified, name in ((True, "mine.2"), (False, "own_profile")):
        statement = read(text, own(mine | {"verified": verified}))[0]
        assert isinstance(statement, Statement) and statement.profile == name
    assert "own_profile" in ADAPTER.unverified
    assert "does not have the header of the profile own" in refused(text, own(SIGNED))


def test_an_own_profile_can_do_without_a_header() -> None:
    context = own(SIGNED | {"has_header": False})
    assert amounts(read("2026-11-01,x,1.00\n2026-11-02,y,2.00\n", context)) == ["1.00", "2.00"]
    assert ADAPTER.recognises(document(b"2026-11-01,x,1.00\n", **context))
    for other in (b"Day,Text,Amount\n", b"2026-11-01,1.00\n", b":20:S\n:25:1\n"):
        assert not ADAPTER.recognises(document(other, **context))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code": "A B"}, "code is not a lower-case word"),
        ({"version": 0}, "version"),
        ({"version": "1"}, "Expected `int`"),
        ({"name": ""}, "name is empty"),
        ({"header": ["Day", "Day", "Text", "Amount"]}, "one twice"),
        ({"header": ["Day", "Text"]}, "the header lacks Amount"),
        ({"columns": {"booked_on": "Day"}}, "the amount is not one column"),
        ({"columns": {"booked_on": "Day", "credit": "Amount"}}, "the amount is not one column"),
        ({"columns": {"booked_on": "Day", "amount": "Amount", "colour": "Text"}}, "colour"),
        ({"columns": {"booked_on": "Day", "amount": "Amount", "direction": "Text"}}, "direction"),
        ({"credits": ["x"]}, "direction needs"),
        ({"booked": ["x"]}, "status needs"),
        ({"encoding": "rot13"}, "there is no encoding"),
        ({"delimiter": "::"}, "delimiter"),
        ({"dates": "DD.MM.YY"}, "dates"),
        ({"decimal": ",", "thousands": ","}, "the same mark"),
        ({"order": "backwards"}, "order"),
        ({"currency": "RMB "}, "a currency"),
        ({"currencies": {"元": "rmb"}}, "a currency"),
        ({"trailer_sums": True}, "trailer_sums"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_an_unsound_profile_is_refused_by_name(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ProfileError) as caught:
        decoded(json.dumps(SIGNED | change))
    assert reason in caught.value.reason
    assert reason in refused("Day,Text,Amount\n", own(SIGNED | change))


@pytest.mark.parametrize("text", ["", "{", "[]", "\ud800", '{"code": "a"}', "x" * 70_000])
def test_what_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(ProfileError):
        decoded(text)
