"""`python -m sandbox.marketplaces`: serves simulated marketplaces until SIGTERM."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import date, datetime

from sandbox import marketplaces
from sandbox.marketplaces import control, make_world, serve
from sandbox.marketplaces.desk import Clock, real_time
from sandbox.marketplaces.directory import PLATFORMS


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what there is, then serves until SIGTERM or SIGINT; returns the exit code."""
    options = _parser().parse_args(arguments)
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, frame: stopping.set())
    world = make_world(
        seed=options.seed,
        stores=options.stores,
        days=options.days,
        ends_on=options.ends_on,
        platforms=options.platforms,
    )
    with serve(world, port=options.port, now=_clock(options.now)) as market:
        told = {
            "simulated": True,
            "address": market.address,
            "control": control.HOST,
            "stores": control.stores(world),
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        stopping.wait()
    return 0


def _clock(begins: datetime | None) -> Clock:
    """The real time, or one that runs on from an instant."""
    if begins is None:
        return real_time
    ahead = begins - real_time()
    return lambda: real_time() + ahead


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.marketplaces",
        description=marketplaces.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--stores", type=int, default=len(PLATFORMS))
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--ends-on", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    parser.add_argument("--platforms", type=_codes, default=(), metavar="A,B", help="default: all")
    parser.add_argument("--now", type=_instant, metavar="INSTANT", help="where its clock begins")
    return parser


def _codes(text: str) -> tuple[str, ...]:
    codes = tuple(text.split(","))
    if strange := set(codes) - PLATFORMS.keys():
        raise argparse.ArgumentTypeError(f"{sorted(strange)}: not among {', '.join(PLATFORMS)}")
    return codes


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant needs its offset, such as +08:00")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
