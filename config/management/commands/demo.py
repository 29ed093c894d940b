"""`./manage.py demo`: a merchant with stores on two platforms, loaded and reconciled."""

from __future__ import annotations

import argparse
import time
from datetime import timedelta

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config import demo

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
        merchant_id = demo.load(today=timezone.localdate(), tell=self.stdout.write)
        deadline = timezone.now() + PATIENCE
        while left := demo.unfinished(merchant_id):
            if timezone.now() > deadline:
                raise CommandError(f"{left} pieces of work are still unfinished")
            if once:
                demo.work_off(merchant_id)
            else:
                time.sleep(0.5)
        for line in demo.summary(merchant_id):
            self.stdout.write(line)
        login = demo.login()
        self.stdout.write(f"sign in as {login.email}, password {login.password}")
        self.stdout.write(f"operator   {login.operator}, the same password, at /admin/")
