"""How Alipay's bill comes (in a ZIP, among other files of Alipay), and its notifications."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import UTC, datetime

import pytest

from platforms import archives, registry
from platforms.adapters.alipay import ADAPTER
from platforms.contract import BadSignatureError, Link, RawHook, ReadError
from tests.platforms.cases import document, hooks
from tests.platforms.test_alipay import END, OLDEST_FIRST, bill, read, refused

SUMMARY = (
    "#支付宝账务汇总查询\n类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）\n"
    "合计,0,0.00,0,0.00,0.00\n"
).encode("gbk")
PERSONAL = (
    "支付宝（中国）网络技术有限公司 电子客户回单\n"
    "交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,收/付款方式,交易状态,"
    "交易订单号,商家订单号,备注\n"
).encode("gbk")


def zipped(*members: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"账务明细{number}.csv", member)
    return made.getvalue()


def test_the_detail_is_found_in_a_zip_wherever_it_stands() -> None:
    plain = read(bill(*OLDEST_FIRST))
    for members in ([SUMMARY, bill(*OLDEST_FIRST)], [bill(*OLDEST_FIRST), SUMMARY]):
        data = zipped(*members)
        assert registry.recognise(document(data)).code == "alipay"
        assert read(data) == plain


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (SUMMARY, "Alipay's summary"),
        (PERSONAL, "personal export"),
        (zipped(SUMMARY), "Alipay's summary"),
    ],
)
def test_other_files_of_alipay_are_recognised_to_be_refused(data: bytes, reason: str) -> None:
    assert registry.recognise(document(data)).code == "alipay"
    error = refused(data)
    assert reason in error.reason and "账务明细" in error.reason


@pytest.mark.parametrize(
    "data",
    [
        zipped(b"a,b\n1,2\n"),
        b"PK\x03\x04 no archive",
        PERSONAL.replace("支付宝".encode("gbk"), "别的钱包".encode("gbk")),
    ],
)
def test_what_is_not_alipays_is_not_claimed(data: bytes) -> None:
    assert not ADAPTER.recognises(document(data))
    refused(data)


def test_two_bills_in_one_zip_are_refused() -> None:
    assert "several" in refused(zipped(bill(*OLDEST_FIRST), bill(*OLDEST_FIRST))).reason


def test_an_encrypted_zip_says_so() -> None:
    data = bytearray(zipped(bill(*OLDEST_FIRST)))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused(bytes(data)).reason


def test_a_zip_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    head = bill(*OLDEST_FIRST).partition(END.encode("gb18030"))[0]
    bomb = zipped(head + (OLDEST_FIRST[0] + "\r\n").encode("gb18030") * 60_000)
    tracemalloc.start()
    try:
        with pytest.raises(ReadError, match="far more than"):
            for _ in ADAPTER.read(document(bomb)):
                pass
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
    monkeypatch.setattr(archives, "MAX_BYTES", 100)
    assert "far more than" in refused(zipped(bill(*OLDEST_FIRST))).reason


def test_a_zip_with_too_many_files_is_not_looked_through() -> None:
    many = zipped(*[b"x"] * (archives.MAX_MEMBERS + 1))
    assert "too many files" in refused(many).reason
    lying = bytearray(zipped(bill(*OLDEST_FIRST)))
    lying[-10:-6] = (2 * archives.MAX_DIRECTORY).to_bytes(4, "little")
    assert "too many files" in refused(bytes(lying)).reason


def test_a_flipped_byte_inside_the_zip_is_noticed() -> None:
    data = bytearray(zipped(bill(*OLDEST_FIRST), method=zipfile.ZIP_STORED))
    place = data.index(b"13.00")
    data[place] = ord("2")
    assert "the ZIP is damaged" in refused(bytes(data)).reason


# --- notifications ------------------------------------------------------------


def _notification() -> tuple[RawHook, Link]:
    case = next(case for case in hooks() if case.code == "alipay")
    facts = case.facts
    return RawHook(headers=facts["headers"], body=case.body), Link(secrets=facts["secrets"])


def test_what_a_notification_is_about() -> None:
    hook, link = _notification()
    context = ADAPTER.unwrap(hook, link).context
    assert context["trade_status"] == "TRADE_SUCCESS"
    assert context["out_trade_no"] == "20190815155618536-564-57"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (b"sign_type=RSA2", b"sign_type=RSA", "another type"),
        (b"sign_type=RSA2", b"sign_type=RSA2&sign_type=RSA2", "twice"),
        (b"charset=utf-8", b"charset=utf-7", "unknown charset"),
        (b"charset=utf-8", b"charset=gbk", "not a form"),
        (b"total_amount=0.10", b"total_amount=9.10", "does not fit"),
        (b"&point_amount=0.00", b"", "does not fit"),
        # Decoded twice, this would be the signed value again.
        (b"%40service", b"%2540service", "does not fit"),
        (b"&sign=", b"&seal=", "no sign"),
        (b"mOQ%3D%3D", b"m*Q%3D%3D", "not base64"),
        # 64 characters write each last two bits in 16 ways; one of them is Alipay's.
        (b"mOQ%3D%3D", b"mOR%3D%3D", "one base64 form"),
        (b"version=1.0", b"version=\xff", "not a form"),
    ],
)
def test_a_notification_is_read_strictly(before: bytes, after: bytes, reason: str) -> None:
    hook, link = _notification()
    assert before in hook.body
    body = hook.body.replace(before, after)
    with pytest.raises(BadSignatureError, match=reason):
        ADAPTER.verify(RawHook(headers={}, body=body), link, datetime(2026, 10, 9, tzinfo=UTC))
