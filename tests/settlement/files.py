"""Small files in the real formats, written by hand for one test."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

FUND_FLOW_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),"
    "账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
SHOPIFY_HEADER = (
    "Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Payout ID,"
    "Available On,Amount,Fee,Net,Checkout,Payment Method Name,Presentment Amount,"
    "Presentment Currency,Currency"
)
Flow = tuple[str, str, str, str]
"""(time of 2 November 2026, number, 业务类型, signed amount)"""


def fund_flow(path: Path, flows: Sequence[Flow], *, opening: str = "0.00") -> Path:
    """A WeChat Pay fund flow that ties out."""
    balance = Decimal(opening)
    rows = []
    for time, number, word, amount in flows:
        value = Decimal(amount)
        balance += value
        way = "收入" if value > 0 else "支出"
        fields = (
            f"2026-11-02 {time}", f"5030{number:0>20}", f"4200{number:0>24}", word, word, way,
            f"{abs(value)}", f"{balance}", "system", "", f"S{number}",
        )  # fmt: skip
        rows.append(",".join(f"`{field}" for field in fields))
    values = [Decimal(amount) for *_rest, amount in flows]
    income = [value for value in values if value > 0]
    outgo = [-value for value in values if value < 0]
    summary = (
        len(values), len(income), sum(income, Decimal("0.00")), len(outgo),
        sum(outgo, Decimal("0.00")),
    )  # fmt: skip
    lines = [
        FUND_FLOW_HEADER,
        *rows,
        "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额",
        ",".join(f"`{value}" for value in summary),
    ]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


def shopify_export(path: Path, rows: Sequence[tuple[str, str, str, str, str, str]]) -> Path:
    """A Shopify transactions export; rows: (type, order, status, payout id, amount, fee)."""
    lines = [SHOPIFY_HEADER]
    for n, (kind, order, status, payout, amount, fee) in enumerate(rows):
        net = Decimal(amount) - Decimal(fee)
        lines.append(
            f"2026-11-0{n + 1} 10:00:0{n} +0100,{kind},{order},visa,online,{status},2026-11-09,"
            f"{payout},2026-11-09,{amount},{fee},{net},#{n},card,{abs(Decimal(amount))},EUR,EUR"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def camt053(
    path: Path,
    account: str,
    entries: Sequence[tuple[str, str, str, str]],
    *,
    opening: str,
    first: str = "2026-11-02",
    last: str = "2026-11-08",
    currency: str = "CNY",
    closing: str | None = None,
) -> Path:
    """A camt.053.001.08; entries: (day, reference, signed amount, text)."""
    total = sum((Decimal(amount) for _day, _ref, amount, _text in entries), Decimal(opening))
    booked = "".join(
        f"<Ntry><NtryRef>{ref}</NtryRef><Amt Ccy='{currency}'>{abs(Decimal(amount))}</Amt>"
        f"<CdtDbtInd>{'CRDT' if Decimal(amount) > 0 else 'DBIT'}</CdtDbtInd>"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><Amt Ccy='{currency}'>{abs(Decimal(amount))}</Amt>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        for day, ref, amount, text in entries
    )
    path.write_text(
        "<?xml version='1.0' encoding='UTF-8'?>"
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt>"
        "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-09T01:00:00+08:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{path.stem}</Id><FrToDt><FrDtTm>{first}T00:00:00+08:00</FrDtTm>"
        f"<ToDtTm>{last}T23:59:59+08:00</ToDtTm></FrToDt>"
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>"
        f"{_balance('OPBD', opening, first, currency)}"
        f"{_balance('CLBD', closing or str(total), last, currency)}"
        f"{booked}</Stmt></BkToCstmrStmt></Document>",
        encoding="utf-8",
    )
    return path


def _balance(code: str, amount: str, day: str, currency: str) -> str:
    value = Decimal(amount)
    side = "CRDT" if value >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{abs(value)}"
        f"</Amt><CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )
