"""Nobody sees what is not theirs: visitors, other merchants, members without the right role."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.access import acting_for
from accounts.models import Member, Role
from accounts.onboarding import open_settlement_account, register_merchant
from settlement.models import DocumentState, SourceDocument
from tests.build import a_user
from tests.web.pages import NAMES, OBJECTS, OF_ALL, POSTED, address
from tests.web.shop import Shop, a_shop, an_empty_shop
from web.dashboard.urls import urlpatterns

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def shops(migrated: None, django_db_blocker: pytest.FixtureRequest) -> tuple[Shop, Shop]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return a_shop(name="mine"), a_shop(name="theirs")


LINKING = ["link_stores", "confirm_stores", "add_store", "store_template"]
CHANGING = ["upload", "withdraw", "quote", "cancel_withdrawal"]
PERMITTING = ["store_keys", "store_consent", "store_unlink", "fetch_again", "consent_end"]


def _method(name: str) -> str:
    return "post" if name in POSTED else "get"


def test_every_view_is_known_to_these_tests() -> None:
    named = {pattern.name for pattern in urlpatterns if pattern.pattern.converters}
    assert named == {*OBJECTS, *OF_ALL}
    assert all(getattr(pattern.callback, "members_only", False) for pattern in urlpatterns)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", NAMES)
def test_a_visitor_is_sent_to_sign_in(name: str, method: str, shops: tuple[Shop, Shop]) -> None:
    response = getattr(Client(), method)(address(name, shops[0]))
    if response.status_code != 405:
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


def test_a_page_that_refreshes_itself_does_not_show_the_sign_in_form_inside(
    shops: tuple[Shop, Shop],
) -> None:
    response = Client().get(reverse("work"), headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Refresh"]) == (204, "true")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_another_merchants_objects_do_not_exist(
    name: str, method: str, shops: tuple[Shop, Shop]
) -> None:
    mine, theirs = shops
    response = getattr(mine.client(), method)(address(name, theirs))
    assert response.status_code in (404, 405)
    assert response.status_code == 404 or method != _method(name)


def _body(response: Any) -> str:
    return b"".join(response).decode(errors="replace")


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(OBJECTS)))
def test_no_list_names_another_merchants_objects(name: str, shops: tuple[Shop, Shop]) -> None:
    mine, theirs = shops
    html = _body(mine.client().get(address(name, mine)))
    assert not any(given.number in html for given in theirs.withdrawals.values())
    rows = (*theirs.payouts.values(), *theirs.documents.values(), *theirs.bank_lines)
    for other in (*rows, theirs.payee, theirs.quote, *theirs.withdrawals.values()):
        assert str(other.id) not in html
    assert not any(str(store.id) in html for store in theirs.stores)
    assert str(theirs.merchant_id) not in html


def test_a_user_of_no_merchant_is_told_so_and_an_operator_shown_the_way() -> None:
    user, operator = a_user(), a_user(is_staff=True)
    for person, way in ((user, False), (operator, True)):
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        for name in ("overview", "payouts", "documents"):
            response = client.get(reverse(name))
            assert response.status_code == 403
            assert "You act for no merchant" in response.content.decode()
            assert ('href="/admin/"' in response.content.decode()) is way


@pytest.mark.parametrize(
    "name", ["upload", "withdraw", "quote", "cancel_withdrawal", *LINKING, *PERMITTING]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_viewer_changes_nothing(name: str, method: str, shops: tuple[Shop, Shop]) -> None:
    mine, _theirs = shops
    client = mine.client(user=mine.a_member(Role.VIEWER))
    response = getattr(client, method)(address(name, mine))
    if response.status_code != 405:
        assert response.status_code == 403
        assert "Your role does not allow this" in response.content.decode()
    with acting_for(mine.merchant_id):
        assert SourceDocument.objects.get(id=mine.documents["loaded"].id).state == "loaded"


def test_finance_may_upload_and_withdraw(shops: tuple[Shop, Shop]) -> None:
    mine, _theirs = shops
    client = mine.client(user=mine.a_member(Role.FINANCE))
    assert client.get(address("withdraw", mine)).status_code == 200


def test_a_member_of_two_merchants_chooses_between_them() -> None:
    shop = an_empty_shop(name="the first")
    second = register_merchant(name="the second", owner=shop.owner)
    client = shop.client()
    page = client.get(reverse("profile")).content.decode()
    assert "the first" in page and "the second" in page
    assert client.post(reverse("act_for", args=[second.id])).status_code == 302
    assert "the second" in client.get(reverse("overview")).content.decode()
    assert client.post(reverse("act_for", args=[shop.merchant_id])).status_code == 302
    assert "the first" in client.get(reverse("overview")).content.decode()


def test_a_membership_that_ended_ends_the_choice() -> None:
    shop = an_empty_shop(name="the first")
    second = register_merchant(name="the second", owner=a_user())
    client = shop.client()
    session = client.session
    session["merchant_id"] = str(second.id)
    session.save()
    response = client.get(reverse("overview"))
    assert response.status_code == 403
    assert "the second" not in response.content.decode()
    with acting_for(second.id):
        assert not Member.objects.filter(user=shop.owner).exists()
    assert Session.objects.filter(session_key=session.session_key).exists()


def test_a_member_chooses_between_settlement_accounts() -> None:
    shop = an_empty_shop(stores=1)
    with acting_for(shop.merchant_id):
        other = open_settlement_account(shop.account.merchant, name="the other account")
    client = shop.client()
    client.post(reverse("look_at", args=[other.id]))
    assert "the other account" in client.get(reverse("overview")).content.decode()


def test_changing_by_a_link_is_impossible(shops: tuple[Shop, Shop]) -> None:
    mine, _theirs = shops
    for name in sorted(POSTED):
        assert mine.client().get(address(name, mine)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(mine.owner, backend="django.contrib.auth.backends.ModelBackend")
    response = strict.post(address("withdraw", mine))
    assert response.status_code == 403
    with acting_for(mine.merchant_id):
        state = SourceDocument.objects.get(id=mine.documents["loaded"].id).state
    assert state == DocumentState.LOADED
