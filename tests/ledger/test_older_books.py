"""Books of a version in which a hold named its entry, brought along by the migrations."""

from __future__ import annotations

import pytest

from ledger.book import Draft, credit, debit
from tests.ledger.build import CASH, NOW, SPECS, TODAY, WALLET
from tests.ledger.older import LEDGER, migrate, old_book, older_database
from tests.ledger.test_plain_owner import run

pytestmark = pytest.mark.usefixtures("database")


def draft(reference: str, amount: int) -> Draft:
    """What fills the wallet, or with a negative amount takes from it."""
    sides = (debit, credit) if amount > 0 else (credit, debit)
    movements = tuple(
        side(code, abs(amount), "CNY") for side, code in zip(sides, (CASH, WALLET), strict=True)
    )
    return Draft(
        reference=reference, kind="test", movements=movements, event_at=NOW, booked_on=TODAY
    )


AFTERWARDS = """
import django; django.setup()
from uuid import UUID
import pytest
from tests.ledger.test_older_books import *
from tests.ledger.build import in_book, broken, spending
from ledger import holds
from ledger.balances import Funds, funds
from ledger.errors import DuplicateReferenceError, HoldSettledError
from ledger.models import Hold, JournalEntry

book = UUID("{book}")
assert broken("ops", None) == {{}}
assert broken("owner", None) == {{}}
with in_book(book) as cursor:
    rows = Hold.objects.order_by("reference").values_list("reference", "state", "taken")
    assert list(rows) == [
        ("live", "held", 0), ("posted", "posted", 30), ("released", "released", 0)
    ]
    old = JournalEntry.objects.get(reference="paid")
    assert old.hold_id is None
    cursor.execute("SELECT kind, sum(cardinality(ids)) FROM ledger_arrival GROUP BY 1 ORDER BY 1")
    assert cursor.fetchall() == [("account", 2), ("entry", 2), ("hold", 3), ("settlement", 2)]
    # The same draft again is the old entry, though it does not name the hold.
    assert holds.post(book=book, reference="posted", draft=draft("paid", -30), now=NOW) == old.id
    with pytest.raises(HoldSettledError, match="posted by paid"):
        holds.post(book=book, reference="posted", draft=draft("other", -30), now=NOW)
    with pytest.raises(DuplicateReferenceError):
        holds.post(book=book, reference="live", draft=draft("paid", -30), now=NOW)
    with pytest.raises(HoldSettledError, match="posted by paid"):
        holds.release(book=book, reference="posted", reason="", now=NOW)
    assert funds(book=book, code=WALLET) == Funds(balance=70, held=20)
    holds.post(book=book, reference="live", draft=draft("new", -20), now=NOW)
    assert funds(book=book, code=WALLET) == Funds(balance=50, held=0)
assert broken("ops", None) == {{}}
print("told")
"""


def test_holds_of_older_books_are_what_they_were() -> None:
    with older_database(LEDGER) as environment:
        with old_book(environment) as old:
            old.open(*(spec for spec in SPECS if spec.code in (CASH, WALLET)))
            old.post(draft("filled", 100))
            old.settle(old.place("posted", 30), "posted", draft("paid", -30))
            old.settle(old.place("released", 15), "released")
            old.place("live", 20)
        migrate(environment, "ledger")
        assert run("-c", AFTERWARDS.format(book=old.book), env=environment).strip() == "told"
