"""The operator's applications at platforms: their secrets go in sealed and never come out."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import permissions
from accounts.models import PlatformApp
from settlement.money_in import consent
from tests.build import a_user

pytestmark = pytest.mark.usefixtures("database")
ADD = "/admin/accounts/platformapp/add/"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(
        a_user(is_staff=True, is_superuser=True),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def test_an_application_is_sealed_kept_and_never_shown(operator: Client) -> None:
    assert not consent.ways("etsy").consent
    given = {"code": "etsy", "app_key": "keystring-77", "app_secret": "quite-secret"}
    assert operator.post(ADD, given).status_code == 302
    app = PlatformApp.objects.get(code="etsy")
    assert permissions.app_secrets(app) == {"app_key": "keystring-77", "app_secret": "quite-secret"}
    assert b"quite-secret" not in bytes(app.secrets_sealed)
    page = operator.get("/admin/accounts/platformapp/etsy/change/")
    assert page.status_code == 200 and "quite-secret" not in page.content.decode()
    assert consent.ways("etsy").consent and "app_key" not in consent.ways("etsy").keys


def test_what_is_left_empty_stays_and_what_is_given_replaces(operator: Client) -> None:
    given = {"code": "lazada", "app_key": "k", "secret": "old"}
    assert operator.post(ADD, given).status_code == 302
    change = "/admin/accounts/platformapp/lazada/change/"
    assert operator.post(change, {"app_key": "", "secret": "new"}).status_code == 302
    kept = permissions.app_secrets(PlatformApp.objects.get(code="lazada"))
    assert kept == {"app_key": "k", "secret": "new"}


def test_an_application_without_one_of_its_secrets_is_refused(operator: Client) -> None:
    page = operator.post(ADD, {"code": "shopee", "app_id": "2001"})
    assert page.status_code == 200
    assert "This platform&#x27;s applications have one." in page.content.decode()
    assert not PlatformApp.objects.filter(code="shopee").exists()
