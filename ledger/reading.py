"""How every query makes sure that the book it reads is open.

Row-level security hides a book that is not open, so "nothing found" must never be taken for
"there is nothing". A query of ours therefore begins with the open book, in a row that is always
there, and joins everything else to the left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from ledger.errors import BookNotOpenError

OPEN_BOOK = "NULLIF(current_setting('tributary.tenant', true), '')::uuid"
ALWAYS = "(VALUES (1)) AS always"


def open_book(book: UUID, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Open the book for the rest of the transaction."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [str(book)])


def rows_of_open_book(
    book: UUID,
    sql: str,
    parameters: Sequence[Any] | Mapping[str, Any],
    *,
    using: str = DEFAULT_DB_ALIAS,
) -> list[tuple[Any, ...]]:
    """Rows of a query that selects OPEN_BOOK, then a column never null, from ALWAYS LEFT JOIN ….

    The open book is taken off, as is the row of nulls that stands for "nothing found". Raises
    BookNotOpenError unless the transaction acts for the book.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    if not rows or rows[0][0] != book:
        open_now = rows[0][0] if rows else None
        raise BookNotOpenError(f"the transaction acts for {open_now or 'no book'}, not {book}")
    return [row[1:] for row in rows if row[1] is not None]
