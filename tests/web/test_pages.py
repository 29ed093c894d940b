"""Every page opens, in both languages, and is sound HTML without inline script or style."""

from __future__ import annotations

from collections import Counter

import pytest
from django.contrib.staticfiles import finders
from django.template import loader
from django.test import Client
from django.urls import reverse

from accounts import vault
from accounts.access import acting_for
from accounts.models import Role
from accounts.onboarding import NUMBER, register_merchant
from settlement.models import BankStatement
from tests.build import a_user
from tests.web.pages import BYTES, NAMES, POSTED, REDIRECTS, address, read
from tests.web.shop import Shop, a_shop, an_empty_shop

pytestmark = pytest.mark.usefixtures("database")

FRAGMENTS = {"work", "document_summary"}
PAGES = [name for name in NAMES if name not in POSTED | REDIRECTS | FRAGMENTS | BYTES]
LANGUAGES = {"en": "en", "zh-hans": "zh-Hans"}


@pytest.fixture(scope="module")
def shop(migrated: None, django_db_blocker: pytest.FixtureRequest) -> Shop:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return a_shop()


def _sound(html: str, language: str) -> None:
    page = read(html)
    assert page.language == LANGUAGES[language]
    assert page.inline == []
    assert page.unclosed == []
    assert page.nameless == []
    assert page.headings == 1
    assert [id for id, times in Counter(page.ids).items() if times > 1] == []
    assert [path for path in page.assets if not finders.find(path.removeprefix("/static/"))] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_member_sees_every_page(name: str, language: str, shop: Shop) -> None:
    response = shop.client(language=language).get(address(name, shop))
    assert response.status_code == 200
    _sound(response.content.decode(), language)
    assert "no-store" in response["Cache-Control"]
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("name", [*sorted(FRAGMENTS), *sorted(BYTES)])
def test_a_member_sees_every_fragment_and_file(name: str, shop: Shop) -> None:
    assert shop.client().get(address(name, shop)).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", ["short", "over", "missing", "late", "returned", "restated"])
def test_a_payout_in_any_state_has_a_page(state: str, language: str, shop: Shop) -> None:
    page = shop.client(language=language).get(reverse("payout", args=[shop.payouts[state].id]))
    assert page.status_code == 200
    _sound(page.content.decode(), language)


@pytest.mark.parametrize("state", ["stored", "reading", "refused", "withdrawn", "bank"])
def test_a_document_in_any_state_has_a_page(state: str, shop: Shop) -> None:
    page = shop.client().get(reverse("document", args=[shop.documents[state].id]))
    assert page.status_code == 200
    _sound(page.content.decode(), "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/signup/",
        "/accounts/password/reset/key/1-2/",
        "/nothing/here/",
    ],
)
def test_a_visitor_sees_the_pages_around_signing_in(path: str, language: str) -> None:
    response = Client(headers={"accept-language": language}).get(path)
    assert response.status_code == (404 if "nothing" in path else 200)
    _sound(response.content.decode(), language)


@pytest.mark.parametrize("path", ["/accounts/logout/", "/accounts/password/change/"])
def test_a_member_sees_the_pages_of_its_own_account(path: str, shop: Shop) -> None:
    response = shop.client().get(path)
    assert response.status_code == 200
    _sound(response.content.decode(), "en")


def test_the_page_for_our_own_faults_needs_nothing() -> None:
    html = loader.get_template("500.html").render()
    _sound(html, "en")
    assert "出错" in html


def test_the_language_is_switched_by_a_form(shop: Shop) -> None:
    client = shop.client()
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/payouts/"})
    page = read(client.get("/payouts/").content.decode())
    assert page.language == "zh-Hans"
    assert "打款" in page.text


@pytest.mark.parametrize(
    "query", ["?store=x&since=never&page=999", "?state=late&q=PAYOUT", "?page=0"]
)
@pytest.mark.parametrize(
    "name",
    ["stores", "payouts", "bank_lines", "withdrawals", "documents", "exceptions", "overview"],
)
def test_no_filter_breaks_a_page(name: str, query: str, shop: Shop) -> None:
    assert shop.client().get(reverse(name) + query).status_code == 200


def test_payouts_are_found_by_what_the_filter_says(shop: Shop) -> None:
    client, store = shop.client(), shop.stores[0]
    both = f"?state=late&store={store.id}&currency=CNY&platform=wechatpay&since=2020-01-01"
    page = read(client.get(reverse("payouts") + both).content.decode())
    assert reverse("payout", args=[shop.payouts["late"].id]) in page.links
    assert reverse("payout", args=[shop.payouts["missing"].id]) not in page.links
    nothing = read(client.get(reverse("payouts") + "?until=2020-01-01").content.decode())
    assert "No payout fits" in nothing.text


