"""How a bug to plant is written: what each file says in place of what stands there.

A text must occur exactly once in its file; a bug whose text is gone has to be written anew for
what stands there now. Bodies of SQL functions are told apart by their MD5 in `ledger/catalogue.py`,
which `scripts/planted_bugs.py` changes along with them: a test of behaviour has to see the bug, not
the proof that the guard is the one we wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Change:
    """In the file at `path`, `new` in place of `old`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """A sentence that says what goes wrong, and the changes that make it so."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...] = ("tests/ledger",)
    """What pytest is to run, one after the other, until a test fails."""


def code(name: str, module: str, old: str, new: str, *more: Change) -> Bug:
    """A bug in a module of the ledger."""
    return Bug(name, (Change(f"ledger/{module}.py", old, new), *more))


def sql(name: str, migration: str, old: str, new: str, *more: Change) -> Bug:
    """A bug in what a migration of the ledger writes."""
    return Bug(name, (Change(f"ledger/migrations/{migration}.py", old, new), *more))


def beginning_with(module: str, *bugs: Bug) -> tuple[Bug, ...]:
    """The bugs, to be looked for in a module of the ledger's tests first: it saves time only."""
    return tuple(replace(bug, tests=(f"tests/ledger/{module}.py", *bug.tests)) for bug in bugs)
