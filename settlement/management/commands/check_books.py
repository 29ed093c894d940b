"""Prove every invariant of the ledger and of the business; exit 1 if one is broken.

The ledger has a command of the same name for itself. This one comes first in INSTALLED_APPS.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from accounts.models import Merchant
from ledger import checks as of_the_ledger
from ledger.checks import Finding, operator_alias
from ledger.management.commands import check_books
from settlement import checks as of_the_business


class Command(check_books.Command):
    """The ledger's proof, then the business's."""

    help = "Proves every invariant of books and business from their rows; exit 1 if one is broken."

    def handle(self, *args: object, **options: Any) -> None:
        """Print a line per invariant with examples of what is wrong."""
        using, book = options["using"] or operator_alias(), options["book"]
        findings = of_the_ledger.prove(using, book)
        # A book that is no merchant's has no business to be held against.
        if book is None or Merchant.objects.using(using).filter(pk=book).exists():
            findings += of_the_business.prove(using, book)
        for finding in findings:
            self._tell(finding)
        broken = [finding for finding in findings if finding.violations]
        if broken:
            raise CommandError(f"{len(broken)} of {len(findings)} invariants are broken")

    def _tell(self, finding: Finding) -> None:
        verdict = "BROKEN" if finding.violations else "ok"
        self.stdout.write(f"{verdict:6} {finding.violations:>8}  {finding.invariant}")
        for place in finding.examples:
            self.stdout.write(f"{'':17}{place}")
