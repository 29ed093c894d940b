"""Alipay 支付宝: the fund bill of a merchant (also of Taobao and Tmall shops), notifications.

The bill comes as a file and as the pages of an API.

Source: reference platforms-cn.md §1.4, §2 and banks.md §1.6. A Taobao or Tmall
seller's money is kept in Alipay, so this is also the bill of those shops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.alipay import account_log, consent, fund_bill, pull, push, words
from platforms.contract import (
    Adapter,
    Document,
    LineKind,
    Link,
    Pushes,
    RawHook,
    Record,
    Reply,
)
from platforms.pulling import Terms


class Alipay(PullsBy, AuthorisesBy, Adapter, Pushes):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "alipay"
    name: ClassVar[str] = "支付宝账务明细 / Alipay fund bill"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("app_id", "private_key", "public_key")
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        fund_bill.CURRENT: "columns and their changing order from importers of real files, "
        "no real file seen",
        fund_bill.UNFRAMED: "seen in one public test only; it states no totals, so a file cut "
        "between two rows cannot be told from a whole one",
        "pull": "the columns of the bill that is fetched are those of the downloaded one in "
        "importers, no fetched file seen; its size limits and call limits are not documented",
        "consent": "the official text is known from copies in SDKs, some of them old",
    }

    def recognises(self, document: Document) -> bool:
        """Whether a header in the first lines, or in a ZIP, is the fund bill's; or it is its API's.

        Alipay's summary and its personal export are recognised too, so that they
        are refused with a sentence that helps.
        """
        return account_log.recognises(document) or fund_bill.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read a fund bill, CSV or ZIP, or a page of the API. Raises ReadError."""
        if account_log.recognises(document):
            return account_log.read(document)
        return fund_bill.read(document)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless Alipay signed these values; `now` is not used."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The form as it came; Alipay encrypts nothing. Raises BadSignatureError."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """The `notify_id`, the same in every retry. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """`success`, or `failure` with 401 so that it is sent again."""
        return push.reply(accepted)


ADAPTER: Final = Alipay()
