"""`python -m bench [NAME…]`: run the benchmarks and print one JSON object per line.

Every `bench/b_NAME.py` has `run()`, which yields cases as dictionaries. Each module runs in a
process and a database of its own, on an embedded stack that is started for the purpose and
removed afterwards; it finds Django set up, the migrations applied and the addresses in the
environment. Exit code 1 when a case misses its target or a module fails.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.stack import Stack, temporary

HERE = Path(__file__).resolve().parent
KEYS = (
    *("bench", "case", "ours", "against", "reference", "ratio", "target", "ok", "unit"),
    *("rows", "peak_mb", "runs"),
)
IN_CHILD = "--in-this-process"


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all; return the exit code."""
    if arguments[:1] == [IN_CHILD]:
        return run_here(arguments[1])
    known = sorted(path.stem.removeprefix("b_") for path in HERE.glob("b_*.py"))
    if unknown := set(arguments) - set(known):
        print(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
        return 2
    with temporary(durable=True) as stack:
        migrate(stack)
        codes = [run_apart(stack, name) for name in arguments or known]
    return max(codes, default=0)


def migrate(stack: Stack) -> None:
    """Apply the migrations to the database the others are copied from."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=HERE.parent,
        env=environment(stack, "tributary"),
        check=True,
    )


def run_apart(stack: Stack, name: str) -> int:
    """Run one module in a process of its own, so that its memory is its own."""
    database = f"bench_{name}"
    stack.create_database(database, template="tributary")
    command = [sys.executable, "-m", "bench", IN_CHILD, name]
    code = subprocess.run(command, cwd=HERE.parent, env=environment(stack, database)).returncode
    stack.drop_database(database)
    return code


def environment(stack: Stack, database: str) -> dict[str, str]:
    """Return the environment of a process that works on a database of the stack."""
    return {
        **os.environ,
        **stack.urls(database).as_environment(),
        "TRIBUTARY_HOME": str(stack.home),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


def run_here(name: str) -> int:
    """Print the cases of one module as they come; return 1 when one misses its target."""
    import django

    django.setup()
    module = importlib.import_module(f"bench.b_{name}")
    missed = 0
    for case in completed(name, module.run()):
        print(json.dumps(case, default=str), flush=True)
        missed += case["ok"] is False
    return 1 if missed else 0


def completed(name: str, cases: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give every case every key, in one order, with the ratio worked out where it can be."""
    for case in cases:
        if unknown := set(case) - set(KEYS):
            raise KeyError(f"bench {name}: unknown keys {sorted(unknown)}")
        ours, reference = case.get("ours"), case.get("reference")
        if case.get("ratio") is None and ours is not None and reference:
            case["ratio"] = round(ours / reference, 4)
        case["bench"] = name
        yield {key: case.get(key) for key in KEYS}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
