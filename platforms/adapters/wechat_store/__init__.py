"""WeChat Store 微信小店: funds flow, order settlement, export, messages.

Source: reference platforms-cn.md §9. The funds flow (or the export of it) moves the
store's money and is booked; the orders' settlement states the same money and is
evidence. Requests are not signed: they carry an access token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import (
    Challenger,
    ChallengesBy,
    HookScheme,
    PullsBy,
    PushesBy,
    Reader,
    Readers,
    Source,
)
from platforms.adapters.wechat_store import export, funds_flow, order_flow, pull, push, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class WechatStore(Readers, PushesBy, ChallengesBy, PullsBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "wechat_store"
    name: ClassVar[str] = "微信小店 / WeChat Store"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("app_id", "secret", "token", "aes_key")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        export.PROFILE: "columns from programs that import the file, no real file seen; "
        "that its amounts are yuan is not confirmed",
        order_flow.PROFILE: "how the parts of an order add up to its settlement is not documented",
        "pull": pull.UNVERIFIED,
    }
    readers: ClassVar[tuple[Reader, ...]] = (funds_flow, order_flow, export)
    refusal: ClassVar[str] = "neither an answer nor an export of WeChat Store"
    hooks: ClassVar[HookScheme] = push
    challenges: ClassVar[Challenger] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS


ADAPTER: Final = WechatStore()
