"""Records on their way in: streamed by COPY into temporary tables, whole or not at all.

PostgreSQL refuses COPY into tables with row-level security, so bulk data is
staged first, compared there, and then inserted set by set (see merging.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection
from psycopg import Copy

from platforms.contract import Line, Statement

LINES = """
CREATE TEMPORARY TABLE staged_line (
    n bigint, part smallint, "row" integer, external_id text COLLATE "C", kind text,
    amount numeric(24, 8), amount_currency text, event_at timestamptz, order_ref text,
    payout_ref text, remittance text, label text
) ON COMMIT DROP
"""
BLOCK = 2000
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
TABS = 11
"""Separators in a staged line; one more means a text holds a tab of its own."""


@contextmanager
def staged_lines() -> Iterator[Callable[[int, Statement, Line], None]]:
    """Create the staging table and yield a function that writes a statement's line into it."""
    with connection.cursor() as cursor:
        cursor.execute(LINES)
        with cursor.copy("COPY staged_line FROM STDIN") as copy:
            writer = _LineWriter(copy)
            yield writer.write
            writer.flush()


class _LineWriter:
    """Turns lines into COPY text in blocks; the hot path of an import."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy
        self._block: list[str] = []
        self._n = 0
        self._instant: datetime | None = None
        self._instant_text = ""

    def write(self, part: int, _statement: Statement, line: Line) -> None:
        """Stage one line; its ordinal in the document becomes part of its id."""
        self._n += 1
        if line.event_at is not self._instant:
            # Neighbouring rows often share the instant, and adapters share the object.
            self._instant = line.event_at
            self._instant_text = line.event_at.isoformat()
        text = (
            f"{self._n}\t{part}\t{line.row}\t{line.external_id}\t{line.kind}\t{line.amount!s}"
            f"\t{line.currency}\t{self._instant_text}\t{line.order_ref}\t{line.payout_ref}"
            f"\t{line.remittance}\t{line.label}"
        )
        if "\\" in text or "\n" in text or "\r" in text or text.count("\t") != TABS:
            text = self._escaped(part, line)
        self._block.append(text)
        if len(self._block) == BLOCK:
            self.flush()

    def flush(self) -> None:
        """Send what is left of the block."""
        if self._block:
            self._block.append("")
            self._copy.write("\n".join(self._block))
            self._block.clear()

    def _escaped(self, part: int, line: Line) -> str:
        fields = (
            self._n, part, line.row, line.external_id, line.kind, line.amount, line.currency,
            self._instant_text, line.order_ref, line.payout_ref, line.remittance, line.label,
        )  # fmt: skip
        return "\t".join(str(field).translate(ESCAPES) for field in fields)
