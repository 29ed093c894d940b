"""Stripe: balance transactions and payouts of the API, itemised report CSVs, webhooks.

Source: reference platforms-global.md §5. A transaction becomes two lines, the gross
amount and the fee, so that the lines of a payout add up to the payout. The API and the
reports give one movement the same ids and texts, so both may be loaded into one store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PullsBy, PushesBy, Reader, Readers, Source
from platforms.adapters.stripe import api, pull, push, reports, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class Stripe(Readers, PushesBy, PullsBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "stripe"
    name: ClassVar[str] = "Stripe"
    family: ClassVar[str] = "platform"
    # The API states Unix seconds and reports UTC columns. Report columns without
    # `_utc` are in the account's zone, which must then be given (context "zone").
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("access_token", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        reports.PROFILE: "columns from Stripe's report documentation and one public test file "
        "whose numbers were edited; no complete real file seen",
        "pull": "calls and answers as in Stripe's documentation; not tried with a real account",
    }
    readers: ClassVar[tuple[Reader, ...]] = (reports, api)
    refusal: ClassVar[str] = (
        "neither an itemised report nor an API answer of Stripe (summaries state no "
        "single movements: download the itemised report)"
    )
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS


ADAPTER: Final = Stripe()
