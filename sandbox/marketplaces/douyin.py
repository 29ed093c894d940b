"""Douyin shop (抖店): HMAC-signed calls, cash movements in pages, signed pushes.

Source: platforms-cn.md 5; error codes of op.jinritemai.com's list as three public SDKs
quote it (40003 with a sub_code). All answers are HTTP 200. A link's token is the shop's;
the self-built application gets another by `authorization_self`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random

from sandbox import numbers
from sandbox.days import Period
from sandbox.marketplaces import douyin_consent, douyin_items
from sandbox.marketplaces.desk import Desk, digest
from sandbox.marketplaces.living import Extra, Manner, live
from sandbox.marketplaces.model import Life, Store, minor
from sandbox.marketplaces.wire import Answer, Call, Message, UnknownEventError, compact, reply

# How far a timestamp may be off is not in the reference; TOP's 10 minutes are assumed.
_WINDOW = 600
_EXTRAS = (
    Extra(kind="advertising", chance=0.3, between=(1000, 6000), detail="充值千川广告费"),
    Extra(kind="penalty", chance=0.1, between=(500, 2000), detail="判罚扣款"),
    Extra(kind="adjustment", chance=0.1, between=(100, 900), sign=1, detail="人工调账"),
)


class Douyin:
    """See wire.Marketplace."""

    code = "douyin"
    hosts: Sequence[str] = ("openapi-fxg.jinritemai.com", douyin_consent.HOST)
    events: Sequence[str] = ("110", "103", "206")

    def store(self, seed: int, index: int, rng: Random) -> Store:
        """One application of the operator's; each shop has its own tokens."""
        shop = f"{4_000_000 + index * 1000 + rng.randrange(1000)}"
        return Store(
            code=f"douyin-{index + 1}",
            platform=self.code,
            external_id=shop,
            name=f"云溪抖店 {index + 1} (simulated)",
            currency="CNY",
            zone="Asia/Shanghai",
            secrets={
                "shop": shop,
                "app_key": f"69{int(digest(f'{seed}:douyin:app'), 16) % 10**17:017d}",
                "secret": digest(f"{seed}:douyin:secret"),
                "app_id": f"{int(digest(f'{seed}:douyin:service'), 16) % 10**5:05d}",
                "access_token": f"{rng.getrandbits(128):032x}",
                "refresh_token": f"{rng.getrandbits(128):032x}",
            },
        )

    def live(self, store: Store, period: Period, rng: Random) -> Life:
        """Fees stand in the sale's row; the balance is withdrawn, and may come back."""
        manner = Manner(
            number=_trade_no,
            order=lambda rng, at: f"69{numbers.digits(rng, 17)}",
            reference=lambda rng, kind, at: numbers.digits(rng, 15),
            payout_number=lambda rng, at: _trade_no(rng, "payout", at),
            numbers_payout_row=False,
            fee_per_mille=50,
            extras=_EXTRAS,
            median=9_900,
            fails=0.12,
        )
        return live(store, period, manner, rng)

    def answer(self, call: Call, desk: Desk) -> Answer:
        """Signature and time first, then the token, then the method."""
        stores = desk.world.of(self.code)
        asked = call.query
        if not stores:
            return Answer(status=404)
        if call.host == douyin_consent.HOST:
            return douyin_consent.page(call, desk, stores)
        if refused := _unsigned(call, asked, stores, desk):
            return refused
        parameters = json.loads(call.body or b"{}")
        if call.path in ("/token/create", "/token/refresh"):
            words = "生成token失败,token已过期"
            failed = refusal(50002, "dop.token-generate-failed:token-expired", words)
            return douyin_consent.granted(call.path, parameters, stores, desk) or failed
        token = asked.get("access_token", "")
        grants = [g for store in stores if (g := desk.tokens.holder(store, token))]
        if not grants:
            return refusal(40003, "isv.access-token-no-existed", "access_token不存在")
        if desk.tokens.is_expired(grants[0]):
            return refusal(40003, "isv.access-token-expired", "access_token已过期")
        if call.path in douyin_items.LISTS:
            return douyin_items.answer(call.path, parameters, desk, grants[0].store)
        return refusal(30001, "isv.method-not-existed", "API不存在")

    def busy(self, retry_after: int) -> Answer:
        """A plain 429 in the usual envelope; which sub_code comes with it is assumed."""
        body = {"code": 20000, "msg": "服务不可用", "sub_code": "isp.call-limited"}
        return reply(429, body | {"sub_msg": "流量限制"}, Retry_After=f"{retry_after}")

    def hook(self, store: Store, event: str, desk: Desk) -> Message:
        """Tag 110 (paid), 103 (success) or 206 (refunded), of the last one."""
        kind = {"110": "sale", "103": "sale", "206": "refund"}.get(event)
        found = [m for m in desk.world.lives[store.code].movements if m.kind == kind]
        if not found:
            raise UnknownEventError(event)
        fen, stamp = minor(abs(found[-1].amount), "CNY"), int(found[-1].at.timestamp())
        money = {"refund_amount": fen} if event == "206" else {"pay_amount": fen, "pay_time": stamp}
        told = {"p_id": int(found[-1].order), "shop_id": int(store.external_id), **money}
        note = {"tag": event, "msg_id": desk.unique("push"), "data": compact(told)}
        body = compact([note]).encode()
        text = store.secrets["app_key"].encode() + body + store.secrets["secret"].encode()
        headers = {
            "Content-Type": "application/json",
            "app-id": store.secrets["app_key"],
            "event-sign": hashlib.md5(text, usedforsecurity=False).hexdigest(),
        }
        return Message(headers=headers, body=body, signature="event-sign")


