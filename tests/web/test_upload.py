"""Files come in through the page: bytes kept, rows made, and what stands against one is said."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.access import acting_for
from settlement.models import DocumentState, SourceDocument
from settlement.money_in import originals
from tests.web.shop import Shop, a_document, an_empty_shop

pytestmark = pytest.mark.usefixtures("database")


def _file(content: bytes | None = None, name: str = "export.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, uuid.uuid4().bytes if content is None else content)


def _send(client: Client, belongs_to: object, *files: SimpleUploadedFile, **more: object) -> str:
    response = client.post(
        reverse("upload"),
        {"belongs_to": str(belongs_to), "originals": list(files)},
        follow=True,
        **more,  # type: ignore[arg-type]
    )
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def shop() -> Shop:
    return an_empty_shop(stores=2)


def test_an_upload_keeps_the_bytes_and_makes_a_row(shop: Shop) -> None:
    content = b"a,b\n1,2\n" + uuid.uuid4().bytes
    page = _send(shop.client(), shop.stores[1].id, _file(content, "../shop/export.csv"))
    assert "1 file is stored and being read" in page
    with acting_for(shop.merchant_id):
        document = SourceDocument.objects.get()
    assert document.name == "export.csv"
    assert document.store_id == shop.stores[1].id
    assert document.uploaded_by_id == shop.owner.id
    assert document.origin == "upload"
    assert document.state == DocumentState.STORED
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    with originals.open_original(merchant_id=shop.merchant_id, sha256=document.sha256) as kept:
        assert kept.read() == content


def test_several_files_are_taken_at_once_as_a_banks(shop: Shop) -> None:
    page = _send(shop.client(), "bank", _file(name="a.xml"), _file(name="b.xml"))
    assert "2 files are stored and being read" in page
    with acting_for(shop.merchant_id):
        assert list(SourceDocument.objects.values_list("store_id", flat=True)) == [None, None]


def test_the_same_file_again_leads_to_where_it_is(shop: Shop) -> None:
    content = uuid.uuid4().bytes
    _send(shop.client(), shop.stores[0].id, _file(content))
    page = _send(shop.client(), shop.stores[0].id, _file(content), _file())
    with acting_for(shop.merchant_id):
        first, second = SourceDocument.objects.order_by("known_at")
    assert "export.csv is here already" in page
    assert reverse("document", args=[first.id]) in page
    assert "1 file is stored" in page
    assert second.sha256 != first.sha256


def test_an_empty_file_is_not_taken(shop: Shop) -> None:
    page = _send(shop.client(), shop.stores[0].id, _file(b"", "nothing.csv"))
    assert "nothing.csv was not taken: the file is empty" in page
    with acting_for(shop.merchant_id):
        assert not SourceDocument.objects.exists()


def test_a_file_that_is_too_large_is_not_taken(shop: Shop, settings: pytest.FixtureRequest) -> None:
    settings.DOCUMENT_MAX_BYTES = 10  # type: ignore[attr-defined]
    page = _send(shop.client(), shop.stores[0].id, _file(b"x" * 11))
    assert "was not taken" in page


@pytest.mark.parametrize("belongs_to", ["", "nowhere", uuid.uuid4()])
def test_a_file_of_no_store_is_asked_about(belongs_to: object, shop: Shop) -> None:
    page = _send(shop.client(), belongs_to, _file())
    assert "errorlist" in page
    with acting_for(shop.merchant_id):
        assert not SourceDocument.objects.exists()


def test_a_bank_statement_may_be_said_to_be_of_one_account(shop: Shop) -> None:
    listed = shop.client().get(reverse("documents")).content.decode()
    assert str(shop.bank_account) in listed
    _send(shop.client(), shop.bank_account.id, _file())
    with acting_for(shop.merchant_id):
        document = SourceDocument.objects.get()
    assert (document.bank_account_id, document.store_id) == (shop.bank_account.id, None)


def test_another_merchants_bank_account_cannot_be_named(shop: Shop) -> None:
    other = an_empty_shop(stores=1)
    assert "errorlist" in _send(shop.client(), other.bank_account.id, _file())


def test_another_merchants_store_cannot_be_named(shop: Shop) -> None:
    other = an_empty_shop(stores=1)
    assert "errorlist" in _send(shop.client(), other.stores[0].id, _file())
    for merchant_id in (shop.merchant_id, other.merchant_id):
        with acting_for(merchant_id):
            assert not SourceDocument.objects.exists()


def test_a_script_sends_and_is_told_where_to_go(shop: Shop) -> None:
    response = shop.client().post(
        reverse("upload"),
        {"belongs_to": "bank", "originals": [_file()]},
        headers={"HX-Request": "true"},
    )
    assert (response.status_code, response["HX-Redirect"]) == (204, reverse("documents"))


def test_progress_and_fate_are_shown(shop: Shop) -> None:
    for state in DocumentState:
        a_document(shop, state=state, store=shop.stores[0])
    page = shop.client().get(reverse("documents")).content.decode()
    assert 'value="49"' in page or 'value="50"' in page
    assert 'hx-trigger="every 2s"' in page
    assert "Row 7:" in page and "not an amount" in page


def test_the_original_is_given_back_byte_for_byte(shop: Shop) -> None:
    content = b"<script>alert(1)</script>" + uuid.uuid4().bytes
    _send(shop.client(), "bank", _file(content, "statement ü.html"))
    with acting_for(shop.merchant_id):
        document = SourceDocument.objects.get()
    response = shop.client().get(reverse("original", args=[document.id]))
    assert b"".join(response.streaming_content) == content  # type: ignore[arg-type]
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("attachment;")


def test_a_document_is_withdrawn_after_a_question(shop: Shop) -> None:
    document = a_document(shop, state=DocumentState.LOADED, store=shop.stores[0])
    client = shop.client()
    question = client.get(reverse("withdraw", args=[document.id])).content.decode()
    assert "Everything booked from it is reversed" in question
    with acting_for(shop.merchant_id):
        document.refresh_from_db()
        assert document.state == DocumentState.LOADED
    page = client.post(reverse("withdraw", args=[document.id]), follow=True).content.decode()
    assert "loaded file.csv was withdrawn" in page
    again = client.post(reverse("withdraw", args=[document.id]), follow=True).content.decode()
    assert "cannot be withdrawn now" in again
    with acting_for(shop.merchant_id):
        document.refresh_from_db()
        assert document.state == DocumentState.WITHDRAWN


def test_what_a_file_says_is_shown_before_it_is_loaded(shop: Shop) -> None:
    _send(shop.client(), "bank", _file(b"neither fish\nnor flesh\n", "what.txt"))
    with acting_for(shop.merchant_id):
        document = SourceDocument.objects.get()
    said = shop.client().get(reverse("document_summary", args=[document.id])).content.decode()
    assert "this is no format the hub knows" in said
    page = shop.client().get(reverse("document", args=[document.id])).content.decode()
    assert "neither fish" in page
