"""What is done inside an arena, by processes of its own: `python -m tests.faults.inside …`.

    fund-flow ROWS   a merchant with one store, and a large fund flow received for it
    world            a merchant with twelve stores and its bank, and all their files received
    read             read every document that waits, and leave the reconciliation waiting
    sweep            the sweeper, at work all the time instead of every 15 seconds

The environment names the database and the broker, as for every process of ours. The first two
print what a test needs to know as one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import django

SWEEP_SECONDS = 0.25
STORE = "the store"
SEED = 29


def fund_flow(rows: str) -> dict[str, Any]:
    """Receive a WeChat Pay fund flow of so many rows for the only store."""
    from accounts.access import acting_for
    from accounts.onboarding import add_store, open_settlement_account
    from sandbox import write_fund_flow
    from tests.build import a_merchant, upload

    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="the account")
        store = add_store(account, platform="wechatpay", name=STORE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fund_flow.csv"
        write_fund_flow(path, rows=int(rows), seed=SEED)
        upload(merchant.id, path, store=store)
    return {"merchant": merchant.id, "account": account.id, "store": store.id}


def world() -> dict[str, Any]:
    """Receive all files of a small world, its troubles included."""
    from accounts.access import acting_for
    from accounts.onboarding import add_bank_account, add_store, open_settlement_account
    from sandbox import write_world
    from tests.build import a_merchant, upload

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "world"
        truth = write_world(
            seed=SEED, out=out, ends_on=date(2026, 11, 20), days=21, small=True
        ).truth
        merchant = a_merchant()
        with acting_for(merchant.id):
            account = open_settlement_account(merchant, name="the account")
            for there in truth["bank_accounts"]:
                given = {name: there[name] for name in ("holder", "number", "currency")}
                add_bank_account(account, bank=truth["bank"], **given)
            stores = {
                store["code"]: add_store(account, platform=store["platform"], name=store["name"])
                for store in truth["stores"]
            }
        for file in truth["files"]:
            upload(merchant.id, out / file["path"], store=stores.get(file.get("store")))
    return {"merchant": merchant.id, "account": account.id, "store": stores["W01"].id}


def read() -> None:
    """Read what waits in the order in which it came, as one worker would."""
    from settlement.models import DocumentState, SourceDocument
    from settlement.money_in import ingest

    waiting = SourceDocument.objects.using("ops").filter(state=DocumentState.STORED)
    for merchant_id, id in list(waiting.order_by("id").values_list("merchant_id", "id")):
        ingest.read(merchant_id=merchant_id, document_id=id)


def sweep() -> None:
    """Sweep again and again until somebody ends this process.

    As the sweeper would GRACE later, so that tests need not wait for rows to grow old; whose
    lease has really run out is PostgreSQL's to say, when a worker claims.
    """
    from django.db import DatabaseError, close_old_connections
    from django.utils import timezone

    from settlement import control

    while True:
        try:
            control.sweep(now=timezone.now() + control.GRACE)
        except DatabaseError as error:
            print(f"the sweeper goes on after: {error}", flush=True)
        close_old_connections()
        time.sleep(SWEEP_SECONDS)


COMMANDS: dict[str, Callable[..., dict[str, Any] | None]] = {
    "fund-flow": fund_flow,
    "world": world,
    "read": read,
    "sweep": sweep,
}


def main(command: str, *arguments: str) -> None:
    """Carry out one of the commands above."""
    django.setup()
    told = COMMANDS[command](*arguments)
    if told is not None:
        print(json.dumps(told, default=_text))


def _text(value: object) -> str:
    assert isinstance(value, UUID)
    return str(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
