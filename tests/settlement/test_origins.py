"""Whose money was withdrawn: what arrived first is paid out first, to the cent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.access import acting_for
from ledger.checks import prove
from ledger.errors import DuplicateReferenceError
from ledger.models import JournalEntry, Link
from settlement import bookings, checks
from settlement.models import BankLine, Match, MatchItem, MatchState, Payout, Withdrawal
from settlement.money_out.origins import Origin, origins
from settlement.proof import reconcile
from tests.build import a_user, upload, work_off
from tests.money import Shop, a_shop, ordered, quoted, sent, statement
from tests.settlement.files import fund_flow
from tests.settlement.test_outgoing import available, cny, shown

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)
FIRST, SECOND = ("5030" + number.zfill(20) for number in "23")
"""The payouts' numbers in the fund flow, and so in the bank's texts."""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant to whom 100.00 and, a day later, 50.00 were paid out."""
    shop = a_shop()
    flows = [
        ("10:00:00", "1", "交易", "150.00"),
        ("20:00:00", "2", "提现", "-100.00"),
        ("21:00:00", "3", "提现", "-50.00"),
    ]
    upload(shop.id, fund_flow(tmp_path / "flow.csv", flows), store=shop.store)
    for day, reference, amount, number, opening in (
        ("2026-11-03", "B1", "100.00", FIRST, "1000.00"),
        ("2026-11-04", "B2", "50.00", SECOND, "1100.00"),
    ):
        entries = [(day, reference, amount, f"财付通提现 {number}")]
        path = statement(shop, tmp_path / f"{reference}.xml", entries, opening=opening, day=day)
        upload(shop.id, path)
    work_off(shop.id)
    assert available(shop) == cny("150")
    return shop


def accepted(shop: Shop, amount: str) -> Withdrawal:
    """A withdrawal the bank accepted; the first three of a month are free."""
    return sent(ordered(shop, quoted(shop, amount, now=NOW), now=NOW), now=NOW)


@pytest.fixture
def paid(shop: Shop, tmp_path: Path) -> list[Withdrawal]:
    """120.00 and 30.00, which one statement shows paid."""
    both = [accepted(shop, "120"), accepted(shop, "30")]
    lines = [("B3", "-120.00", both[0].number), ("B4", "-30.00", both[1].number)]
    shown(shop, tmp_path, "2026-11-05", *lines, opening="1150.00")
    return both


def told(shop: Shop, withdrawals: Iterable[Withdrawal]) -> list[list[tuple[str, str]]]:
    """What each withdrawal took of which arrival."""
    with acting_for(shop.id):
        found = origins(withdrawals)
    return [[(_name(each), str(each.amount.amount)) for each in found[w.id]] for w in withdrawals]


def _name(origin: Origin) -> str:
    if origin.returned is not None:
        return origin.returned.number
    return " ".join(payout.external_id for payout in origin.payouts)


def links_of(shop: Shop, reference: str) -> list[tuple[str, str]]:
    with acting_for(shop.id):
        entry = JournalEntry.objects.get(reference=reference)
        links = Link.objects.filter(entry=entry).order_by("link_no")
        return list(links.values_list("relation", "target__reference"))


def sound(shop: Shop) -> bool:
    found = [*prove("ops", shop.id), *checks.prove("ops", shop.id)]
    return not any(finding.violations for finding in found)


def test_what_arrived_first_is_paid_out_first(shop: Shop, paid: list[Withdrawal]) -> None:
    with acting_for(shop.id):
        numbers = [Payout.objects.get(amount=amount).external_id for amount in (100, 50)]
    first, second = numbers
    assert told(shop, paid) == [[(first, "100"), (second, "20")], [(second, "30")]]
    assert sound(shop)


