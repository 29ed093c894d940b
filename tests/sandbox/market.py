"""Callers of the simulated marketplaces: each signs by plain hashlib, hmac and cryptography.

They connect to the one server and keep the platform's real Host, as the hub does.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.marketplaces import Running, Store

ENDS_ON = date(2026, 3, 14)
NOW = datetime(2026, 3, 15, 4, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
WECHAT = "https://api.mch.weixin.qq.com"
GATEWAY = "https://openapi.alipay.com/gateway.do"
BILL_METHOD = "alipay.data.dataservice.bill.downloadurl.query"
LOG_METHOD = "alipay.data.bill.accountlog.query"
_LINE = httpx.Client(timeout=10, trust_env=False)


def store_of(market: Running, platform: str, index: int = 0) -> Store:
    """A platform's store."""
    return market.world.of(platform)[index]


def call(market: Running, method: str, url: str, **more: Any) -> httpx.Response:
    """A request to a real address, answered by the server; its real host stays in `Host`."""
    parts = urlsplit(url)
    target = f"{market.address}{parts.path}{'?' + parts.query if parts.query else ''}"
    headers = {**more.pop("headers", {}), "Host": parts.netloc}
    return _LINE.request(method, target, headers=headers, **more)


def truth(market: Running, store: Store) -> dict[str, Any]:
    """What a right hub must end with for a store."""
    told = call(market, "GET", "http://control.sandbox/truth").json()
    return next(one for one in told["stores"] if one["code"] == store.code)


def turn(market: Running, **switches: Any) -> None:
    """Turns faults on by HTTP."""
    call(market, "POST", "http://control.sandbox/faults", json=switches).raise_for_status()


def struck(market: Running, name: str) -> int:
    """How often a fault struck."""
    return int(call(market, "GET", "http://control.sandbox/faults").json()[name])


# --- Shopify and Stripe -----------------------------------------------------------


def shopify(market: Running, store: Store, place: str, token: str = "") -> httpx.Response:
    """A call of the Admin API."""
    url = place if place.startswith("https") else f"https://{store.external_id}/admin/api/{place}"
    held = token or store.secrets["access_token"]
    return call(market, "GET", url, headers={"X-Shopify-Access-Token": held})


def shopify_pages(market: Running, store: Store, place: str) -> list[httpx.Response]:
    """Every page, as the Link header leads."""
    pages = [shopify(market, store, place).raise_for_status()]
    while following := pages[-1].links.get("next"):
        pages.append(shopify(market, store, following["url"]).raise_for_status())
    return pages


def stripe(market: Running, store: Store, place: str, key: str = "") -> httpx.Response:
    """A call under the account's key."""
    held = {"Authorization": f"Bearer {key or store.secrets['access_token']}"}
    return call(market, "GET", f"https://api.stripe.com/v1/{place}", headers=held)


def stripe_rows(market: Running, store: Store, place: str) -> list[dict[str, Any]]:
    """Every row of a list, by its cursor."""
    sign = "&" if "?" in place else "?"
    page = stripe(market, store, place).raise_for_status().json()
    rows: list[dict[str, Any]] = page["data"]
    while page["has_more"]:
        more = f"{place}{sign}starting_after={rows[-1]['id']}"
        page = stripe(market, store, more).raise_for_status().json()
        rows += page["data"]
    return rows


# --- WeChat Pay and Alipay --------------------------------------------------------


@functools.cache
def key_of(pem: str) -> rsa.RSAPrivateKey:
    """A private key from its text."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def signed(pem: str, message: bytes) -> str:
    """SHA256 with RSA, base64."""
    made = key_of(pem).sign(message, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(made).decode()


def holds(pem: str, message: bytes, signature: str) -> None:
    """Raises InvalidSignature unless the public key's owner signed this."""
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())


def wechat(
    market: Running, store: Store, url: str, *, at: datetime = NOW, **changed: str
) -> httpx.Response:
    """A signed GET; `changed` replaces parts of the authorisation after signing."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}"
    stamp, nonce = f"{int(at.timestamp())}", "A1B2C3D4E5F6G7"
    message = f"GET\n{target}\n{stamp}\n{nonce}\n\n".encode()
    fields = {
        "mchid": store.secrets["shop"],
        "nonce_str": nonce,
        "timestamp": stamp,
        "serial_no": store.secrets["serial"],
        "signature": signed(store.secrets["private_key"], message),
        **changed,
    }
    text = ",".join(f'{name}="{value}"' for name, value in fields.items())
    held = {"Authorization": f"WECHATPAY2-SHA256-RSA2048 {text}", "Accept": "application/json"}
    return call(market, "GET", url, headers=held)


def alipay(
    market: Running,
    store: Store,
    method: str,
    content: Mapping[str, str],
    *,
    at: datetime = NOW,
    **changed: str,
) -> httpx.Response:
    """A signed call of the gateway; `changed` replaces parameters after signing."""
    given = {
        "method": method,
        "app_id": store.secrets["app_id"],
        "charset": "utf-8",
        "version": "1.0",
        "sign_type": "RSA2",
        "timestamp": f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}",
        "biz_content": json.dumps(content),
    }
    text = "&".join(f"{name}={given[name]}" for name in sorted(given))
    given["sign"] = signed(store.secrets["private_key"], text.encode())
    return call(market, "POST", GATEWAY, data=given | changed)


def alipay_node(answer: httpx.Response, method: str) -> dict[str, Any]:
    """The method's part of an answer."""
    node = answer.json()[f"{method.replace('.', '_')}_response"]
    assert isinstance(node, dict)
    return node


# --- Douyin -----------------------------------------------------------------------


def douyin(
    market: Running,
    store: Store,
    path: str,
    parameters: Mapping[str, object],
    *,
    at: datetime = NOW,
    token: str = "",
    **changed: str,
) -> dict[str, Any]:
    """A signed call; `changed` replaces parameters of the query after signing."""
    body = json.dumps(parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    key, secret = store.secrets["app_key"], store.secrets["secret"]
    method, stamp = path.strip("/").replace("/", "."), f"{int(at.timestamp())}"
    text = f"{secret}app_key{key}method{method}param_json{body}timestamp{stamp}v2{secret}"
    query = {
        "app_key": key,
        "method": method,
        "timestamp": stamp,
        "v": "2",
        "sign_method": "hmac-sha256",
        "sign": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
        "access_token": token or store.secrets["access_token"],
        **changed,
    }
    url = f"https://openapi-fxg.jinritemai.com{path}"
    came = call(market, "POST", url, params=query, content=body.encode())
    assert came.status_code == 200
    answer: dict[str, Any] = came.json()
    return answer
