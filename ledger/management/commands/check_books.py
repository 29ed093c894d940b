"""Prove every invariant of the ledger; exit 1 if one is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ledger.chain import prove_chain
from ledger.checks import Finding, operator_alias, prove
from ledger.errors import LedgerError
from ledger.heads import public_keys, signing_key


class Command(BaseCommand):
    help = "Proves every invariant of the ledger from its rows; exit 1 if one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to prove, and by which heads and keys."""
        parser.add_argument("--book", type=UUID, help="only this book")
        parser.add_argument("--using", help="database connection (default: ops, else default)")
        parser.add_argument("--chain", action="store_true", help="prove the seals too")
        parser.add_argument("--heads", type=Path, help="with --chain: directory of exported heads")
        parser.add_argument(
            "--public-key", type=Path, help="PEM file for --heads (default: our own key's)"
        )

    def handle(self, *args: object, **options: Any) -> None:
        """Print a line per invariant with examples of what is wrong."""
        using, book = options["using"] or operator_alias(), options["book"]
        findings = self.prove(using, book)
        if options["chain"]:
            findings += _prove_chain(using, book, options["heads"], options["public_key"])
        elif options["heads"] or options["public_key"]:
            raise CommandError("--heads and --public-key go with --chain")
        for finding in findings:
            self._tell(finding)
        broken = [finding for finding in findings if finding.violations]
        if broken:
            raise CommandError(f"{len(broken)} of {len(findings)} invariants are broken")

    def prove(self, using: str, book: UUID | None) -> list[Finding]:
        """The invariants of the rows."""
        return prove(using, book)

    def _tell(self, finding: Finding) -> None:
        verdict = "BROKEN" if finding.violations else "ok"
        self.stdout.write(f"{verdict:6} {finding.violations:>8}  {finding.invariant}")
        for place in finding.examples:
            self.stdout.write(f"{'':17}{place}")


def _prove_chain(
    using: str, book: UUID | None, heads: Path | None, public_key: Path | None
) -> list[Finding]:
    try:
        keys = []
        if public_key is not None:
            keys = public_keys(public_key.read_bytes())
        elif heads is not None:
            keys = [signing_key().public_key()]
        return prove_chain(using, book, now=timezone.now(), heads=heads, keys=keys)
    except (LedgerError, OSError) as error:
        raise CommandError(str(error)) from error
