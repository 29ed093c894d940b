"""Douyin's two lists, in fen: what moved the shop's cash, and the settlement of its orders.

`start_index` is the number of rows before the page, as text. Fees are negative, as in the
newer of the vendor's two answers; a row's parts make up its `account_amount`, and income
and outgo its `settle_amount`. The settlements state the same money as the movements of
sales and refunds: evidence, never a second booking.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.marketplaces.desk import Desk, digest
from sandbox.marketplaces.model import Movement, Store, minor
from sandbox.marketplaces.wire import Answer, reply

_ZONE = ZoneInfo("Asia/Shanghai")
# The largest page each allows.
LISTS = {"/order/getShopAccountItem": 1000, "/order/getSettleBillDetailV3": 100}
# Our kind → trans_scene, its tag, account_bill_desc, its tag (platforms-cn.md 5.4).
_SCENES = {
    "sale": ("货款结算入账", 30, "订单结算", 3),
    "refund": ("退款-结算后退款-退用户", 22, "已退款", 19),
    "payout": ("提现", 44, "提现", 11),
    "payout_returned": ("提现退票", 45, "提现退票", 12),
    "advertising": ("充值千川广告费", 17, "其他", 0),
    "penalty": ("判罚扣款", 3, "其他", 0),
    "adjustment": ("人工调账", 15, "其他", 0),
}
_PARTS = (
    *("pay_amount", "post_amount", "promotion_amount", "refund_amount", "platform_service_fee"),
    *("commission", "channel_fee", "colonel_service_fee", "author_coupon_subsidy"),
    *("actual_zt_pay_promotion", "actual_zr_pay_promotion", "channel_promotion_fee"),
    *("other_sharing_amount", "real_free_commission_amount"),
)

_BILL_PARTS = (
    *("post_amount", "shop_coupon", "refund_before_settle", "platform_coupon", "author_coupon"),
    *("zt_pay_promotion", "zr_pay_promotion", "commission", "good_learn_channel_fee"),
    *("colonel_service_fee", "channel_promotion_fee", "other_sharing_amount", "packing_amount"),
)


def answer(path: str, asked: Mapping[str, Any], desk: Desk, store: Store) -> Answer:
    """A page of the window `start_time` to `end_time`, oldest first."""
    most, is_bill = LISTS[path], path == "/order/getSettleBillDetailV3"
    begins, ends = _instant(asked.get("start_time")), _instant(asked.get("end_time"))
    size, start = f"{asked.get('size', 100)}", f"{asked.get('start_index') or 0}"
    if begins is None or ends is None or begins > ends:
        return _page("100001", "时间参数错误", [], 0, is_end=True)
    if not size.isdigit() or not 1 <= int(size) <= most or not start.isdigit():
        return _page("100001", f"size不能大于{most}", [], 0, is_end=True)
    chosen = [m for m in desk.seen(store)[0] if begins <= m.at <= ends]
    if is_bill:
        chosen = [movement for movement in chosen if movement.kind in ("sale", "refund")]
    page = desk.faults.page(chosen, int(start), int(size), "douyin")
    following = min(int(start) + int(size), len(chosen))
    if page and page[-1] is not chosen[following - 1]:
        # A row that stands here again has pushed the last one over.
        following -= 1
    rows = [
        desk.faults.drifted(_settled(m) if is_bill else _row(m, store), "douyin", 123) for m in page
    ]
    return _page("100000", "success", rows, following, is_end=following >= len(chosen))


def _page(
    code: str, words: str, rows: list[dict[str, Any]], following: int, *, is_end: bool
) -> Answer:
    page = {
        "code": code,
        "code_msg": words,
        "data": rows,
        "data_size": len(rows),
        "is_end": 1 if is_end else 0,
        "next_start_index": f"{following}",
        "next_start_time": "",
        "size": len(rows),
    }
    body = {"code": 10000, "msg": "success", "sub_code": "", "sub_msg": "", "data": page}
    return reply(200, body | {"log_id": digest(f"{following}:{len(rows)}")})


def _row(movement: Movement, store: Store) -> dict[str, Any]:
    scene, scene_tag, summary, summary_tag = _SCENES[movement.kind]
    net = minor(movement.net, "CNY")
    parts = dict.fromkeys(_PARTS, 0)
    if movement.kind == "sale":
        parts["pay_amount"] = minor(movement.amount, "CNY")
        parts["platform_service_fee"] = -minor(movement.fee, "CNY")
    return {
        "bill_time": f"{movement.at:%Y-%m-%d %H:%M:%S}",
        "account_trade_no": movement.id,
        "fund_flow": 0 if net > 0 else 1,
        "fund_flow_desc": "入账" if net > 0 else "出账",
        "account_amount": abs(net),
        "account_type": 4,
        "account_type_desc": "聚合账户",
        "trans_scene": scene,
        "trans_scene_tag": scene_tag,
        "account_bill_desc": summary,
        "account_bill_desc_tag": summary_tag,
        "biz_type": 2 if movement.order else 0,
        "biz_type_desc": "小店自卖" if movement.order else "",
        "order_id": f"{movement.order}1" if movement.order else "",
        "shop_order_id": movement.order,
        "after_sale_service_no": movement.reference if movement.kind == "refund" else "",
        "business_order_create_time": "",
        "product_id": "3494738440426276563" if movement.order else "",
        "order_type": 0,
        "order_type_desc": "普通订单" if movement.order else "",
        "remark": "",
        "shop_id": store.external_id,
        "free_commission_flag": "否" if movement.order else "",
        **parts,
    }


def _settled(movement: Movement) -> dict[str, Any]:
    """A settled sub-order, or a refund after its settlement."""
    gross, fee = minor(movement.amount, "CNY"), minor(movement.fee, "CNY")
    sold = movement.kind == "sale"
    at = f"{movement.at:%Y-%m-%d %H:%M:%S}"
    return {
        "settle_time": at,
        "request_no": movement.reference,
        "shop_order_id": movement.order,
        "order_id": f"{movement.order}1",
        "settle_amount": gross - fee,
        "pay_type_desc": "聚合账户",
        "trade_type": 0 if sold else 1,
        "is_contains_refund_before_settle": 0,
        "order_time": at,
        "product_id": "3494738440426276563",
        "goods_count": 1,
        "flow_type_desc": "小店自卖",
        "order_type": "普通订单",
        "total_amount": gross if sold else 0,
        "total_goods_amount": gross if sold else 0,
        "real_pay_amount": gross if sold else 0,
        "total_income": gross,
        "total_outcome": -fee,
        **dict.fromkeys(_BILL_PARTS, 0),
        "platform_service_fee": -fee,
        "remark": "",
        "free_commission_flag": "否",
        "real_free_commission_amount": 0,
    }


def _instant(text: object) -> datetime | None:
    try:
        return datetime.strptime(f"{text}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=_ZONE)
    except ValueError:
        return None
