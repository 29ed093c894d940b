"""WeChat Pay's bills: ordered by day, hashed, and fetched by a link that lives five minutes.

The hash is of the content before GZIP: the vendor's page does not say, its sample does so.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox import money
from sandbox.marketplaces import drifting
from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.model import NOTHING, Movement, Store, minor
from sandbox.marketplaces.wire import Answer, Call, reply
from sandbox.wechatpay import FundRow, Order, Refund
from sandbox.wechatpay_files import fund_flow, trade_bill

_ZONE = ZoneInfo("Asia/Shanghai")
_LINK_LIVES = 300
_REACH = timedelta(days=92)
_NAMES = {
    "sale": ("交易", "交易"),
    "commission": ("交易", "扣除交易手续费"),
    "refund": ("退款", "退款"),
    "payout": ("提现", "提现"),
}
_KNOWN = {"bill_date", "bill_type", "account_type", "tar_type", "sub_mchid"}
_VALUES = {
    "bill_type": ("ALL",),
    "account_type": ("BASIC", "OPERATION", "FEES"),
    "tar_type": ("GZIP",),
}


def order(call: Call, desk: Desk, store: Store, bill: str) -> Answer:
    """Where to fetch a day's bill, or why there is none."""
    asked = call.query
    if reason := _wrong(asked):
        return reply(400, {"code": "PARAM_ERROR", "message": reason})
    day = date.fromisoformat(asked["bill_date"])
    now = desk.now().astimezone(_ZONE)
    if not now.date() - _REACH <= day < now.date():
        return reply(400, {"code": "INVALID_REQUEST", "message": "请检查bill_date,并重新调用"})
    # A day's bill is made at nine the next morning.
    made_at = datetime(day.year, day.month, day.day, 9, tzinfo=_ZONE) + timedelta(days=1)
    rows = desk.on(store, day)
    if rows is None or now < made_at:
        return reply(400, {"code": "STATEMENT_CREATING", "message": "账单生成中"})
    text = _trade(store, rows) if bill == "trade" else _fund(desk, store, rows, day, asked)
    if not text:
        return reply(400, {"code": "NO_STATEMENT_EXIST", "message": "账单文件不存在"})
    return reply(200, _link(text.encode(), call, desk, store))


def download(call: Call, desk: Desk, store: Store) -> Answer:
    """The file; only its own merchant may fetch it. Without signature headers."""
    ticket = f"{store.code}:{call.query.get('token', '')}"
    content = desk.fetch(ticket, _LINK_LIVES)
    if content is None or call.method != "GET":
        return reply(404, {"code": "RESOURCE_NOT_EXISTS", "message": "查询的资源不存在"})
    packed = call.query.get("tartype") == "gzip"
    kind = "application/gzip" if packed else "text/plain; charset=utf-8"
    return Answer(status=200, body=content, headers={"Content-Type": kind})


def _wrong(asked: dict[str, str]) -> str:
    """What is wrong with the parameters, "" if nothing."""
    try:
        date.fromisoformat(asked.get("bill_date", ""))
    except ValueError:
        return "输入源“/query/bill_date”映射到值字段“账单日期”字符串规则校验失败"
    for name, value in asked.items():
        if name not in _KNOWN or (name in _VALUES and value not in _VALUES[name]):
            return f"输入源“/query/{name}”映射到枚举值错误"
    return ""


def _link(content: bytes, call: Call, desk: Desk, store: Store) -> dict[str, str]:
    packed = call.query.get("tar_type") == "GZIP"
    token = desk.unique("bill")
    desk.keep(f"{store.code}:{token}", gzip.compress(content, mtime=0) if packed else content)
    return {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "download_url": f"https://api.mch.weixin.qq.com/v3/billdownload/file?token={token}"
        + ("&tartype=gzip" if packed else ""),
    }


def _fund(
    desk: Desk, store: Store, rows: Sequence[Movement], day: date, asked: dict[str, str]
) -> str:
    if not rows or asked.get("account_type", "BASIC") != "BASIC":
        return ""
    before = [m for m in desk.world.lives[store.code].movements if m.at.date() < day]
    balance = minor(sum((m.net for m in before), NOTHING), "CNY")
    made = []
    for movement in rows:
        balance += minor(movement.net, "CNY")
        made.append(_row(movement, balance, store))
    return drifting.table(fund_flow(made), desk.faults, "wechatpay", len(made), tick="`")


def _row(movement: Movement, balance: int, store: Store) -> FundRow:
    name, kind = _NAMES[movement.kind]
    refunded = movement.kind == "refund"
    gross = money.text(minor(abs(movement.amount), "CNY"))
    paid = movement.kind == "payout"
    return FundRow(
        at=movement.at,
        business_no=movement.payout if paid else movement.reference,
        flow_no=movement.id,
        name=name,
        kind=kind,
        amount=minor(movement.amount, "CNY"),
        balance=balance,
        applicant=f"{store.external_id}API" if refunded else "system",
        remark=f"退款总金额{gross}元;含手续费0.00元" if refunded else "",
        voucher=movement.reference if paid else movement.order,
    )


def _trade(store: Store, rows: Sequence[Movement]) -> str:
    fees = {m.reference: -minor(m.amount, "CNY") for m in rows if m.kind == "commission"}
    trades: list[Order | Refund] = []
    for movement in rows:
        if movement.kind == "sale":
            trades.append(_order(movement, fees))
        elif movement.kind == "refund":
            trades.append(_refund(movement))
    return trade_bill(trades, mchid=store.external_id) if trades else ""


def _order(movement: Movement, fees: dict[str, int]) -> Order:
    return Order(
        at=movement.at,
        transaction_id=movement.reference,
        trade_no=movement.order,
        amount=minor(movement.amount, "CNY"),
        fee=fees.get(movement.reference, 0),
        product="亚麻四件套",
        buyer="oSBX000000000000000000000000",
        buyers_bank="OTHERS",
    )


def _refund(movement: Movement) -> Refund:
    sold = Order(
        at=movement.at,
        transaction_id=movement.detail,
        trade_no=movement.order,
        amount=minor(-movement.amount, "CNY"),
        fee=0,
        product="亚麻四件套",
        buyer="oSBX000000000000000000000000",
        buyers_bank="OTHERS",
    )
    return Refund(
        at=movement.at,
        order=sold,
        refund_id=movement.reference,
        refund_no=f"R{movement.order}",
        amount=sold.amount,
        fee=0,
    )
