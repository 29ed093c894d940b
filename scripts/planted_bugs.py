"""Plant known bugs in the ledger, one at a time, and see whether a test catches each.

    .venv/bin/python scripts/planted_bugs.py            all of them
    .venv/bin/python scripts/planted_bugs.py WORD…      those whose name contains one of the words
    .venv/bin/python scripts/planted_bugs.py 70-130     those of these places, counted from 1

Works in a temporary copy of the checkout, never in the checkout itself. The suite must pass there
before anything is planted. Prints a line for each bug; exit code 1 when one survives, 2 when a bug
cannot be planted (its text is gone) or the suite cannot run with it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bugs import BUGS, Bug

ROOT = Path(__file__).resolve().parents[1]
LEFT_BEHIND = (".git", ".venv", ".*_cache", "__pycache__", "node_modules")
CATALOGUE = "ledger/catalogue.py"
WHOLE_SUITE = Bug("nothing", ())
PYTEST = ("-x", "-q", "--tb=line", "--timeout=120", "-p", "no:cacheprovider")
SECONDS = 1800

# Run in the copy: name and MD5 of the body of every function there is in the end.
DIGESTS = r"""
import hashlib, importlib, json, pathlib, re
DEFINITION = re.compile(
    r"(?s)CREATE (?:OR REPLACE )?FUNCTION (\w+)\(.*?\bAS \$\$(.*?)\$\$|DROP FUNCTION (\w+)"
)
found = {}
for path in sorted(pathlib.Path("ledger/migrations").glob("[0-9]*.py")):
    for operation in importlib.import_module(f"ledger.migrations.{path.stem}").Migration.operations:
        for name, body, dropped in DEFINITION.findall(str(getattr(operation, "sql", ""))):
            found.pop(dropped, None)
            if name:
                found[name] = hashlib.md5(body.encode()).hexdigest()
print(json.dumps(found))
"""


class CannotPlantError(Exception):
    """A bug is no longer written for what stands in the tree, or nothing runs with it."""


def main(words: list[str]) -> int:
    """Plant each bug and tell what became of it; returns the exit code."""
    bugs = [
        bug
        for place, bug in enumerate(BUGS, 1)
        if not words or any(_is_meant(word, place, bug.name) for word in words)
    ]
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        tree = copy_checkout(Path(folder))
        try:
            digests = _digests_in_force(tree)
            for bug in bugs:
                _changed(tree, bug)
            caught_by(tree, WHOLE_SUITE)
            survived = [bug for bug in bugs if not _try(tree, bug, digests)]
        except CannotPlantError as error:
            tell(f"CANNOT PLANT: {error}")
            return 2
    tell(f"{len(bugs) - len(survived)} of {len(bugs)} caught")
    return 1 if survived else 0


def _is_meant(word: str, place: int, name: str) -> bool:
    if places := re.fullmatch(r"(\d+)-(\d+)", word):
        return int(places[1]) <= place <= int(places[2])
    return word in name


def copy_checkout(folder: Path) -> Path:
    """A copy of the checkout to change things in."""
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    return tree


def _try(tree: Path, bug: Bug, digests: dict[str, str]) -> bool:
    """Plant a bug, tell which test catches it, take it out; False if it survives."""
    changed = _changed(tree, bug)
    original = {path: path.read_text() for path in (*changed, tree / CATALOGUE)}
    begun = time.monotonic()
    try:
        for path, text in changed.items():
            path.write_text(text)
        _recognise_functions(tree, digests)
        caught = caught_by(tree, bug)
    finally:
        for path, text in original.items():
            path.write_text(text)
    verdict = f"caught by {caught}" if caught else "SURVIVED"
    tell(f"{bug.name}: {verdict} ({time.monotonic() - begun:.0f} s)")
    return caught is not None


def _changed(tree: Path, bug: Bug) -> dict[Path, str]:
    """The text of each file with the bug in it."""
    texts: dict[Path, str] = {}
    for change in bug.changes:
        path = tree / change.path
        text = texts.get(path) or path.read_text()
        if text.count(change.old) != 1:
            raise CannotPlantError(
                f"{bug.name}: {text.count(change.old)} times in {change.path}: {change.old!r}"
            )
        texts[path] = text.replace(change.old, change.new)
    return texts


# --- The catalogue ------------------------------------------------------------------------


def _digests(tree: Path) -> dict[str, str]:
    done = _run(tree, "-c", DIGESTS)
    if done.returncode:
        raise CannotPlantError(f"the migrations cannot be read: {done.stderr}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _digests_in_force(tree: Path) -> dict[str, str]:
    """The functions' digests without a bug; the catalogue must have just these."""
    digests, catalogue = _digests(tree), (tree / CATALOGUE).read_text()
    if unknown := [name for name, digest in digests.items() if digest not in catalogue]:
        raise CannotPlantError(f"not as in {CATALOGUE}: {', '.join(unknown)}")
    return digests


def _recognise_functions(tree: Path, before: dict[str, str]) -> None:
    """Let the catalogue take the functions with the bug for ours."""
    path = tree / CATALOGUE
    text = path.read_text()
    for name, digest in _digests(tree).items():
        text = text.replace(before[name], digest)
    path.write_text(text)


# --- The suite ----------------------------------------------------------------------------


def caught_by(tree: Path, bug: Bug) -> str | None:
    """The first test that fails, or None if all pass. Raises CannotPlantError."""
    for tests in bug.tests:
        done = _run(tree, "-m", "pytest", *PYTEST, *tests.split())
        if done.returncode == 0:
            continue
        # A fixture that fails means that migrations do not run: such a bug tells nothing.
        failed = re.search(r"^FAILED (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
        if done.returncode != 1 or failed is None or bug is WHOLE_SUITE:
            raise CannotPlantError(f"{bug.name}: the suite does not run\n{done.stdout[-3000:]}")
        return failed[1]
    return None


def _run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Bytecode is known by second and size, which a bug may share with what it replaces.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "REQUIRE_ALL": ""}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
