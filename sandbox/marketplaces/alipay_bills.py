"""Alipay's money: the fund bill as a ZIP behind a link of 30 seconds, the account log, balance."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox import alipay_files, money, names
from sandbox.alipay import (
    ALIPAY,
    CHARGE,
    REFUND,
    SALE,
    SALE_DESCRIPTION,
    SHARE,
    TRANSFER,
    WITHDRAWAL,
    AccountRow,
)
from sandbox.days import Period
from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.model import NOTHING, Movement, Store, minor
from sandbox.marketplaces.wire import Answer, Call
from sandbox.model import Platform, Trouble
from sandbox.model import Store as FileStore

_ZONE = ZoneInfo("Asia/Shanghai")
_LINK_LIVES = 30
_NO_BILL = "账单不存在"
# Our kind → 业务类型, the other side, whether the remark names the order in {} or [].
_WORDS = {
    "sale": (SALE, names.BUYERS[0]),
    "commission": (CHARGE, names.TMALL),
    "refund": (REFUND, names.BUYERS[0]),
    "advertising": (SHARE, names.TAOBAO_AFFILIATES),
    "shipping": (TRANSFER, names.INSURER),
    "reserve_held": (TRANSFER, names.TMALL),
    "reserve_released": (TRANSFER, names.TMALL),
    "payout": (WITHDRAWAL, f"{names.MERCHANT.name} ({names.BANK_NAME})"),
}
Node = dict[str, object]


def link(asked: Mapping[str, str], desk: Desk, store: Store) -> Node:
    """`bill_type` signcustomer only: the business bill (trade) is a product not signed for."""
    if asked.get("bill_type") == "trade":
        return _failed("40006", "isv.insufficient-isv-permissions", "ISV权限不足")
    span = _span(asked.get("bill_date", ""))
    if asked.get("bill_type") != "signcustomer" or span is None:
        return _failed("40004", "invalid_arguments", "入参不合法")
    now = desk.now().astimezone(_ZONE)
    if span.last >= now.date():
        return _failed("40004", "invalid_arguments", "入参不合法")
    made_at = datetime(span.last.year, span.last.month, span.last.day, 9, tzinfo=_ZONE)
    if now < made_at + timedelta(days=1):
        return _failed("40004", "isp.bill_not_exist", _NO_BILL)
    rows = _span_rows(desk, store, span)
    if not rows:
        return _failed("40004", "isp.bill_not_exist", _NO_BILL)
    ticket = desk.unique("bill")
    desk.keep(ticket, alipay_files.fund_bill(_as_file_store(store), span, rows))
    name = f"{store.external_id}_{span.last:%Y%m%d}_signcustomer.csv.zip"
    query = f"bizType=signcustomer&userId={store.external_id}&fileType=csv.zip"
    query += f"&bizDates={span.last:%Y%m%d}&downloadFileName={name}&fileId={ticket}"
    url = f"https://dwbillcenter.alipay.com/downloadBillFile.resource?{query}"
    return {"code": "10000", "msg": "Success", "bill_download_url": url}


def download(call: Call, desk: Desk) -> Answer:
    """The file for whoever knows the link, while it lives."""
    content = desk.fetch(call.query.get("fileId", ""), _LINK_LIVES)
    if call.path != "/downloadBillFile.resource" or content is None:
        return Answer(status=404, body="文件不存在".encode())
    return Answer(status=200, body=content, headers={"Content-Type": "application/zip"})


def account_log(asked: Mapping[str, str], desk: Desk, store: Store) -> Node:
    """Pages from 1, 1000 to 2000 rows each; a page without rows leaves the list out."""
    begins, ends = _instant(asked.get("start_time", "")), _instant(asked.get("end_time", ""))
    number, size = asked.get("page_no", "1"), asked.get("page_size", "2000")
    if begins is None or ends is None or not (number.isdigit() and size.isdigit()):
        return _failed("40004", "INVALID_PARAMETER", "参数有误")
    if begins > ends or not 1000 <= int(size) <= 2000 or int(number) < 1:
        return _failed("40004", "INVALID_PARAMETER", "参数有误")
    seen = desk.seen(store)[0]
    chosen = [m for m in seen if begins <= m.at <= ends]
    page = desk.faults.page(chosen, (int(number) - 1) * int(size), int(size), "alipay")
    items = [desk.faults.drifted(_item(m, seen), "alipay", "1.23") for m in page]
    paging: Node = {"page_no": number, "page_size": size, "total_size": f"{len(chosen)}"}
    rows: Node = {"detail_list": items} if items else {}
    return {"code": "10000", "msg": "Success", **paging, **rows}


def balance(asked: Mapping[str, str], desk: Desk, store: Store) -> Node:
    """What the account holds now; what a deposit froze is not told apart."""
    total = f"{sum((m.net for m in desk.seen(store)[0]), NOTHING):.2f}"
    frozen = {"freeze_amount": "0.00", "settle_amount": "0.00"}
    return {"code": "10000", "msg": "Success", "total_amount": total,
            "available_amount": total, **frozen}  # fmt: skip


def _span(text: str) -> Period | None:
    """A day or a month."""
    try:
        if re.fullmatch(r"\d{4}-\d\d", text):
            first = date.fromisoformat(f"{text}-01")
            following = (first + timedelta(days=32)).replace(day=1)
            return Period(first=first, last=following - timedelta(days=1))
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return Period(first=day, last=day)


def _span_rows(desk: Desk, store: Store, span: Period) -> list[AccountRow]:
    """The rows of a period with the balance after each; [] while one of its days is late."""
    days = [desk.on(store, day) for day in span.days()]
    if None in days:
        return []
    chosen = [movement for day in days for movement in day or ()]
    life = desk.world.lives[store.code].movements
    return [_row(movement, _balance(movement, life)) for movement in chosen]


def _balance(movement: Movement, life: Sequence[Movement]) -> int:
    """The balance after a movement, in fen."""
    until = next(i for i, one in enumerate(life) if one.id == movement.id)
    return minor(sum((one.net for one in life[: until + 1]), NOTHING), "CNY")


def _row(movement: Movement, balance: int) -> AccountRow:
    kind, counterparty = _WORDS[movement.kind]
    return AccountRow(
        at=movement.at,
        entry_no=movement.id,
        business_no=movement.reference,
        order_no=f"T200P{movement.order}" if movement.order else "",
        product=names.PRODUCTS[0] if movement.kind == "sale" else "",
        counterparty=counterparty,
        amount=minor(movement.amount, "CNY"),
        balance=balance,
        channel=ALIPAY,
        kind=kind,
        remark=_remark(movement),
        description=SALE_DESCRIPTION if movement.kind == "sale" else "",
        tid=movement.order,
    )


def _remark(movement: Movement) -> str:
    match movement.kind:
        case "commission":
            return f"天猫佣金（类目）{{{movement.order}}}扣款"
        case "refund":
            return f"售后退款-{movement.order}"
        case "sale" | "payout":
            return ""
        case _:
            return movement.detail


def _item(movement: Movement, seen: Sequence[Movement]) -> dict[str, object]:
    fen = minor(movement.amount, "CNY")
    row = _row(movement, _balance(movement, seen))
    return {
        "trans_dt": f"{movement.at:%Y-%m-%d %H:%M:%S}",
        "account_log_id": row.entry_no,
        "alipay_order_no": row.business_no,
        "merchant_order_no": row.order_no,
        "trans_amount": money.text(fen),
        "balance": money.text(row.balance),
        "type": row.kind,
        "other_account": row.counterparty,
        "trans_memo": row.remark,
        "direction": "收入" if fen > 0 else "支出",
        "bill_source": row.channel,
        "biz_desc": row.description,
        "biz_orig_no": row.tid,
        "biz_nos": f"M{row.business_no}",
    }


def _as_file_store(store: Store) -> FileStore:
    """What the writer of bills must know of a store: the current columns, zipped."""
    return FileStore(
        code=store.code,
        platform=Platform.ALIPAY,
        external_id=store.external_id,
        name=store.name,
        name_en=store.name,
        currency="CNY",
        zone=store.zone,
        bank_account="",
        orders_a_day=0,
        median=0,
        payday=None,
        trouble=Trouble.NONE,
        dialect=alipay_files.CURRENT + alipay_files.ZIPPED,
    )


def _instant(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_ZONE)
    except ValueError:
        return None


def _failed(code: str, sub_code: str, sub_msg: str) -> Node:
    words = {"40004": "Business Failed", "40006": "Insufficient Permissions"}
    return {"code": code, "msg": words[code], "sub_code": sub_code, "sub_msg": sub_msg}
