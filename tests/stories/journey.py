"""A merchant's way through a simulated world, and what must be true at its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from accounts.access import acting_for
from accounts.models import Merchant, SettlementAccount, Store
from accounts.onboarding import add_bank_account, add_store, open_settlement_account
from ledger import balances
from ledger.checks import prove
from settlement import checks, queries
from settlement.models import (
    BankLine,
    DocumentState,
    Line,
    Payout,
    PayoutState,
    SourceDocument,
)
from settlement.models.matching import MatchItem
from tests.build import a_merchant, upload, work_off

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


def begun(world: Path) -> Journey:
    """The merchant links its stores and names its bank account, in both its currencies."""
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


def everything_is_as_the_truth_says(journey: Journey) -> None:
    """Documents, payouts, matches, exceptions, balances, the bank, and the books' own proofs."""
    with journey.seen_by_the_merchant():
        every_document_was_read()
        every_payout_came_out_as_the_truth_says(journey)
        every_match_is_the_true_one(journey)
        the_exceptions_are_the_expected_ones(journey)
        the_stores_are_owed_what_the_truth_says(journey)
        the_books_equal_the_bank(journey)
        nothing_in_transit_is_left_of_a_proven_payout(journey)
    for findings in (
        prove(using="ops", book=journey.merchant.id),
        checks.prove("ops", journey.merchant.id),
    ):
        assert [finding for finding in findings if finding.violations] == []


# --- what is claimed ----------------------------------------------------------------------


def every_document_was_read() -> None:
    states = Counter(SourceDocument.objects.values_list("state", flat=True))
    assert set(states) == {DocumentState.LOADED}


def every_payout_came_out_as_the_truth_says(journey: Journey) -> None:
    truth = journey.truth
    found = {
        (key, str(payout.amount_currency)): (
            OUTCOME[_outcome(truth, payout)],
            payout.amount.amount,
        )
        for key, payout in _by_key(journey).items()
    }
    for payout in truth["payouts"]:
        place = payout["key"], payout["currency"]
        assert found.pop(place) == (OUTCOME[payout["outcome"]], Decimal(payout["amount"])), payout
    assert not found
    by_state = Counter(Payout.objects.filter(live=True).values_list("state", flat=True))
    assert by_state[PayoutState.RECONCILED] == sum(
        OUTCOME[payout["outcome"]] == "reconciled" for payout in truth["payouts"]
    )


def _by_key(journey: Journey) -> dict[str, Payout]:
    """The hub's payouts by the truth's keys; Pinduoduo gives them no number, but one a day."""
    unnumbered = {
        (
            journey.stores[payout["store"]].id,
            datetime.fromisoformat(payout["announced_at"]),
            Decimal(payout["amount"]),
        ): payout["key"]
        for payout in journey.truth["payouts"]
        if payout["external_id"] is None
    }
    numbers = {payout["external_id"] for payout in journey.truth["payouts"]}
    return {
        payout.external_id
        if payout.external_id in numbers
        else unnumbered[payout.store_id, payout.announced_at, payout.amount.amount]: payout
        for payout in Payout.objects.filter(live=True)
    }


def _outcome(truth: dict[str, Any], payout: Payout) -> str:
    """The truth's word for what the hub says of a payout."""
    if payout.state in (PayoutState.LATE, PayoutState.ANNOUNCED, PayoutState.IN_TRANSIT):
        return "in_transit"
    if payout.state == PayoutState.RECONCILED:
        return "merged"
    return str(payout.state)


def every_match_is_the_true_one(journey: Journey) -> None:
    """Not one payout is paired with a bank line that is another's."""
    lines: dict[object, set[str]] = {}
    items = MatchItem.objects.filter(live=True).select_related("payout", "bank_line")
    for item in items:
        lines.setdefault(item.match_id, set())
        if item.bank_line is not None:
            lines[item.match_id].add(item.bank_line.reference)
    keys = {payout.id: key for key, payout in _by_key(journey).items()}
    found = {keys[item.payout.id]: lines[item.match_id] for item in items if item.payout}
    expected = {
        payout["key"]: set(payout["bank_lines"])
        for payout in journey.truth["payouts"]
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
