"""Fail when a compiled translation differs from its source; needs no gettext."""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po


def texts(catalog: Catalog) -> dict[str, str]:
    """Return what a catalogue translates, without the header and what is unsure or empty."""
    found: dict[str, str] = {}
    for message in catalog:
        string = (
            message.string if isinstance(message.string, str) else "".join(message.string or ())
        )
        key = message.id if isinstance(message.id, str) else message.id[0]
        if key and string and not message.fuzzy:
            found[f"{message.context}\0{key}"] = string
    return found


def stale(source: Path) -> bool:
    """Say whether the compiled file beside `source` is missing or says something else."""
    compiled = source.with_suffix(".mo")
    if not compiled.exists():
        return True
    with source.open("rb") as po, compiled.open("rb") as mo:
        return texts(read_po(po)) != texts(read_mo(mo))


def main() -> int:
    """Check every catalogue of the project."""
    sources = sorted(Path().glob("*locale/*/LC_MESSAGES/*.po"))
    found = [path for path in sources if stale(path)]
    for path in found:
        sys.stderr.write(f"{path}: the compiled file is stale; run `make messages`\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
