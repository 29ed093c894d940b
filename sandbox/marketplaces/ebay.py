"""eBay: OAuth under an RuName, the Finances API, request signatures for European sellers.

Source: platforms-global.md 3; developer.ebay.com on the authorization code grant (access
tokens live two hours, the refresh token stays the same) and "Digital Signatures for APIs"
(RFC 9421; the JWE names the key). No transaction tells of a payout itself. Ids of errors
besides 1001 are not confirmed. A new access token ends the one before: rougher than eBay.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import time, timedelta
from random import Random

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox import numbers
from sandbox.days import Period
from sandbox.marketplaces import consenting, ebay_finances
from sandbox.marketplaces.desk import Desk, digest
from sandbox.marketplaces.living import Extra, Manner, live
from sandbox.marketplaces.model import Life, Store
from sandbox.marketplaces.wire import Answer, Call, Message, UnknownEventError, reply

_SITES = (("US", "USD"), ("DE", "EUR"), ("GB", "GBP"))
_SIGNED = {"DE", "GB"}
_LIVES, _RENEWABLE = 7200, 47_304_000
_INPUT = re.compile(r'sig1=(\(((?:"[^"]+" ?)+)\);created=(\d+))')
_EXTRAS = (
    Extra(kind="advertising", chance=0.3, between=(100, 900), detail="AD_FEE"),
    Extra(kind="commission", chance=0.1, between=(500, 2500), detail="OTHER_FEES"),
    Extra(kind="shipping", chance=0.3, between=(300, 1200)),
    Extra(
        kind="adjustment",
        chance=0.1,
        between=(1500, 4000),
        detail="DISPUTE",
        back="adjustment",
        back_detail="CREDIT",
        back_after=4,
    ),
)


class Ebay:
    """See wire.Marketplace."""

    code = "ebay"
    hosts: Sequence[str] = ("apiz.ebay.com", "api.ebay.com", "auth.ebay.com")
    events: Sequence[str] = ()

    def store(self, seed: int, index: int, rng: Random) -> Store:
        """One application; each seller its tokens, and its signing key with the key's JWE."""
        site, currency = _SITES[index % len(_SITES)]
        key = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return Store(
            code=f"ebay-{index + 1}",
            platform=self.code,
            external_id=f"yunxi-home-{site.lower()}-{index + 1}",
            name=f"Yunxi eBay {site} {index + 1} (simulated)",
            currency=currency,
            zone="UTC",
            secrets={
                "region": site,
                "app_key": f"Yunxi-SBX-{digest(f'{seed}:ebay:app')[:12]}",
                "secret": f"SBX-{digest(f'{seed}:ebay:secret')}",
                "app_id": f"Yunxi-Yunxi-SBX-{digest(f'{seed}:ebay:ru')[:8]}",
                "access_token": f"v^1.1#{rng.getrandbits(128):032x}",
                "refresh_token": f"v^1.1#r{rng.getrandbits(128):032x}",
                "private_key": pem.decode(),
                "serial": f"eyJ.{rng.getrandbits(256):064x}",
            },
        )

    def live(self, store: Store, period: Period, rng: Random) -> Life:
        """Paid out two business days later; fees stand in the sale."""
        manner = Manner(
            number=lambda rng, kind, at: _number(rng),
            order=lambda rng, at: _number(rng),
            reference=lambda rng, kind, at: numbers.digits(rng, 12),
            payout_number=lambda rng, at: f"65{numbers.digits(rng, 8)}",
            fee_per_mille=129,
            fee_fixed=30,
            extras=_EXTRAS,
            lag=2,
            paid_at=time(6, 0),
            has_payout_row=False,
        )
        return live(store, period, manner, rng)

    def answer(self, call: Call, desk: Desk) -> Answer:
        """Three hosts: consent, tokens, finances."""
        stores = desk.world.of(self.code)
        if not stores:
            return Answer(status=404)
        if call.host == "auth.ebay.com":
            return _page(call, desk, stores)
        if call.host == "api.ebay.com":
            return _token(call, desk, stores)
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        grants = [g for store in stores if (g := desk.tokens.holder(store, token))]
        if scheme != "Bearer" or not grants or desk.tokens.is_expired(grants[0]):
            return ebay_finances.refusal(401, 1001, "Invalid access token", "OAuth")
        store = grants[0].store
        if store.secrets["region"] in _SIGNED and not _is_signed(call, store):
            words = "Signature validation failed to fulfill the request."
            return ebay_finances.refusal(403, 215_120, words, "ACCESS")
        return ebay_finances.answer(call, desk, store)

    def busy(self, retry_after: int) -> Answer:
        """Too many requests."""
        words = "The request limit has been reached for the resource."
        answer = ebay_finances.refusal(429, 2001, words, "ACCESS")
        headers = {**answer.headers, "Retry-After": f"{retry_after}"}
        return Answer(status=429, body=answer.body, headers=headers)

    def hook(self, store: Store, event: str, desk: Desk) -> Message:
        """None: no notification about money is confirmed."""
        raise UnknownEventError(event)


