"""First light: from files in the real formats to books that equal the bank.

A merchant with twelve stores on two platforms uploads what the platforms and
the bank give it. The sandbox wrote the files, with honest troubles in them, and
the truth beside them; the hub sees the files only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import acting_for
from accounts.models import Merchant, SettlementAccount, Store
from accounts.onboarding import add_bank_account, add_store, open_settlement_account
from ledger import balances
from ledger.checks import prove
from sandbox.world import write_world
from settlement import queries
from settlement.errors import AlreadyStoredError
from settlement.models import (
    BankLine,
    DocumentState,
    Line,
    Payout,
    PayoutState,
    SourceDocument,
)
from settlement.models.matching import MatchItem
from settlement.money_in.withdrawing import withdraw
from tests.build import a_merchant, upload, work_off

pytestmark = pytest.mark.usefixtures("database")

OUTCOME = {
    "matched_by_reference": "reconciled",
    "matched_by_amount": "reconciled",
    "merged": "reconciled",
    "late_matched": "reconciled",
    "short": "short",
    "missing": "missing",
    "ambiguous": "in_transit",
    "in_transit": "in_transit",
}


@dataclass(frozen=True)
class Journey:
    """A merchant, what it was given, and what is really so."""

    folder: Path
    truth: dict[str, Any]
    merchant: Merchant
    account: SettlementAccount
    stores: dict[str, Store]

    @contextmanager
    def seen_by_the_merchant(self) -> Iterator[None]:
        with acting_for(self.merchant.id):
            yield

    def upload_everything(self) -> None:
        for file in self.truth["files"]:
            upload(
                self.merchant.id,
                self.folder / file["path"],
                store=self.stores.get(file.get("store")),
            )
        work_off(self.merchant.id)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "files"
    write_world(seed=20, out=folder, ends_on=date(2026, 11, 20), days=28, small=True)
    return folder


@pytest.fixture
def journey(world: Path, database: None) -> Journey:
    """The merchant links its stores and names its bank accounts."""
    truth = json.loads((world / "truth.json").read_text())
    merchant = a_merchant(truth["merchant"]["name"])
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="everything")
        for bank_account in truth["bank_accounts"]:
            add_bank_account(
                account,
                bank=truth["bank"],
                holder=bank_account["holder"],
                number=bank_account["number"],
                currency=bank_account["currency"],
            )
        stores = {
            store["code"]: add_store(account, platform=store["platform"], name=store["name"])
            for store in truth["stores"]
        }
    return Journey(world, truth, merchant, account, stores)


def test_every_payout_is_proven_or_has_its_reason(journey: Journey) -> None:
    journey.upload_everything()

    with journey.seen_by_the_merchant():
        every_document_was_read()
        every_payout_came_out_as_the_truth_says(journey.truth)
        every_match_is_the_true_one(journey.truth)
        the_exceptions_are_the_expected_ones(journey)
        the_stores_are_owed_what_the_truth_says(journey)
        the_books_equal_the_bank(journey)
        nothing_in_transit_is_left_of_a_proven_payout(journey)
    assert [f for f in prove(using="ops", book=journey.merchant.id) if f.violations] == []


def test_sending_everything_again_adds_nothing(journey: Journey) -> None:
    journey.upload_everything()
    with journey.seen_by_the_merchant():
        before = figures(journey)
    for file in journey.truth["files"]:
        with pytest.raises(AlreadyStoredError):
            upload(
                journey.merchant.id,
                journey.folder / file["path"],
                store=journey.stores.get(file.get("store")),
            )
    with journey.seen_by_the_merchant():
        assert figures(journey) == before


def test_the_order_of_the_files_does_not_matter(journey: Journey) -> None:
    """Bank first and newest first: the same figures, to the cent."""
    journey.truth["files"].reverse()
    journey.upload_everything()
    with journey.seen_by_the_merchant():
        every_payout_came_out_as_the_truth_says(journey.truth)
        the_exceptions_are_the_expected_ones(journey)
        the_stores_are_owed_what_the_truth_says(journey)
        the_books_equal_the_bank(journey)


def test_a_document_uploaded_wrongly_leaves_no_trace_in_the_figures(journey: Journey) -> None:
    journey.upload_everything()
    with journey.seen_by_the_merchant():
        before = figures(journey)
        fund_flow = (
            SourceDocument.objects.select_related("store")
            .filter(store=journey.stores["W02"], state=DocumentState.LOADED, rows_kept__gt=0)
            .order_by("known_at")[1]
        )
        statement = SourceDocument.objects.select_related("store").filter(store=None)[1]
    for document in (fund_flow, statement):
        withdraw(merchant_id=journey.merchant.id, document_id=document.id, now=timezone.now())
    work_off(journey.merchant.id)
    with journey.seen_by_the_merchant():
        assert figures(journey) != before
    for document in (fund_flow, statement):
        path = next(
            journey.folder / file["path"]
            for file in journey.truth["files"]
            if file["path"].endswith(document.name)
            and journey.stores.get(file.get("store")) == document.store
        )
        upload(journey.merchant.id, path, store=document.store)
    work_off(journey.merchant.id)
    with journey.seen_by_the_merchant():
        assert figures(journey) == before
    assert [f for f in prove(using="ops", book=journey.merchant.id) if f.violations] == []


# --- what is claimed ----------------------------------------------------------------------


def every_document_was_read() -> None:
    states = Counter(SourceDocument.objects.values_list("state", flat=True))
    assert set(states) == {DocumentState.LOADED}


def every_payout_came_out_as_the_truth_says(truth: dict[str, Any]) -> None:
    found = {
        (payout.external_id, str(payout.amount_currency)): (
            OUTCOME[_outcome(truth, payout)],
            payout.amount.amount,
        )
        for payout in Payout.objects.filter(live=True)
    }
    for payout in truth["payouts"]:
        key = payout["external_id"], payout["currency"]
        assert found.pop(key) == (OUTCOME[payout["outcome"]], Decimal(payout["amount"])), payout
    assert not found
    by_state = Counter(Payout.objects.filter(live=True).values_list("state", flat=True))
    assert by_state[PayoutState.RECONCILED] == sum(
        OUTCOME[payout["outcome"]] == "reconciled" for payout in truth["payouts"]
    )


def _outcome(truth: dict[str, Any], payout: Payout) -> str:
    """The truth's word for what the hub says of a payout."""
    if payout.state in (PayoutState.LATE, PayoutState.ANNOUNCED, PayoutState.IN_TRANSIT):
        return "in_transit"
    if payout.state == PayoutState.RECONCILED:
        return "merged"
    return str(payout.state)


