"""The operator takes users, merchants and stores aboard; what must not change, cannot."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.access import acting_for, membership
from accounts.models import Member, Merchant, SettlementAccount, Store, StoreLink, User
from accounts.onboarding import (
    add_bank_account,
    add_payee,
    add_store,
    open_settlement_account,
)
from tests.build import a_merchant, a_user

pytestmark = pytest.mark.usefixtures("database")

PASSWORD = "correct horse 7 battery"
NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
NO_MEMBERS = {"members-TOTAL_FORMS": 0, "members-INITIAL_FORMS": 0}


@pytest.fixture(scope="module")
def operator(migrated: None, django_db_blocker: Any) -> Iterator[Client]:
    """A browser in which an operator with all rights is signed in."""
    with django_db_blocker.unblock():
        yield signed_in(a_user(is_staff=True, is_superuser=True))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(model: str, page: str, *ids: object) -> str:
    return reverse(f"admin:accounts_{model}_{page}", args=ids)


def saved(client: Client, url: str, **fields: Any) -> None:
    """Send a form that is accepted."""
    response = client.post(url, fields)
    errors = response.context and response.context.get("errors")
    assert response.status_code == 302, errors


def refused(client: Client, url: str, **fields: Any) -> str:
    """Send a form that comes back; what it says is wrong."""
    response = client.post(url, fields)
    assert response.status_code == 200
    return str(response.context["errors"])


def a_name() -> str:
    return f"name {uuid.uuid4().hex}"


# --- signing in ---------------------------------------------------------------------------


def test_an_operator_signs_in_by_email_and_lands_in_the_back_office() -> None:
    user = a_user(is_staff=True)
    client = Client()
    page = client.get("/admin/login/").content.decode()
    assert '<input type="hidden" name="next" value="/admin/" form="login-form">' in page
    given = {"username": user.email.upper(), "password": "a long password", "next": "/admin/"}
    answer = client.post("/admin/login/", given)
    assert (answer.status_code, answer["location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


def test_a_member_does_not_sign_in_there() -> None:
    user = a_user()
    given = {"username": user.email, "password": "a long password"}
    assert Client().post("/admin/login/", given).status_code == 200


# --- users --------------------------------------------------------------------------------


def test_a_user_is_made_with_a_password(operator: Client) -> None:
    email = f"{uuid.uuid4().hex}@Example.COM"
    saved(operator, address("user", "add"), email=email, name="New", password1=PASSWORD,
          password2=PASSWORD)  # fmt: skip
    user = User.objects.get(email=email.lower())
    assert user.check_password(PASSWORD)
    assert not user.is_staff
    again = refused(operator, address("user", "add"), email=email, password1=PASSWORD,
                    password2=PASSWORD)  # fmt: skip
    assert "already exists" in again
    weak = refused(operator, address("user", "add"), email="x@example.com", password1="short",
                   password2="short")  # fmt: skip
    assert "at least 10 characters" in weak


def test_a_password_is_set_anew(operator: Client) -> None:
    user = a_user()
    url = reverse("admin:auth_user_password_change", args=[user.pk])
    saved(operator, url, password1=PASSWORD, password2=PASSWORD, usable_password="true")
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_rights_are_given_by_who_has_all(operator: Client) -> None:
    user = a_user()
    right = Permission.objects.get(codename="view_payout")
    saved(operator, address("user", "change", user.pk), email=user.email, is_active="on",
          is_staff="on", user_permissions=[right.pk], **NO_MEMBERSHIPS)  # fmt: skip
    user = User.objects.get(pk=user.pk)
    assert user.is_staff
    assert user.get_all_permissions() == {"settlement.view_payout"}
    client = signed_in(user)
    assert client.get(reverse("admin:settlement_payout_changelist")).status_code == 200
    assert client.get(address("user", "changelist")).status_code == 403


def test_a_limited_operator_cannot_rise() -> None:
    limited, chief = a_user(is_staff=True), a_user(is_staff=True, is_superuser=True)
    limited.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
    client = signed_in(limited)
    own = {"email": limited.email, "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    saved(client, address("user", "change", limited.pk), **own, **NO_MEMBERSHIPS)
    assert not User.objects.get(pk=limited.pk).is_superuser
    for url in (
        address("user", "change", chief.pk),
        reverse("admin:auth_user_password_change", args=[chief.pk]),
    ):
        given = {"email": "x@example.com", "password1": PASSWORD, "password2": PASSWORD}
        assert client.post(url, given).status_code == 403
    chief.refresh_from_db()
    assert chief.check_password("a long password")


# --- merchants ----------------------------------------------------------------------------


def test_a_merchant_comes_aboard_with_its_owner(operator: Client) -> None:
    owner, name = a_user(), a_name()
    members = {
        "members-TOTAL_FORMS": 1,
        "members-INITIAL_FORMS": 0,
        "members-0-user": owner.pk,
        "members-0-role": "owner",
    }
    saved(operator, address("merchant", "add"), name=name, zone="Asia/Shanghai",
          segment="general", **members)  # fmt: skip
    member = membership(owner)
    assert (member.merchant.name, member.role) == (name, "owner")


def test_a_merchants_time_zone_exists(operator: Client) -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", "Asia"):
        said = refused(operator, address("merchant", "add"), name=a_name(), zone=zone,
                       segment="general", **NO_MEMBERS)  # fmt: skip
        assert "no time zone of this name" in said


def test_members_change_and_go(operator: Client) -> None:
    merchant = a_merchant(a_name())
    url = address("merchant", "change", merchant.pk)
    with acting_for(merchant.pk):
        first = Member.objects.get()
    form = {
        "name": merchant.name, "zone": "Asia/Tokyo", "segment": "e_commerce",
        "members-TOTAL_FORMS": 2, "members-INITIAL_FORMS": 1,
        "members-0-id": first.pk, "members-0-merchant": merchant.pk,
        "members-0-user": first.user_id, "members-0-role": "viewer",
        "members-1-merchant": merchant.pk, "members-1-user": first.user_id,
        "members-1-role": "owner",
    }  # fmt: skip
    form |= {f"{inline}-{kind}_FORMS": 0 for inline in ("settlement_accounts", "bank_accounts")
             for kind in ("TOTAL", "INITIAL")}  # fmt: skip
    assert "already exists" in refused(operator, url, **form)
    other = a_user()
    saved(operator, url, **form | {"members-1-user": other.pk})
    with acting_for(merchant.pk):
        assert set(Member.objects.values_list("user_id", "role")) == {
            (first.user_id, "viewer"), (other.pk, "owner"),
        }  # fmt: skip
        merchant = Merchant.objects.get()
    assert (merchant.zone, merchant.segment) == ("Asia/Tokyo", "e_commerce")
    gone = form | {"members-TOTAL_FORMS": 1, "members-0-DELETE": "on"}
    saved(operator, url, **gone)
    with acting_for(merchant.pk):
        assert Member.objects.get().user_id == other.pk


# --- accounts and stores ------------------------------------------------------------------


def test_a_settlement_account_is_opened_once_by_a_name(operator: Client) -> None:
    merchant, name = a_merchant(a_name()), a_name()
    saved(operator, address("settlementaccount", "add"), merchant=merchant.pk, name=name)
    said = refused(operator, address("settlementaccount", "add"), merchant=merchant.pk, name=name)
    assert "already exists" in said
    other = a_merchant(a_name())
    saved(operator, address("settlementaccount", "add"), merchant=other.pk, name=name)
    with acting_for(merchant.pk):
        account = SettlementAccount.objects.get()
        second = open_settlement_account(merchant, name="second")
    url = address("settlementaccount", "change", second.pk)
    assert "already exists" in refused(operator, url, name=name)
    saved(operator, address("settlementaccount", "change", account.pk), name="renamed",
          merchant=other.pk)  # fmt: skip
    with acting_for(merchant.pk):
        assert SettlementAccount.objects.filter(name="renamed").exists()


def test_a_store_comes_aboard_with_its_link(operator: Client) -> None:
    merchant = a_merchant(a_name())
    with acting_for(merchant.pk):
        account = open_settlement_account(merchant, name="main")
    url = address("store", "add")
    form = {"settlement_account": account.pk, "platform": "shopify", "name": "shop"}
    saved(operator, url, **form)
    assert "already exists" in refused(operator, url, **form)
    assert "not one of the available choices" in refused(operator, url, **form | {"platform": "x"})
    assert "not one of the available choices" in refused(
        operator, url, **form | {"platform": "camt"}
    )
    with acting_for(merchant.pk):
        store = Store.objects.get()
        assert StoreLink.objects.get().store_id == store.pk


def test_only_a_stores_name_changes(operator: Client) -> None:
    merchant = a_merchant(a_name())
    with acting_for(merchant.pk):
        account = open_settlement_account(merchant, name="main")
        other = open_settlement_account(merchant, name="other")
        store = add_store(account, platform="shopify", name="shop")
        add_store(account, platform="shopify", name="taken")
    url = address("store", "change", store.pk)
    links = {"links-TOTAL_FORMS": 0, "links-INITIAL_FORMS": 0}
    form = {"settlement_account": other.pk, "platform": "wechatpay", "name": "renamed"}
    saved(operator, url, **form, **links)
    with acting_for(merchant.pk):
        store.refresh_from_db()
    assert (store.name, store.platform, store.settlement_account_id) == (
        "renamed", "shopify", account.pk,
    )  # fmt: skip
    assert "already exists" in refused(operator, url, **form | {"name": "taken"}, **links)


def test_choices_are_offered_from_all_merchants(operator: Client) -> None:
    merchant = a_merchant(a_name())
    answer = operator.get(
        "/admin/autocomplete/",
        {"app_label": "accounts", "model_name": "settlementaccount", "field_name": "merchant",
         "term": merchant.name},
    )  # fmt: skip
    assert answer.json()["results"] == [{"id": str(merchant.pk), "text": merchant.name}]


@pytest.mark.parametrize("model", ["bankaccount", "storelink"])
def test_bank_accounts_and_links_are_only_looked_at(operator: Client, model: str) -> None:
    merchant = a_merchant(a_name())
    with acting_for(merchant.pk):
        account = open_settlement_account(merchant, name="main")
        rows = {
            "bankaccount": add_bank_account(
                account, bank="B", holder="H", number="6222021234567890", currency="CNY"
            ),
            "storelink": add_store(account, platform="shopify", name="shop").links.get(),
        }
    url = address(model, "change", rows[model].pk)
    assert "6222021234567890" not in operator.get(url).content.decode()
    assert operator.post(url, {"holder": "me"}).status_code == 403
    assert operator.get(address(model, "add")).status_code == 403


def test_a_payee_is_blocked_and_trusted_again_and_nothing_else(operator: Client) -> None:
    merchant = a_merchant(a_name())
    with acting_for(merchant.pk):
        payee = add_payee(
            merchant, holder="Wang", bank="B", number="6222021234567890", currency="CNY"
        )
    url = address("payee", "change", payee.pk)
    page = operator.get(url).content.decode()
    assert "•••• 7890" in page
    assert "6222021234567890" not in page
    for state in ("blocked", "trusted"):
        saved(operator, url, state=state, holder="me", number_tail="0000")
        with acting_for(merchant.pk):
            payee.refresh_from_db()
        assert (payee.state, payee.holder, payee.number_tail) == (state, "Wang", "7890")
    assert "not one of the available choices" in refused(operator, url, state="cooling")
    assert operator.get(address("payee", "add")).status_code == 403


@pytest.mark.parametrize(
    "model",
    ["user", "merchant", "settlementaccount", "store", "bankaccount", "storelink", "payee"],
)
def test_nothing_is_deleted(operator: Client, model: str) -> None:
    assert operator.post(address(model, "delete", uuid.uuid4()), {"post": "yes"}).status_code in (
        302,
        403,
    )


def test_what_this_product_does_not_use_is_not_offered(operator: Client) -> None:
    for page in ("auth/group", "account/emailaddress"):
        assert operator.get(f"/admin/{page}/").status_code == 404
