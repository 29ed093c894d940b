"""The store list and the pages that link stores."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import acting_for
from accounts.models import Role, SettlementAccount, Store
from accounts.onboarding import add_store, open_settlement_account
from settlement.models import DocumentState, SourceDocument
from settlement.money_in.linking import SheetRow
from tests.settlement.sheets import a_csv, an_xlsx, fifty
from tests.web.pages import read
from tests.web.shop import Shop, a_document, a_shop, an_empty_shop
from web.dashboard import carrying

pytestmark = pytest.mark.usefixtures("database")

SEALED = re.compile(r'name="rows" value="([^"]+)"')


@pytest.fixture
def shop() -> Shop:
    return an_empty_shop()


def look_over(client: Client, data: bytes, name: str = "stores.csv") -> str:
    """The page that shows what a spreadsheet would link."""
    file = SimpleUploadedFile(name, data)
    response = client.post(reverse("link_stores"), {"sheet": file})
    assert response.status_code == 200
    return response.content.decode()


def carried(html: str) -> str:
    """What the confirmation's hidden field holds."""
    found = SEALED.search(html)
    assert found is not None, "the page offers nothing to confirm"
    return found[1]


def confirm(client: Client, rows: str) -> str:
    """The page a confirmation leads to."""
    response = client.post(reverse("confirm_stores"), {"rows": rows}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def names(shop: Shop) -> list[str]:
    with acting_for(shop.merchant_id):
        return list(Store.objects.order_by("id").values_list("name", flat=True))


# --- linking ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.OWNER, Role.FINANCE])
def test_what_was_looked_over_is_linked_when_confirmed(role: Role, shop: Shop) -> None:
    client = shop.client(user=shop.a_member(role))
    html = look_over(client, an_xlsx(fifty()), "stores.xlsx")
    assert names(shop) == []
    page = confirm(client, carried(html))
    assert "50 stores are linked." in page
    assert "Never any file: upload its first statement" in page
    assert names(shop) == [name for _p, name, _n, _a in fifty()]


def test_a_second_click_is_told_that_all_is_done(shop: Shop) -> None:
    client = shop.client()
    rows = carried(look_over(client, a_csv(fifty())))
    confirm(client, rows)
    assert "50 were linked already." in confirm(client, rows)
    assert len(names(shop)) == 50
    again = look_over(client, a_csv(fifty()))
    assert "there is nothing to do" in again
    assert SEALED.search(again) is None


def test_as_many_rows_as_a_sheet_may_have_fit_through_the_form(shop: Shop) -> None:
    """Each as long as a valid row can be, and none like another."""
    rows = [["Shopify", f"{n:04d}" + "店" * 100, f"{n * 7919:064d}", "main"] for n in range(2000)]
    html = look_over(shop.client(), a_csv(rows))
    assert "1,700 more rows are not shown here." in html
    assert "2000 stores are linked." in confirm(shop.client(), carried(html))
    assert len(names(shop)) == 2000


def test_an_error_stands_beside_its_row_and_nothing_can_be_confirmed(shop: Shop) -> None:
    rows = [["Shopify", "good", "", ""], ["<b>Neverland", "bad", "", ""], ["Shopify", "", "7", ""]]
    html = look_over(shop.client(), a_csv(rows))
    assert "<strong>2 rows have errors.</strong>" in html
    assert "No platform is called “&lt;b&gt;Neverland”." in html
    assert "Write it as on the template&#x27;s second sheet." in html
    assert SEALED.search(html) is None
    text = " ".join(read(html).text.split())
    assert text.index("3 bad") < text.index("4 —") < text.index("2 good")  # errors first


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The submitted file is empty"),
        (b"a,b\r\n1,2\r\n", "none headed"),
        (b"PK\1", "workbook"),
    ],
)
def test_a_file_that_is_no_list_says_so_at_the_form(data: bytes, words: str, shop: Shop) -> None:
    html = look_over(shop.client(), data)
    assert words in html
    assert "preview" not in read(html).ids


def test_columns_without_use_are_named(shop: Shop) -> None:
    heading = ("Platform", "Store name", "Remark")
    html = look_over(shop.client(), a_csv([["Shopify", "a", "x"]], heading=heading))
    assert "Not used: Remark." in html


def _rows(*names: str) -> list[SheetRow]:
    return [SheetRow(row=n, platform="Shopify", name=each) for n, each in enumerate(names, 2)]


def test_only_what_was_shown_to_this_user_for_this_account_is_linked(shop: Shop) -> None:
    with acting_for(shop.merchant_id):
        other = open_settlement_account(shop.account.merchant, name="other")
    colleague, stranger = shop.a_member(Role.FINANCE), an_empty_shop()

    def sealed_for(account: SettlementAccount, user: object) -> str:
        return carrying.sealed(_rows("a"), account=account, user=user)  # type: ignore[arg-type]

    good = sealed_for(shop.account, shop.owner)
    for rows in (
        "",
        "no seal",
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        sealed_for(shop.account, colleague),
        sealed_for(other, shop.owner),
        sealed_for(stranger.account, shop.owner),
    ):
        assert "This preview is no longer valid" in confirm(shop.client(), rows)
    assert names(shop) == names(stranger) == []
    assert "1 store is linked." in confirm(shop.client(), good)


