"""`./manage.py demo`: a merchant with stores on four platforms, loaded, reconciled, paid out."""

from __future__ import annotations

import argparse
import time
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config import demo, demo_bank
from ledger import seals
from settlement import control
from settlement.money_out import gateway

PATIENCE = timedelta(minutes=10)


class Command(BaseCommand):
    """Load the demonstration and say what it came to."""

    help = (
        "Write a simulated merchant's files in the real formats, upload them, wait until the "
        "workers have reconciled them, and print the summary."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take --once."""
        parser.add_argument(
            "--once", action="store_true", help="do the workers' work in this process, and exit"
        )

    def handle(self, *, once: bool, **options: object) -> None:
        """Load, work or wait, and print."""
        if once:
            call_command("migrate", verbosity=0)
        merchant_id = demo.load(
            today=timezone.localdate(timezone=demo.ZONE), tell=self.stdout.write
        )
        self._finish(merchant_id, once=once)
        with demo_bank.bank_of_its_own(Path(settings.HOME)) if once else nullcontext():
            if gateway.connected():
                demo_bank.move_money(
                    merchant_id,
                    tell=self.stdout.write,
                    work=partial(self._pay, merchant_id) if once else nothing,
                )
        self._finish(merchant_id, once=once)
        self._seal(merchant_id, once=once)
        for line in demo.summary(merchant_id):
            self.stdout.write(line)
        login = demo.login()
        self.stdout.write(f"sign in as {login.email}, password {login.password}")
        self.stdout.write(f"operator   {login.operator}, the same password, at /admin/")

    def _finish(self, merchant_id: UUID, *, once: bool) -> None:
        """Work, or wait for the workers, until nothing is left to be done."""
        deadline = timezone.now() + PATIENCE
        while left := demo.unfinished(merchant_id):
            if timezone.now() > deadline:
                raise CommandError(f"{left} pieces of work are still unfinished")
            if once:
                demo.work_off(merchant_id)
            else:
                time.sleep(0.5)

    def _seal(self, merchant_id: UUID, *, once: bool) -> None:
        """Seal the books, or wait until a worker has."""
        deadline = timezone.now() + PATIENCE
        while merchant_id in seals.waiting("ops"):
            if timezone.now() > deadline:
                raise CommandError("the books are still not sealed")
            if once:
                control.seal_books(now=timezone.now())
            else:
                time.sleep(0.5)

    def _pay(self, merchant_id: UUID) -> None:
        demo_bank.work_off(merchant_id)
        demo.work_off(merchant_id)


def nothing() -> None:
    """The workers do it."""
