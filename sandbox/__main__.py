"""`python -m sandbox OUT`: writes a simulated world and says what is in it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from sandbox.world import LEAST_DAYS, LEAST_STORES, write_world


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the world and prints a summary; returns the exit code."""
    options = _parser().parse_args(arguments)
    world = write_world(
        seed=options.seed,
        out=options.out,
        ends_on=options.ends_on,
        days=options.days,
        stores=options.stores,
        small=options.small,
    )
    summary = {
        "simulated": True,
        "out": str(world.out),
        "files": len(world.files),
        "rows": world.rows,
        "outcomes": world.truth["outcomes"],
        "exceptions": world.truth["exceptions"],
    }
    sys.stdout.write(json.dumps(summary, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=__doc__,
        epilog="Over HTTP: python -m sandbox.online_bank and python -m sandbox.marketplaces",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="a new or empty directory")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=30, help=f"{LEAST_DAYS} at least")
    parser.add_argument("--stores", type=int, default=LEAST_STORES, help=f"{LEAST_STORES} at least")
    parser.add_argument("--ends-on", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    parser.add_argument("--small", action="store_true", help="a quarter of the orders")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
