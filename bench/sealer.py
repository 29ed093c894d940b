"""Sealing and folding beside a benchmark, every second, as a deployment does it.

`python -m bench.sealer BOOK…` is a process of its own that works until its input ends.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

SECONDS = 1.0
PATIENCE = 300.0


@contextmanager
def sealing(books: Sequence[UUID], environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Seal the books every second during the block. Raises RuntimeError if that failed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.sealer", *map(str, books)],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
    )
    try:
        yield
    finally:
        process.communicate()
    if process.returncode:
        raise RuntimeError("the sealer failed")


def drain(books: Sequence[UUID]) -> int:
    """Seal and fold all there is; returns how many records that were."""
    from ledger.seals import seal

    sealed = 0
    for book in books:
        while some := seal(book=book, now=datetime.now(UTC)):
            sealed += some
    return sealed


def until_sealed() -> float:
    """Seconds until the sealer has nothing left to do. Raises TimeoutError."""
    from ledger.seals import waiting

    begun = time.perf_counter()
    while waiting("ops"):
        if time.perf_counter() - begun > PATIENCE:
            raise TimeoutError("the sealer does not keep up")
        time.sleep(0.02)
    return time.perf_counter() - begun


def main(books: Sequence[UUID]) -> None:
    """Seal every second until the input ends."""
    while not select.select([sys.stdin], [], [], SECONDS)[0]:
        drain(books)


if __name__ == "__main__":
    import django

    django.setup()
    main([UUID(book) for book in sys.argv[1:]])
