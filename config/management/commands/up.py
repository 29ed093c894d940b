"""`./manage.py up`: run the whole of Tributary on this machine."""

import argparse

from django.core.management.base import BaseCommand, CommandError

from config.home import StackError, default_home
from config.supervisor import Supervisor


class Command(BaseCommand):
    """Run database, broker, web, worker and beat; Ctrl-C stops them in order."""

    help = (
        "Run Tributary on this machine: an embedded PostgreSQL and Valkey (unless DATABASE_URL "
        "and BROKER_URL name others), the web server, a Celery worker and beat."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the address, and whether to fill in the demonstration."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--demo", action="store_true", help="run `manage.py demo` once everything is up"
        )

    def handle(self, *, host: str, port: int, demo: bool, **options: object) -> None:
        """Run until told to stop."""
        try:
            Supervisor(default_home(), host=host, port=port, demo=demo).run()
        except StackError as error:
            raise CommandError(str(error)) from error
