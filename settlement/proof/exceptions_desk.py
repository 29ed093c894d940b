"""Leftovers become exceptions with a reason; one whose cause is gone is closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from djmoney.money import Money

from accounts.models import SettlementAccount
from settlement.models import ExceptionState, Reason, ReconException
from settlement.models.matching import OPEN_STATES
from settlement.proof.matching.rules import Finding
from settlement.states import check_step

MAINTAINED = [
    Reason.MISSING,
    Reason.SHORT,
    Reason.OVER,
    Reason.AMBIGUOUS,
    Reason.LINES_DIFFER,
    Reason.STATEMENT_GAP,
    Reason.WITHDRAWAL_DIFFERS,
]
"""Reasons a reconciliation finds anew each time; the others are closed by people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something left over: the reason, what it is about, and by how much it differs."""

    reason: Reason
    subject: UUID
    payout_id: UUID | None = None
    bank_line_id: UUID | None = None
    statement_id: UUID | None = None
    document_id: UUID | None = None
    difference: Money | None = None


LINES_AGAINST_PAYOUTS = """
SELECT p.id, p.amount_currency, sum(l.amount) - p.amount
FROM settlement_payout p
JOIN accounts_store s ON s.id = p.store_id
JOIN settlement_line l ON l.merchant_id = p.merchant_id AND l.store_id = p.store_id
    AND l.payout_ref = p.external_id AND l.payout_ref <> ''
WHERE s.settlement_account_id = %s AND p.merchant_id = %s AND p.live AND l.live AND l.books
    AND l.kind NOT IN ('payout', 'payout_returned') AND l.amount_currency = p.amount_currency
GROUP BY p.id, p.amount_currency, p.amount
HAVING sum(l.amount) <> p.amount
"""


def from_matching(findings: Iterable[Finding]) -> list[Leftover]:
    """What the matcher could not pair."""
    return [
        Leftover(
            reason=Reason(finding.doubt.value),
            subject=finding.payout.id,
            payout_id=finding.payout.id,
            bank_line_id=finding.line.id if finding.line else None,
            difference=(
                None
                if finding.difference is None
                else Money(finding.difference, finding.payout.currency)
            ),
        )
        for finding in findings
    ]


def from_lines(account: SettlementAccount) -> list[Leftover]:
    """Payouts whose own lines do not add up to them."""
    with connection.cursor() as cursor:
        cursor.execute(LINES_AGAINST_PAYOUTS, [account.id, account.merchant_id])
        return [
            Leftover(
                reason=Reason.LINES_DIFFER,
                subject=payout_id,
                payout_id=payout_id,
                difference=Money(difference, currency),
            )
            for payout_id, currency, difference in cursor.fetchall()
        ]


def keep_up(account: SettlementAccount, *, findings: Iterable[Leftover], now: datetime) -> int:
    """Open what is new, close what is gone; returns how many exceptions are open."""
    wanted = {(found.reason.value, found.subject): found for found in findings}
    standing = {
        (exception.reason, exception.subject): exception
        for exception in ReconException.objects.filter(
            settlement_account=account, reason__in=MAINTAINED, state__in=OPEN_STATES
        )
    }
    for key in standing.keys() - wanted.keys():
        _close(standing[key], now)
    changed = [
        exception
        for key, exception in standing.items()
        if key in wanted and _update(exception, wanted[key])
    ]
    ReconException.objects.bulk_update(
        changed, ["bank_line_id", "difference", "difference_currency"], batch_size=500
    )
    ReconException.objects.bulk_create(
        [_row(account, wanted[key], now) for key in wanted.keys() - standing.keys()],
        batch_size=500,
    )
    return ReconException.objects.filter(settlement_account=account, state__in=OPEN_STATES).count()


def _close(exception: ReconException, now: datetime) -> None:
    check_step(ExceptionState(exception.state), ExceptionState.RESOLVED)
    exception.state = ExceptionState.RESOLVED
    exception.closed_at = now
    exception.save(update_fields=["state", "closed_at"])


def _update(exception: ReconException, found: Leftover) -> bool:
    before = (exception.bank_line_id, exception.difference)
    exception.bank_line_id, exception.difference = found.bank_line_id, found.difference
    return before != (found.bank_line_id, found.difference)


def _row(account: SettlementAccount, found: Leftover, now: datetime) -> ReconException:
    return ReconException(
        merchant_id=account.merchant_id,
        settlement_account=account,
        reason=found.reason,
        subject=found.subject,
        payout_id=found.payout_id,
        bank_line_id=found.bank_line_id,
        statement_id=found.statement_id,
        document_id=found.document_id,
        difference=found.difference.amount if found.difference else None,
        difference_currency=str(found.difference.currency) if found.difference else None,
        opened_at=now,
    )