def test_a_match_settles_what_was_announced(shop: Shop) -> None:
    with acting_for(shop.id):
        items = MatchItem.objects.filter(payout__isnull=False)
        matched = list(items.values_list("match_id", "payout_id"))
    assert len(matched) == 2
    for match, payout in matched:
        assert links_of(shop, f"match:{match}") == [("settles", f"payout:{payout}")]


def test_many_withdrawals_are_one_question(shop: Shop, paid: list[Withdrawal]) -> None:
    with acting_for(shop.id), CaptureQueriesContext(connections["default"]) as asked:
        assert len(origins(paid)) == 2
        assert len(asked) == 1
        assert origins([]) == {}
        assert len(asked) == 1


def test_what_is_there_is_read_once_for_all_that_are_paid(shop: Shop) -> None:
    both = [accepted(shop, "120"), accepted(shop, "30")]
    with acting_for(shop.id), CaptureQueriesContext(connections["default"]) as asked:
        of_all = bookings.Origins(both)
        assert [link.amount for link in of_all.of(both[0])] == [100_00, 20_00]
        count = len(asked)
        assert [link.amount for link in of_all.of(both[1])] == [30_00]
        assert len(asked) == count


def test_booking_again_finds_what_was_booked(shop: Shop, paid: list[Withdrawal]) -> None:
    """The money is spent meanwhile: reckoned anew, the entry would have other links."""
    with acting_for(shop.id):
        before = JournalEntry.objects.count()
        for withdrawal in paid:
            line = BankLine.objects.get(match_items__match__items__withdrawal=withdrawal)
            again = bookings.Origins([withdrawal])
            bookings.withdrawal_paid(withdrawal, line=line, origins=again, now=NOW)
            line.amount = -line.amount
            with pytest.raises(DuplicateReferenceError):
                bookings.withdrawal_paid(withdrawal, line=line, origins=again, now=NOW)
        assert JournalEntry.objects.count() == before


def test_what_came_back_is_paid_out_again(
    shop: Shop, paid: list[Withdrawal], tmp_path: Path
) -> None:
    back = ("B5", "120.00", f"RETURN {paid[0].number}")
    shown(shop, tmp_path, "2026-11-06", back, opening="1000.00")
    returned = f"withdrawal:{paid[0].id}:returned"
    assert links_of(shop, returned) == [("returns", f"withdrawal:{paid[0].id}:paid")]
    again = accepted(shop, "70")
    shown(shop, tmp_path, "2026-11-07", ("B6", "-70.00", again.number), opening="1120.00")
    assert told(shop, [again]) == [[(paid[0].number, "70")]]
    assert sound(shop)


def test_what_nobody_knows_is_not_made_up(shop: Shop, tmp_path: Path) -> None:
    """The 100.00 turn out to be something else after they were promised; the bank pays anyway."""
    both = accepted(shop, "120")
    with acting_for(shop.id):
        match = Match.objects.get(items__payout__amount=100, state=MatchState.CONFIRMED)
        reconcile.revoke(match, reason="not this payout", now=NOW)
        line = BankLine.objects.get(amount=50)
        line.amount = -both.amount
        bookings.withdrawal_paid(both, line=line, origins=bookings.Origins([both]), now=NOW)
        [origin] = origins([both])[both.id]
    assert origin.amount == cny("50")
    assert available(shop) == cny("-70")


def test_the_back_office_shows_whose_money_it_was(shop: Shop, paid: list[Withdrawal]) -> None:
    client = Client()
    operator = a_user(is_staff=True, is_superuser=True)
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(
        reverse("admin:settlement_withdrawal_change", args=[paid[0].id])
    ).content.decode()
    with acting_for(shop.id):
        payouts = [Payout.objects.get(amount=amount) for amount in (100, 50)]
    assert "Where its money came from" in page
    assert "not known" not in page
    for payout in payouts:
        assert reverse("admin:settlement_payout_change", args=[payout.id]) in page
    for amount in ("100.00", "20.00"):
        assert f"{amount}\N{NO-BREAK SPACE}CNY" in page
