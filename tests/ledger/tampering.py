"""What the proofs say when it is not so, and an owner who switches guards off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from ledger.book import credit, debit, post, reverse
from ledger.catalogue import TABLES
from tests.ledger.build import CASH, NOW, TODAY, WALLET, RolledBackError, a_book, a_draft, in_book

BALANCED = "every entry balances in every currency"
COUNTED = "every entry has the postings it states, numbered from 1"
ENTRY = "every posting has an entry of its book, and its times"
ACCOUNT = "every posting has an account of its book and currency"
AMOUNT = "every amount is positive and has a side"
HASH = "every entry is what it was when it was posted"
REFERENCE = "every reference names one entry"
CODE = "every code names one account"
MIRROR = "every reversal mirrors its original"
ONCE = "every entry is reversed at most once"
GUARDED = "every balance is the sum of its postings, those just arrived included"
DAILY = "every day's totals are the sums of its postings"
FUNDS = "no entry funds more than it brought"
LINKS = "every entry has the links it states"
CLOSINGS = "every closing follows the one before"
CLOSED = "every closed day is what it was when it was closed"
FLOOR = "no guarded account is below its floor"
HELD = "what is held is what live holds keep"
HOLD = "every hold is what it was when it was placed, on a guarded account"
TAKEN = "what is taken of a hold is what its entries took, each of them something"
TWO_HOLDS = "no entry posts two holds"
SETTLED = "every hold is posted when all is taken, settled at an instant, expired when it was due"
POSTED = "every posted hold was settled when one of its entries was known"
HOLD_REFERENCE = "every reference names one hold"
TRIGGERS = "every guard trigger is in place and always on"
CONSTRAINTS = "every constraint is in place"
ISOLATION = "every table keeps books apart, for its owner too"
APP = "the application can add and settle, never change"
OPS = "the operator can read, nothing else"
BODIES = "every guard does what it was written to do"
RIGHTS = "nobody can borrow the guards' rights"
NEXT_MONTH = "next month's postings have a partition"


@contextmanager
def tampering(*, guards: bool = True) -> Iterator[CursorWrapper]:
    """The owner at work, with the triggers off or on; nothing of it stays."""
    with (
        pytest.raises(RolledBackError),
        transaction.atomic(using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        for table in TABLES if not guards else []:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield cursor
        raise RolledBackError


@dataclass
class Books:
    """A book with a plain entry, one on the guarded wallet, and a reversed one."""

    book: UUID
    plain: UUID
    wallet: UUID
    undone: UUID
    reversal: UUID


def some_books() -> Books:
    book = a_book()
    undone = a_draft(reference="undone")
    with in_book(book):
        return Books(
            book=book,
            plain=post(book=book, draft=a_draft(reference="plain"), now=NOW),
            wallet=post(
                book=book,
                draft=a_draft(debit(CASH, 50, "CNY"), credit(WALLET, 50, "CNY")),
                now=NOW,
            ),
            undone=post(book=book, draft=undone, now=NOW),
            reversal=reverse(book=book, reference="undone", reason="", now=NOW, booked_on=TODAY),
        )
