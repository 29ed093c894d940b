"""Fetching from WeChat Pay v3: the fund flow of each wallet and the trade bill, day by day.

Source: platforms-cn.md §3.1 and §3.3, and the official pages of the two calls (申请资金账单,
申请交易账单, 下载账单). A bill is asked for, then fetched within five minutes from the address that
comes back, both with a signature of the merchant's key. The SHA-1 that is stated is that of the
bill uncompressed ("gzip需要解压缩"), which is how it is asked for here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from platforms import signing
from platforms.adapters import _day_bills, _refusals
from platforms.adapters._day_bills import Step
from platforms.adapters.wechatpay import fund_flow
from platforms.contract import (
    AdapterError,
    Document,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import (
    Download,
    Http,
    NotYetError,
    Rate,
    RefusedCallError,
    Request,
    Response,
    Terms,
    Window,
)
from platforms.reading import shown

HOST: Final = "https://api.mch.weixin.qq.com"
SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
ZONE: Final = ZoneInfo("Asia/Shanghai")
TRADES: Final = "TRADES"
PARTS: Final = (*fund_flow.CASH_ACCOUNTS, TRADES)

TERMS: Final = Terms(
    rates={"": Rate(calls=3, seconds=1, per="shop", source="platforms-cn.md §3.3")},
    # Made from 09:00 on, to be fetched after 10:00.
    ready=timedelta(hours=10),
    # "Within three months", the shortest of which have 89 days.
    reach=timedelta(days=89),
)

# The address that comes back lies here; nowhere else is a signature sent to.
_OWN_HOSTS: Final = frozenset({"api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"})
_OURS: Final = "WeChat Pay"
_NO_BILL: Final = "NO_STATEMENT_EXIST"
_BEING_MADE: Final = "STATEMENT_CREATING"
_AGAIN: Final = 30 * 60
_ERRORS: Final[Mapping[str, type[AdapterError]]] = {
    "SIGN_ERROR": UnauthorisedError,
    "MCH_NOT_EXISTS": UnauthorisedError,
    "NO_AUTH": RefusedCallError,
    "PARAM_ERROR": RefusedCallError,
    "INVALID_REQUEST": RefusedCallError,
    "FREQUENCY_LIMITED": RateLimitedError,
    "FREQUENCY_LIMIT_EXCEED": RateLimitedError,
    "RATELIMIT_EXCEEDED": RateLimitedError,
    "SYSTEM_ERROR": UnavailableError,
}


def probe(http: Http, link: Link) -> str:
    """Ask for a fund flow of some days ago; WeChat Pay says no name. Raises as `pull` does."""
    _ask(http, link, _target(_day_bills.earlier(http.now(), zone=ZONE, days=3), PARTS[0]))
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """The bills of each day: what moved each wallet, then what was traded.

    A wallet that did not move has no bill. Raises NotYetError while one is being made.
    """
    for step in _day_bills.steps(window, zone=ZONE, parts=PARTS):
        said = _ask(http, link, _target(step.day, step.part))
        if said.get("code") == _BEING_MADE:
            raise NotYetError(
                f"WeChat Pay is still making the bill of {step.day}",
                retry_after=_AGAIN,
                cursor=step.before,
            )
        if said.get("code") == _NO_BILL:
            continue
        bill = _document(_fetched(http, link, said), link, step)
        if not _is_empty(bill):
            yield bill


def _target(day: date, part: str) -> str:
    if part == TRADES:
        return f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL"
    return f"/v3/bill/fundflowbill?bill_date={day}&account_type={part}"


def _ask(http: Http, link: Link, target: str) -> Mapping[str, object]:
    """The address of a bill, or why there is none. Raises the errors of `pull`."""
    headers = _signed(http, link, target)
    response = http.send(Request(method="GET", url=HOST + target, headers=headers))
    said = _refusals.answered(response, whose=_OURS)
    if response.status != 200 and said.get("code") not in {_NO_BILL, _BEING_MADE}:
        raise _error(response, said, link)
    return said


def _fetched(http: Http, link: Link, said: Mapping[str, object]) -> Download:
    """The bill, whole and as stated. Raises the errors of `pull`."""
    url, stated = str(said.get("download_url", "")).strip(), str(said.get("hash_value", ""))
    if said.get("hash_type") != "SHA1" or not url:
        raise RefusedCallError(
            f"WeChat Pay states a hash of type {shown(str(said.get('hash_type')))}"
        )
    address = urlsplit(url)
    if address.hostname not in _OWN_HOSTS:
        raise RefusedCallError(f"WeChat Pay names a foreign host: {shown(str(address.hostname))}")
    target = f"{address.path}?{address.query}" if address.query else address.path
    headers = _signed(http, link, target)
    download = http.download(Request(method="GET", url=url, headers=headers))
    if download.status != 200:
        raise _refused_file(download, link)
    if _sha1(download) != stated.lower():
        raise UnavailableError("the bill is not what its SHA-1 says: it did not come whole")
    return download


def _document(download: Download, link: Link, step: Step) -> Document:
    context = {"account": link.secrets.get("shop", "")}
    if step.part == TRADES:
        name = f"wechatpay-trade-bill-{step.day}.csv"
    else:
        name = f"wechatpay-fund-flow-{step.part.lower()}-{step.day}.csv"
        context["cash_account"] = step.part
    return _day_bills.document(download, name=name, cursor=step.cursor, context=context)


def _is_empty(bill: Document) -> bool:
    """Whether it holds nothing but its summary: one line of values."""
    return len(bill.head) < _day_bills.HEAD and bill.head.count(b"\n`") < 2


def _signed(http: Http, link: Link, target: str) -> dict[str, str]:
    """The headers of a GET: method, path with query, time, nonce and no body, a line each."""
    stamp, nonce = str(int(http.now().timestamp())), http.nonce()
    signature = signing.rsa_sha256_signature(
        key=_refusals.needed(link, "private_key"),
        message=f"GET\n{target}\n{stamp}\n{nonce}\n\n".encode(),
    )
    parts = {
        "mchid": _refusals.needed(link, "shop"),
        "nonce_str": nonce,
        "timestamp": stamp,
        "serial_no": _refusals.needed(link, "serial"),
        "signature": signature,
    }
    given = ",".join(f'{name}="{value}"' for name, value in parts.items())
    return {"Authorization": f"{SCHEME} {given}", "Accept": "application/json"}


def _error(response: Response, said: Mapping[str, object], link: Link) -> AdapterError:
    code = str(said.get("code", ""))
    fallback = UnauthorisedError if response.status == 401 else RefusedCallError
    kind = _ERRORS.get(code, fallback)
    return _refusals.refusal(kind, code, said.get("message"), whose=_OURS, link=link)


def _refused_file(download: Download, link: Link) -> AdapterError:
    with download.open() as stream:
        body = stream.read(_day_bills.HEAD)
    response = Response(status=download.status, headers=download.headers, body=body)
    return _error(response, _refusals.answered(response, whose=_OURS), link)


def _sha1(download: Download) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    with download.open() as stream:
        while block := stream.read(_day_bills.HEAD):
            digest.update(block)
    return digest.hexdigest()
