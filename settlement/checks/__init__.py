"""Every promise of the business proved anew from its rows, against the books and the catalogue.

The ledger proves that its books are sound; here they are proved to be the right ones: every balance
is computed a second time, from documents, payouts, statements and matches. As in `ledger.checks`
each invariant is one set-based query that returns a line of text per violation and so sees one
moment of the database. It holds at every commit, also while work is still to be done.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connections
from moneyed import CURRENCIES

from ledger.checks import EXAMPLES, Finding
from ledger.errors import BookNotOpenError
from settlement.catalogue import CATALOGUE
from settlement.checks.books import BALANCES
from settlement.checks.outgoing import MONEY_OUT
from settlement.checks.rows import ROWS

UNITS = {
    "codes": list(CURRENCIES),
    "units": [currency.sub_unit for currency in CURRENCIES.values()],
}


def prove(using: str, merchant: UUID | None = None) -> list[Finding]:
    """Prove every invariant, of one merchant or of all; one finding each, most with 0 violations.

    `using` is a connection of the operator's role or the owner; the application's can prove only
    the merchant its transaction acts for. Raises BookNotOpenError otherwise.
    """
    _refuse_to_look_through_a_keyhole(using, merchant)
    given = {"merchant": merchant, **UNITS}
    return [
        _find(using, invariant, sql, given)
        for invariant, sql in (BALANCES | ROWS | MONEY_OUT | CATALOGUE).items()
    ]


def _find(using: str, invariant: str, sql: str, given: dict[str, Any]) -> Finding:
    wrapped = f"SELECT count(*), (array_agg(place))[1:{EXAMPLES}] FROM ({sql}) AS found (place)"
    with connections[using].cursor() as cursor:
        cursor.execute(wrapped, given)
        [(violations, examples)] = cursor.fetchall()
    return Finding(invariant=invariant, violations=violations, examples=tuple(examples or ()))


def _refuse_to_look_through_a_keyhole(using: str, merchant: UUID | None) -> None:
    """Where row-level security hides merchants, all would seem well."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_has_role('tributary_ops', 'USAGE'), tributary_tenant()")
        [(sees_all, acting)] = cursor.fetchall()
    if not sees_all and (merchant is None or merchant != acting):
        raise BookNotOpenError(f"the connection {using} sees only {acting or 'no merchant'}")
