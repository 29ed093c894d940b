"""Prove every invariant of the ledger and of the business; exit 1 if one is broken.

The ledger has a command of the same name for itself. This one comes first in INSTALLED_APPS.
"""

from __future__ import annotations

from uuid import UUID

from accounts.models import Merchant
from ledger import checks as of_the_ledger
from ledger.checks import Finding
from ledger.management.commands import check_books
from settlement import checks as of_the_business


class Command(check_books.Command):
    """The ledger's proof, then the business's."""

    help = "Proves every invariant of books and business from their rows; exit 1 if one is broken."

    def prove(self, using: str, book: UUID | None) -> list[Finding]:
        """The invariants of the ledger's rows, then of the business's."""
        findings = of_the_ledger.prove(using, book)
        # A book that is no merchant's has no business to be held against.
        if book is None or Merchant.objects.using(using).filter(pk=book).exists():
            findings += of_the_business.prove(using, book)
        return findings
