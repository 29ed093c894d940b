"""What people call the platforms in a spreadsheet, and whose files tell of a store's money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from platforms import registry
from platforms.contract import Adapter
from settlement.money_in.store_sheet import normal

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "wechatpay": ("微信支付", "WeChat Pay", "微信", "Weixin Pay"),
    "shopify": ("Shopify", "Shopify Payments"),
    "alipay": ("支付宝", "Alipay"),
    "taobao": ("淘宝费用账单", "Taobao fee bills", "天猫费用账单", "Tmall fee bills", "TOP"),
    "pinduoduo": ("拼多多", "Pinduoduo", "多多", "PDD"),
    "douyin": ("抖音", "Douyin", "抖店", "抖音小店", "抖音电商"),
    "jd": ("京东", "JD", "京东商城", "JD.com"),
    "kuaishou": ("快手", "Kuaishou", "快手小店"),
    "xiaohongshu": ("小红书", "Xiaohongshu", "RED", "千帆"),
    "wechat_store": ("微信小店", "WeChat Store", "视频号小店", "Weixin Store"),
    "amazon": ("Amazon", "亚马逊"),
    "ebay": ("eBay", "易贝"),
    "walmart": ("Walmart", "沃尔玛"),
    "etsy": ("Etsy",),
    "shopee": ("Shopee", "虾皮"),
    "lazada": ("Lazada", "来赞达"),
    "tiktok_shop": ("TikTok Shop", "TikTok", "TikTok 小店"),
    "mercadopago": ("Mercado Pago", "Mercado Libre", "美客多"),
    "stripe": ("Stripe",),
    "paypal": ("PayPal", "贝宝"),
    "woocommerce": ("WooCommerce", "Woo"),
}
"""By the adapter's code, the usual name first."""

PAID_THROUGH: Final[dict[str, tuple[str, ...]]] = {
    "alipay": ("淘宝", "天猫", "Taobao", "Tmall", "淘宝网", "天猫国际"),
}
"""Marketplaces without settlement files of their own: the money of Taobao and Tmall shops is in
Alipay, whose bill shows commission, insurance and points as debits of the same account. The fee
bills of `taobao` say the same debits once more: they are evidence beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a platform's name in a sheet means; `readable` is False while no adapter reads it."""

    code: str
    readable: bool
    paid_through: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A platform on offer: its code, what to write, and what else is understood."""

    code: str
    name: str
    also: str


def understood(text: str) -> Named | None:
    """The platform a person means by its code, name or a common alias; None if nobody knows.

    Where a shop's money is comes before whose shop it is: "taobao" means the account at Alipay,
    though an adapter of that code reads the shop's fee bills.
    """
    wanted = normal(text)
    readable = {adapter.code: adapter.name for adapter in _platforms()}
    codes = {code: (code, name) for code, name in readable.items()}
    for table in (PAID_THROUGH, codes, NAMES):
        for code, aliases in table.items():
            if wanted in map(normal, aliases):
                return Named(
                    code=code, readable=code in readable, paid_through=table is PAID_THROUGH
                )
    return None


def choices() -> list[Choice]:
    """The platforms whose files tell of a store's money, by name."""
    found = []
    elsewhere = {normal(alias) for aliases in PAID_THROUGH.values() for alias in aliases}
    for adapter in _platforms():
        if adapter.code in elsewhere:
            continue
        name, *others = NAMES.get(adapter.code, (adapter.name,))
        also = [*others, adapter.code, *PAID_THROUGH.get(adapter.code, ())]
        found.append(Choice(code=adapter.code, name=name, also=", ".join(dict.fromkeys(also))))
    return sorted(found, key=lambda choice: choice.code)


def _platforms() -> list[Adapter]:
    return [adapter for adapter in registry.all() if adapter.family == "platform"]
