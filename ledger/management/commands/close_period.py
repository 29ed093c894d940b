"""Close a book through a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from ledger.errors import LedgerError
from ledger.models import LedgerAccount
from ledger.periods import close, late_entries
from ledger.reading import open_book


class Command(BaseCommand):
    help = "Closes a book through a day: nothing is booked on that day or earlier any more."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("book", type=UUID)
        parser.add_argument("through", type=date.fromisoformat, help="the last day, YYYY-MM-DD")
        parser.add_argument("--by", required=True, help="who closes it")
        parser.add_argument("--reason", default="", help="why, in a few words")

    def handle(self, *args: object, **options: Any) -> None:
        book, through = options["book"], options["through"]
        try:
            with transaction.atomic():
                open_book(book)
                if not LedgerAccount.objects.filter(book=book).exists():
                    raise CommandError(f"There is no book {book}.")
                late = len(late_entries(book=book, through=through))
                number = close(
                    book=book,
                    through=through,
                    by=options["by"],
                    reason=options["reason"],
                    now=timezone.now(),
                )
        except LedgerError as error:
            raise CommandError(f"The book was not closed. {error}") from error
        self.stdout.write(
            f"Book {book} is closed through {through} (closing {number}).\n"
            f"The first open day is {through + timedelta(days=1)}."
        )
        if late:
            self.stdout.write(f"Entries booked there after an earlier closing: {late}.")
