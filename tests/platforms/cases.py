"""Finds the fixtures of every adapter: `fixtures/<code>/<case>/`.

A case holds `input.*` and `expected.json` (a document), or `hook.json` and
`body.bin` (a hook). `case.json` may say:

* `partial`: the document does not tie out and must be refused by the ingest;
* `totals: false`: the format states nothing to tie to, so a cut at a line end
  cannot be seen (the one documented exception of the exam);
* `context`: what the hub would tell the adapter of the store.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platforms.contract import BankLine, Document, Line, Payout, Record, Totals
from platforms.tally import Tally

FIXTURES = Path(__file__).parent / "fixtures"
HEAD = 64 * 1024


@dataclass(frozen=True)
class Case:
    """One document and what is known of it."""

    code: str
    name: str
    folder: Path
    partial: bool = False
    totals: bool = True
    context: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}/{self.name}"

    @property
    def data(self) -> bytes:
        return next(self.folder.glob("input.*")).read_bytes()

    def document(self, data: bytes | None = None) -> Document:
        return document(self.data if data is None else data, **self.context)


@dataclass(frozen=True)
class HookCase:
    """One recorded hook; `hook.json` says when and with which secrets it is authentic."""

    code: str
    name: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.code}/{self.name}"

    @property
    def facts(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "hook.json").read_text()))

    @property
    def body(self) -> bytes:
        return (self.folder / "body.bin").read_bytes()


def document(data: bytes, **context: str) -> Document:
    """Bytes as a document, with a head as the hub cuts it."""
    return Document(name="input", head=data[:HEAD], open=lambda: io.BytesIO(data), context=context)


def documents() -> list[Case]:
    """Every document case, in a stable order."""
    return [_case(folder) for folder in _folders() if any(folder.glob("input.*"))]


def hooks() -> list[HookCase]:
    """Every hook case, in a stable order."""
    return [
        HookCase(folder.parent.name, folder.name, folder)
        for folder in _folders()
        if (folder / "hook.json").exists()
    ]


def verdicts(records: list[Record]) -> list[bool | None]:
    """For each statement of the records, whether it agrees with its totals."""
    found: list[bool | None] = []
    tally = Tally()
    for record in records:
        if isinstance(record, Totals):
            found.append(tally.agrees(record))
            tally = Tally()
        elif isinstance(record, Line | Payout | BankLine):
            tally.add(record)
    return found


def _folders() -> Iterator[Path]:
    return (folder for folder in sorted(FIXTURES.glob("*/*")) if folder.is_dir())


def _case(folder: Path) -> Case:
    path = folder / "case.json"
    options = json.loads(path.read_text()) if path.exists() else {}
    return Case(folder.parent.name, folder.name, folder, **options)