def refusal(code: int, sub_code: str, words: str) -> Answer:
    """An error in the envelope of every answer."""
    outer = {40003: "非法的参数", 30001: "权限不足", 40004: "业务处理失败", 50002: "业务处理失败"}
    error = {"code": code, "msg": outer.get(code, ""), "sub_code": sub_code, "sub_msg": words}
    return reply(200, error | {"data": None, "log_id": digest(sub_code)})


def _unsigned(
    call: Call, asked: Mapping[str, str], stores: Sequence[Store], desk: Desk
) -> Answer | None:
    """Why a call is refused before it is looked at."""
    key, secret = stores[0].secrets["app_key"], stores[0].secrets["secret"]
    if call.method != "POST" or asked.get("app_key") != key:
        return refusal(40003, "isv.app-key-invalid", "app_key不存在")
    stamp = asked.get("timestamp", "")
    if not stamp.isdigit():
        return refusal(40003, "isv.timestamp-invalid", "timestamp格式错误")
    if abs(desk.checked_time("douyin").timestamp() - int(stamp)) > _WINDOW:
        return refusal(40003, "isv.timestamp-expired", "timestamp已过期")
    method = call.path.strip("/").replace("/", ".")
    text = f"app_key{key}method{asked.get('method')}param_json".encode()
    text += call.body + f"timestamp{stamp}v{asked.get('v')}".encode()
    wrapped = secret.encode() + text + secret.encode()
    mac = hmac.new(secret.encode(), wrapped, hashlib.sha256).hexdigest()
    if asked.get("method") != method or asked.get("sign") != mac:
        return refusal(40003, "isv.signature-invalid", "签名校验失败")
    try:
        is_object = isinstance(json.loads(call.body or b"{}"), dict)
    except ValueError:
        is_object = False
    return (
        None
        if is_object
        else refusal(40003, "isv.parameter-format-invalid", "业务参数json解析失败")
    )


def _trade_no(rng: Random, kind: str, at: datetime) -> str:
    way = "OUT" if kind in ("refund", "payout", "advertising", "penalty") else "IN"
    return f"AS{at:%Y%m%d%H%M%S}{numbers.digits(rng, 8)}_{way}"
