"""Stripe: balance transactions and payouts under an API key, and signed webhooks.

Source: platforms-global.md 5 and the samples of stripe-mock; docs.stripe.com on
pagination (limit 1 to 100, 10 if left out), filters and errors. Payouts are automatic,
so each can be itemised. Amounts are whole minor units; a store may have yen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, time
from random import Random

from sandbox.days import Period
from sandbox.marketplaces import stripe_lists
from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.living import Extra, Manner, live
from sandbox.marketplaces.model import Life, Store
from sandbox.marketplaces.wire import Answer, Call, Message, UnknownEventError, compact, reply

_CURRENCIES = ("USD", "EUR", "JPY")
_EXTRAS = (
    Extra(kind="commission", chance=0.2, between=(100, 900), detail="fee"),
    Extra(kind="adjustment", chance=0.15, between=(1500, 4000), detail="dispute"),
    Extra(
        kind="reserve_held",
        chance=0.1,
        between=(2000, 5000),
        back="reserve_released",
        back_after=4,
    ),
)
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Stripe:
    """See wire.Marketplace."""

    code = "stripe"
    hosts: Sequence[str] = ("api.stripe.com",)
    events: Sequence[str] = ("payout.created", "payout.paid", "payout.reconciliation_completed")

    def store(self, seed: int, index: int, rng: Random) -> Store:
        """An account with its API key and its endpoint's signing secret."""
        account = f"acct_{_id(rng, 16)}"
        return Store(
            code=f"stripe-{index + 1}",
            platform=self.code,
            external_id=account,
            name=f"Yunxi Stripe {index + 1} (simulated)",
            currency=_CURRENCIES[index % len(_CURRENCIES)],
            zone="UTC",
            secrets={
                "access_token": f"sk_live_simulated{_id(rng, 24)}",
                "secret": f"whsec_{_id(rng, 32)}",
                "shop": account,
            },
        )

    def live(self, store: Store, period: Period, rng: Random) -> Life:
        """Paid two business days later; now and then the bank refuses a payout."""
        manner = Manner(
            number=lambda rng, kind, at: f"txn_{_id(rng, 24)}",
            order=lambda rng, at: f"pi_{_id(rng, 24)}",
            reference=_source,
            payout_number=lambda rng, at: f"po_{_id(rng, 24)}",
            fee_per_mille=29,
            fee_fixed=30,
            median=8_800,
            extras=_EXTRAS,
            lag=2,
            paid_at=time(0, 10),
            fails=0.15,
        )
        return live(store, period, manner, rng)

    def answer(self, call: Call, desk: Desk) -> Answer:
        """The key says whose account it is, as Bearer or as the user of Basic."""
        key = _key(call.headers.get("authorization", ""))
        if not key:
            return stripe_lists.refusal(401, "You did not provide an API key.")
        stores = desk.world.of(self.code)
        store = next((s for s in stores if s.secrets["access_token"] == key), None)
        if store is None:
            shown = f"{key[:8]}{'*' * 12}{key[-4:]}" if len(key) > 12 else "*" * len(key)
            return stripe_lists.refusal(401, f"Invalid API Key provided: {shown}")
        return stripe_lists.answer(call, desk, store)

    def busy(self, retry_after: int) -> Answer:
        """Too many requests."""
        words = "Request rate limit exceeded. Learn more about rate limits in the documentation."
        error = {"code": "rate_limit", "message": words, "type": "invalid_request_error"}
        return reply(429, {"error": error}, Retry_After=f"{retry_after}")

    def hook(self, store: Store, event: str, desk: Desk) -> Message:
        """`payout.created`, `.paid`, `.failed` or `.reconciliation_completed` of the last one."""
        status = {"payout.paid": "paid", "payout.failed": "failed"}.get(event)
        payouts = [p for p in desk.seen(store)[1] if status in (None, p.status)]
        known = ("payout.created", "payout.paid", "payout.failed")
        if event not in (*known, "payout.reconciliation_completed") or not payouts:
            raise UnknownEventError(event)
        stamp = int(desk.now().timestamp())
        body = compact(
            {
                "id": f"evt_{desk.unique('event')[:24]}",
                "object": "event",
                "api_version": "2026-10-28",
                "created": stamp,
                "data": {"object": stripe_lists.payout(payouts[-1], desk, store)},
                "livemode": True,
                "pending_webhooks": 1,
                "request": {"id": None, "idempotency_key": None},
                "type": event,
            }
        ).encode()
        secret = store.secrets["secret"].encode()
        mac = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": f"t={stamp},v1={mac}",
        }
        return Message(headers=headers, body=body, signature="Stripe-Signature")


def _key(authorization: str) -> str:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _id(rng: Random, length: int) -> str:
    return "".join(rng.choice(_SIGNS) for _ in range(length))


def _source(rng: Random, kind: str, at: datetime) -> str:
    prefix = {"sale": "ch", "refund": "re", "adjustment": "dp", "payout": "tr"}.get(kind, "src")
    return f"{prefix}_{_id(rng, 24)}"
