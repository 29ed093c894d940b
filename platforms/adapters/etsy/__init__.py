"""Etsy: ledger entries of the payment account, the monthly statement, webhooks.

Source: reference platforms-global.md §7. Requests carry a bearer token and a key and
are not signed.
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
from platforms.adapters.etsy import consent, ledger, pull, push, statement, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class Etsy(Readers, PushesBy, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "etsy"
    name: ClassVar[str] = "Etsy Payments"
    family: ClassVar[str] = "platform"
    # The statement's days are read in the zone of the store (context "zone").
    zone: ClassVar[str] = words.ZONE
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("shop", "access_token", "refresh_token", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        ledger.PROFILE: "fields from the vendor's API description, words also from users' lists in "
        "its tracker, no real answer seen; what stands in which of the two fields is not confirmed",
        statement.PROFILE: "real rows of two months seen, never a whole file; its deposits and "
        "fee rows are known from other people's tests only",
        "pull": "the calls are the vendor's guide and its maintainers' answers, never made: in "
        "which order entries come, and how soon they appear, is not said",
        "consent": "the calls are the vendor's guide, never made",
    }
    readers: ClassVar[tuple[Reader, ...]] = (statement, ledger)
    refusal: ClassVar[str] = "neither a statement nor ledger entries of Etsy"
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Etsy()
