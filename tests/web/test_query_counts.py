"""Lists cost the same number of questions to the database, however long they are."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.web.shop import Shop, a_shop

pytestmark = pytest.mark.usefixtures("database")

MOST = {
    "overview": 31,
    "stores": 26,
    "payouts": 21,
    "bank_lines": 23,
    "exceptions": 28,
    "documents": 21,
    "withdraw_money": 28,
    "withdrawals": 22,
    "payees": 19,
}


@pytest.fixture(scope="module")
def shops(migrated: None, django_db_blocker: pytest.FixtureRequest) -> tuple[Shop, Shop]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return a_shop(stores=2), a_shop(stores=12)


def _questions(shop: Shop, name: str) -> list[str]:
    client = shop.client()
    client.get(reverse(name))
    with CaptureQueriesContext(connections["default"]) as seen:
        assert client.get(reverse(name)).status_code == 200
    return [query["sql"] for query in seen.captured_queries]


@pytest.mark.parametrize("name", MOST)
def test_twelve_stores_cost_as_much_as_two(name: str, shops: tuple[Shop, Shop]) -> None:
    few, many = (_questions(shop, name) for shop in shops)
    assert len(few) == len(many)
    assert len(many) <= MOST[name], "\n".join(many)
