"""Change the ledger's code at random places, one at a time, and count how often a test notices.

    uv pip install --target /tmp/mutants cosmic-ray
    PYTHONPATH=/tmp/mutants .venv/bin/python scripts/mutants.py 60 --seed 1

Draws so many of all changes that cosmic-ray knows (a comparison turned round, a number off by one,
a loop left at once …), works in a temporary copy of the checkout, and prints a line for each and
the share that was noticed. A change that alters nothing counts as not noticed: the share is the
least that is true. SQL is text to it; bugs in SQL are planted by `scripts/planted_bugs.py`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bugs import Bug
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from planted_bugs import ROOT, CannotPlantError, caught_by, copy_checkout, tell

LEFT_OUT = ("catalogue.py", "models.py", "admin.py", "apps.py", "__init__.py")
"""Digests, and what Django or a reader would notice and no test of the ledger is for."""
LEFT_OUT_OPERATORS = ("BitOr", "Operator_Mul", "Variable")
"""`X | None` in an annotation, which nobody evaluates; the star before parameters that have to be
named; those that must be told a name."""


@dataclass(frozen=True)
class Mutant:
    """The `occurrence`-th place of a module where an operator can change something."""

    module: str
    operator: str
    occurrence: int


def main(wanted: int, seed: int) -> int:
    """Try so many; returns 1 if fewer than four in five were noticed."""
    mutants = list(_mutants())
    random.Random(seed).shuffle(mutants)  # noqa: S311
    drawn = list(islice(filter(_compiles, mutants), wanted))
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = copy_checkout(Path(folder))
        noticed = [mutant for mutant in drawn if _try(tree, mutant)]
    tell(f"{len(noticed)} of {wanted} noticed, drawn from {len(mutants):,}")
    return 0 if len(noticed) >= 0.8 * wanted else 1


def _mutants() -> Iterator[Mutant]:
    names = [name for name in operator_names() if not any(w in name for w in LEFT_OUT_OPERATORS)]
    for path in sorted((ROOT / "ledger").glob("*.py")):
        if path.name not in LEFT_OUT:
            tree = get_ast(path.read_text())
            for name in names:
                for occurrence in range(_places(tree, name)):
                    yield Mutant(f"ledger/{path.name}", name, occurrence)


def _compiles(mutant: Mutant) -> bool:
    try:
        compile(_changed((ROOT / mutant.module).read_text(), mutant), mutant.module, "exec")
    except SyntaxError:
        return False
    return True


def _changed(source: str, mutant: Mutant) -> str:
    return str(mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence))


def _places(tree: object, name: str) -> int:
    operator, waiting, places = get_operator(name)(), [tree], 0
    while waiting:
        node = waiting.pop()
        places += len(list(operator.mutation_positions(node)))
        waiting += getattr(node, "children", [])
    return places


def _try(tree: Path, mutant: Mutant) -> bool:
    path = tree / mutant.module
    original, begun = path.read_text(), time.monotonic()
    changed = _changed(original, mutant)
    path.write_text(changed)
    found: str | None
    try:
        found = caught_by(tree, Bug(str(mutant), (), tests=_tests(path.stem)))
    except CannotPlantError:
        found = "nothing runs with it"
    finally:
        path.write_text(original)
    seconds = time.monotonic() - begun
    what = f"{mutant.module}: {_difference(original, changed)}"
    tell(f"{what}: {found or 'SURVIVED'} ({seconds:.0f} s)")
    return found is not None


def _tests(module: str) -> tuple[str, ...]:
    """The module's tests by their name, and what is quick, before all: it saves time only."""
    named = sorted((ROOT / "tests/ledger").glob(f"test_*{module.rstrip('s')}*.py"))
    quick = ROOT / "tests/ledger/test_posting.py", ROOT / "tests/ledger/test_short_way.py"
    first = " ".join(str(path.relative_to(ROOT)) for path in (*named, *quick))
    return first, "tests/ledger"


def _difference(before: str, after: str) -> str:
    lines = zip(before.splitlines(), after.splitlines(), strict=False)
    return next(
        (f"{old.strip()} -> {new.strip()}" for old, new in lines if old != new), "at the end"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wanted", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(main(options.wanted, options.seed))
