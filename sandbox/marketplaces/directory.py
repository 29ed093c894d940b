"""Which marketplaces there are, and a world of their stores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from random import Random

from sandbox.days import Period
from sandbox.marketplaces.alipay import Alipay
from sandbox.marketplaces.douyin import Douyin
from sandbox.marketplaces.model import Life, Store, World
from sandbox.marketplaces.shopify import Shopify
from sandbox.marketplaces.stripe import Stripe
from sandbox.marketplaces.wechatpay import WechatPay
from sandbox.marketplaces.wire import Marketplace

_ALL: Sequence[Marketplace] = (Shopify(), Stripe(), WechatPay(), Alipay(), Douyin())
PLATFORMS = {platform.code: platform for platform in _ALL}


class UnknownPlatformError(Exception):
    """No simulated marketplace has this code."""


def of(code: str) -> Marketplace:
    """A marketplace by its code; raises UnknownPlatformError."""
    found = PLATFORMS.get(code)
    if found is None:
        raise UnknownPlatformError(f"{code} is none of {', '.join(PLATFORMS)}")
    return found


def make_world(
    *, seed: int, stores: int, days: int, ends_on: date, platforms: Iterable[str] = ()
) -> World:
    """A world of so many stores, dealt to the platforms in turn.

    A store's keys and its life draw from streams of their own: they depend on the seed,
    the platform and its place among that platform's stores, not on the others.
    """
    codes = list(platforms) or list(PLATFORMS)
    period = Period(first=ends_on - timedelta(days=days - 1), last=ends_on)
    made: list[Store] = []
    lives: dict[str, Life] = {}
    for position in range(stores):
        platform = of(codes[position % len(codes)])
        index = position // len(codes)
        stream = f"{seed}:{platform.code}:{index}"
        store = platform.store(seed, index, Random(f"{stream}:keys"))
        made.append(store)
        lives[store.code] = platform.live(store, period, Random(f"{stream}:life"))
    return World(seed=seed, ends_on=ends_on, stores=tuple(made), lives=lives)