def test_bank_lines_are_told_apart_by_whether_they_are_payouts(shop: Shop) -> None:
    client = shop.client()
    matched, other = (reverse("bank_line", args=[line.id]) for line in shop.bank_lines[:2])
    yes = read(client.get(reverse("bank_lines") + "?matched=yes").content.decode()).links
    no = read(client.get(reverse("bank_lines") + "?matched=no").content.decode()).links
    assert matched in yes and other not in yes
    assert other in no and matched not in no


def test_every_exception_is_explained_with_a_way_out(shop: Shop) -> None:
    text = read(shop.client().get(reverse("exceptions")).content.decode()).text
    for sentence in (
        "due on 15 Nov 2026; the bank has not shown it",
        "the bank shows ¥12.00 CNY less",
        "the bank shows ¥12.00 CNY more",
        "several payouts and bank lines fit one another",
        "1 bank line of this amount",
        "its lines add up to ¥1,222.50 CNY",
        "uses words for its entries that are not known here",
        "but the one before ended on",
    ):
        assert sentence in text
    one = read(shop.client().get(reverse("exceptions") + "?reason=short").content.decode()).text
    assert "Less arrived than announced" in one
    assert "Missing at the bank" not in one


def test_a_payout_is_followed_from_gross_to_the_bank(shop: Shop) -> None:
    page = read(shop.client().get(address("payout", shop)).content.decode())
    for amount in ("+¥1,300.00", "−¥50.00", "−¥15.50", "¥1,234.50"):
        assert amount in page.text
    assert "arrived 2 days late" in page.text
    assert "The bank's text carries the payout's reference" in page.text
    assert reverse("bank_line", args=[shop.bank_lines[0].id]) in page.links
    assert reverse("source_row", args=[shop.documents["loaded"].id, 2]) in page.links
    assert reverse("payout", args=[shop.payouts["restated"].id]) in page.links


def test_a_figure_is_traced_to_its_source_row(shop: Shop) -> None:
    page = read(shop.client().get(address("source_row", shop)).content.decode())
    assert "row 3,sale,3.00" in page.text
    assert "row 2,sale,2.00" in page.text
    assert shop.documents["loaded"].sha256 in page.text
    assert "Refunds" in page.text
    beyond = reverse("source_row", args=[shop.documents["loaded"].id, 99_999])
    assert "no such row" in shop.client().get(beyond).content.decode()


def test_an_account_number_is_never_shown_whole(shop: Shop) -> None:
    number = vault.unseal(bytes(shop.bank_account.number_sealed), context=NUMBER)
    for name in ("overview", "bank_lines", "bank_line"):
        html = shop.client().get(address(name, shop)).content.decode()
        assert number not in html
        assert f"•••• {number[-4:]}" in html


def test_bank_and_books_that_differ_are_shown_as_such(shop: Shop) -> None:
    with acting_for(shop.merchant_id):
        assert BankStatement.objects.filter(closing=101).exists()
    text = read(shop.client().get(reverse("overview")).content.decode()).text
    assert "They differ by −¥101.00 CNY" in text


def test_a_new_merchant_is_told_what_to_do_next() -> None:
    shop = an_empty_shop()
    assert "No store yet" in shop.client().get("/").content.decode()
    shop = an_empty_shop(stores=1)
    page = shop.client().get("/").content.decode()
    assert "No document yet" in page
    for name in ("payouts", "bank_lines", "documents", "exceptions"):
        html = shop.client(language="zh-hans").get(reverse(name)).content.decode()
        _sound(html, "zh-hans")


def test_a_member_without_a_settlement_account_is_told_so() -> None:
    user = a_user()
    register_merchant(name="new", owner=user)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    for name in ("overview", "payouts", "bank_lines", "exceptions"):
        response = client.get(reverse(name))
        assert response.status_code == 200
        assert "No settlement account yet" in response.content.decode()
    assert client.get(reverse("documents")).status_code == 200
    assert client.get(reverse("profile")).status_code == 200


def test_the_work_banner_ends_by_telling_the_page(shop: Shop) -> None:
    busy = shop.client().get(reverse("work"))
    assert "pieces of work are under way" in busy.content.decode()
    assert "HX-Trigger" not in busy
    idle = an_empty_shop().client().get(reverse("work"))
    assert idle.content.decode().strip() == ""
    assert idle["HX-Trigger"] == "work-done"


def test_a_viewer_is_not_offered_what_it_may_not_do(shop: Shop) -> None:
    viewer = shop.a_member(Role.VIEWER)
    for name in ("overview", "documents", "document"):
        page = read(shop.client(user=viewer).get(address(name, shop)).content.decode())
        assert 'type="file"' not in page.text
        assert address("withdraw", shop) not in page.links
    assert (
        "upload"
        not in read(shop.client(user=viewer).get(reverse("documents")).content.decode()).ids
    )