def _number(rng: Random) -> str:
    return f"{numbers.digits(rng, 2)}-{numbers.digits(rng, 5)}-{numbers.digits(rng, 5)}"


def _is_signed(call: Call, store: Store) -> bool:
    """Whether the seller's key signed this very call (RFC 9421, Ed25519)."""
    match = _INPUT.fullmatch(call.headers.get("signature-input", ""))
    given = call.headers.get("signature", "")
    if match is None or call.headers.get("x-ebay-signature-key") != store.secrets["serial"]:
        return False
    parts = re.findall(r'"([^"]+)"', match.group(2))
    derived = {"@method": call.method, "@path": call.path, "@authority": call.host}
    if not {"x-ebay-signature-key", *derived} <= set(parts):
        return False
    lines = [f'"{name}": {derived.get(name, call.headers.get(name, ""))}' for name in parts]
    base = "\n".join([*lines, f'"@signature-params": {match.group(1)}']).encode()
    key = serialization.load_pem_private_key(store.secrets["private_key"].encode(), None)
    try:
        signature = base64.b64decode(given.removeprefix("sig1=:").removesuffix(":"), validate=True)
        if isinstance(key, Ed25519PrivateKey):
            key.public_key().verify(signature, base)
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _token(call: Call, desk: Desk, stores: Sequence[Store]) -> Answer:
    """A code, or the refresh token, which stays the same, for two hours of access."""
    pair = f"{stores[0].secrets['app_key']}:{stores[0].secrets['secret']}".encode()
    if call.path != "/identity/v1/oauth2/token" or call.method != "POST":
        return Answer(status=404)
    if call.headers.get("authorization") != f"Basic {base64.b64encode(pair).decode()}":
        words = "client authentication failed"
        return reply(401, {"error": "invalid_client", "error_description": words})
    form = call.form()
    kept, store = "", None
    if form.get("grant_type") == "authorization_code":
        named = form.get("redirect_uri") == stores[0].secrets["app_id"]
        redeemed = desk.tokens.redeem(form.get("code", "")) if named else None
        store = redeemed[0] if redeemed else None
    elif form.get("grant_type") == "refresh_token":
        kept = form.get("refresh_token", "")
        store = next((s for s in stores if desk.tokens.by_refresh(s, kept)), None)
    if store is None:
        words = "the provided authorization grant is invalid or was issued to another client"
        return reply(400, {"error": "invalid_grant", "error_description": words})
    return _granted(desk, store, kept)


def _granted(desk: Desk, store: Store, kept: str) -> Answer:
    ends = desk.now() + timedelta(seconds=_LIVES)
    grant = desk.tokens.issue(store, ("v^1.1#", "v^1.1#r"), ends)
    body: dict[str, object] = {"access_token": grant.access, "expires_in": _LIVES}
    if kept:
        grant.refresh = kept
    else:
        body |= {"refresh_token": grant.refresh, "refresh_token_expires_in": _RENEWABLE}
    return reply(200, body | {"token_type": "User Access Token"})


def _page(call: Call, desk: Desk, stores: Sequence[Store]) -> Answer:
    """GET shows the sellers, POST with `shop` is one's yes; the RuName stands for the address."""
    asked, own, back = call.query, stores[0].secrets, desk.settings.get("ebay_back", "")
    known = (asked.get("client_id"), asked.get("redirect_uri")) == (own["app_key"], own["app_id"])
    if call.path != "/oauth2/authorize" or asked.get("response_type") != "code" or not known:
        return Answer(status=400, body=b"invalid_request")
    if not back:
        return Answer(status=400, body=b"set ebay_back at control.sandbox/application first")
    if call.method != "POST":
        return consenting.chooser("eBay", "shop", stores)
    store = consenting.chosen(stores, call.form().get("shop"))
    if store is None:
        return Answer(status=400, body=b"no such seller")
    code = desk.tokens.code(store, "")
    answer = {"code": code, "expires_in": "299", "state": asked.get("state", "")}
    return consenting.back(back, answer)
