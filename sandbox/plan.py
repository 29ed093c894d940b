"""Who there is in a world: the bank accounts, the stores, and which suffers what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random

from sandbox import camt, names, numbers, wechatpay, wechatpay_files
from sandbox.model import BankAccount, Platform, Store, Trouble

_WECHAT_TROUBLES = (
    Trouble.NONE,
    Trouble.LATE,
    Trouble.MISSING,
    Trouble.SHORT,
    Trouble.MERGED,
    Trouble.CUT_REFERENCE,
    Trouble.SPACED_REFERENCE,
    Trouble.LAST_DAY,
)
_WECHAT_ORDERS = (24, 10, 14, 8, 18, 12, 16, 9)
_WECHAT_MEDIANS = (18_900, 26_800, 12_900, 45_900, 9_900, 6_800, 15_800, 8_900)
_WEEKLY_WECHAT = (1, 3, 7)
_WECHAT_DIALECTS = {2: wechatpay.SHARED_FLOW_NO, 3: wechatpay_files.FULL_WIDTH}
_WECHAT_OPENINGS = {7: 348_216}

_SHOPIFY_ORDERS = (14, 6, 10, 9)
_SHOPIFY_MEDIANS = (4_900, 7_900, 11_900, 6_400)
_SHOPIFY_ZONES = ("America/New_York", "Europe/Berlin", "Asia/Dubai", "Asia/Shanghai")
_SHOPIFY_DIALECTS = ("17", "18+payouts", "19", "17+payouts")
_SHOPIFY_TROUBLES = (Trouble.NONE, Trouble.NONE, Trouble.TWIN_AMOUNT, Trouble.TWIN_AMOUNT)
_TUESDAY = 1


def bank_accounts(rng: Random) -> tuple[BankAccount, BankAccount]:
    """The two accounts of the one settlement account: CNY and USD."""
    holder = names.MERCHANT
    cny = BankAccount(
        number=f"9900{numbers.digits(rng, 15)}",
        currency="CNY",
        holder=holder.name,
        camt=camt.V08,
        opening=rng.randint(80_000_000, 120_000_000),
    )
    usd = BankAccount(
        number=f"9901{numbers.digits(rng, 15)}",
        currency="USD",
        holder=holder.name_en,
        camt=camt.V02,
        opening=rng.randint(6_000_000, 12_000_000),
    )
    return cny, usd


def stores(
    count: int, accounts: Sequence[BankAccount], ends_on: date, *, small: bool, rng: Random
) -> list[Store]:
    """Two thirds WeChat Pay (CNY), one third Shopify (USD); the first twelve have the troubles."""
    cny, usd = accounts
    shopify = count // 3
    chosen = [_wechat_store(i, cny, ends_on, small, rng) for i in range(count - shopify)]
    return chosen + [_shopify_store(i, usd, small) for i in range(shopify)]


def _wechat_store(
    index: int, account: BankAccount, ends_on: date, small: bool, rng: Random
) -> Store:
    kind = index % len(names.WECHAT_SHOPS)
    name, name_en = _named(names.WECHAT_SHOPS[kind], index, len(names.WECHAT_SHOPS))
    trouble = _WECHAT_TROUBLES[index] if index < len(_WECHAT_TROUBLES) else Trouble.NONE
    payday = (index % 5) if kind in _WEEKLY_WECHAT else None
    return Store(
        code=f"W{index + 1:02d}",
        platform=Platform.WECHATPAY,
        external_id=f"16{index:03d}{numbers.digits(rng, 5)}",
        name=name,
        name_en=name_en,
        currency=account.currency,
        zone="Asia/Shanghai",
        bank_account=account.number,
        orders_a_day=_orders(_WECHAT_ORDERS[kind], small),
        median=_WECHAT_MEDIANS[kind],
        payday=ends_on.weekday() if trouble is Trouble.LAST_DAY else payday,
        trouble=trouble,
        dialect=_WECHAT_DIALECTS.get(index, ""),
        opening=_WECHAT_OPENINGS.get(index, 0),
    )


def _shopify_store(index: int, account: BankAccount, small: bool) -> Store:
    kind = index % len(names.SHOPIFY_SHOPS)
    chinese, english, handle = names.SHOPIFY_SHOPS[kind]
    name, name_en = _named((chinese, english), index, len(names.SHOPIFY_SHOPS))
    suffix = "" if index == kind else f"-{index + 1}"
    return Store(
        code=f"S{index + 1:02d}",
        platform=Platform.SHOPIFY,
        external_id=f"{handle}{suffix}.myshopify.com",
        name=name,
        name_en=name_en,
        currency=account.currency,
        zone=_SHOPIFY_ZONES[kind],
        bank_account=account.number,
        orders_a_day=_orders(_SHOPIFY_ORDERS[kind], small),
        median=_SHOPIFY_MEDIANS[kind],
        payday=_TUESDAY if kind == 1 else None,
        trouble=_SHOPIFY_TROUBLES[kind] if index == kind else Trouble.NONE,
        dialect=_SHOPIFY_DIALECTS[kind],
    )


def _named(names_of_shop: tuple[str, str], index: int, known: int) -> tuple[str, str]:
    """Shops beyond the known names are branches: 云溪厨房2号店."""
    chinese, english = names_of_shop
    branch = index // known + 1
    return (chinese, english) if branch == 1 else (f"{chinese}{branch}号店", f"{english} {branch}")


def _orders(usual: int, small: bool) -> int:
    return max(2, usual // 4) if small else usual
