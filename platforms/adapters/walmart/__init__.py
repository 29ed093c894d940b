"""Walmart Marketplace: the recon report (v1) as CSV, ZIP or JSON, performance webhooks.

Source: reference platforms-global.md §8. Requests carry a token and no signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PullsBy, PushesBy, Reader, Readers, Source
from platforms.adapters.walmart import pull, push, report, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class Walmart(Readers, PushesBy, PullsBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "walmart"
    name: ClassVar[str] = "Walmart Marketplace"
    family: ClassVar[str] = "platform"
    # The report has days only: read in the zone of the store (context "zone"), and in
    # this one where it is not given.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("app_key", "app_secret", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        report.PROFILE: "real rows seen, but no whole report; some amount types from programs "
        "that read real answers",
        "webhook": "how far a webhook's clock may differ is not published: 300 seconds are ours",
        "pull": "the calls are the vendor's guide and other programs', never made: when a report "
        "appears after the day it is named by, and how many calls are free, is not published",
    }
    readers: ClassVar[tuple[Reader, ...]] = (report,)
    refusal: ClassVar[str] = "no recon report (v1) of Walmart"
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS


ADAPTER: Final = Walmart()
