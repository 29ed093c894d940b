"""Shopify: OAuth with its consent page, Shopify Payments over REST, signed webhooks.

Source: platforms-global.md 2; shopify.dev "authorization code grant", "offline access
tokens" (expiring ones since December 2025: 3600 s, refresh tokens rotate and live 90
days), "paginated requests", "status and error codes". The link's token never ends, as a
custom app's does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from random import Random

from sandbox.days import Period
from sandbox.marketplaces import shopify_balance, shopify_consent
from sandbox.marketplaces.desk import Desk, digest
from sandbox.marketplaces.living import Extra, Manner, live
from sandbox.marketplaces.model import Life, Store
from sandbox.marketplaces.wire import Answer, Call, Message, UnknownEventError, compact, reply

_SHOPS = ("yunxi-home-us", "yunxi-home-eu", "yunxi-studio", "yunxi-gifts-uk")
_ZONES = ("America/New_York", "Europe/Berlin", "Asia/Shanghai", "Europe/London")
_CURRENCIES = ("USD", "EUR", "USD", "GBP")
_BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105
_EXTRAS = (
    Extra(kind="adjustment", chance=0.15, between=(500, 2500), detail="debit"),
    Extra(kind="adjustment", chance=0.1, between=(300, 1500), sign=1, detail="credit"),
    Extra(
        kind="reserve_held",
        chance=0.1,
        between=(2000, 5000),
        detail="reserve",
        back="reserve_released",
        back_detail="reserve",
        back_after=5,
    ),
)


class Shopify:
    """See wire.Marketplace."""

    code = "shopify"
    hosts: Sequence[str] = ("*.myshopify.com",)
    events: Sequence[str] = ("tender_transactions/create",)

    def store(self, seed: int, index: int, rng: Random) -> Store:
        """One application of the operator's for all shops: its key and secret are shared."""
        shop = _SHOPS[index % len(_SHOPS)]
        host = f"{shop}{'' if index < len(_SHOPS) else f'-{index}'}.myshopify.com"
        return Store(
            code=f"shopify-{index + 1}",
            platform=self.code,
            external_id=host,
            name=f"{shop} (simulated)",
            currency=_CURRENCIES[index % len(_CURRENCIES)],
            zone=_ZONES[index % len(_ZONES)],
            secrets={
                "shop": host,
                "access_token": f"shpat_{rng.getrandbits(128):032x}",
                "app_key": digest(f"{seed}:shopify:app"),
                "secret": f"shpss_{digest(f'{seed}:shopify:secret')}",
            },
        )

    def live(self, store: Store, period: Period, rng: Random) -> Life:
        """Paid two business days later, on business days; now and then a payout fails."""
        manner = Manner(
            number=_number,
            order=lambda rng, at: f"{5_000_000_000_000 + int(at.timestamp())}",
            reference=lambda rng, kind, at: f"{rng.randrange(10**9, 10**10)}",
            payout_number=lambda rng, at: _number(rng, "", at),
            fee_per_mille=29,
            fee_fixed=30,
            median=6_900,
            extras=_EXTRAS,
            lag=2,
            paid_at=time(0, 0),
            fails=0.15,
        )
        return live(store, period, manner, rng)

    def answer(self, call: Call, desk: Desk) -> Answer:
        """OAuth is open, the Admin API wants the shop's token."""
        shops = desk.world.of(self.code)
        store = next((s for s in shops if s.external_id == call.host), None)
        if store is None:
            return Answer(status=404, body=b"Not Found")
        if call.path == "/admin/oauth/authorize":
            return shopify_consent.page(call, desk, store)
        if call.path == "/admin/oauth/access_token" and call.method == "POST":
            return shopify_consent.token(call, desk, store)
        grant = desk.tokens.holder(store, call.headers.get("x-shopify-access-token", ""))
        if grant is None or desk.tokens.is_expired(grant):
            return reply(401, {"errors": _BAD_TOKEN})
        if (call.method, call.path) == ("DELETE", "/admin/api_permissions/current.json"):
            desk.tokens.revoke(store)
            return reply(200, {})
        return shopify_balance.answer(call, desk, store)

    def busy(self, retry_after: int) -> Answer:
        """The REST API's bucket is full."""
        words = "Exceeded 2 calls per second for api client. Reduce request rates to resume"
        body = {"errors": f"{words} uninterrupted service."}
        return reply(429, body, Retry_After=f"{retry_after}.0")

    def hook(self, store: Store, event: str, desk: Desk) -> Message:
        """`tender_transactions/create` (the last sale) or `app/uninstalled`."""
        body = compact(_event(store, event, desk)).encode()
        mac = hmac.new(store.secrets["secret"].encode(), body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": event,
            "X-Shopify-Shop-Domain": store.external_id,
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": desk.unique("webhook"),
            "X-Shopify-Event-Id": desk.unique("event"),
            "X-Shopify-Triggered-At": desk.now().isoformat(),
            "X-Shopify-Hmac-Sha256": base64.b64encode(mac).decode(),
        }
        return Message(headers=headers, body=body, signature="X-Shopify-Hmac-Sha256")


def _event(store: Store, event: str, desk: Desk) -> dict[str, object]:
    if event == "app/uninstalled":
        return {"domain": store.external_id, "name": store.name}
    sales = [m for m in desk.world.lives[store.code].movements if m.kind == "sale"]
    if event != "tender_transactions/create" or not sales:
        raise UnknownEventError(event)
    sale = sales[-1]
    return {
        "id": int(sale.id),
        "order_id": int(sale.order),
        "amount": f"{sale.amount}",
        "currency": sale.currency,
        "user_id": None,
        "test": False,
        "processed_at": sale.at.isoformat(),
        "remote_reference": sale.reference,
        "payment_method": "credit_card",
    }


def _number(rng: Random, kind: str, at: datetime) -> str:
    """Numbers grow with time, as Shopify's do; a payout's own row follows the others."""
    later = timedelta(seconds=1) if kind == "payout" else timedelta()
    return f"{int((at + later).timestamp()) * 10_000 + rng.randrange(10_000)}"
