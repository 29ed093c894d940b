"""Who there is in a world: the bank account's pockets, the stores, and which suffers what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random

from sandbox import alipay_files, camt, mt940, names, numbers, wechatpay, wechatpay_files
from sandbox.model import BankAccount, Platform, Store, Trouble

# How many stores of a platform the smallest world has, so that every trouble has a place,
# and how many of each 36 stores more are of the platform.
_LEAST = {Platform.WECHATPAY: 8, Platform.ALIPAY: 4, Platform.PINDUODUO: 4, Platform.SHOPIFY: 4}
_MORE = {Platform.WECHATPAY: 8, Platform.ALIPAY: 12, Platform.PINDUODUO: 10, Platform.SHOPIFY: 6}
LEAST_STORES = sum(_LEAST.values())

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
_WECHAT_ORDERS = (20, 8, 10, 7, 12, 9, 10, 8)
_WECHAT_MEDIANS = (18_900, 26_800, 12_900, 45_900, 9_900, 6_800, 15_800, 8_900)
_WEEKLY_WECHAT = (1, 3, 7)
_WECHAT_DIALECTS = {2: wechatpay.SHARED_FLOW_NO, 3: wechatpay_files.FULL_WIDTH}
_WECHAT_OPENINGS = {7: 348_216}

_ALIPAY_TROUBLES = (Trouble.NONE, Trouble.LATE, Trouble.MISSING, Trouble.SHORT)
_ALIPAY_ORDERS = (8, 5, 4, 6, 3, 4, 3, 4)
_ALIPAY_MEDIANS = (23_900, 31_500, 8_700, 19_900, 14_600, 10_900, 7_600, 16_800)
_WEEKLY_ALIPAY = (0, 4, 6, 7)
_ALIPAY_DIALECTS = (
    alipay_files.CURRENT,
    alipay_files.CLASSIC,
    alipay_files.CURRENT + alipay_files.ZIPPED,
    alipay_files.CURRENT + alipay_files.ASCII_BRACKETS,
)
_ALIPAY_OPENINGS = {0: 1_204_518, 1: 88_020}

_PINDUODUO_TROUBLES = (Trouble.NONE, Trouble.TWIN_AMOUNT, Trouble.TWIN_AMOUNT)
_PINDUODUO_ORDERS = (11, 8, 9, 4, 3, 3, 2)
_PINDUODUO_MEDIANS = (3_900, 4_900, 4_500, 2_900, 3_200, 1_900, 2_600)
_WEEKLY_PINDUODUO = (0, 4, 5, 6)

_SHOPIFY_ORDERS = (14, 6, 10, 9, 7)
_SHOPIFY_MEDIANS = (4_900, 7_900, 11_900, 6_400, 5_600)
_SHOPIFY_ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Asia/Dubai",
    "Asia/Shanghai",
    "Europe/London",
)
_SHOPIFY_DIALECTS = ("17", "18+payouts", "19", "17+payouts", "18")
_SHOPIFY_TROUBLES = (Trouble.NONE, Trouble.NONE, Trouble.TWIN_AMOUNT, Trouble.TWIN_AMOUNT)
_NAMED_SHOPIFY = (1, 4)
_TUESDAY = 1


def bank_accounts(rng: Random) -> tuple[BankAccount, BankAccount]:
    """The one account: a CNY and a USD pocket under one number."""
    holder = names.MERCHANT
    number = f"9900{numbers.digits(rng, 15)}"
    cny = BankAccount(
        number=number,
        currency="CNY",
        holder=holder.name,
        format=camt.FORMAT,
        opening=rng.randint(80_000_000, 120_000_000),
    )
    usd = BankAccount(
        number=number,
        currency="USD",
        holder=holder.name_en,
        format=mt940.FORMAT,
        opening=rng.randint(6_000_000, 12_000_000),
    )
    return cny, usd


def stores(
    count: int, accounts: Sequence[BankAccount], ends_on: date, *, small: bool, rng: Random
) -> list[Store]:
    """The stores by platform; the first of each platform have the troubles."""
    cny, usd = accounts
    counts = _counts(count)
    return [
        *(_wechat_store(i, cny, ends_on, small, rng) for i in range(counts[Platform.WECHATPAY])),
        *(_alipay_store(i, cny, small, rng) for i in range(counts[Platform.ALIPAY])),
        *(_pinduoduo_store(i, cny, small, rng) for i in range(counts[Platform.PINDUODUO])),
        *(_shopify_store(i, usd, small) for i in range(counts[Platform.SHOPIFY])),
    ]


def _counts(count: int) -> dict[Platform, int]:
    """56 stores are 16 of WeChat Pay, 16 of Alipay, 14 of Pinduoduo and 10 of Shopify."""
    more, of = count - LEAST_STORES, sum(_MORE.values())
    counts = {platform: _LEAST[platform] + more * _MORE[platform] // of for platform in Platform}
    over = count - sum(counts.values())
    largest = sorted(Platform, key=lambda platform: more * _MORE[platform] % of, reverse=True)
    return counts | {platform: counts[platform] + 1 for platform in largest[:over]}


def _wechat_store(
    index: int, account: BankAccount, ends_on: date, small: bool, rng: Random
) -> Store:
    kind = index % len(names.WECHAT_SHOPS)
    name, name_en = _named(names.WECHAT_SHOPS, index)
    trouble = _trouble(_WECHAT_TROUBLES, index)
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


def _alipay_store(index: int, account: BankAccount, small: bool, rng: Random) -> Store:
    kind = index % len(names.ALIPAY_SHOPS)
    name, name_en = _named(names.ALIPAY_SHOPS, index)
    return Store(
        code=f"A{index + 1:02d}",
        platform=Platform.ALIPAY,
        external_id=f"2088{index:03d}{numbers.digits(rng, 9)}",
        name=name,
        name_en=name_en,
        currency=account.currency,
        zone="Asia/Shanghai",
        bank_account=account.number,
        orders_a_day=_orders(_ALIPAY_ORDERS[kind], small),
        median=_ALIPAY_MEDIANS[kind],
        payday=(index % 5) if kind in _WEEKLY_ALIPAY else None,
        trouble=_trouble(_ALIPAY_TROUBLES, index),
        dialect=_ALIPAY_DIALECTS[index % len(_ALIPAY_DIALECTS)],
        opening=_ALIPAY_OPENINGS.get(index, 0),
    )


def _pinduoduo_store(index: int, account: BankAccount, small: bool, rng: Random) -> Store:
    """Without an opening balance: the store bill shows none."""
    kind = index % len(names.PINDUODUO_SHOPS)
    name, name_en = _named(names.PINDUODUO_SHOPS, index)
    return Store(
        code=f"P{index + 1:02d}",
        platform=Platform.PINDUODUO,
        external_id=f"6{index:03d}{numbers.digits(rng, 5)}",
        name=name,
        name_en=name_en,
        currency=account.currency,
        zone="Asia/Shanghai",
        bank_account=account.number,
        orders_a_day=_orders(_PINDUODUO_ORDERS[kind], small),
        median=_PINDUODUO_MEDIANS[kind],
        payday=(index % 5) if kind in _WEEKLY_PINDUODUO else None,
        trouble=_trouble(_PINDUODUO_TROUBLES, index),
        dialect="",
        names_payouts=False,
    )


def _shopify_store(index: int, account: BankAccount, small: bool) -> Store:
    kind = index % len(names.SHOPIFY_SHOPS)
    name, name_en = _named([shop[:2] for shop in names.SHOPIFY_SHOPS], index)
    suffix = "" if index == kind else f"-{index + 1}"
    return Store(
        code=f"S{index + 1:02d}",
        platform=Platform.SHOPIFY,
        external_id=f"{names.SHOPIFY_SHOPS[kind][2]}{suffix}.myshopify.com",
        name=name,
        name_en=name_en,
        currency=account.currency,
        zone=_SHOPIFY_ZONES[kind],
        bank_account=account.number,
        orders_a_day=_orders(_SHOPIFY_ORDERS[kind], small),
        median=_SHOPIFY_MEDIANS[kind],
        payday=_TUESDAY if kind == 1 else None,
        trouble=_trouble(_SHOPIFY_TROUBLES, index),
        dialect=_SHOPIFY_DIALECTS[kind],
        names_payouts=kind in _NAMED_SHOPIFY,
    )


def _trouble(troubles: Sequence[Trouble], index: int) -> Trouble:
    return troubles[index] if index < len(troubles) else Trouble.NONE


def _named(shops: Sequence[tuple[str, str]], index: int) -> tuple[str, str]:
    """Shops beyond the known names are branches: 云溪厨房2号店."""
    chinese, english = shops[index % len(shops)]
    branch = index // len(shops) + 1
    return (chinese, english) if branch == 1 else (f"{chinese}{branch}号店", f"{english} {branch}")


def _orders(usual: int, small: bool) -> int:
    return max(2, usual // 4) if small else usual
