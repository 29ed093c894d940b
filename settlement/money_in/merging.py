"""Staged lines become rows: each new, known, or restated; one set-based pass for all.

A line is recognised by (merchant, store, external id) in `settlement_linekey`
and compared by a fingerprint of what it says. Known lines add nothing; a
restated one becomes the next version and the old row stops being live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from settlement.bookings import DaysMovement
from settlement.errors import RefusedError
from settlement.models import SourceDocument

KNOWN = """
CREATE TEMPORARY TABLE known_line ON COMMIT DROP AS
SELECT s.n, k.version, k.line_id, k.document_id, k.known_at,
    -- A document that is read again never overrules one that came after it.
    k.fingerprint IS NOT DISTINCT FROM s.fingerprint
        OR (k.fingerprint IS NOT NULL AND k.known_at > %(known_at)s) AS same
FROM staged_line s
JOIN settlement_linekey k ON k.merchant_id = %(merchant)s AND k.store_id = %(store)s
    AND k.external_id = s.external_id
"""

COUNT = """
SELECT count(*) FILTER (WHERE same), count(*),
    count(*) FILTER (WHERE same AND document_id <> %(document)s)
FROM known_line
"""

ADD_LINES = """
INSERT INTO settlement_line (merchant_id, document_id, id, known_at, store_id, "row", version,
    external_id, kind, amount, amount_currency, event_at, order_ref, payout_ref, remittance,
    label, books, live)
SELECT %(merchant)s, %(document)s, s.line_id, %(known_at)s, %(store)s, s."row",
    coalesce(k.version, 0) + 1, s.external_id, s.kind, s.amount, s.amount_currency, s.event_at,
    s.order_ref, s.payout_ref, s.remittance, s.label, s.part = ANY(%(booking)s), true
FROM staged_line s LEFT JOIN known_line k ON k.n = s.n
WHERE k.n IS NULL OR NOT k.same
"""

ADD_KEYS = """
INSERT INTO settlement_linekey
    (merchant_id, store_id, external_id, version, fingerprint, document_id, known_at, line_id)
SELECT %(merchant)s, %(store)s, s.external_id, 1, s.fingerprint, %(document)s, %(known_at)s,
    s.line_id
FROM staged_line s
WHERE NOT EXISTS (SELECT FROM known_line k WHERE k.n = s.n)
"""

RESTATE_KEYS = """
UPDATE settlement_linekey t
SET version = k.version + 1, fingerprint = s.fingerprint, document_id = %(document)s,
    known_at = %(known_at)s, line_id = s.line_id
FROM staged_line s JOIN known_line k ON k.n = s.n AND NOT k.same
WHERE t.merchant_id = %(merchant)s AND t.store_id = %(store)s AND t.external_id = s.external_id
"""

END_OLD_VERSIONS = """
UPDATE settlement_line l SET live = false
FROM known_line k
WHERE NOT k.same AND l.live AND l.merchant_id = %(merchant)s AND l.document_id = k.document_id
    AND l.id = k.line_id AND l.known_at = k.known_at
"""

# Sales and charges by local day: what the store's balance at the platform gained.
MOVED = """
WITH ended AS (
    SELECT l.amount, l.amount_currency, l.kind, l.event_at
    FROM known_line k JOIN settlement_line l ON l.merchant_id = %(merchant)s
        AND l.document_id = k.document_id AND l.id = k.line_id AND l.known_at = k.known_at
    WHERE NOT k.same AND l.live AND l.books
), moved AS (
    SELECT s.amount, s.amount_currency, s.kind, s.event_at
    FROM staged_line s LEFT JOIN known_line k ON k.n = s.n
    WHERE (k.n IS NULL OR NOT k.same) AND s.part = ANY(%(booking)s)
    UNION ALL
    SELECT -amount, amount_currency, kind, event_at FROM ended
)
SELECT (event_at AT TIME ZONE %(zone)s)::date, amount_currency, kind = 'unknown', sum(amount)
FROM moved
WHERE kind NOT IN ('payout', 'payout_returned')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
"""

TWINS = """
SELECT min("row"), max("row") FROM staged_line
GROUP BY external_id HAVING count(*) > 1 ORDER BY 1 LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """How a document's lines compare with what was known, and what they move."""

    kept: int
    known: int
    restated: int
    moved: list[DaysMovement]


def merge_lines(
    document: SourceDocument, *, store_id: UUID, booking: list[int], zone: str
) -> Merged:
    """Store the staged lines of a document. Inside its transaction, the store locked.

    `booking` names the parts whose lines move money; `zone` is the time zone
    whose days the books count. Raises RefusedError when the document itself
    states one line twice.
    """
    given: dict[str, Any] = {
        "merchant": document.merchant_id,
        "document": document.id,
        "store": store_id,
        "known_at": document.known_at,
        "booking": booking,
        "zone": zone,
    }
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, given)
        cursor.execute(COUNT, given)
        known, met, elsewhere = cursor.fetchone()
        cursor.execute(MOVED, given)
        moved = [
            DaysMovement(day=day, currency=currency, unknown=unknown, amount=amount)
            for day, currency, unknown, amount in cursor.fetchall()
        ]
        if met > known:
            cursor.execute(RESTATE_KEYS, given)
            cursor.execute(END_OLD_VERSIONS, given)
        kept = _add_keys(given)
        cursor.execute(ADD_LINES, given)
    return Merged(kept=kept, known=elsewhere, restated=met - known, moved=moved)


def _add_keys(given: dict[str, Any]) -> int:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(ADD_KEYS, given)
            added: int = cursor.rowcount
            return added
    except IntegrityError as error:
        with connection.cursor() as cursor:
            cursor.execute(TWINS)
            twins = cursor.fetchone()
        if twins is None:
            raise
        raise RefusedError(
            _("rows %(first)s and %(second)s carry the same number")
            % {"first": twins[0], "second": twins[1]},
            row=twins[1],
        ) from error
