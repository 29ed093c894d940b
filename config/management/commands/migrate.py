"""`migrate` runs as the owner of the schema unless another database is named."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.commands import migrate


class Command(migrate.Command):
    """Django's own command with the owner's connection as the default."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take Django's arguments; only the default database differs."""
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply the migrations."""
        super().handle(*args, **options)
