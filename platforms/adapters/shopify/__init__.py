"""Shopify Payments: exports, REST payouts and balance transactions, webhooks.

Source: reference platforms-global.md §2. A charge row becomes two lines, the
gross amount and the fee, so that the lines of a payout add up to the payout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import (
    AuthorisesBy,
    Consent,
    HookScheme,
    PullsBy,
    PushesBy,
    Reader,
    Readers,
    Source,
)
from platforms.adapters.shopify import api, consent, payouts, pull, push, transactions, words
from platforms.contract import LineKind, Link
from platforms.pulling import Http, Revokes, Terms


class Shopify(Readers, PushesBy, PullsBy, AuthorisesBy, Revokes):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "shopify"
    name: ClassVar[str] = "Shopify Payments"
    family: ClassVar[str] = "platform"
    # Exports state the offset of each time. Dates without a time are read in the
    # zone of the store (context "zone"), and in this one where it is not given.
    zone: ClassVar[str] = words.ZONE
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("shop", "access_token", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        payouts.PROFILE: "columns and the sign of Fees from other people's parsers, "
        "no real file seen; it has no payout ids",
        "pull": "calls and answers as in Shopify's documentation; not tried with a real store",
        "consent": "as in Shopify's documentation and libraries; only the signature of the "
        "return has published vectors",
    }
    readers: ClassVar[tuple[Reader, ...]] = (transactions, payouts, api)
    refusal: ClassVar[str] = "neither an export nor an API answer of Shopify Payments"
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent

    def revoke(self, http: Http, link: Link) -> None:
        """Uninstall our app from the store; see consent.revoke."""
        consent.revoke(http, link)


ADAPTER: Final = Shopify()
