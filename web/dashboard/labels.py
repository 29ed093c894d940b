"""Words for people: platforms, kinds of lines, states, rules, in the reader's language.

Adapters name themselves once, in no language of their own; what is listed here
is translated, anything else is shown by the adapter's name or code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import LinkState
from settlement import queries
from settlement.models import (
    DocumentState,
    ExceptionState,
    MatchRule,
    PayoutState,
    PullState,
    RunState,
)
from settlement.money_in.linking import Verdict
from settlement.store_health import Health

Text = str | Promise

PLATFORMS: Final[dict[str, Text]] = {
    "wechatpay": _("WeChat Pay"),
    "alipay": _("Alipay"),
    "taobao": _("Taobao and Tmall fee bills"),
    "pinduoduo": _("Pinduoduo"),
    "shopify": _("Shopify"),
    "douyin": _("Douyin"),
    "jd": _("JD"),
    "kuaishou": _("Kuaishou"),
    "xiaohongshu": _("Xiaohongshu"),
    "wechat_store": _("WeChat Store"),
    "amazon": _("Amazon"),
    "ebay": _("eBay"),
    "walmart": _("Walmart"),
    "etsy": _("Etsy"),
    "shopee": _("Shopee"),
    "lazada": _("Lazada"),
    "tiktok_shop": _("TikTok Shop"),
    "mercadopago": _("Mercado Pago"),
    "stripe": _("Stripe"),
    "paypal": _("PayPal"),
    "woocommerce": _("WooCommerce"),
    "bank_csv": _("Bank statement, CSV"),
    "camt": _("Bank statement, ISO 20022 camt"),
    "mt940": _("Bank statement, SWIFT MT940"),
}

KINDS: Final[dict[str, Text]] = {
    "sale": _("Sales"),
    "refund": _("Refunds"),
    "commission": _("Commission"),
    "advertising": _("Advertising"),
    "shipping": _("Shipping"),
    "subsidy": _("Subsidies"),
    "penalty": _("Penalties"),
    "reserve_held": _("Reserve held back"),
    "reserve_released": _("Reserve released"),
    "loan": _("Loan"),
    "deposit": _("Deposits"),
    "tax": _("Tax"),
    "payout": _("Payout"),
    "payout_returned": _("Payout returned"),
    "adjustment": _("Adjustments"),
    "unknown": _("Unknown"),
}

OUTCOMES: Final[dict[str, Text]] = {
    "arrived": _("Arrived"),
    "way": _("On the way"),
    "lost": _("Missing or different"),
    "owed": _("Still at the platforms"),
    "ready": _("Available"),
    "leaving": _("On its way out"),
    "gone": _("Withdrawn so far"),
    "fees": _("Fees paid"),
    "returned": _("Came back"),
}

CURRENCY_SIGNS: Final = {
    "CNY": "¥",
    "JPY": "¥",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "HKD": "HK$",
    "TWD": "NT$",
    "SGD": "S$",
    "AUD": "A$",
    "CAD": "C$",
    "KRW": "₩",
    "INR": "₹",
    "VND": "₫",
    "THB": "฿",
    "PHP": "₱",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A state as it is shown: a tone, an icon of static/img/icons.svg, and words."""

    tone: str
    icon: str
    text: Text


_TONES: Final[dict[type, dict[str, tuple[str, str]]]] = {
    PayoutState: {
        PayoutState.EXPECTED: ("wait", "clock"),
        PayoutState.ANNOUNCED: ("wait", "clock"),
        PayoutState.IN_TRANSIT: ("move", "arrow"),
        PayoutState.CREDITED: ("good", "dot"),
        PayoutState.RECONCILED: ("good", "check"),
        PayoutState.LATE: ("warn", "clock"),
        PayoutState.MISSING: ("bad", "question"),
        PayoutState.HELD: ("warn", "pause"),
        PayoutState.SHORT: ("bad", "minus"),
        PayoutState.OVER: ("warn", "plus"),
        PayoutState.RETURNED: ("warn", "undo"),
        PayoutState.RESTATED: ("off", "edit"),
    },
    DocumentState: {
        DocumentState.STORED: ("wait", "clock"),
        DocumentState.READING: ("move", "arrow"),
        DocumentState.LOADED: ("good", "check"),
        DocumentState.REFUSED: ("bad", "cross"),
        DocumentState.WITHDRAWN: ("off", "undo"),
    },
    ExceptionState: {
        ExceptionState.OPEN: ("warn", "alert"),
        ExceptionState.ASSIGNED: ("move", "arrow"),
        ExceptionState.PENDING_APPROVAL: ("wait", "clock"),
        ExceptionState.RESOLVED: ("good", "check"),
        ExceptionState.WRITTEN_OFF: ("off", "minus"),
        ExceptionState.REOPENED: ("warn", "undo"),
    },
    RunState: {
        RunState.QUEUED: ("wait", "clock"),
        RunState.RUNNING: ("move", "arrow"),
        RunState.DONE: ("good", "check"),
        RunState.FAILED: ("bad", "cross"),
    },
}

