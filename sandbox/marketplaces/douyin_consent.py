"""Douyin's consent: the service market's page, and the token endpoints.

The page is `fuwu.jinritemai.com/authorize?service_id&state`; where it leads back is kept in
the application's settings, here set by `POST http://control.sandbox/application`. The
merchant chooses its shop there; the browser goes back with `code` and `state`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from sandbox.marketplaces.desk import Desk, Grant
from sandbox.marketplaces.model import Store
from sandbox.marketplaces.wire import Answer, Call, reply

HOST = "fuwu.jinritemai.com"
LIVES = 530_808


def page(call: Call, desk: Desk, stores: Sequence[Store]) -> Answer:
    """GET shows the shops, POST with `shop` is that shop's yes."""
    asked = call.query
    back = desk.settings.get("douyin_back", "")
    if call.path != "/authorize" or asked.get("service_id") != stores[0].secrets["app_id"]:
        return Answer(status=404, body="服务不存在".encode())
    if not back:
        return Answer(status=400, body=b"set douyin_back at control.sandbox/application first")
    if call.method != "POST":
        return _page(stores)
    store = next((s for s in stores if s.external_id == call.form().get("shop")), None)
    if store is None:
        return Answer(status=400, body="店铺不存在".encode())
    answer = {"code": desk.tokens.code(store, ""), "state": asked.get("state", "")}
    sign = "&" if "?" in back else "?"
    return Answer(status=302, headers={"Location": f"{back}{sign}{urlencode(answer)}"})


def granted(
    path: str, asked: Mapping[str, object], stores: Sequence[Store], desk: Desk
) -> Answer | None:
    """New tokens for a code, a self-built application's shop or a refresh token; each once."""
    store = _holder(path, asked, stores, desk)
    if store is None:
        return None
    ends = desk.now() + timedelta(seconds=LIVES)
    return _told(desk.tokens.issue(store, ("", ""), ends), store)


def _holder(
    path: str, asked: Mapping[str, object], stores: Sequence[Store], desk: Desk
) -> Store | None:
    match path, asked.get("grant_type"):
        case "/token/create", "authorization_self":
            wanted = f"{asked.get('shop_id', '')}"
            return next((s for s in stores if s.external_id == wanted), None)
        case "/token/create", "authorization_code":
            redeemed = desk.tokens.redeem(f"{asked.get('code', '')}")
            return redeemed[0] if redeemed and redeemed[0] in stores else None
        case "/token/refresh", "refresh_token":
            given = f"{asked.get('refresh_token', '')}"
            return next((s for s in stores if desk.tokens.by_refresh(s, given)), None)
    return None


def _told(grant: Grant, store: Store) -> Answer:
    data = {
        "access_token": grant.access,
        "expires_in": LIVES,
        "refresh_token": grant.refresh,
        "scope": "SCOPE",
        "shop_id": int(store.external_id),
        "shop_name": store.name,
        "authority_id": store.external_id,
        "auth_subject_type": "MERCHANT",
    }
    body = {"code": 10000, "msg": "success", "sub_code": "", "sub_msg": ""}
    return reply(200, body | {"data": data, "err_no": 0, "log_id": grant.access[:16]})


def _page(stores: Sequence[Store]) -> Answer:
    buttons = "".join(
        f'<p><button name="shop" value="{store.external_id}">{html.escape(store.name)}</button>'
        for store in stores
    )
    text = (
        '<!doctype html><html lang="zh"><meta charset="utf-8"><title>SIMULATED 抖店授权</title>'
        f'<h1>SIMULATED 抖店授权</h1><form method="post">{buttons}</form>'
    )
    kind = {"Content-Type": "text/html; charset=utf-8"}
    return Answer(status=200, body=text.encode(), headers=kind)
