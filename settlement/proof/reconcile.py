"""One reconciliation of a settlement account: match, book, and say what is left over."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from accounts.access import acting_for
from accounts.models import SettlementAccount
from settlement import bookings
from settlement.models import (
    BankLine,
    BankStatement,
    Match,
    MatchItem,
    MatchRule,
    MatchState,
    Payout,
    PayoutState,
    ReconRun,
    RunState,
)
from settlement.proof import continuity, exceptions_desk, outgoing
from settlement.proof.matching.candidates import OpenLine, OpenPayout
from settlement.proof.matching.engine import Outcome, solve
from settlement.proof.matching.rules import Doubt, Finding, Pairing
from settlement.states import check_step
from settlement.work import RUN, Lease, claim, kept_alive

log = logging.getLogger(__name__)

WAITING = [
    PayoutState.ANNOUNCED,
    PayoutState.IN_TRANSIT,
    PayoutState.LATE,
    PayoutState.MISSING,
    PayoutState.SHORT,
    PayoutState.OVER,
]
STATE_OF = {
    Doubt.MISSING: PayoutState.MISSING,
    Doubt.SHORT: PayoutState.SHORT,
    Doubt.OVER: PayoutState.OVER,
    Doubt.AMBIGUOUS: PayoutState.IN_TRANSIT,
}
USUALLY = timedelta(days=3)
"""After so many days a payout without a stated day of arrival is called late."""
BACKWARDS = timedelta(days=31)
"""How long before the oldest open payout a bank line may have been booked."""
LIKENESSES = [MatchRule.AMOUNT, MatchRule.CUT_REFERENCE]
"""Rules that hold because nothing else fits; what comes later may fit as well."""

# Matches by likeness beside which there is now an open payout or bank line of the same amount.
DOUBTED = """
SELECT m.id
FROM settlement_match m
JOIN settlement_matchitem i ON i.match_id = m.id AND i.live
JOIN settlement_bankline l ON l.id = i.bank_line_id
WHERE m.merchant_id = %(merchant)s AND m.settlement_account_id = %(account)s
    AND m.state = 'confirmed' AND m.rule = ANY(%(rules)s)
    AND (EXISTS (
        SELECT FROM settlement_payout p JOIN accounts_store s ON s.id = p.store_id
        WHERE p.merchant_id = m.merchant_id AND s.settlement_account_id = m.settlement_account_id
            AND p.live AND p.state = ANY(%(waiting)s)
            AND p.amount = l.amount AND p.amount_currency = l.amount_currency
            AND p.announced_at BETWEEN l.booked_on - %(apart)s AND l.booked_on + %(apart)s
    ) OR EXISTS (
        SELECT FROM settlement_bankline o
        JOIN accounts_bankaccount b ON b.id = o.bank_account_id
        WHERE o.merchant_id = m.merchant_id AND b.settlement_account_id = m.settlement_account_id
            AND o.live AND o.books
            AND o.amount = l.amount AND o.amount_currency = l.amount_currency
            AND o.booked_on BETWEEN l.booked_on - %(apart)s AND l.booked_on + %(apart)s
            AND NOT EXISTS (
                SELECT FROM settlement_matchitem c WHERE c.bank_line_id = o.id AND c.live)
    ))
