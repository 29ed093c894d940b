"""WeChat Pay v3: signed requests, bills by download link, sealed and signed callbacks.

Source: platforms-cn.md 3. The merchant signs with its own key, whose public half is kept
here under the certificate's serial; WeChat Pay signs its answers and callbacks with the
key whose public half the link holds (public-key mode, `PUB_KEY_ID_…`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox import numbers
from sandbox.days import Period
from sandbox.marketplaces import keys, wechatpay_bills
from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.living import Manner, live
from sandbox.marketplaces.model import Life, Movement, Store, minor
from sandbox.marketplaces.wire import Answer, Call, Message, UnknownEventError, compact, reply

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_PART = re.compile(r'(\w+)="([^"]*)"')
_WINDOW = 300
_APPID = "wx5a6e64626f78c0de"


class WechatPay:
    """See wire.Marketplace."""

    code = "wechatpay"
    hosts: Sequence[str] = ("api.mch.weixin.qq.com", "api2.mch.weixin.qq.com")
    events: Sequence[str] = ("TRANSACTION.SUCCESS", "REFUND.SUCCESS")

    def store(self, seed: int, index: int, rng: Random) -> Store:
        """A merchant number with its key and certificate serial, and the APIv3 key."""
        mchid = f"16{index:03d}{numbers.digits(rng, 5)}"
        own, platform = f"{seed}:wechatpay:{index}", f"{seed}:wechatpay"
        return Store(
            code=f"wechatpay-{index + 1}",
            platform=self.code,
            external_id=mchid,
            name=f"云溪微信支付 {index + 1} (simulated)",
            currency="CNY",
            zone="Asia/Shanghai",
            secrets={
                "shop": mchid,
                "serial": f"{rng.getrandbits(160):040X}",
                "private_key": keys.private_pem(own),
                "aes_key": f"{rng.getrandbits(128):032x}",
                "public_key": keys.public_pem(platform),
            },
            kept={"key": own, "platform_key": platform, "platform_serial": _serial(seed)},
        )

    def live(self, store: Store, period: Period, rng: Random) -> Life:
        """Each sale is followed by its fee; the whole balance is withdrawn in the evening."""
        mchid = store.external_id
        manner = Manner(
            number=lambda rng, kind, at: numbers.flow_no(rng, mchid, at.date()),
            order=lambda rng, at: numbers.trade_no(rng, f"{at:%Y%m%d%H%M%S}"),
            reference=_business_no,
            payout_number=lambda rng, at: numbers.withdrawal_no(rng, at.date()),
            fee_per_mille=6,
            fee_is_row=True,
            median=15_800,
            paydays=range(7),
        )
        return live(store, period, manner, rng)

    def answer(self, call: Call, desk: Desk) -> Answer:
        """Who is asking, then what for. Bills are signed answers, downloads are not."""
        store = _caller(call, desk)
        if isinstance(store, Answer):
            return store
        if call.path == "/v3/billdownload/file":
            return wechatpay_bills.download(call, desk, store)
        bills = {"/v3/bill/fundflowbill": "fundflow", "/v3/bill/tradebill": "trade"}
        if call.method != "GET" or call.path not in bills:
            return reply(404, {"code": "RESOURCE_NOT_EXISTS", "message": "无可用的平台接口"})
        return _signed(wechatpay_bills.order(call, desk, store, bills[call.path]), desk, store)

    def busy(self, retry_after: int) -> Answer:
        """The merchant asks too often."""
        body = {"code": "FREQUENCY_LIMITED", "message": "频率限制"}
        return reply(429, body, Retry_After=f"{retry_after}")

    def hook(self, store: Store, event: str, desk: Desk) -> Message:
        """`TRANSACTION.SUCCESS` or `REFUND.SUCCESS` of the last one, sealed with the APIv3 key."""
        kind = {"TRANSACTION.SUCCESS": "sale", "REFUND.SUCCESS": "refund"}.get(event)
        found = [m for m in desk.world.lives[store.code].movements if m.kind == kind]
        if not found:
            raise UnknownEventError(event)
        original = {"sale": "transaction", "refund": "refund"}[found[-1].kind]
        nonce = desk.unique("nonce")[:12]
        sealed = AESGCM(store.secrets["aes_key"].encode()).encrypt(
            nonce.encode(), compact(_resource(store, found[-1])).encode(), original.encode()
        )
        resource = {
            "original_type": original,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": original,
            "nonce": nonce,
        }
        body = compact(
            {
                "id": desk.unique("notice"),
                "create_time": found[-1].at.isoformat(),
                "resource_type": "encrypt-resource",
                "event_type": event,
                "summary": "支付成功" if original == "transaction" else "退款成功",
                "resource": resource,
            }
        ).encode()
        headers = {"Content-Type": "application/json", **_signature(body, desk, store)}
        return Message(headers=headers, body=body, signature="Wechatpay-Signature")


def _caller(call: Call, desk: Desk) -> Store | Answer:
    """The merchant whose signature holds, or the refusal."""
    scheme, _, rest = call.headers.get("authorization", "").partition(" ")
    parts = dict(_PART.findall(rest))
    needed = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}
    if scheme != SCHEME or needed - parts.keys() or not parts["timestamp"].isdigit():
        return _refused("Http头Authorization值格式错误,请参考《微信支付商户REST API签名规则》")
    stores = desk.world.of("wechatpay")
    store = next((s for s in stores if s.external_id == parts["mchid"]), None)
    if store is None:
        return reply(404, {"code": "MCH_NOT_EXISTS", "message": "商户号不存在"})
    if parts["serial_no"].upper() != store.secrets["serial"]:
        return _refused("商户证书序列号有误。请使用签名私钥匹配的证书序列号")
    if abs(desk.checked_time("wechatpay").timestamp() - int(parts["timestamp"])) > _WINDOW:
        return _refused("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    if not _holds(call, parts, store):
        return _refused("错误的签名,验签失败")
    return store


def _holds(call: Call, parts: Mapping[str, str], store: Store) -> bool:
    text = f"{call.method}\n{call.target}\n{parts['timestamp']}\n{parts['nonce_str']}\n"
    message = text.encode() + call.body + b"\n"
    public = keys.private_key(store.kept["key"]).public_key()
    try:
        signature = base64.b64decode(parts["signature"], validate=True)
        public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def _refused(words: str) -> Answer:
    return reply(401, {"code": "SIGN_ERROR", "message": words})


def _signed(answer: Answer, desk: Desk, store: Store) -> Answer:
    headers = {**answer.headers, **_signature(answer.body, desk, store)}
    return Answer(status=answer.status, body=answer.body, headers=headers)


def _signature(body: bytes, desk: Desk, store: Store) -> dict[str, str]:
    stamp, nonce = f"{int(desk.now().timestamp())}", desk.unique("nonce")
    message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": store.kept["platform_serial"],
        "Wechatpay-Signature": base64.b64encode(
            keys.sign(store.kept["platform_key"], message)
        ).decode(),
        "Wechatpay-Signature-Type": SCHEME,
    }


def _serial(seed: int) -> str:
    return f"PUB_KEY_ID_{seed:032d}"


def _resource(store: Store, movement: Movement) -> dict[str, object]:
    fen = minor(abs(movement.amount), "CNY")
    common = {"mchid": store.external_id, "out_trade_no": movement.order}
    if movement.kind == "refund":
        return common | {
            "transaction_id": movement.detail,
            "refund_id": movement.reference,
            "out_refund_no": f"R{movement.order}",
            "refund_status": "SUCCESS",
            "success_time": movement.at.isoformat(),
            "amount": {"total": fen, "refund": fen, "payer_total": fen, "payer_refund": fen},
        }
    return common | {
        "appid": _APPID,
        "transaction_id": movement.reference,
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "success_time": movement.at.isoformat(),
        "payer": {"openid": "oSBX000000000000000000000000"},
        "amount": {"total": fen, "payer_total": fen, "currency": "CNY", "payer_currency": "CNY"},
    }


def _business_no(rng: Random, kind: str, at: datetime) -> str:
    if kind == "refund":
        return numbers.refund_id(rng, at.date())
    if kind == "payout":
        return numbers.trade_no(rng, f"{at:%Y%m%d%H%M%S}", "TX")
    return numbers.transaction_id(rng, at.date())
