"""`./manage.py platforms`: what the adapters that are installed can do, and what is confirmed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand

from platforms import registry
from platforms.contract import Adapter, Pushes
from platforms.pulling import Authorises, Pulls


class Command(BaseCommand):
    """Print one line an adapter, JSON, or the table of README. Needs no database."""

    help = "List the platforms and bank formats that can be read."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", dest="as_json")
        form.add_argument("--markdown", action="store_true", dest="as_markdown")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        rows = [_row(adapter) for adapter in registry.all()]
        if options["as_json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        if options["as_markdown"]:
            self.stdout.write(table(registry.all()))
            return
        for row in rows:
            parts = " ".join(part for part in ("pull", "consent", "hooks") if row[part])
            line = (
                f"{row['code']:<12} {row['family']:<9} {row['zone']:<14} {parts:<19} {row['name']}"
            )
            self.stdout.write(line)


def table(adapters: Iterable[Adapter]) -> str:
    """The adapters as a table in Markdown: what is fetched and how it is linked, whose hooks are
    checked, and what is unverified. All of them read.
    """
    rows = ["| | code | fetched | hooks | unverified |", "|---|---|---|---|---|"]
    for adapter in adapters:
        hooks = "checked" if isinstance(adapter, Pushes) else ""
        way = "by consent or keys" if isinstance(adapter, Authorises) else "by keys"
        fetched = way if isinstance(adapter, Pulls) else ""
        unverified = ", ".join(f"`{part}`" for part in sorted(adapter.unverified))
        rows.append(f"| {adapter.name} | `{adapter.code}` | {fetched} | {hooks} | {unverified} |")
    return "\n".join(rows)


def _row(adapter: Adapter) -> dict[str, object]:
    return {
        "code": adapter.code,
        "name": adapter.name,
        "family": adapter.family,
        "zone": adapter.zone,
        "cash_accounts": list(adapter.cash_accounts),
        "credentials": list(adapter.credentials),
        "pull": isinstance(adapter, Pulls),
        "consent": isinstance(adapter, Authorises),
        "hooks": isinstance(adapter, Pushes),
        "kinds": {word: kind.value for word, kind in adapter.kinds.items()},
        "unverified": dict(adapter.unverified),
    }
