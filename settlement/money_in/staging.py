"""Records on their way in: streamed by COPY into temporary tables, whole or not at all.

PostgreSQL refuses COPY into tables with row-level security, so bulk data is
staged first, compared there, and then inserted set by set (see merging.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import connection
from psycopg import Copy
from psycopg.copy import QueuedLibpqWriter

from platforms.contract import Line, Statement


def says(alias: str = "") -> str:
    """SQL for the fingerprint of what a line says; its row and document are where it says so.

    Immutable, so that the staging table computes it while the reader reads on.
    """
    parts = (
        "kind", "trim_scale({}amount)::text", "amount_currency",
        "encode(timestamptz_send({}event_at), 'hex')", "order_ref", "payout_ref", "remittance",
        "label",
    )  # fmt: skip
    dot = f"{alias}." if alias else ""
    said = [part.format(dot) if "{}" in part else f"{dot}{part}" for part in parts]
    return f"md5({' || chr(31) || '.join(said)})::uuid"


# A line's id sorts by document and ordinal: ten bytes of the document's, six of the ordinal.
LINES = f"""
CREATE TEMPORARY TABLE staged_line (
    n bigint NOT NULL, part smallint NOT NULL, "row" integer NOT NULL,
    external_id text COLLATE "C" NOT NULL, kind text NOT NULL, amount numeric(24, 8) NOT NULL,
    amount_currency text NOT NULL, event_at timestamptz NOT NULL, order_ref text NOT NULL,
    payout_ref text NOT NULL, remittance text NOT NULL, label text NOT NULL,
    fingerprint uuid GENERATED ALWAYS AS ({says()}) STORED,
    line_id uuid GENERATED ALWAYS AS (('{{prefix}}' || lpad(to_hex(n), 12, '0'))::uuid) STORED
) ON COMMIT DROP
"""
BLOCK = 100
"""Lines sent at once: the writer queues up to 1,024 blocks, about 30 MB."""
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
TABS = 11
"""Separators in a staged line; one more means a text holds a tab of its own."""


@contextmanager
def staged_lines(document_id: UUID) -> Iterator[Callable[[int, Statement, Line], None]]:
    """Create the staging table and yield a function that writes a statement's line into it."""
    with connection.cursor() as cursor:
        cursor.execute(LINES.format(prefix=document_id.hex[:20]))
        # Written from a thread, so that PostgreSQL stages while the reader reads on.
        queued = QueuedLibpqWriter(cursor.cursor)
        with cursor.copy("COPY staged_line FROM STDIN", writer=queued) as copy:
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
