"""Alipay's open platform: RSA2 both ways, the fund bill by link, account log, notifies.

Source: platforms-cn.md 1.4, 2; open.alipay.com's list of public error codes (sub_code as
the gateway really answers it: `isp.bill_not_exist`). The application's public key is kept
here, Alipay's is in the link. All answers are HTTP 200.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sandbox import numbers
from sandbox.days import Period
from sandbox.marketplaces import alipay_bills, alipay_consent, keys
from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.living import Extra, Manner, live
from sandbox.marketplaces.model import Life, Store
from sandbox.marketplaces.wire import Answer, Call, Message, UnknownEventError, compact

ZONE = ZoneInfo("Asia/Shanghai")
# How far a timestamp may be off is not published; TOP's 10 minutes are assumed.
_WINDOW = timedelta(minutes=10)
_NEEDED = ("method", "app_id", "sign_type", "sign", "timestamp", "version")
_MISSING = {"method": "method", "app_id": "app-id", "sign_type": "signature-type"}
_MISSING |= {"sign": "signature", "timestamp": "timestamp", "version": "version"}
_EXTRAS = (
    Extra(kind="advertising", chance=0.3, between=(100, 1200), detail="淘宝客佣金代扣款"),
    Extra(kind="shipping", chance=0.4, between=(30, 90), detail="卖家版运费险保费收取"),
    Extra(
        kind="reserve_held",
        chance=0.08,
        between=(3000, 6000),
        detail="商家保证金冻结",
        back="reserve_released",
        back_detail="商家保证金解冻",
        back_after=5,
    ),
)


class Alipay:
    """See wire.Marketplace."""

    code = "alipay"
    hosts: Sequence[str] = ("openapi.alipay.com", "dwbillcenter.alipay.com", "openauth.alipay.com")
    events: Sequence[str] = ("trade_status_sync",)

    def store(self, seed: int, index: int, rng: Random) -> Store:
        """An application of the merchant's own, with its key; the PID is the shop."""
        own, platform = f"{seed}:alipay:{index}", f"{seed}:alipay"
        user = f"2088{index:03d}{numbers.digits(rng, 9)}"
        return Store(
            code=f"alipay-{index + 1}",
            platform=self.code,
            external_id=user,
            name=f"云溪支付宝 {index + 1} (simulated)",
            currency="CNY",
            zone="Asia/Shanghai",
            secrets={
                "app_id": f"2021{numbers.digits(rng, 12)}",
                "private_key": keys.private_pem(own),
                "public_key": keys.public_pem(platform),
                "shop": user,
            },
            kept={"key": own, "platform_key": platform},
        )

    def live(self, store: Store, period: Period, rng: Random) -> Life:
        """Each charge is a row beside the sale; the balance is withdrawn in the evening."""
        manner = Manner(
            number=lambda rng, kind, at: numbers.digits(rng, 15),
            order=lambda rng, at: numbers.taobao_order(rng),
            reference=lambda rng, kind, at: numbers.alipay_trade_no(rng, at.date()),
            payout_number=lambda rng, at: numbers.digits(rng, 15),
            numbers_payout_row=False,
            fee_per_mille=50,
            fee_is_row=True,
            extras=_EXTRAS,
        )
        return live(store, period, manner, rng)

    def answer(self, call: Call, desk: Desk) -> Answer:
        """The gateway takes its parameters from query and body alike; files need no signature."""
        if call.host == "dwbillcenter.alipay.com":
            return alipay_bills.download(call, desk)
        if call.host == alipay_consent.HOST:
            return alipay_consent.page(call, desk, desk.world.of(self.code))
        if call.path != "/gateway.do" or call.method not in ("GET", "POST"):
            return Answer(status=404)
        given = {**call.form(), **call.query}
        node = _node(given, desk)
        return _answered(given.get("method", ""), node, f"{desk.world.seed}:alipay")

    def busy(self, retry_after: int) -> Answer:
        """The gateway in front refuses: a plain 429, since no public page shows its own words."""
        headers = {"Retry-After": f"{retry_after}", "Content-Type": "text/html"}
        return Answer(status=429, body=b"Too Many Requests", headers=headers)

    def hook(self, store: Store, event: str, desk: Desk) -> Message:
        """`trade_status_sync` of the last sale, signed without sign and sign_type."""
        sales = [m for m in desk.world.lives[store.code].movements if m.kind == "sale"]
        if event != "trade_status_sync" or not sales:
            raise UnknownEventError(event)
        sale = sales[-1]
        at = f"{sale.at:%Y-%m-%d %H:%M:%S}"
        told = {
            "notify_time": f"{desk.now().astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
            "notify_type": event,
            "notify_id": desk.unique("notify"),
            "app_id": store.secrets["app_id"],
            "charset": "utf-8",
            "version": "1.0",
            "trade_no": sale.reference,
            "out_trade_no": f"T200P{sale.order}",
            "seller_id": store.external_id,
            "trade_status": "TRADE_SUCCESS",
            "total_amount": f"{sale.amount:.2f}",
            "receipt_amount": f"{sale.amount:.2f}",
            "subject": "亚麻四件套",
            "gmt_create": at,
            "gmt_payment": at,
        }
        told["sign"] = _sign(store.kept["platform_key"], _joined(told))
        body = urlencode(told | {"sign_type": "RSA2"}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return Message(headers=kind, body=body, signed_field="sign")


Node = dict[str, object]
_METHODS: Mapping[str, Callable[[Mapping[str, str], Desk, Store], Node]] = {
    "alipay.data.dataservice.bill.downloadurl.query": alipay_bills.link,
    "alipay.data.bill.accountlog.query": alipay_bills.account_log,
    "alipay.data.bill.balance.query": alipay_bills.balance,
    alipay_consent.METHOD: alipay_consent.token,
}


def _node(given: Mapping[str, str], desk: Desk) -> Node:
    """What the gateway says: who signed, for whom, and what for."""
    refusal, app = _caller(given, desk)
    if app is None:
        return refusal
    found = _METHODS.get(given["method"])
    if found is None:
        return _error("40002", "isv.invalid-method", "不存在的方法名")
    try:
        content = json.loads(given.get("biz_content", "{}"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return _error("40002", "isv.invalid-parameter", "参数无效")
    store: Store | None = app
    if token := given.get("app_auth_token"):
        refusal, store = alipay_consent.merchant(token, desk)
    asked = {str(name): str(value) for name, value in content.items()}
    return found(asked, desk, store) if store else refusal


def _caller(given: Mapping[str, str], desk: Desk) -> tuple[Node, Store | None]:
    """Whose application signed, or the refusal."""
    for name in _NEEDED:
        if not given.get(name):
            word = _MISSING[name]
            return _error("40001", f"isv.missing-{word}", f"缺少{name}参数"), None
    stores = desk.world.of("alipay")
    store = next((s for s in stores if s.secrets["app_id"] == given["app_id"]), None)
    if store is None:
        return _error("40002", "isv.invalid-app-id", "无效的AppID参数"), None
    if given["sign_type"] != "RSA2":
        return _error("40002", "isv.invalid-signature-type", "无效的签名类型"), None
    if not _is_timely(given["timestamp"], desk):
        return _error("40002", "isv.invalid-timestamp", "非法的时间戳参数"), None
    if not _holds(given, store):
        words = "验签出错,建议检查签名字符串或签名私钥与应用公钥是否匹配"
        return _error("40002", "isv.invalid-signature", words), None
    return {}, store


def _is_timely(text: str, desk: Desk) -> bool:
    try:
        at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE)
    except ValueError:
        return False
    return abs(desk.checked_time("alipay") - at) <= _WINDOW


def _holds(given: Mapping[str, str], store: Store) -> bool:
    signed = {name: value for name, value in given.items() if name != "sign" and value}
    public = keys.private_key(store.kept["key"]).public_key()
    try:
        signature = base64.b64decode(given["sign"], validate=True)
        public.verify(signature, _joined(signed), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def _joined(values: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={values[name]}" for name in sorted(values)).encode()


def _sign(key: str, message: bytes) -> str:
    return base64.b64encode(keys.sign(key, message)).decode()


def _error(code: str, sub_code: str, sub_msg: str) -> Node:
    words = {"40001": "Missing Required Arguments", "40002": "Invalid Arguments"}
    return {"code": code, "msg": words[code], "sub_code": sub_code, "sub_msg": sub_msg}


def _answered(method: str, node: Node, key: str) -> Answer:
    """The node under the method's name, signed as the very text that stands there."""
    name = f"{method.replace('.', '_')}_response" if method in _METHODS else "error_response"
    text = compact(node)
    body = f'{{"{name}":{text},"sign":"{_sign(key, text.encode())}"}}'.encode()
    return Answer(status=200, body=body, headers={"Content-Type": "text/html;charset=utf-8"})
