"""The ledger at work, as a client of bench/clients.py.

`python -m bench.ledger_peer MONTHS ACCOUNTS BOOK…` makes the partitions of so many months, opens
so many accounts in each book, and serves.
"""

import sys
from datetime import UTC, datetime
from uuid import UUID

import django

from bench.clients import serve


def main(months: int, accounts: int, books: list[UUID]) -> None:
    """Serve until the input ends."""
    from bench.ledger_work import Ours, codes, open_books
    from ledger import partitions

    partitions.ensure(datetime.now(UTC), months=months)
    open_books(books, accounts)
    ours = Ours(books, codes(accounts))
    serve(
        {
            "single": ours.single,
            "bulk": ours.bulk,
            "balance": ours.balance,
            "statement": ours.statement,
        }
    )


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]), int(sys.argv[2]), [UUID(book) for book in sys.argv[3:]])
