"""Lazada: answers of the finance APIs, push messages, request signing.

Source: reference platforms-global.md §11. Unverified throughout: the fields are the
vendor's own, but no real answer was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters import _app_key_push as push
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
from platforms.adapters.lazada import answers, consent, pull, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class Lazada(Readers, PushesBy, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "lazada"
    name: ClassVar[str] = "Lazada"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = answers.ZONE
    cash_accounts: ClassVar[tuple[str, ...]] = ("", answers.WALLET_ACCOUNT)
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_key", "secret", "region"),
        *("access_token", "refresh_token"),
    )
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        answers.DETAILS: "fields and fee types from the vendor's documentation, no real answer "
        "seen; the time zone of its days is not stated",
        answers.PAYOUTS: "fields from the vendor's documentation, no real answer seen; its own "
        "example does not follow its formula, so the sign of fees and refunds is open",
        answers.WALLET: "fields from the vendor's documentation; its words are translated and "
        "only a few are known, and how it relates to the statements is not stated",
        "pull": "the calls from the vendor's documentation, no real answer seen; whether the last "
        "day of a window is included, and the limit of calls, are not stated",
        "consent": "the calls from the vendor's documentation, no real answer seen",
    }
    readers: ClassVar[tuple[Reader, ...]] = (answers,)
    refusal: ClassVar[str] = "no answer of Lazada's finance APIs"
    # Lazada waits 500 ms for the answer, then retries for hours.
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Lazada()
