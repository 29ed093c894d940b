"""eBay: transactions and payouts of the Finances API, the transaction report, notifications.

Source: reference platforms-global.md §3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import (
    AuthorisesBy,
    Challenger,
    ChallengesBy,
    Consent,
    HookScheme,
    PullsBy,
    PushesBy,
    Reader,
    Readers,
    Source,
)
from platforms.adapters.ebay import api, consent, pull, push, report, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class Ebay(Readers, PushesBy, ChallengesBy, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "ebay"
    name: ClassVar[str] = "eBay"
    family: ClassVar[str] = "platform"
    # The API says UTC. The report has days only: read in the zone of the store
    # (context "zone"), and in this one where it is not given.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = (
        *("region", "refresh_token", "app_key", "secret", "private_key", "serial"),
        *("public_key", "verification_token"),
    )
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        api.PAYOUTS: "fields from eBay's own schema, no real answer seen",
        report.PROFILE: "a real header, and the words of Type from programs that read real "
        "reports; no real rows seen, and that of a payout not confirmed",
        "pull": "calls as in eBay's documentation, and its own example of a signature; not tried "
        "with a real account",
        "consent": "as in eBay's documentation; not tried with a real account",
    }
    readers: ClassVar[tuple[Reader, ...]] = (api, report)
    refusal: ClassVar[str] = "neither a transaction report nor an API answer of eBay"
    hooks: ClassVar[HookScheme] = push
    challenges: ClassVar[Challenger] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Ebay()
