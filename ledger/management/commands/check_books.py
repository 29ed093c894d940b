"""Prove every invariant of the ledger; exit 1 if one is broken."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.checks import operator_alias, prove


class Command(BaseCommand):
    help = "Proves every invariant of the ledger from its rows; exit 1 if one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--book", type=UUID, help="only this book")
        parser.add_argument("--using", help="database connection (default: ops, else default)")

    def handle(self, *args: object, **options: Any) -> None:
        findings = prove(options["using"] or operator_alias(), options["book"])
        for finding in findings:
            verdict = "BROKEN" if finding.violations else "ok"
            self.stdout.write(f"{verdict:6} {finding.violations:>8}  {finding.invariant}")
            for place in finding.examples:
                self.stdout.write(f"{'':17}{place}")
        broken = [finding for finding in findings if finding.violations]
        if broken:
            raise CommandError(f"{len(broken)} of {len(findings)} invariants are broken")
