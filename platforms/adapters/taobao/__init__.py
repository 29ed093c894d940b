"""Taobao and Tmall 淘宝/天猫: what a shop is charged, as the open platform (TOP) lists it.

A shop's money is kept in Alipay, and Alipay's fund bill is what is booked (see adapters/alipay):
commission, points and insurance are debits there. These bills say the same debits order by order;
they are evidence. Source: platforms-cn.md §1 and the official pages of `taobao.bill.bills.get`
(docs/api.htm?apiId=21713) and of consent (articleId=118).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Reader, Readers, Source
from platforms.adapters.taobao import bills, consent, pull
from platforms.contract import LineKind
from platforms.pulling import Terms


class Taobao(Readers, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "taobao"
    name: ClassVar[str] = "淘宝/天猫费用账单 / Taobao and Tmall fee bills"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("app_key", "secret", "access_token")
    kinds: ClassVar[Mapping[str, LineKind]] = bills.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        bills.PROFILE: "fields from the official page; that amounts are fen is known from one shop "
        "system only, and no real answer was seen",
        "pull": "the call is open to shops that build their own systems only (自研发商家专用)",
        "consent": "renewal is open to applications of the service market only",
    }
    readers: ClassVar[tuple[Reader, ...]] = (bills,)
    refusal: ClassVar[str] = "no bills of Taobao's open platform"
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Taobao()
