"""What a load balancer and an operator are told."""

import pytest
from django.db import connections
from django.test import Client
from pytest_django.fixtures import Settings

from config import health


@pytest.fixture(autouse=True)
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test looks at the migrations afresh."""
    health._complete.clear()


def test_alive_asks_nobody(settings: Settings) -> None:
    settings.BROKER_URL = "redis+socket:///nowhere.sock"
    response = Client().get("/healthz")  # without access to a database
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.usefixtures("database")
def test_ready() -> None:
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert "no-store" in response["Cache-Control"]
    assert Client().post("/readyz").status_code == 405


@pytest.mark.usefixtures("database")
def test_a_missing_migration_and_a_missing_broker_are_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BROKER_URL = "redis+socket:///nowhere.sock"
    monkeypatch.setattr(
        "config.health.MigrationExecutor.migration_plan",
        lambda *args: [("settlement", "0099_next")],
    )
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["reasons"] == {
        "database": "1 migrations are not applied",
        "broker": "no answer (OperationalError)",
    }


@pytest.mark.usefixtures("database")
def test_a_database_that_is_away_is_named_without_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = connections["default"]
    connection.close()
    monkeypatch.setitem(
        connection.settings_dict, "OPTIONS", {"host": "/nowhere", "user": "somebody"}
    )
    response = Client().get("/readyz")
    connection.close()
    assert response.status_code == 503
    assert response.json()["reasons"] == {"database": "no answer (OperationalError)"}
