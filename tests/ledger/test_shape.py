"""Django's picture of the tables is the tables; the ledger knows nothing of its users."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections

import ledger

FLOOR = Path(ledger.__file__).parent


@pytest.mark.usefixtures("database")
def test_models_and_tables_have_the_same_columns() -> None:
    with connections["owner"].cursor() as cursor:
        for model in apps.get_app_config("ledger").get_models():
            cursor.execute(
                "SELECT column_name, is_nullable = 'YES' FROM information_schema.columns"
                " WHERE table_name = %s",
                [model._meta.db_table],
            )
            fields = {f.column: f.null for f in model._meta.local_fields if f.column}
            assert dict(cursor.fetchall()) == fields, model


@pytest.mark.usefixtures("database")
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "ledger", check=True, dry_run=True, verbosity=0)


def test_the_ledger_does_not_know_what_its_accounts_are_for() -> None:
    foreign = re.compile(
        r"\b(stores?|platforms?|fees?|merchants?|payouts?|shops?)\b", re.IGNORECASE
    )
    for path in FLOOR.rglob("*.py"):
        assert foreign.findall(path.read_text()) == [], path


def test_files_are_short_enough_to_read() -> None:
    for path in [*FLOOR.rglob("*.py"), *Path(__file__).parent.glob("*.py")]:
        assert len(path.read_text().splitlines()) <= 400, path