"""


def carry_out(*, merchant_id: UUID, run_id: UUID) -> None:
    """Carry out a queued run; safe to call twice, by two workers, or after a crash."""
    lease = claim(RUN, merchant_id=merchant_id, id=run_id)
    if lease is None:
        return
    if lease.exhausted:
        _give_up(lease)
        return
    with kept_alive(lease), acting_for(merchant_id):
        run = ReconRun.objects.select_related("settlement_account__merchant").get(id=run_id)
        _lock(run.settlement_account_id)
        run.matched, run.excepted = reconcile(run.settlement_account, now=timezone.now())
        lease.still_held()
        run.state = RunState.DONE
        run.finished_at = timezone.now()
        run.lease_until = run.lease_token = None
        run.save()


def reconcile(account: SettlementAccount, *, now: datetime) -> tuple[int, int]:
    """Match what is open; returns (payouts matched, exceptions open).

    Inside the merchant's transaction, the account locked.
    """
    _revoke_what_lost_a_side(account, now)
    astray = outgoing.settle(account, now=now)
    doubted = _doubted(account)
    payouts = {payout.id: payout for payout in _open_payouts(account)}
    payouts |= {likeness.payout.id: likeness.payout for likeness in doubted}
    lines = {line.id: line for line in _open_lines(account, payouts.values())}
    lines |= {likeness.line.id: likeness.line for likeness in doubted}
    covered_to = _covered_to(account)
    outcome = solve(
        payouts=[_candidate(payout, account) for payout in payouts.values()],
        lines=[_candidate_line(line) for line in lines.values()],
        covered_to=covered_to,
    )
    pairings = _without_standing(outcome.pairings, doubted, now)
    _confirm(account, pairings, payouts, lines, now)
    _mark(outcome, payouts, covered_to)
    open_count = exceptions_desk.keep_up(
        account,
        findings=[
            *exceptions_desk.from_matching(outcome.findings),
            *exceptions_desk.from_lines(account),
            *continuity.gaps(account),
            *astray,
        ],
        now=now,
    )
    return sum(len(p.payouts) for p in pairings), open_count


def _give_up(lease: Lease) -> None:
    with acting_for(lease.merchant_id):
        lease.still_held()
        ReconRun.objects.filter(id=lease.id).update(
            state=RunState.FAILED,
            error_reason="failed again and again",
            lease_until=None,
            lease_token=None,
        )


def _lock(account_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"reconcile:{account_id}"]
        )


# --- what is open -------------------------------------------------------------------------


def _open_payouts(account: SettlementAccount) -> Iterable[Payout]:
    return (
        Payout.objects.filter(store__settlement_account=account, live=True, state__in=WAITING)
        .exclude(amount=0)
        .iterator(chunk_size=2000)
    )


def _open_lines(account: SettlementAccount, payouts: Iterable[Payout]) -> Iterable[BankLine]:
    """Unclaimed booked entries since shortly before the oldest open payout."""
    oldest = min((payout.announced_at.date() for payout in payouts), default=None)
    if oldest is None:
        return ()
    return (
        BankLine.objects.filter(
            bank_account__settlement_account=account,
            live=True,
            books=True,
            booked_on__gte=oldest - BACKWARDS,
        )
        .exclude(match_items__live=True)
        .iterator(chunk_size=2000)
    )


def _covered_to(account: SettlementAccount) -> dict[str, date]:
    """Per currency, the last day the bank's statements reach."""
    rows = (
        BankStatement.objects.filter(
            bank_account__settlement_account=account, live=True, books=True
        )
        .values_list("bank_account__currency")
        .annotate(Max("period_to"))
    )
    return dict(rows)


def _candidate(payout: Payout, account: SettlementAccount) -> OpenPayout:
    zone = ZoneInfo(account.merchant.zone)
    return OpenPayout(
        id=payout.id,
        amount=payout.amount.amount,
        currency=payout.amount_currency,
        reference=payout.remittance or payout.external_id,
        announced_on=payout.announced_at.astimezone(zone).date(),
        arrives_on=payout.arrives_on,
    )


def _candidate_line(line: BankLine) -> OpenLine:
    own = (line.remittance, line.end_to_end_id, line.reference)
    details = [
        text
        for detail in line.details
        for text in (detail["remittance"], detail["end_to_end_id"], detail["reference"])
    ]
    return OpenLine(
        id=line.id,
        amount=line.amount.amount,
        currency=line.amount_currency,
        booked_on=line.booked_on,
        texts=tuple(text for text in (*own, *details) if text),
    )


# --- what was alike -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likeness:
    """A confirmed match of one payout and one bank line that were the only ones alike."""

    match: Match
    payout: Payout
    line: BankLine

    @property
    def key(self) -> tuple[object, ...]:
        return self.match.rule, (self.payout.id,), (self.line.id,)


