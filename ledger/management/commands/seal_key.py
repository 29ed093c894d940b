"""Print the public key that proves this installation's signatures; keep it with the heads."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from ledger.heads import pem, signing_key


class Command(BaseCommand):
    help = "Prints the public key by which signatures of exported heads are proved, as PEM."

    def handle(self, *args: object, **options: Any) -> None:
        """Print it."""
        self.stdout.write(pem(signing_key().public_key()).decode("ascii"), ending="")
