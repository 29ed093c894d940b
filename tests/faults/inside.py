"""What is done inside an arena, by one process with our settings: `python -m tests.faults.inside`.

It reads one request a line, `[database, command, argument…]`, and answers each with one line of
JSON, `{"told": …}` or `{"failed": traceback}`; it ends with its input. The commands are the
functions of COMMANDS.
"""

from __future__ import annotations

import io
import json
import random
import sys
import tempfile
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import django

from tests.faults.shops import enter_keys_again, shops, tick

STORE = "the store"
SEED = 29
ENDS_ON = date(2026, 11, 20)


def fund_flow(rows: str) -> dict[str, str]:
    """Receive a WeChat Pay fund flow of so many rows for the only store of a new merchant."""
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
    return {"merchant": str(merchant.id), "account": str(account.id), "store": str(store.id)}


def world(days: str = "21", stores: str = "20") -> dict[str, str]:
    """Receive all files of a small world, its troubles included, for a new merchant."""
    from accounts.access import acting_for
    from accounts.onboarding import add_bank_account, add_store, open_settlement_account
    from sandbox import write_world
    from tests.build import a_merchant, upload

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "world"
        truth = write_world(
            seed=SEED, out=out, ends_on=ENDS_ON, days=int(days), stores=int(stores), small=True
        ).truth
        merchant = a_merchant()
        with acting_for(merchant.id):
            account = open_settlement_account(merchant, name="the account")
            for there in truth["bank_accounts"]:
                given = {name: there[name] for name in ("holder", "number", "currency")}
                add_bank_account(account, bank=truth["bank"], **given)
            shops = {
                store["code"]: add_store(account, platform=store["platform"], name=store["name"])
                for store in truth["stores"]
            }
        for file in truth["files"]:
            upload(merchant.id, out / file["path"], store=shops.get(file.get("store")))
    store = shops["W01"]
    return {"merchant": str(merchant.id), "account": str(account.id), "store": str(store.id)}


def withdrawal() -> dict[str, str]:
    """A merchant with money at the bank, who has ordered 2,000.00 of it."""
    from django.utils import timezone

    from tests.money import a_shop, ordered, quoted, with_money

    with tempfile.TemporaryDirectory() as folder:
        shop = with_money(a_shop(), Path(folder))
    now = timezone.now()
    ordered(shop, quoted(shop, "2000", now=now), now=now)
    return {"merchant": str(shop.id), "account": shop.number, "store": str(shop.store.id)}


def plenty() -> str:
    """A ledger's book in which nobody is short of money."""
    from tests.faults.deeds import a_book_of_plenty

    return str(a_book_of_plenty())


def prove_chain(book: str) -> list[str]:
    """Seal what is left of a ledger's book, and prove the chain; empty when all is well."""
    from ledger import chain, seals
    from tests.ledger.build import NOW

    while seals.seal(book=UUID(book), now=NOW):
        pass
    findings = chain.prove_chain("ops", UUID(book), now=NOW)
    return [str(finding) for finding in findings if finding.violations]


def trial_balance(book: str) -> dict[str, tuple[int, int]]:
    """All debits and all credits of a ledger's book, by currency."""
    from ledger.totals import trial_balance
    from tests.ledger.build import in_book

    with in_book(UUID(book), "ops"):
        return dict(trial_balance(book=UUID(book), using="ops"))


def read() -> None:
    """Read every document that waits, as one worker would; a reconciliation is left waiting."""
    from settlement.models import DocumentState, SourceDocument
    from settlement.money_in import ingest

    waiting = SourceDocument.objects.using("ops").filter(state=DocumentState.STORED)
    for merchant_id, id in list(waiting.order_by("id").values_list("merchant_id", "id")):
        ingest.read(merchant_id=merchant_id, document_id=id)


def interleave(seed: str) -> None:
    """Read what waits in an order drawn from the seed, and reconcile after every document."""
    from settlement.models import DocumentState, ReconRun, RunState, SourceDocument
    from settlement.money_in import ingest
    from settlement.proof import reconcile

    waiting = SourceDocument.objects.using("ops").filter(state=DocumentState.STORED)
    documents = list(waiting.order_by("id").values_list("merchant_id", "id"))
    random.Random(seed).shuffle(documents)
    for merchant_id, id in documents:
        ingest.read(merchant_id=merchant_id, document_id=id)
        for run in ReconRun.objects.using("ops").filter(state=RunState.QUEUED):
            reconcile.carry_out(merchant_id=merchant_id, run_id=run.id)


def sweep() -> int:
    """Sweep as the sweeper would GRACE from now, so that tests need not wait for rows to age.

    Whose lease has really run out is PostgreSQL's to say, when a worker claims.
    """
    from django.utils import timezone

    from settlement import control

    return control.sweep(now=timezone.now() + control.GRACE)


def prove() -> list[str]:
    """What check_books finds broken, one text for each; empty when all is well."""
    from django.core.management import CommandError, call_command

    said = io.StringIO()
    try:
        call_command("check_books", stdout=said)
    except CommandError as error:
        return [str(error), *said.getvalue().splitlines()]
    return []


COMMANDS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        fund_flow,
        world,
        withdrawal,
        plenty,
        prove_chain,
        trial_balance,
        read,
        interleave,
        sweep,
        prove,
        shops,
        tick,
        enter_keys_again,
    )
}


def answer(database: str, command: str, *arguments: str) -> Any:
    """Carry a command out in a database, and leave no connection behind."""
    from django.db import connections

    for alias in connections:
        connections.settings[alias]["NAME"] = database
    try:
        return COMMANDS[command](*arguments)
    finally:
        connections.close_all()


def main() -> None:
    """Answer until nobody asks any more."""
    django.setup()
    for line in sys.stdin:
        try:
            told = {"told": answer(*json.loads(line))}
        except Exception:  # noqa: BLE001  the one who asks raises it
            told = {"failed": traceback.format_exc()}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