def _doubted(account: SettlementAccount) -> list[_Likeness]:
    """Likenesses to be concluded anew, so that the order in which documents come is no evidence."""
    given: dict[str, Any] = {
        "merchant": account.merchant_id,
        "account": account.id,
        "rules": [rule.value for rule in LIKENESSES],
        "waiting": [state.value for state in WAITING],
        "apart": BACKWARDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(DOUBTED, given)
        ids = [id for (id,) in cursor.fetchall()]
    items = MatchItem.objects.filter(match_id__in=ids, live=True)
    lines = {
        item.match_id: item.bank_line
        for item in items.select_related("bank_line")
        if item.bank_line
    }
    return [
        _Likeness(match=item.match, payout=item.payout, line=lines[item.match_id])
        for item in items.select_related("match", "payout")
        if item.payout
    ]


def _without_standing(
    pairings: Iterable[Pairing], doubted: Iterable[_Likeness], now: datetime
) -> list[Pairing]:
    """The pairings that are new; a likeness that is not concluded again is revoked."""
    concluded = {_key(pairing): pairing for pairing in pairings}
    for likeness in doubted:
        if concluded.pop(likeness.key, None) is None:
            revoke(likeness.match, reason="something else fits as well", now=now)
            likeness.payout.state, likeness.payout.arrived_on = PayoutState.IN_TRANSIT, None
    return list(concluded.values())


def _key(pairing: Pairing) -> tuple[object, ...]:
    payouts, lines = (tuple(side.id for side in both) for both in (pairing.payouts, pairing.lines))
    return pairing.rule.value, payouts, lines


# --- what follows -------------------------------------------------------------------------


def _confirm(
    account: SettlementAccount,
    pairings: Iterable[Pairing],
    payouts: dict[UUID, Payout],
    lines: dict[UUID, BankLine],
    now: datetime,
) -> None:
    confirmed = []
    items = []
    arrived = []
    for pairing in pairings:
        match = Match(
            merchant_id=account.merchant_id,
            settlement_account=account,
            state=MatchState.CONFIRMED,
            rule=pairing.rule.value,
            made_at=now,
        )
        mine = [payouts[candidate.id] for candidate in pairing.payouts]
        theirs = [lines[candidate.id] for candidate in pairing.lines]
        items += _items(match, mine, theirs)
        arrived += _arrived(mine, max(line.booked_on for line in theirs))
        confirmed.append(bookings.Proven(match=match, payouts=mine, lines=theirs))
    Match.objects.bulk_create([proven.match for proven in confirmed], batch_size=500)
    MatchItem.objects.bulk_create(items, batch_size=500)
    Payout.objects.bulk_update(arrived, ["state", "arrived_on"], batch_size=500)
    bookings.matches_confirmed(confirmed, merchant_id=account.merchant_id, now=now)


def _items(match: Match, payouts: list[Payout], lines: list[BankLine]) -> list[MatchItem]:
    common = {"merchant_id": match.merchant_id, "match": match}
    return [
        *(MatchItem(payout=payout, amount=payout.amount, **common) for payout in payouts),
        *(MatchItem(bank_line=line, amount=line.amount, **common) for line in lines),
    ]


def _arrived(payouts: list[Payout], day: date) -> list[Payout]:
    for payout in payouts:
        _step(payout, PayoutState.RECONCILED)
        payout.arrived_on = day
    return payouts


def _mark(outcome: Outcome, payouts: dict[UUID, Payout], covered_to: dict[str, date]) -> None:
    """Give every payout that stays open the state its finding asks for."""
    found: dict[UUID, Finding] = {finding.payout.id: finding for finding in outcome.findings}
    changed = []
    for payout in payouts.values():
        if payout.state == PayoutState.RECONCILED:
            continue
        finding = found.get(payout.id)
        state = STATE_OF[finding.doubt] if finding else _waiting_state(payout, covered_to)
        if payout.state != state:
            _step(payout, state)
            changed.append(payout)
    Payout.objects.bulk_update(changed, ["state"], batch_size=500)


def _waiting_state(payout: Payout, covered_to: dict[str, date]) -> PayoutState:
    due = payout.arrives_on or payout.announced_at.date() + USUALLY
    if covered_to.get(payout.amount_currency, date.min) > due:
        return PayoutState.LATE
    if payout.state == PayoutState.ANNOUNCED:
        return PayoutState.ANNOUNCED
    return PayoutState.IN_TRANSIT


def _step(payout: Payout, state: PayoutState) -> None:
    check_step(payout.state, state)
    payout.state = state


def _revoke_what_lost_a_side(account: SettlementAccount, now: datetime) -> None:
    """A payout was restated or a document withdrawn: its match no longer stands."""
    items = MatchItem.objects.filter(live=True, match__settlement_account=account)
    broken = items.filter(payout__live=False) | items.filter(bank_line__live=False)
    for match in Match.objects.filter(id__in=broken.values("match_id")).order_by("id"):
        revoke(match, reason="one side was restated or withdrawn", now=now)


def revoke(match: Match, *, reason: str, now: datetime) -> None:
    """Take a confirmed match back: its booking is reversed, its sides are open again."""
    check_step(MatchState(match.state), MatchState.REVOKED)
    match.state, match.revoked_at = MatchState.REVOKED, now
    match.save(update_fields=["state", "revoked_at"])
    match.items.update(live=False)
    Payout.objects.filter(match_items__match=match, live=True, state=PayoutState.RECONCILED).update(
        state=PayoutState.IN_TRANSIT, arrived_on=None
    )
    bookings.match_revoked(match, reason=reason, now=now)