def test_a_preview_is_kept_for_two_hours(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    good = carrying.sealed(_rows("a"), account=shop.account, user=shop.owner)
    monkeypatch.setattr(carrying, "KEPT", timedelta(seconds=-1))
    assert "This preview is no longer valid" in confirm(shop.client(), good)
    assert names(shop) == []


def test_what_changed_since_the_preview_is_shown_instead_of_linked(shop: Shop) -> None:
    client = shop.client()
    rows = carried(look_over(client, a_csv([["Shopify", "a", "1", ""], ["Shopify", "b", "2", ""]])))
    with acting_for(shop.merchant_id):
        add_store(shop.account, platform="shopify", name="renamed", external_id="2")
    page = confirm(client, rows)
    assert "Something has changed meanwhile; nothing was linked." in page
    assert "This shop number belongs to “renamed”" in page
    assert names(shop) == ["renamed"]


def test_a_single_store_is_linked_by_a_form(shop: Shop) -> None:
    client = shop.client()
    given = {"platform": "wechatpay", "name": " 云溪 ", "number": "0042"}
    page = client.post(reverse("add_store"), given, follow=True).content.decode()
    assert "1 store is linked." in page
    with acting_for(shop.merchant_id):
        store = Store.objects.get()
    assert (store.name, store.platform, store.external_id) == ("云溪", "wechatpay", "0042")
    assert store.settlement_account_id == shop.account.id
    for changed, words in (
        ({}, "This store is linked already."),
        ({"name": "other"}, "This shop number belongs to “云溪”"),
        ({"number": "1"}, "is linked to main already"),
        ({"platform": "neverland"}, "Select a valid choice"),
        ({"name": "a\u202eb", "number": ""}, "nobody can see (U+202E)"),
        ({"name": ""}, "This field is required"),
    ):
        page = client.post(reverse("add_store"), {**given, **changed}).content.decode()
        assert words in page
    assert names(shop) == ["云溪"]


# --- the list -----------------------------------------------------------------------------


def the_list(shop: Shop, query: str = "", language: str = "en") -> str:
    return shop.client(language=language).get(reverse("stores") + query).content.decode()


def test_a_new_merchant_is_led_to_linking_and_a_viewer_to_who_may(shop: Shop) -> None:
    page = read(the_list(shop))
    assert "No store yet" in page.text
    assert reverse("link_stores") in page.links
    viewer = shop.client(user=shop.a_member(Role.VIEWER)).get(reverse("stores"))
    page = read(viewer.content.decode())
    assert reverse("link_stores") not in page.links
    assert "An owner or a finance member of your merchant can link them." in page.text


def test_a_viewer_sees_the_list_and_is_offered_nothing_to_do() -> None:
    shop = an_empty_shop(stores=2)
    viewer = shop.client(user=shop.a_member(Role.VIEWER)).get(reverse("stores"))
    page = read(viewer.content.decode())
    assert "store 2" in page.text
    assert reverse("link_stores") not in page.links
    assert not any("belongs_to" in link for link in page.links)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Act now", "1 payout missing", "1 payout late", "2 payouts short or over")),
        ("zh-hans", ("需要处理", "1 笔打款未到账", "1 笔打款逾期", "2 笔打款金额不符")),
    ],
)
def test_a_store_in_trouble_says_why_and_leads_there(language: str, words: tuple[str, ...]) -> None:
    shop = a_shop(stores=1)
    html = the_list(shop, language=language)
    for word in words:
        assert word in html
    links = read(html).links
    assert f"{reverse('payouts')}?store={shop.stores[0].id}&state=missing" in links
    loaded = SourceDocument.objects
    with acting_for(shop.merchant_id):
        newest = loaded.filter(store=shop.stores[0], state="loaded").latest("known_at")
    assert reverse("document", args=[newest.id]) in links


def test_the_quiet_store_says_for_how_long() -> None:
    shop = an_empty_shop(stores=1)
    document = a_document(shop, state=DocumentState.LOADED, store=shop.stores[0])
    with acting_for(shop.merchant_id):
        SourceDocument.objects.filter(id=document.id).update(
            known_at=timezone.now() - timedelta(days=9)
        )
    assert "No file for 9 days" in the_list(shop)


def test_uploading_for_a_store_begins_with_that_store_chosen() -> None:
    shop = an_empty_shop(stores=2)
    store = shop.stores[1]
    address = f"{reverse('documents')}?belongs_to={store.id}"
    assert f"{address}#upload" in read(the_list(shop)).links
    html = shop.client().get(address).content.decode()
    assert f'<option value="{store.id}" selected>' in html
    assert shop.client().get(f"{reverse('documents')}?belongs_to=x").status_code == 200


def test_stores_are_found_by_platform_health_and_text() -> None:
    shop = an_empty_shop(stores=4)
    a_document(shop, state=DocumentState.LOADED, store=shop.stores[0])
    with acting_for(shop.merchant_id):
        Store.objects.filter(id=shop.stores[3].id).update(external_id="XY-77")
    for query, found in (
        ("?platform=shopify", {"store 2", "store 4"}),
        ("?health=good", {"store 1"}),
        ("?health=new&platform=wechatpay", {"store 3"}),
        ("?q=STORE+3", {"store 3"}),
        ("?q=xy-7", {"store 4"}),
        ("?platform=x&health=y", {"store 1", "store 2", "store 3", "store 4"}),
    ):
        html = the_list(shop, query)
        assert set(re.findall(r'store-name"><a [^>]*>([^<]*)<', html)) == found, query
    assert "No store fits" in the_list(shop, "?q=nothing")


def test_two_hundred_stores_stand_on_pages() -> None:
    shop = an_empty_shop(stores=201)
    html = the_list(shop)
    assert html.count('class="whole store-name"') == 50
    assert "Page 1 of 5" in html and "201 stores" in html
    assert the_list(shop, "?page=5").count('class="whole store-name"') == 1
