"""`./manage.py verify_hook`: is this recorded hook authentic, and what is answered?"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from platforms.contract import Link, RawHook
from platforms.registry import SECRETS, UnknownAdapterError, get
from settlement.money_in import inspection


class Command(BaseCommand):
    """Print the verdict as JSON; exit 0 either way. Needs no database."""

    help = "Check the signature of a recorded hook and print the verdict as JSON."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--platform", required=True, metavar="CODE")
        parser.add_argument("--secret", action="append", default=[], metavar="KEY=VALUE")
        parser.add_argument("--headers", required=True, type=Path, metavar="H.json")
        parser.add_argument("--body", required=True, type=Path, metavar="B.bin")
        parser.add_argument("--url", default="")
        parser.add_argument("--now", default="", help="ISO instant or Unix seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        hook = RawHook(
            headers=_headers(_read(options["headers"])),
            body=_read(options["body"]),
            url=options["url"],
        )
        link = Link(secrets=_secrets(options["secret"]))
        try:
            adapter = get(options["platform"])
            verdict = inspection.judge_hook(adapter, hook, link, _instant(options["now"]))
        except UnknownAdapterError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(verdict.as_json(), ensure_ascii=False, indent=2))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _headers(text: bytes) -> dict[str, str]:
    """Header names in lower case, as `RawHook` wants them."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise CommandError(f"the headers are not JSON: {error}") from error
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise CommandError("the headers are not a JSON object of texts")
    headers = {name.lower(): value for name, value in given.items()}
    if len(headers) != len(given):
        raise CommandError("the headers name one header twice")
    return headers


def _secrets(pairs: list[str]) -> dict[str, str]:
    """Secrets by name; several values of one name (rotation) one a line."""
    secrets: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in SECRETS:
            raise CommandError(
                f"--secret takes KEY=VALUE with KEY one of {', '.join(sorted(SECRETS))}"
            )
        if name == "public_key":
            value = _read(Path(value)).decode("ascii", "replace")
        secrets[name] = f"{secrets[name]}\n{value}" if name in secrets else value
    return secrets


def _instant(text: str) -> datetime:
    """An aware instant; the clock if none is given."""
    if not text:
        return datetime.now(UTC)
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        raise CommandError(f"--now is neither an ISO instant nor Unix seconds: {text}") from error
    if at.tzinfo is None:
        raise CommandError(f"--now needs an offset: {text}")
    return at
