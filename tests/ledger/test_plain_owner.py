"""The owner of the schema need not be a superuser: FORCE binds it, its guards work all the same."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

pytestmark = pytest.mark.usefixtures("database")

STORY = """
import django; django.setup()
import pytest
from django.db import connections
from ledger import holds
from ledger.balances import Funds, balance, funds
from ledger.book import credit, debit, post, reverse
from ledger.checks import prove
from ledger.errors import InsufficientFundsError
from ledger.seals import seal, waiting
from tests.ledger.build import *

for using, role in [("owner", "plain_owner"), ("default", "tributary_app")]:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (role, False)

book = a_book()
with in_book(book):
    post(book=book, draft=a_draft(debit(CASH, 9, "CNY"), credit(WALLET, 9, "CNY")), now=NOW)
    with pytest.raises(InsufficientFundsError):
        post(book=book, draft=a_draft(debit(WALLET, 10, "CNY"), credit(CASH, 10, "CNY")), now=NOW)
    post(book=book, draft=a_draft(reference="fact"), now=NOW)
    reverse(book=book, reference="fact", reason="", now=NOW, booked_on=TODAY)
    assert balance(book=book, code=WALLET) == 9
    hold(book, 5, reference="posted")
    hold(book, 4, reference="released")
    with pytest.raises(InsufficientFundsError):
        hold(book, 1)
    holds.post(book=book, reference="posted", draft=spending(5), now=NOW)
    holds.release(book=book, reference="released", reason="", now=NOW)
    hold(book, 3, reference="part", expires_at=NOW)
    holds.post(book=book, reference="part", draft=spending(1), now=NOW, part=True)
    assert holds.expire(book=book, now=NOW) == 1
    post(book=book, draft=a_draft(debit(CASH, 1, "CNY"), credit(WALLET, 1, "CNY")), now=NOW)
    assert funds(book=book, code=WALLET) == Funds(balance=4, held=0)
assert waiting("ops") == [book]
assert seal(book=book, now=NOW) > 0
assert waiting("ops") == []
assert broken("ops", None) == {}
assert broken("owner", None) == {}
print("told")
"""


def test_a_plain_owner_migrates_and_its_guards_see_every_book() -> None:
    name = f"plain_{uuid.uuid4().hex[:12]}"
    superuser = os.environ["DATABASE_OWNER_URL"]
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain_owner")
        connection.execute("CREATE ROLE plain_owner LOGIN NOSUPERUSER PASSWORD 'plain'")
        database = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER plain_owner").format(database))
        try:
            environment = environment_of(name)
            run("manage.py", "migrate", "ledger", "--database=owner", env=environment)
            assert run("-c", STORY, env=environment).strip() == "told"
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
            connection.execute("DROP ROLE plain_owner")


def environment_of(database: str, *, plain: bool = True) -> dict[str, str]:
    """Today's addresses with another database, and if plain an owner who is nobody special."""
    addresses = {
        name: urlunsplit(urlsplit(os.environ[name])._replace(path=f"/{database}"))
        for name in ("DATABASE_URL", "DATABASE_OPS_URL", "DATABASE_OWNER_URL")
        if name in os.environ
    }
    owner = urlsplit(addresses["DATABASE_OWNER_URL"])
    where = owner.netloc.rpartition("@")[2]
    if plain:
        addresses["DATABASE_OWNER_URL"] = urlunsplit(
            owner._replace(netloc=f"plain_owner:plain@{where}")
        )
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    return {**os.environ, **addresses, **settings}


def run(*arguments: str, env: dict[str, str]) -> str:
    """What the program prints; fails with what it complains about."""
    root = Path(__file__).resolve().parent.parent.parent
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
