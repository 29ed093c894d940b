"""The built-in column profiles: layouts that stand in public samples.

Every one rests on one public sample whose figures were changed by hand, none on
a bank's own description; they are shown as unverified. Card exports are known so
that they are refused for what they are: on a card a charge is written positive
and there is no bank balance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms.banks.bank_csv.profile import ColumnProfile, Columns


def _names(header: str) -> tuple[str, ...]:
    return tuple(header.split(","))


_RMB: Final = {"人民币": "CNY", "CNY": "CNY"}
_DASHES: Final = ("--", "----------", "-------------------")

_ICBC_V1: Final = _names(
    "交易日期,摘要,交易场所,交易国家或地区简称,钞/汇,交易金额(收入),"
    "交易金额(支出),交易币种,记账金额(收入),记账金额(支出),记账币种,余额,"
    "对方户名"
)
_ICBC_V2: Final = (*_ICBC_V1[:2], "交易详情", *_ICBC_V1[2:], "对方账户")


def _icbc(version: int, header: tuple[str, ...], *texts: str) -> ColumnProfile:
    return ColumnProfile(
        code=f"icbc_debit_v{version}",
        version=version,
        name="中国工商银行 借记卡明细",
        encoding="gb18030",
        preamble="明细查询文件下载",
        account_label="卡号:",
        header=header,
        trailer=("人民币合计", "合计"),
        trailer_sums=True,
        thousands=",",
        currencies=_RMB,
        columns=Columns(
            booked_on="交易日期",
            credit="记账金额(收入)",
            debit="记账金额(支出)",
            balance="余额",
            currency="记账币种",
            counterparty="对方户名",
            remittance=texts,
        ),
    )


_BANKS: Final = (
    ColumnProfile(
        code="boc_debit",
        name="中国银行 交易流水明细",
        encoding="gb18030",
        preamble="中国银行交易流水明细单",
        header=_names(
            "记账日期,记账时间,币别,金额,余额,交易名称,渠道,网点名称,附言,"
            "对方账户名,对方卡号/账号,对方开户行,借记卡号"
        ),
        thousands=",",
        blanks=_DASHES,
        currencies=_RMB,
        columns=Columns(
            booked_on="记账日期",
            amount="金额",
            balance="余额",
            currency="币别",
            same="借记卡号",
            counterparty="对方账户名",
            remittance=("附言", "交易名称"),
        ),
    ),
    ColumnProfile(
        code="bocom_debit",
        name="交通银行 借记卡明细",
        encoding="gb18030",
        header=_names(
            "序号,交易日期,交易时间,交易类型,借贷,交易金额,余额,对方账号,对方户名,交易地点,摘要"
        ),
        thousands=",",
        credits=("贷 Cr",),
        debits=("借 Dr",),
        columns=Columns(
            booked_on="交易日期",
            amount="交易金额",
            direction="借贷",
            balance="余额",
            counterparty="对方户名",
            remittance=("摘要", "交易类型", "交易地点"),
        ),
    ),
    ColumnProfile(
        code="cmb_debit",
        name="招商银行 交易流水",
        encoding="gb18030",
        header=_names("记账日期,货币,交易金额,联机余额,交易摘要,对手信息,客户摘要"),
        thousands=",",
        currencies=_RMB,
        columns=Columns(
            booked_on="记账日期",
            amount="交易金额",
            balance="联机余额",
            currency="货币",
            counterparty="对手信息",
            remittance=("客户摘要", "交易摘要"),
        ),
    ),
    ColumnProfile(
        code="abc_debit",
        name="中国农业银行 账户明细",
        encoding="gb18030",
        header=_names(
            "交易日期,交易时间,交易摘要,交易金额,本次余额,对手信息,日 志 号,交易渠道,交易附言"
        ),
        dates="YYYYMMDD",
        thousands=",",
        blanks=_DASHES,
        columns=Columns(
            booked_on="交易日期",
            amount="交易金额",
            balance="本次余额",
            reference="日 志 号",
            counterparty="对手信息",
            remittance=("交易附言", "交易摘要"),
        ),
    ),
    _icbc(1, _ICBC_V1, "摘要", "交易场所"),
    _icbc(2, _ICBC_V2, "摘要", "交易详情", "交易场所"),
    ColumnProfile(
        code="gls",
        name="GLS Bank Umsätze",
        encoding="cp1252",
        delimiter=";",
        header=_names(
            "Kontonummer,Buchungstag,Wertstellung,Auftraggeber/Empfänger,"
            "Buchungstext,VWZ1,VWZ2,VWZ3,VWZ4,VWZ5,VWZ6,VWZ7,VWZ8,VWZ9,VWZ10,"
            "VWZ11,VWZ12,VWZ13,VWZ14,Betrag,Kontostand,Währung"
        ),
        dates="DD.MM.YYYY",
        decimal=",",
        thousands=".",
        columns=Columns(
            booked_on="Buchungstag",
            value_on="Wertstellung",
            amount="Betrag",
            balance="Kontostand",
            currency="Währung",
            account="Kontonummer",
            counterparty="Auftraggeber/Empfänger",
            remittance=tuple(f"VWZ{number}" for number in range(1, 15)),
        ),
    ),
    ColumnProfile(
        code="n26",
        name="N26",
        header=_names(
            "Booking Date,Value Date,Partner Name,Partner Iban,Type,"
            "Payment Reference,Account Name,Amount (EUR),Original Amount,"
            "Original Currency,Exchange Rate"
        ),
        currency="EUR",
        columns=Columns(
            booked_on="Booking Date",
            value_on="Value Date",
            amount="Amount (EUR)",
            same="Account Name",
            counterparty="Partner Name",
            remittance=("Payment Reference",),
        ),
    ),
    ColumnProfile(
        code="schwab_checking",
        name="Charles Schwab checking",
        header=_names("Date,Status,Type,CheckNumber,Description,Withdrawal,Deposit,RunningBalance"),
        dates="MM/DD/YYYY",
        thousands=",",
        symbol="$",
        booked=("Posted",),
        currency="USD",
        columns=Columns(
            booked_on="Date",
            credit="Deposit",
            debit="Withdrawal",
            balance="RunningBalance",
            status="Status",
            remittance=("Description", "CheckNumber"),
        ),
    ),
)

_CARD: Final = (
    "this is a credit card's export, not a bank account's: a card has no bank balance to be "
    "matched with payouts"
)


def _card(code: str, name: str, header: tuple[str, ...], preamble: str = "") -> ColumnProfile:
    return ColumnProfile(
        code=code,
        name=name,
        encoding="gb18030",
        header=header,
        preamble=preamble,
        columns=Columns(booked_on=header[0], amount=header[-1]),
        refusal=_CARD,
    )


_CARDS: Final = (
    _card(
        "boc_credit",
        "中国银行 信用卡账单",
        ("交易日", "银行记账日", "卡号后四位", "交易描述", "存入", "支出", "币种"),
        "中国银行信用卡账单",
    ),
    _card(
        "bocom_credit",
        "交通银行 信用卡账单",
        ("交易日期", "记账日期", "交易说明", "交易币种/金额", "入账币种/金额"),
    ),
    _card(
        "cmb_credit",
        "招商银行 信用卡对账单",
        ("交易日", "记账日", "交易摘要", "人民币金额", "卡号末四位", "交易地金额"),
        "招商银行信用卡对账单",
    ),
    _card(
        "icbc_credit",
        "中国工商银行 信用卡明细",
        _names(
            "交易日期,记账日期,摘要,交易场所,交易国家或地区简称,交易金额(收入),"
            "交易金额(支出),交易币种,记账金额(收入),记账金额(支出),记账币种,"
            "余额,对方户名"
        ),
        "明细查询文件下载",
    ),
    _card(
        "hsbchk_credit",
        "HSBC Hong Kong credit card",
        _names(
            "Transaction date,Post date,Description,Billing amount,"
            "Billing currency,Transaction status,Merchant name,"
            "Country / region,Area / district,Credit / Debit"
        ),
    ),
    _card(
        "capital_one_credit",
        "Capital One credit card",
        _names("Transaction Date,Posted Date,Card No.,Description,Category,Debit,Credit"),
    ),
)

PROFILES: Final[tuple[ColumnProfile, ...]] = (*_BANKS, *_CARDS)

OWN: Final = "own_profile"
"""The layout's name where an operator's profile is not marked verified."""

_SAMPLE: Final = "read from one public sample with changed figures, not from the bank"
UNVERIFIED: Final[Mapping[str, str]] = {
    **{profile.code: _SAMPLE for profile in _BANKS},
    OWN: "the operator's own column profile, not marked as verified",
}
