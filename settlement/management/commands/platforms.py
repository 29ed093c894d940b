"""`./manage.py platforms`: the adapters that are installed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from platforms import registry
from platforms.contract import Adapter, Pushes


class Command(BaseCommand):
    """Print one line an adapter, or JSON. Needs no database."""

    help = "List the platforms and bank formats that can be read."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        rows = [_row(adapter) for adapter in registry.all()]
        if options["as_json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        for row in rows:
            hooks = "hooks" if row["hooks"] else ""
            line = (
                f"{row['code']:<12} {row['family']:<9} {row['zone']:<14} {hooks:<6} {row['name']}"
            )
            self.stdout.write(line)


def _row(adapter: Adapter) -> dict[str, object]:
    return {
        "code": adapter.code,
        "name": adapter.name,
        "family": adapter.family,
        "zone": adapter.zone,
        "cash_accounts": list(adapter.cash_accounts),
        "credentials": list(adapter.credentials),
        "hooks": isinstance(adapter, Pushes),
        "kinds": {word: kind.value for word, kind in adapter.kinds.items()},
        "unverified": dict(adapter.unverified),
    }
