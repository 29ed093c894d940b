#!/usr/bin/env python
"""Run Tributary's management commands.

A command that needs the database runs on the one DATABASE_URL names, else on
the embedded one: the running one, or one started for the length of the command.
"""

import contextlib
import os
import sys

WITHOUT_DATABASE = {
    "inspect", "verify_hook", "platforms", "up", "help", "--help", "--version",
    "makemigrations", "makemessages", "compilemessages", "collectstatic", "check",
}  # fmt: skip


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    with _database(sys.argv[1:2]):
        execute_from_command_line(sys.argv)


def _database(command: list[str]) -> contextlib.AbstractContextManager[object]:
    if os.environ.get("DATABASE_URL") or not command or command[0] in WITHOUT_DATABASE:
        return contextlib.nullcontext()
    from config.stack import borrowed, default_home

    return borrowed(default_home())


if __name__ == "__main__":
    main()
