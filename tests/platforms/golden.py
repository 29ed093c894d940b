"""Golden files: what each fixture is read as, written down.

`python -m tests.platforms.golden` compares; `--write` writes them anew. A golden
file changes by this command only, and its difference is read like code.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from platforms import registry
from platforms.contract import Record
from tests.platforms.cases import Case, documents


def records_of(case: Case) -> list[Record]:
    """Every record of the case, read by its own adapter."""
    return list(registry.get(case.code).read(case.document()))


def rendered(records: list[Record]) -> str:
    """The records as JSON, one a line, fields at their default left out."""
    lines = [json.dumps(_plain(record), ensure_ascii=False) for record in records]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def expected(case: Case) -> str:
    """The golden file of a case, "" if there is none."""
    path = case.folder / "expected.json"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _plain(record: msgspec.Struct) -> dict[str, Any]:
    defaults = {
        info.name: info.default
        for info in msgspec.structs.fields(record)
        if info.default is not msgspec.NODEFAULT
    }
    fields = msgspec.structs.asdict(record).items()
    return {
        "record": type(record).__name__,
        **{
            name: _value(value)
            for name, value in fields
            if name not in defaults or value != defaults[name]
        },
    }


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


def main(arguments: list[str]) -> int:
    """Compare or write all golden files; the number of those that differ."""
    differing = 0
    for case in documents():
        now = rendered(records_of(case))
        if now == expected(case):
            continue
        differing += 1
        print(f"{case}: {'written' if '--write' in arguments else 'differs'}")
        if "--write" in arguments:
            (case.folder / "expected.json").write_text(now, encoding="utf-8")
    return 0 if "--write" in arguments else differing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
