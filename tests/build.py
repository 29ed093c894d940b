"""Plain functions that build what a test needs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction

from accounts.models import Merchant, User
from accounts.onboarding import register_merchant


def a_user(**fields: object) -> User:
    """A user with an address of its own."""
    return User.objects.create_user(f"{uuid.uuid4().hex}@example.com", "a long password", **fields)


def a_merchant(name: str = "a merchant") -> Merchant:
    """A merchant with one owner."""
    return register_merchant(name=name, owner=a_user())


@contextmanager
def in_book(book: uuid.UUID) -> Iterator[None]:
    """One transaction that sees this ledger book only."""
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [str(book)])
        yield
