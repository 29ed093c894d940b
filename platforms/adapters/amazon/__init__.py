"""Amazon: the settlement report, answers of the Finances and Transfers APIs.

Source: reference platforms-global.md §1. Amazon sends its notifications to a queue
(SQS, EventBridge) and calls nobody, so there is no hook. Requests carry a token and
no signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Reader, Readers, Source
from platforms.adapters.amazon import api, consent, pull, settlement, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class Amazon(Readers, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "amazon"
    name: ClassVar[str] = "Amazon settlements"
    family: ClassVar[str] = "platform"
    # All times state their offset.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("region", "refresh_token", "app_key", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        settlement.V2: "columns from Amazon's own list and words from a program that reads real "
        "files; no real file seen",
        settlement.V1: "three real rows of 2015 seen, no whole file",
        api.TRANSACTIONS: "Amazon's model and example; the breakdowns' words from programs that "
        "read real answers",
        api.PAYOUTS: "Amazon's model and example, no real answer seen",
        api.GROUPS: "Amazon's model and example; the words for a transfer's state are not "
        "published, so a transfer is never said to have arrived",
        "pull": "calls as in Amazon's models; not tried with a real account, and in which "
        "marketplaces Transfers tells payouts is said for eight of them only",
        "consent": "as in Amazon's documentation; not tried with a real account",
    }
    readers: ClassVar[tuple[Reader, ...]] = (settlement, api)
    refusal: ClassVar[str] = "neither a settlement report nor an API answer of Amazon"
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Amazon()
