"""Shopify's OAuth: a consent page that sends the browser back signed, and the token endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from sandbox.marketplaces.desk import Desk, Grant
from sandbox.marketplaces.model import Store
from sandbox.marketplaces.wire import Answer, Call, reply

_LIVES = 3600
_RENEWABLE = 7_776_000
_PREFIX = ("shpat_", "shprt_")


def page(call: Call, desk: Desk, store: Store) -> Answer:
    """GET shows the page, POST is the merchant's yes: the browser goes back with a code."""
    asked = call.query
    back = asked.get("redirect_uri", "")
    if asked.get("client_id") != store.secrets["app_key"]:
        return _refusal("invalid_request", "Could not find Shopify API application")
    if urlsplit(back).scheme not in ("http", "https") or not urlsplit(back).netloc:
        return _refusal("invalid_request", "The redirect_uri is missing or not whitelisted.")
    if call.method != "POST":
        return _page(store, asked)
    name = store.external_id.removesuffix(".myshopify.com")
    host = base64.b64encode(f"admin.shopify.com/store/{name}".encode()).decode().rstrip("=")
    answer = {
        "code": desk.tokens.code(store, asked.get("scope", "")),
        "host": host,
        "shop": store.external_id,
        "state": asked.get("state", ""),
        "timestamp": f"{int(desk.now().timestamp())}",
    }
    query = urlencode(answer | {"hmac": signature(answer, store.secrets["secret"])})
    return Answer(status=302, headers={"Location": f"{back}{'&' if '?' in back else '?'}{query}"})


def signature(answer: Mapping[str, str], secret: str) -> str:
    """Lower-case hex over the sorted parameters (platforms-global.md 2.1)."""
    text = "&".join(f"{name}={answer[name]}" for name in sorted(answer))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def token(call: Call, desk: Desk, store: Store) -> Answer:
    """Redeems a code, or renews expiring tokens; each only once."""
    form = call.form()
    known = (form.get("client_id"), form.get("client_secret"))
    if known != (store.secrets["app_key"], store.secrets["secret"]):
        return _refusal("application_cannot_be_found", "Invalid client credentials")
    if form.get("grant_type") == "refresh_token":
        held = desk.tokens.by_refresh(store, form.get("refresh_token", ""))
        if held is None:
            return _refusal("invalid_grant", "The refresh token is invalid or was already used")
        return _granted(_expiring(desk, store), desk, "")
    redeemed = desk.tokens.redeem(form.get("code", ""))
    if redeemed is None or redeemed[0] != store:
        words = "The authorization code was not found or was already used"
        return _refusal("invalid_request", words)
    if form.get("expiring") == "1":
        return _granted(_expiring(desk, store), desk, redeemed[1])
    return _granted(desk.tokens.issue(store, _PREFIX, None), desk, redeemed[1])


def _expiring(desk: Desk, store: Store) -> Grant:
    return desk.tokens.issue(store, _PREFIX, desk.now() + timedelta(seconds=_LIVES))


def _granted(grant: Grant, desk: Desk, scope: str) -> Answer:
    body: dict[str, object] = {
        "access_token": grant.access,
        "scope": scope or "read_shopify_payments_payouts",
    }
    if grant.ends is not None:
        body["expires_in"] = int((grant.ends - desk.now()).total_seconds())
        body["refresh_token"] = grant.refresh
        body["refresh_token_expires_in"] = _RENEWABLE
    return reply(200, body)


def _refusal(error: str, words: str) -> Answer:
    return reply(400, {"error": error, "error_description": words})


def _page(store: Store, asked: Mapping[str, str]) -> Answer:
    """The form goes back to the very address it stands at, under whatever host that is."""
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>SIMULATED consent</title>'
        "<h1>SIMULATED Shopify: install app</h1>"
        f"<p>{html.escape(store.external_id)} is asked for: {html.escape(asked.get('scope', ''))}"
        '</p><form method="post"><button name="approve" value="1">Install app</button></form>'
    )
    return Answer(
        status=200, body=text.encode(), headers={"Content-Type": "text/html; charset=utf-8"}
    )
