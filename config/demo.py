"""The demonstration: a simulated merchant, loaded through the ordinary upload path.

The sandbox writes files in the platforms' and the bank's real formats; from
there on nothing knows that they are simulated.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Sum

from accounts.access import acting_for, asking_as, visible_to
from accounts.models import Store, User
from accounts.onboarding import (
    add_bank_account,
    add_store,
    open_settlement_account,
    register_merchant,
)
from config import demo_bank
from config.keys import kept_secret
from sandbox.world import write_world
from settlement import queries
from settlement.models import DocumentState, Payout, ReconRun, RunState, SourceDocument
from settlement.money_in import ingest
from settlement.proof import reconcile

MEMBER = "demo@tributary.example"
OPERATOR = "operator@tributary.example"
ZONE = ZoneInfo("Asia/Shanghai")
"""Where the merchant and its bank are: what day it is is decided there."""
SEED = 7
DAYS = 90
STORES = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to sign in to the demonstration."""

    email: str
    operator: str
    password: str


def login() -> Login:
    """The demonstration's logins; the password was made at random on this machine."""
    password = kept_secret(Path(settings.HOME), "demo_password")[:16]
    return Login(email=MEMBER, operator=OPERATOR, password=password)


def load(*, today: date, tell: Callable[[str], None]) -> UUID:
    """Write a world that ends yesterday and upload its files; returns the merchant's id.

    From today on the simulated bank carries on by itself. Does nothing but find the merchant
    when it is there already.
    """
    user = User.objects.filter(email=MEMBER).first()
    if user is not None:
        with asking_as(user):
            return visible_to(user)[0].merchant_id
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        ends_on = today - timedelta(days=1)
        write_world(seed=SEED, out=world, ends_on=ends_on, days=DAYS, stores=STORES)
        truth = json.loads((world / "truth.json").read_text(encoding="utf-8"))
        tell(f"wrote {len(truth['files'])} simulated files of {len(truth['stores'])} stores")
        merchant_id, stores = _onboard(truth)
        for file in truth["files"]:
            _upload(merchant_id, world / file["path"], stores.get(file.get("store")))
    return merchant_id


def _onboard(truth: dict[str, Any]) -> tuple[UUID, dict[str, Store]]:
    given = login()
    User.objects.create_superuser(OPERATOR, given.password, name="Operator")
    owner = User.objects.create_user(MEMBER, given.password, name="Demo")
    merchant = register_merchant(name=truth["merchant"]["name"], owner=owner)
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name=truth["merchant"]["name"])
        for bank_account in truth["bank_accounts"]:
            add_bank_account(
                account,
                bank=truth["bank"],
                holder=bank_account["holder"],
                number=bank_account["number"],
                currency=bank_account["currency"],
            )
        stores = {
            store["code"]: add_store(
                account,
                platform=store["platform"],
                name=store["name"],
                external_id=store["external_id"],
            )
            for store in truth["stores"]
        }
    return merchant.id, stores


def _upload(merchant_id: UUID, path: Path, store: Store | None) -> None:
    with path.open("rb") as stream:
        ingest.receive(
            merchant_id=merchant_id, stream=stream, name=path.name, store=store, origin="demo"
        )


def work_off(merchant_id: UUID) -> None:
    """Read every waiting document and carry out every waiting run, in this process."""
    with acting_for(merchant_id):
        waiting = list(
            SourceDocument.objects.filter(state=DocumentState.STORED)
            .order_by("known_at")
            .values_list("id", flat=True)
        )
    for document_id in waiting:
        ingest.read(merchant_id=merchant_id, document_id=document_id)
    with acting_for(merchant_id):
        runs = list(ReconRun.objects.filter(state=RunState.QUEUED).values_list("id", flat=True))
    for run_id in runs:
        reconcile.carry_out(merchant_id=merchant_id, run_id=run_id)


def unfinished(merchant_id: UUID) -> int:
    """How many documents and runs are still to be worked on."""
    with acting_for(merchant_id):
        return queries.work_in_progress()


def summary(merchant_id: UUID) -> list[str]:
    """What the demonstration came to, in lines for a terminal."""
    with acting_for(merchant_id):
        account = queries.settlement_accounts()[0]
        overview = queries.overview(account)
        states = (
            Payout.objects.filter(live=True).values_list("state").annotate(count=Count("id"))
        ).order_by("-count")
        rows = SourceDocument.objects.aggregate(rows=Sum("rows_kept"))["rows"]
        return [
            f"documents  {overview.documents} with {rows} rows",
            "payouts    " + ", ".join(f"{count} {state}" for state, count in states),
            *(_totals(total) for total in overview.totals()),
            *(_bank(row) for row in overview.banks),
            *demo_bank.summary(merchant_id),
            f"exceptions {overview.open_exceptions} open",
        ]


def _totals(total: queries.StoreTotals) -> str:
    return (
        f"stores     {total.currency}: owed {total.owed.amount:,.2f}, "
        f"in transit {total.in_transit.amount:,.2f}, arrived {total.arrived.amount:,.2f}, "
        f"missing {total.missing.amount:,.2f}"
    )


def _bank(row: queries.BankRow) -> str:
    stated = row.stated.amount if row.stated is not None else None
    verdict = "equal to the cent" if row.agrees else "DIFFERENT"
    return (
        f"bank       {row.bank_account.masked} {row.bank_account.currency}: "
        f"statement {stated:,.2f}, books {row.booked.amount:,.2f}: {verdict}"
    )
