"""Walmart: what the exam does not see of the recon report and the webhooks."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from platforms import registry
from platforms.contract import BadSignatureError, Line, Link, Payout, RawHook, ReadError, Record
from tests.platforms.cases import FIXTURES, document

WALMART = registry.get("walmart")


def _file(case: str) -> str:
    path = next((FIXTURES / "walmart" / case).glob("input.*"))
    return path.read_bytes().decode()


def _read(data: str | bytes, **context: str) -> list[Record]:
    raw = data.encode() if isinstance(data, str) else data
    return list(WALMART.read(document(raw, **context)))


def _sums(records: Iterable[Record]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for record in records:
        if isinstance(record, Line):
            sums[record.kind.value] = sums.get(record.kind.value, Decimal(0)) + record.amount
    return sums


def test_a_report_adds_up_to_its_deposit_kind_by_kind() -> None:
    sums = _sums(_read(_file("recon_csv")))
    assert sums == {
        "payout": Decimal("-50.62"),
        "sale": Decimal("83.44"),  # 19.52 + 31.96 + 31.96
        "refund": Decimal("-31.96"),
        "commission": Decimal("-7.13"),  # −2.34 − 9.58 + 4.79
        "tax": Decimal("0.00"),  # collected and withheld again
        "subsidy": Decimal("3.50"),
        "shipping": Decimal("-8.23"),
        "adjustment": Decimal("12.00"),
        "unknown": Decimal("-1.00"),
    }
    assert sum(sums.values()) == 0


def test_every_form_of_a_report_gives_the_same_lines() -> None:
    def lines(data: str | bytes) -> list[tuple[str, Decimal]]:
        return [(r.external_id, r.amount) for r in _read(data) if isinstance(r, Line)]

    packed = (FIXTURES / "walmart" / "recon_zip" / "input.zip").read_bytes()
    assert lines(_file("recon_csv")) == lines(packed) == lines(_file("recon_json"))


def test_numbers_of_the_json_may_be_numbers() -> None:
    text = _file("recon_json")
    assert '"Amount": "19.52"' in text
    assert _read(text.replace('"Amount": "19.52"', '"Amount": 19.52')) == _read(text)


def test_a_report_whose_deposit_is_negative_pays_nothing_out() -> None:
    records = _read(_file("recon_nothing_paid"))
    assert not [record for record in records if isinstance(record, Payout)]


def test_a_day_begins_in_the_zone_of_the_store() -> None:
    records = _read(_file("recon_csv"), zone="America/Los_Angeles")
    payout = next(record for record in records if isinstance(record, Payout))
    assert payout.announced_at == datetime(2026, 5, 5, 7, tzinfo=UTC)
    assert not payout.numbered
    with pytest.raises(ReadError, match="no such time zone"):
        _read(_file("recon_csv"), zone="Mars/Olympus")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (",200014533140001,", ",2.00015E+14,", "was spoilt by a spreadsheet"),
        (",129112345670001,", ",1.3E+14,", "was spoilt by a spreadsheet"),
        (",19.52,", ",NaN,", "not an amount"),
        (",19.52,", ",1e9999,", "not an amount"),
        (",19.52,", ",$19.52,", "not an amount"),
        (",19.52,", ',"19,52",', "not an amount"),
        (",19.52,", ",,", "no Amount"),
        (",19.52,", ",19.52,,", "values under 32 columns"),
        (",4/29/2026,", ",29/4/2026,", "not a day"),
        (",4/29/2026,", ",2026-04-29,", "not a day"),
        ("\n,,,,2026_04_30_1,", "\n,,,EUR,2026_04_30_1,", "'EUR' in a report in USD"),
        ("\n,,,,2026_04_30_1,", "\n,,,,,", "no Transaction Key"),
        ("PaymentSummary", "Summary", "no PaymentSummary row"),
        (",Sale,", ",PaymentSummary,", "several PaymentSummary rows"),
        ("Deposited in account", "Thrown away", "unknown description of a payment"),
        ("Period End Date", "Period Start Date", "no recon report"),
        ("Ship Qty", "Amount", "twice"),
        ("Number of Lines in file 15", "Number of Lines in file", "values under 32 columns"),
        (",USD,", ",US$,", "not a currency"),
    ],
)
def test_what_is_no_sound_report_is_refused(old: str, new: str, reason: str) -> None:
    text = _file("recon_csv")
    assert old in text
    with pytest.raises(ReadError, match=reason.replace("$", r"\$")):
        _read(text.replace(old, new, 1))


def test_a_page_of_the_json_report_alone_is_refused() -> None:
    page = json.loads(_file("recon_json"))
    del page["reportData"][0]
    with pytest.raises(ReadError, match="only a part of one"):
        _read(json.dumps(page))


def test_a_zip_with_two_reports_is_nobodys() -> None:
    text = _file("recon_csv")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.csv", text)
        archive.writestr("two.csv", text)
    assert not WALMART.recognises(document(packed.getvalue()))
    with pytest.raises(ReadError):
        _read(packed.getvalue())


def test_columns_may_move() -> None:
    text = _file("recon_csv").replace("Number of Lines in file 15\n", "")
    rows = list(csv.reader(io.StringIO(text)))
    moved = io.StringIO()
    csv.writer(moved).writerows([*reversed(row), ""] for row in rows)
    ids = [r.external_id for r in _read(moved.getvalue()) if isinstance(r, Line)]
    assert ids == [r.external_id for r in _read(_file("recon_csv")) if isinstance(r, Line)]


# --- webhooks --------------------------------------------------------------------------

NOW = 1_790_000_000
BODY = b'{"eventType":"PO_CREATED"}'
LINK = Link(secrets={"secret": "hush"})


def _hook(url: str, *, timestamp: str = str(NOW), signed_url: str = "") -> RawHook:
    """Signed as the reference writes it, in words of its own."""
    path = signed_url or url
    signed = f"POST\n{path}\n{timestamp}\n{hashlib.sha256(BODY).hexdigest()}"
    mac = base64.b64encode(hmac.digest(b"hush", signed.encode(), "sha256")).decode()
    headers = {"wm_sec.signature": mac, "wm_sec.timestamp": timestamp}
    return RawHook(headers=headers, body=BODY, url=url)


def _verify(hook: RawHook, *, late: int = 0) -> None:
    now = datetime.fromtimestamp(NOW + late, UTC)
    registry.pushes(WALMART).verify(hook, LINK, now)


@pytest.mark.parametrize("path", ["/hooks/walmart", "/hooks/walmart?x=1&y=%20", "/h?"])
def test_the_path_and_its_query_are_signed_whatever_the_host(path: str) -> None:
    signed = path.removesuffix("?")
    _verify(_hook(path, signed_url=signed))
    _verify(_hook(f"https://hub.example{path}", signed_url=signed))
    with pytest.raises(BadSignatureError, match="does not fit"):
        _verify(_hook(path + "0", signed_url=signed))


@pytest.mark.parametrize("timestamp", ["-1", "1e9", "１７９００００００００", "9" * 40, "soon"])
def test_a_timestamp_that_is_no_unix_time_is_refused(timestamp: str) -> None:
    with pytest.raises(BadSignatureError, match="Unix seconds"):
        _verify(_hook("/h", timestamp=timestamp))


def test_a_request_without_its_timestamp_is_refused() -> None:
    hook = _hook("/h")
    headers = {"wm_sec.signature": hook.headers["wm_sec.signature"]}
    with pytest.raises(BadSignatureError, match="missing"):
        _verify(dataclasses.replace(hook, headers=headers))


def test_another_timestamp_than_the_signed_one_does_not_fit() -> None:
    hook = _hook("/h")
    headers = {**hook.headers, "wm_sec.timestamp": str(NOW + 1)}
    with pytest.raises(BadSignatureError, match="does not fit"):
        _verify(dataclasses.replace(hook, headers=headers))


def test_an_address_that_cannot_be_read_is_a_named_error() -> None:
    with pytest.raises(BadSignatureError, match="cannot be read"):
        _verify(dataclasses.replace(_hook("/h"), url="http://[x/h"))
