"""Reopen days of a book."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from ledger.errors import LedgerError
from ledger.models import LedgerAccount
from ledger.periods import reopen
from ledger.reading import open_book


class Command(BaseCommand):
    help = "Reopens the days of a book after a day, or all of them; it takes two persons."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("book", type=UUID)
        left = parser.add_mutually_exclusive_group(required=True)
        left.add_argument(
            "--through",
            type=date.fromisoformat,
            help="the last day that stays closed, YYYY-MM-DD",
        )
        left.add_argument("--all", action="store_true", help="no day stays closed")
        parser.add_argument("--by", required=True, help="who asks for it")
        parser.add_argument("--approved-by", required=True, help="who else agrees")
        parser.add_argument("--reason", required=True, help="why, in a few words")

    def handle(self, *args: object, **options: Any) -> None:
        book, through = options["book"], options["through"]
        try:
            with transaction.atomic():
                open_book(book)
                if not LedgerAccount.objects.filter(book=book).exists():
                    raise CommandError(f"There is no book {book}.")
                number = reopen(
                    book=book,
                    through=through,
                    by=options["by"],
                    approved_by=options["approved_by"],
                    reason=options["reason"],
                    now=timezone.now(),
                )
        except LedgerError as error:
            raise CommandError(f"The book was not reopened. {error}") from error
        if through is None:
            self.stdout.write(f"Every day of book {book} is open (closing {number}).")
            return
        self.stdout.write(
            f"Book {book} stays closed through {through} (closing {number}).\n"
            f"The first open day is {through + timedelta(days=1)}."
        )