def every_match_is_the_true_one(truth: dict[str, Any]) -> None:
    """Not one payout is paired with a bank line that is another's."""
    lines: dict[object, set[str]] = {}
    items = MatchItem.objects.filter(live=True).select_related("payout", "bank_line")
    for item in items:
        lines.setdefault(item.match_id, set())
        if item.bank_line is not None:
            lines[item.match_id].add(item.bank_line.reference)
    found = {item.payout.external_id: lines[item.match_id] for item in items if item.payout}
    expected = {
        payout["external_id"]: set(payout["bank_lines"])
        for payout in truth["payouts"]
        if OUTCOME[payout["outcome"]] == "reconciled"
    }
    assert found == expected


def the_exceptions_are_the_expected_ones(journey: Journey) -> None:
    reasons = Counter(queries.open_exceptions(journey.account).values_list("reason", flat=True))
    assert reasons == {
        reason.lower(): count for reason, count in journey.truth["exceptions"].items()
    }


def the_stores_are_owed_what_the_truth_says(journey: Journey) -> None:
    rows = {row.store: row for row in queries.overview(journey.account).stores}
    for expected in journey.truth["balances"]:
        row = rows[journey.stores[expected["store"]]]
        assert row.owed.amount == Decimal(expected["owed"])
        assert row.arrived.amount == Decimal(expected["arrived"])
        assert row.missing.amount == Decimal(expected["missing"])
        on_the_way = Decimal(expected["in_transit"]) + Decimal(expected["ambiguous"])
        assert row.in_transit.amount == on_the_way
        assert row.difference.amount == Decimal(expected["short"])


def the_books_equal_the_bank(journey: Journey) -> None:
    rows = {row.bank_account.currency: row for row in queries.overview(journey.account).banks}
    for bank_account in journey.truth["bank_accounts"]:
        row = rows[bank_account["currency"]]
        assert row.booked.amount == Decimal(bank_account["closing"])
        assert row.agrees


def nothing_in_transit_is_left_of_a_proven_payout(journey: Journey) -> None:
    proven = Payout.objects.filter(live=True, state=PayoutState.RECONCILED)
    left = balances.by_subject(
        book=journey.merchant.id,
        prefix="store:",
        subjects=list(proven.values_list("id", flat=True)),
    )
    assert proven.exists()
    assert all(not amount for by_currency in left.values() for amount in by_currency.values())


def figures(journey: Journey) -> dict[str, Any]:
    """Everything a person would compare: rows, states, sums and balances."""
    overview = queries.overview(journey.account)
    return {
        "lines": Line.objects.filter(live=True).count(),
        "bank_lines": BankLine.objects.filter(live=True).count(),
        "payouts": sorted(
            Payout.objects.filter(live=True).values_list("external_id", "amount", "state")
        ),
        "stores": {
            (row.store.id, str(row.owed.currency)): (row.owed, row.in_transit, row.arrived)
            for row in overview.stores
        },
        "banks": {row.bank_account.id: (row.stated, row.booked) for row in overview.banks},
        "exceptions": sorted(
            queries.open_exceptions(journey.account).values_list("reason", flat=True)
        ),
    }