HEALTHS: Final[dict[Health, Badge]] = {
    Health.ALARM: Badge(tone="bad", icon="cross", text=_("Act now")),
    Health.WATCH: Badge(tone="warn", icon="alert", text=_("Needs a look")),
    Health.NEW: Badge(tone="move", icon="file", text=_("No file yet")),
    Health.GOOD: Badge(tone="good", icon="check", text=_("In order")),
}

VERDICTS: Final[dict[Verdict, Badge]] = {
    Verdict.NEW: Badge(tone="good", icon="plus", text=_("Will be linked")),
    Verdict.NUMBERED: Badge(tone="move", icon="edit", text=_("Number will be noted")),
    Verdict.LINKED: Badge(tone="off", icon="check", text=_("Linked already")),
    Verdict.ERROR: Badge(tone="bad", icon="cross", text=_("Error")),
}

_LINKS: Final[dict[str, tuple[str, str]]] = {
    LinkState.PENDING: ("wait", "clock"),
    LinkState.ACTIVE: ("good", "check"),
    LinkState.EXPIRING: ("warn", "clock"),
    LinkState.EXPIRED: ("bad", "cross"),
    LinkState.REVOKED: ("bad", "cross"),
    LinkState.ERROR: ("bad", "alert"),
    LinkState.REAUTH_PENDING: ("warn", "clock"),
}

_DAYS: Final[dict[str, tuple[str, str]]] = {
    PullState.WAITING: ("wait", "clock"),
    PullState.PULLING: ("move", "clock"),
    PullState.COMPLETE: ("good", "check"),
    PullState.REFUSED: ("bad", "cross"),
}

RULES: Final[dict[str, Text]] = {
    MatchRule.REFERENCE: _(
        "The bank's text carries the payout's reference, and the amounts are equal to the cent."
    ),
    MatchRule.DETAILS: _(
        "One deposit pays several payouts: the bank's text carries each of their references, "
        "and together they are equal to the deposit to the cent."
    ),
    MatchRule.CUT_REFERENCE: _(
        "The bank has shortened the reference; only this payout begins with what is left of it, "
        "and the amounts are equal to the cent."
    ),
    MatchRule.AMOUNT: _(
        "No reference arrived, but this is the only payout and the only deposit of this amount "
        "in the days in which it could arrive."
    ),
    MatchRule.WITHDRAWAL: _(
        "The bank's text carries the number of your withdrawal, and the amount is equal to the "
        "cent."
    ),
    MatchRule.RETURN: _(
        "The bank's text carries the number of your withdrawal, and the same amount came back."
    ),
}


def platform(code: str) -> Text:
    """A platform's (or file format's) name by its code."""
    return PLATFORMS.get(code) or queries.format_name(code)


def kind(code: str) -> Text:
    """A kind of settlement line, as a heading."""
    return KINDS.get(code, code)


def badge(
    kind_of_state: type[DocumentState | ExceptionState | PayoutState | RunState], state: str
) -> Badge:
    """How a state is shown."""
    tone, icon = _TONES[kind_of_state][state]
    return Badge(tone=tone, icon=icon, text=kind_of_state(state).label)


def link_badge(state: str) -> Badge:
    """How the state of a store's link is shown."""
    tone, icon = _LINKS[state]
    return Badge(tone=tone, icon=icon, text=LinkState(state).label)


def day_badge(state: str, *, failed: bool) -> Badge:
    """The state of a fetched day; what waits after a failure is not merely waiting."""
    tone, icon = _DAYS[state]
    if failed and state == PullState.WAITING:
        tone, icon = "warn", "alert"
    return Badge(tone=tone, icon=icon, text=PullState(state).label)
