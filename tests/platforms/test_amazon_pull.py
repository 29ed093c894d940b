"""Amazon: settlement reports and payouts, each from its own place, and how a store is linked."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from platforms.adapters.amazon import ADAPTER as AMAZON
from platforms.contract import (
    AdapterError,
    Line,
    LineKind,
    Link,
    Payout,
    PayoutStatus,
    Statement,
    Totals,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms.cases import FIXTURES
from tests.platforms.resuming import day, goes_on_from_everywhere, pulled, records, says
from tests.platforms.wire import Wire

SECRETS = {"region": "US", "access_token": "Atza|not-a-real-token"}
APPLICATION = {
    "region": "US",
    "app_id": "amzn1.sp.solution.x",
    "app_key": "amzn1.application-oa2-client.x",
    "secret": "amzn1.oa2-cs.v1.of-ours",
}
WINDOW = day(14)
HOST = "https://sellingpartnerapi-na.amazon.com"
STORAGE = "https://tortuga-prod-na.s3-external-1.amazonaws.com"
FILE = (FIXTURES / "amazon" / "settlement_v2_us" / "input.txt").read_bytes()
TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"


def _report(number: int, **changed: str) -> dict[str, Any]:
    return {
        "reportId": f"{number}",
        "reportType": TYPE,
        "reportDocumentId": f"amzn1.spdoc.1.4.na/{number}",
        "createdTime": "2026-03-14T06:00:00Z",
        "processingStatus": "DONE",
        **changed,
    }


def _payout(status: str, amount: str) -> dict[str, Any]:
    return {
        "id": "24100200301",
        "partnerMetadata": {"partnerId": "A1", "marketplaceId": "ATVPDKIKX0DER"},
        "currentStatus": status,
        "amount": {"currencyCode": "USD", "currencyAmount": float(amount)},
        "creationDate": "2026-03-14T00:00:00Z",
        "traceId": "TRACE-301",
        "relatedIdentifiers": [
            {
                "relatedIdentifierName": "SETTLEMENT_ID",
                "relatedIdentifierValue": "24100200301",
            }
        ],
    }


# The first page of either list is empty and still has a successor.
REPORTS: list[list[dict[str, Any]]] = [
    [],
    [_report(1), _report(2, processingStatus="IN_PROGRESS"), _report(3, reportType="GET_OTHER")],
]
PAYOUTS: list[list[dict[str, Any]]] = [
    [],
    [_payout("NO_PAYOUT", "0.00")],
    [_payout("PAID", "53.31")],
]


def _answer(request: Request) -> Response:
    parts = urlsplit(request.url)
    if request.url.startswith(STORAGE):
        return Response(status=200, headers={}, body=gzip.compress(FILE, mtime=0))
    if "/documents/" in parts.path:
        return says(
            {
                "reportDocumentId": "x",
                "compressionAlgorithm": "GZIP",
                "url": f"{STORAGE}/file?X-Amz-Signature=of-amazon",
            }
        )
    name = "payouts" if parts.path.endswith("/payouts") else "reports"
    pages = PAYOUTS if name == "payouts" else REPORTS
    number = int(parse_qs(parts.query).get("nextToken", ["p0"])[0][1:])
    token = {"nextToken": f"p{number + 1}"} if number + 1 < len(pages) else {}
    return says({name: pages[number], **token})


def _instead(part: str, answer: Callable[[], Response]) -> Callable[[Request], Response]:
    """The same answers but for the addresses that have a part."""
    return lambda request: answer() if part in request.url else _answer(request)


def test_reports_come_first_and_payouts_after_them() -> None:
    wire = Wire(answer=_answer)
    pulled("amazon", SECRETS, WINDOW, wire)
    reports = f"{HOST}/reports/2021-06-30"
    created = "createdSince=2026-03-14T00%3A00%3A00Z&createdUntil=2026-03-15T00%3A00%3A00Z"
    # The window reaches the present: the payouts of two weeks before may still change.
    payouts = (
        f"{HOST}/finances/transfers/2024-06-01/payouts?marketplaceIds=ATVPDKIKX0DER"
        "&createdAfter=2026-02-28T00%3A00%3A00Z&createdBefore=2026-03-15T00%3A00%3A00Z"
    )
    assert [each.url for each in wire.sent] == [
        f"{reports}/reports?reportTypes={TYPE}&processingStatuses=DONE"
        f"&marketplaceIds=ATVPDKIKX0DER&pageSize=100&{created}",
        # Beside a nextToken nothing else is allowed here, and all of it is needed there.
        f"{reports}/reports?nextToken=p1",
        f"{reports}/documents/amzn1.spdoc.1.4.na%2F1",
        f"{STORAGE}/file?X-Amz-Signature=of-amazon",
        payouts,
        f"{payouts}&nextToken=p1",
        f"{payouts}&nextToken=p2",
    ]
    assert [each.rate for each in wire.sent] == [
        *("reports", "reports", "documents", "file", "", "", ""),
    ]
    assert {each.rate for each in wire.sent} <= set(AMAZON.terms.rates)


def test_the_place_where_a_report_is_stored_gets_no_credentials() -> None:
    wire = Wire(answer=_answer)
    pulled("amazon", SECRETS, WINDOW, wire)
    stored = [each for each in wire.sent if not each.url.startswith(HOST)]
    assert [(each.method, each.headers, each.body) for each in stored] == [("GET", {}, b"")]
    for request in wire.sent:
        if request.url.startswith(HOST):
            assert request.headers["x-amz-access-token"] == SECRETS["access_token"]


def test_what_is_yielded_adds_up_to_the_payout_in_one_world() -> None:
    documents = pulled("amazon", SECRETS, WINDOW, Wire(answer=_answer))
    assert [each.name for each in documents] == [
        "amazon-settlement-report-1.txt",
        "amazon-payouts-2026-03-14-3.json",
    ]
    assert documents[0].open().read() == FILE
    assert documents[0].head == FILE[:65_536]
    found = records(documents)
    # One world of numbers: the hub refuses a second one in a store.
    assert {each.numbering for each in found if isinstance(each, Statement)} == {"settlement"}
    lines = [each for each in found if isinstance(each, Line)]
    assert sum(line.amount for line in lines if line.kind is not LineKind.PAYOUT) == Decimal(
        "53.31"
    )
    assert Totals(ties=True) in found
    payouts = [each for each in found if isinstance(each, Payout)]
    assert [(each.external_id, each.amount, each.status) for each in payouts] == [
        ("24100200301", Decimal("53.31"), PayoutStatus.IN_TRANSIT),
        ("24100200301", Decimal("53.31"), PayoutStatus.PAID),
    ]
    assert payouts[1].remittance == "TRACE-301"


def test_an_unpacked_report_can_be_opened_again_and_sought_in() -> None:
    (report, _) = pulled("amazon", SECRETS, WINDOW, Wire(answer=_answer))
    with report.open() as one, report.open() as other:
        assert one.read(10) == other.read(10) == FILE[:10]
        one.seek(0)
        assert one.read() == FILE


def test_a_report_that_is_not_packed_is_taken_as_it_is() -> None:
    def plain(request: Request) -> Response:
        if "/documents/" in request.url:
            return says({"reportDocumentId": "x", "url": f"{STORAGE}/file"})
        if request.url.startswith(STORAGE):
            return Response(status=200, headers={}, body=FILE)
        return _answer(request)

    (report, _) = pulled("amazon", SECRETS, WINDOW, Wire(answer=plain))
    assert report.open().read() == FILE


def test_a_pull_goes_on_from_every_cursor() -> None:
    goes_on_from_everywhere("amazon", SECRETS, WINDOW, _answer)


def test_what_a_cursor_has_kept_holds_no_address_of_a_file() -> None:
    for document in pulled("amazon", SECRETS, WINDOW, Wire(answer=_answer)):
        assert "https" not in document.cursor
        assert SECRETS["access_token"] not in document.cursor


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            lambda: Response(status=403, headers={}, body=b"<Error>Expired</Error>"),
            UnavailableError,
        ),
        (lambda: Response(status=200, headers={}, body=b"not packed"), UnavailableError),
        (
            lambda: Response(status=200, headers={}, body=gzip.compress(FILE)[:-20]),
            UnavailableError,
        ),
    ],
)
def test_a_file_that_is_not_there_or_damaged_is_asked_for_again_later(
    answer: Callable[[], Response], error: type[AdapterError]
) -> None:
    with pytest.raises(error, match="report 1"):
        pulled("amazon", SECRETS, WINDOW, Wire(answer=_instead(STORAGE, answer)))


@pytest.mark.parametrize(
    "place",
    [
        {"url": "http://storage.example/file"},
        {"url": ""},
        {"url": f"{STORAGE}/file", "compressionAlgorithm": "ZSTD"},
    ],
)
def test_a_file_in_a_place_or_packing_that_is_not_known_is_not_fetched(
    place: dict[str, str],
) -> None:
    wire = Wire(answer=_instead("/documents/", lambda: says(place)))
    with pytest.raises(RefusedCallError, match="report 1"):
        pulled("amazon", SECRETS, WINDOW, wire)
    assert all(each.url.startswith(HOST) for each in wire.sent)


def test_where_transfers_is_not_served_the_reports_alone_tell_the_payouts() -> None:
    said = {"errors": [{"code": "InvalidInput", "message": "Invalid input"}]}
    answer = _instead("/transfers/", lambda: says(said, status=400))
    assert len(pulled("amazon", SECRETS, WINDOW, Wire(answer=answer))) == 1
    # Germany is served, so there a refusal is one.
    with pytest.raises(RefusedCallError, match="Invalid input"):
        pulled("amazon", {**SECRETS, "region": "DE"}, WINDOW, Wire(answer=answer))


@pytest.mark.parametrize(
    ("region", "host", "marketplace"),
    [
        ("US", "sellingpartnerapi-na.amazon.com", "ATVPDKIKX0DER"),
        ("gb", "sellingpartnerapi-eu.amazon.com", "A1F83G8C2ARO7P"),
        ("JP", "sellingpartnerapi-fe.amazon.com", "A1VC38T7YXB528"),
        ("EU", "sellingpartnerapi-eu.amazon.com", None),
    ],
)
def test_a_region_has_its_own_host(region: str, host: str, marketplace: str | None) -> None:
    wire = Wire(answer=_answer)
    assert AMAZON.probe(wire, Link(secrets={**SECRETS, "region": region})) == ""
    (request,) = wire.sent
    assert urlsplit(request.url).netloc == host
    asked = parse_qs(urlsplit(request.url).query)
    assert asked["pageSize"] == ["1"]
    assert asked.get("marketplaceIds") == (None if marketplace is None else [marketplace])


def test_a_region_that_amazon_has_not_is_refused_with_those_it_has() -> None:
    wire = Wire(answer=_answer)
    with pytest.raises(RefusedCallError, match=r"there are NA, EU, FE, US"):
        AMAZON.probe(wire, Link(secrets={**SECRETS, "region": "CN"}))
    with pytest.raises(UnauthorisedError, match="region"):
        AMAZON.probe(wire, Link(secrets={"access_token": "Atza|x"}))
    assert wire.sent == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RefusedCallError),
        (401, UnauthorisedError),
        (403, UnauthorisedError),
        (404, RefusedCallError),
    ],
)
def test_a_refusal_is_told_in_amazons_words_without_the_token(
    status: int, error: type[AdapterError]
) -> None:
    token = SECRETS["access_token"]
    said = {"errors": [{"code": "Unauthorized", "message": f"Access is denied for {token}"}]}
    with pytest.raises(error, match="Access is denied") as raised:
        AMAZON.probe(Wire(answer=lambda request: says(said, status=status)), Link(secrets=SECRETS))
    assert token not in str(raised.value)


# --- consent ------------------------------------------------------------------------------


def _tokens(request: Request) -> Response:
    return says(
        {
            "access_token": "Atza|new",
            "refresh_token": "Atzr|kept",
            "token_type": "bearer",
            "expires_in": 3600,
        }
    )


def _form(request: Request) -> Mapping[str, str]:
    return dict(parse_qsl(request.body.decode(), strict_parsing=True))


@pytest.mark.parametrize(
    ("region", "central"),
    [
        ("US", "sellercentral.amazon.com"),
        ("DE", "sellercentral-europe.amazon.com"),
        ("NL", "sellercentral.amazon.nl"),
        ("JP", "sellercentral.amazon.co.jp"),
    ],
)
def test_the_browser_is_sent_to_the_stores_own_seller_central(region: str, central: str) -> None:
    link = Link(secrets={**APPLICATION, "region": region})
    assert AMAZON.consent_url(link, state="abc", back="https://hub.example/b") == (
        f"https://{central}/apps/authorize/consent?application_id=amzn1.sp.solution.x"
        "&state=abc&redirect_uri=https%3A%2F%2Fhub.example%2Fb"
    )


def test_a_code_is_redeemed_and_holds_for_a_year() -> None:
    wire = Wire(answer=_tokens)
    answer = {"spapi_oauth_code": "the-code", "selling_partner_id": "A1SELLER", "state": "abc"}
    tokens = AMAZON.exchange(
        wire, Link(secrets=APPLICATION), answer=answer, back="https://hub.example/b"
    )
    assert tokens.secrets == {"access_token": "Atza|new", "refresh_token": "Atzr|kept"}
    assert tokens.expires_at == wire.at + timedelta(hours=1)
    assert tokens.renewable_until == wire.at + timedelta(days=365)
    assert tokens.shop == "A1SELLER"
    (request,) = wire.sent
    assert (request.method, request.url) == ("POST", "https://api.amazon.com/auth/o2/token")
    assert request.rate in AMAZON.terms.rates
    assert _form(request) == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": "https://hub.example/b",
        "client_id": "amzn1.application-oa2-client.x",
        "client_secret": "amzn1.oa2-cs.v1.of-ours",
    }


def test_a_link_by_key_gets_one_access_token_for_a_whole_pull() -> None:
    secrets = {**APPLICATION, "refresh_token": "Atzr|kept"}
    wire = Wire(
        answer=lambda request: _tokens(request) if request.method == "POST" else _answer(request)
    )
    assert len(pulled("amazon", secrets, WINDOW, wire)) == 2
    assert [each.method for each in wire.sent].count("POST") == 1
    assert _form(wire.sent[0])["refresh_token"] == "Atzr|kept"
    assert wire.sent[1].headers["x-amz-access-token"] == "Atza|new"


@pytest.mark.parametrize(
    ("said", "status", "error"),
    [
        ('{"error": "invalid_grant", "error_description": "SECRETS"}', 400, UnauthorisedError),
        ('{"error": "invalid_client", "error_description": "SECRETS"}', 401, UnauthorisedError),
        ('{"error": "invalid_request", "error_description": "SECRETS"}', 400, RefusedCallError),
        ('["invalid_grant", "SECRETS"]', 400, RefusedCallError),
        ("<html>SECRETS</html>", 400, RefusedCallError),
    ],
)
def test_a_grant_that_is_refused_is_told_without_its_secrets(
    said: str, status: int, error: type[AdapterError]
) -> None:
    body = said.replace("SECRETS", f"Atzr|kept {APPLICATION['secret']}")
    wire = Wire(answer=lambda request: Response(status=status, headers={}, body=body.encode()))
    with pytest.raises(error) as raised:
        AMAZON.renew(wire, Link(secrets={**APPLICATION, "refresh_token": "Atzr|kept"}))
    assert "Atzr|kept" not in str(raised.value)
    assert APPLICATION["secret"] not in str(raised.value)


def test_a_return_without_a_code_is_no_consent() -> None:
    wire = Wire(answer=_tokens)
    with pytest.raises(UnauthorisedError, match="spapi_oauth_code"):
        AMAZON.exchange(wire, Link(secrets=APPLICATION), answer={"state": "abc"}, back="")
    assert wire.sent == []
