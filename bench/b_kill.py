"""Workers killed at random moments: does the work come out as if nothing had happened?

A real worker is killed with SIGKILL, parent and pool at once, at a moment drawn from the time the
work takes; another one goes on. A kill is survived if all rows are those of an undisturbed run and
the books are proved. One that came after the commit must be survived too, but is not counted.
Where each kill struck goes to standard error; SEED=n repeats the moments.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults.harness import Arena, Kind, Scene, Trial, arena
from tests.faults.rows import Rows, all_rows, differences
from tests.faults.workers import until

KILLS = 12
"""Of each kind of work, while it is being done."""
TRIES = 3 * KILLS
"""A moment may lie after the end of the work, on a machine that is faster by then."""
ROWS = 60_000
DAYS, STORES = 45, 24
ENDS = {"document": ("reading", "loaded"), "run": ("running", "done")}


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """What comes of the work when nothing happens to it, and how long it takes."""

    rows: Rows
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Strike:
    """One kill: whether the work was unfinished, and whether all came right."""

    in_work: bool
    survived: bool


def run() -> Iterator[dict[str, Any]]:
    """Yield how many kills an import and a reconciliation survive."""
    seed = int(os.environ.get("SEED") or time.time())
    tell(f"SEED={seed}")
    draw = random.Random(seed)
    with arena() as place:
        document = place.scene("document", "fund_flow", str(ROWS))
        yield _case(place, document, "document", "import", draw)
        world = place.scene("world", "world", str(DAYS), str(STORES))
        waiting = place.later(world, "reconciliation", "read")
        yield _case(place, waiting, "run", "reconciliation", draw)


def _case(place: Arena, scene: Scene, kind: Kind, name: str, draw: random.Random) -> dict[str, Any]:
    expected = _undisturbed(place, scene, kind)
    strikes: list[Strike] = []
    while sum(strike.in_work for strike in strikes) < KILLS and len(strikes) < TRIES:
        strikes.append(_strike(place, scene, kind, draw.uniform(0, expected.seconds), expected))
    survived = sum(strike.in_work and strike.survived for strike in strikes)
    return {
        "case": name,
        "ours": survived,
        "against": "kills",
        "reference": KILLS,
        "target": 1.0,
        "ok": survived == KILLS and all(strike.survived for strike in strikes),
        "unit": "kills",
        "rows": sum(rows.total() for rows in expected.rows.values()),
        "runs": len(strikes),
    }


def _undisturbed(place: Arena, scene: Scene, kind: Kind) -> Undisturbed:
    with place.trial(scene) as trial:
        trial.worker()
        begun = _begins(trial, kind)
        until(lambda: trial.only(kind).state == ENDS[kind][1], "the work is done")
        seconds = time.monotonic() - begun
        return Undisturbed(rows=trial.finished(rows=all_rows), seconds=seconds)


def _begins(trial: Trial, kind: Kind) -> float:
    """Wait until a worker has claimed the work; returns when that was."""
    until(lambda: trial.only(kind).state in ENDS[kind], "the work has begun")
    return time.monotonic()


def _strike(place: Arena, scene: Scene, kind: Kind, moment: float, expected: Undisturbed) -> Strike:
    with place.trial(scene) as trial:
        worker = trial.worker()
        _begins(trial, kind)
        time.sleep(moment)
        doing = _doing(trial)
        killed = worker.kill()
        seen = trial.only(kind)
        trial.worker()
        wrong = _wrong(trial, expected) if len(killed) > 1 else ["there was nobody to kill"]
        tell(
            f"{kind} +{moment:.3f} s of {expected.seconds:.3f}: {seen.state}, "
            f"{seen.progress} of {seen.size} bytes, {doing}: {wrong or 'survived'}"
        )
        return Strike(in_work=seen.state == ENDS[kind][0], survived=not wrong)


def _wrong(trial: Trial, expected: Undisturbed) -> list[str]:
    try:
        return differences(expected.rows, trial.finished())
    except AssertionError as error:
        return [str(error)]


def _doing(trial: Trial) -> str:
    """What the worker asks of PostgreSQL at this moment."""
    return "; ".join(" ".join(backend.query.split()[:3]) for backend in trial.backends()) or "idle"


def tell(text: str) -> None:
    """Say something beside the results."""
    print(text, file=sys.stderr, flush=True)
