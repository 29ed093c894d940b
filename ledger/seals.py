"""Seals what has arrived: hashes it, chains it to all before it, and folds it into balances.

Every new row waits as an arrival from its own transaction on. `seal` takes arrivals, not ranges of
ids, so that nothing is skipped in whatever order transactions commit. A seal's head covers all the
records of its book so far; `ledger/heads.py` brings heads out of the database's reach.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connection, connections, transaction

from ledger.drafts import check_instant
from ledger.errors import BookNotOpenError
from ledger.reading import open_book

MOST = 50_000
"""Records a transaction seals unless told otherwise; a second of work at most."""


def seal(*, book: UUID, now: datetime, most: int = MOST) -> int:
    """Seal what has arrived in the book and return how many records it was; 0: nothing waits.

    Takes whole arrivals until it has `most` records or more, waits for another sealer of the same
    book, and stamps the seals with `now`. Works in the caller's transaction, which acts for the
    book (else BookNotOpenError); outside of one it opens the book for itself and is done, durably,
    when it returns.
    """
    check_instant("now", now)
    alone = not connection.in_atomic_block
    with transaction.atomic(savepoint=False):
        if alone:
            open_book(book)
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_seal_arrivals(%s, %s, %s)", [book, now, most])
            [(sealed,)] = cursor.fetchall()
    if sealed is None:
        raise BookNotOpenError(f"the transaction does not act for {book}")
    return int(sealed)


def waiting(using: str) -> list[UUID]:
    """The books in which something has arrived and is not sealed yet, in the order of their ids.

    `using` is a connection that sees every book. Jumps from book to book in the index, so that many
    arrivals of one book cost no more than a few.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("""
            WITH RECURSIVE books AS (
                (SELECT book FROM ledger_arrival ORDER BY book LIMIT 1)
                UNION ALL
                SELECT (SELECT a.book FROM ledger_arrival a
                        WHERE a.book > b.book ORDER BY a.book LIMIT 1)
                FROM books b WHERE b.book IS NOT NULL
            )
            SELECT book FROM books WHERE book IS NOT NULL
        """)
        return [book for (book,) in cursor.fetchall()]
