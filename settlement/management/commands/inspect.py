"""`./manage.py inspect FILE… [--as CODE] [--account NUMBER …]`: what is in files, as JSON."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from platforms.registry import UnknownAdapterError
from settlement.errors import RefusedError
from settlement.money_in import inspection


class Command(BaseCommand):
    """Print one object per statement, in the order of the files. Needs no database.

    Exits with 2 if a file could not be read; its object says why, and the other
    files are printed all the same.
    """

    help = "Print what is in files of platforms and banks, as a JSON list."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--as", dest="code", default="", metavar="CODE")
        parser.add_argument("--account", default="", metavar="NUMBER")
        parser.add_argument("--currency", default="", metavar="CODE")
        parser.add_argument("--column-profile", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        context = _context(options)
        try:
            found = [
                summary
                for path in options["files"]
                for summary in inspection.inspect_file(path, options["code"], context=context)
            ]
        except UnknownAdapterError as error:
            raise CommandError(str(error)) from error
        objects = [summary.as_json() for summary in found]
        self.stdout.write(json.dumps(objects, ensure_ascii=False, indent=2))
        if any(summary.error for summary in found):
            sys.exit(2)


def _context(options: dict[str, Any]) -> dict[str, str]:
    """What an uploader would choose. Raises CommandError for a profile that is not sound."""
    context = {name: options[name] for name in ("account", "currency") if options[name]}
    path = options["column_profile"]
    if path is None:
        return context
    try:
        text = path.read_text(encoding="utf-8")
        inspection.column_profile(text)
    except (OSError, UnicodeDecodeError, RefusedError) as error:
        raise CommandError(f"{path}: {error}") from error
    return {**context, "column_profile": text}
