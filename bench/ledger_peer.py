"""The ledger at work, as a client of bench/clients.py: `python -m bench.ledger_peer BOOK…`."""

import sys
from uuid import UUID

import django

from bench.clients import serve


def main(books: list[UUID]) -> None:
    """Serve until the input ends."""
    from bench.ledger_work import Ours

    ours = Ours(books)
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
    main([UUID(book) for book in sys.argv[1:]])
