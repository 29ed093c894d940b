"""Alipay's consent for an application (应用授权): the page, and the token it is redeemed for.

Source: the page of `alipay.open.auth.token.app` as copied in SDKs (platforms-cn.md 2.3 did
not confirm it); the codes 20001 are of the gateway's public list. Tokens do not end by
time. One merchant's application may so be let into another one's account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from sandbox.marketplaces import consenting
from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.model import Store
from sandbox.marketplaces.wire import Answer, Call

HOST = "openauth.alipay.com"
METHOD = "alipay.open.auth.token.app"
_NEVER = "31536000"
Node = dict[str, object]


def page(call: Call, desk: Desk, stores: Sequence[Store]) -> Answer:
    """GET shows who may agree, POST with `user` is that one's yes."""
    asked = call.query
    back, app = asked.get("redirect_uri", ""), asked.get("app_id", "")
    known = app in {store.secrets["app_id"] for store in stores}
    if call.path != "/oauth2/appToAppAuth.htm" or not known or not urlsplit(back).netloc:
        return Answer(status=400, body="应用或回调地址无效".encode())
    if call.method != "POST":
        return consenting.chooser("支付宝应用授权", "user", stores)
    store = consenting.chosen(stores, call.form().get("user"))
    if store is None:
        return Answer(status=400, body="商户不存在".encode())
    answer = {
        "app_id": app,
        "source": "alipay_app_auth",
        "app_auth_code": desk.tokens.code(store, app),
        "state": asked.get("state", ""),
    }
    return consenting.back(back, answer)


def token(asked: Mapping[str, str], desk: Desk, app: Store) -> Node:
    """Redeems a code, or changes a token; each only once."""
    store: Store | None = None
    if asked.get("grant_type") == "authorization_code":
        redeemed = desk.tokens.redeem(asked.get("code", ""))
        mine = redeemed and redeemed[1] == app.secrets["app_id"]
        store = redeemed[0] if redeemed and mine else None
    elif asked.get("grant_type") == "refresh_token":
        given = asked.get("refresh_token", "")
        stores = desk.world.of("alipay")
        store = next((s for s in stores if desk.tokens.by_refresh(s, given)), None)
    if store is None:
        return _failed(asked.get("grant_type", ""))
    grant = desk.tokens.issue(store, ("202603BB", "202603BB"), None)
    return {
        "code": "10000",
        "msg": "Success",
        "app_auth_token": grant.access,
        "app_refresh_token": grant.refresh,
        "auth_app_id": store.secrets["app_id"],
        "expires_in": _NEVER,
        "re_expires_in": _NEVER,
        "user_id": store.external_id,
    }


def merchant(token: str, desk: Desk) -> tuple[Node, Store | None]:
    """Whose account a token opens, or the refusal."""
    for store in desk.world.of("alipay"):
        grant = desk.tokens.holder(store, token)
        if grant is None:
            continue
        if desk.tokens.is_expired(grant):
            return _refusal("aop.app-auth-token-time-out", "应用授权令牌已过期"), None
        return {}, store
    return _refusal("aop.invalid-app-auth-token", "无效的应用授权令牌"), None


def _failed(grant_type: str) -> Node:
    found = {
        "authorization_code": ("AUTH_CODE_NOT_EXIST", "auth_code不存在"),
        "refresh_token": ("REFRESH_TOKEN_NOT_EXIST", "刷新令牌不存在"),
    }
    sub_code, words = found.get(grant_type, ("GRANT_TYPE_INVALID", "grant_type无效"))
    common = {"code": "40004", "msg": "Business Failed"}
    return {**common, "sub_code": sub_code, "sub_msg": words}


def _refusal(sub_code: str, words: str) -> Node:
    common = {"code": "20001", "msg": "Insufficient Token Permissions"}
    return {**common, "sub_code": sub_code, "sub_msg": words}
