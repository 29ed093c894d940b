"""`./manage.py ingest FILE…`: load documents from a terminal, with progress."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import TypedDict
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from accounts.access import acting_for
from accounts.models import BankAccount, Merchant, Store
from accounts.queries import bank_accounts_by_number
from settlement.errors import AlreadyStoredError, RefusedError
from settlement.models import ColumnProfile, DocumentState, SourceDocument
from settlement.money_in import ingest


class _Belongs(TypedDict):
    """Whose the files are, and how they are read."""

    store: Store | None
    bank_account: BankAccount | None
    column_profile: ColumnProfile | None


class Command(BaseCommand):
    """Receive files and read them in this process."""

    help = "Load platform files (--store NAME) or bank statements into a merchant's account."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take files, the merchant and the store."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--merchant", help="id or name; not needed if there is only one")
        parser.add_argument("--store", help="the store's name; none for a bank statement")
        parser.add_argument("--bank-account", help="its number, for a bank's file without one")
        parser.add_argument("--currency", help="of the bank account, if it has several")
        parser.add_argument("--column-profile", help="its code: the latest version reads the CSV")

    def handle(
        self,
        *,
        files: list[Path],
        merchant: str | None,
        store: str | None,
        bank_account: str | None,
        currency: str | None,
        column_profile: str | None,
        **options: object,
    ) -> None:
        """Load every file; exit 2 when one was refused."""
        if store and (bank_account or column_profile):
            raise CommandError("a file is of a store or of a bank account, not of both")
        merchant_id = _merchant(merchant)
        belongs = _Belongs(
            store=_store(merchant_id, store),
            bank_account=_bank_account(merchant_id, bank_account, currency),
            column_profile=_column_profile(column_profile),
        )
        refused = sum(not self._load(merchant_id, belongs, path) for path in files)
        if refused:
            raise CommandError(f"{refused} of {len(files)} files were not loaded", returncode=2)

    def _load(self, merchant_id: UUID, belongs: _Belongs, path: Path) -> bool:
        try:
            with path.open("rb") as stream:
                document = ingest.receive(
                    merchant_id=merchant_id,
                    stream=stream,
                    name=path.name,
                    origin="command",
                    **belongs,
                )
        except (OSError, RefusedError) as error:
            self.stderr.write(f"{path}: {error}")
            return False
        except AlreadyStoredError as error:
            self.stdout.write(f"{path}: {error}, nothing added")
            return True
        with _progress(document, shown=sys.stderr.isatty()):
            ingest.read(merchant_id=merchant_id, document_id=document.id)
        return self._report(path, merchant_id, document.id)

    def _report(self, path: Path, merchant_id: UUID, document_id: UUID) -> bool:
        with acting_for(merchant_id):
            document = SourceDocument.objects.get(id=document_id)
        if document.state == DocumentState.LOADED:
            self.stdout.write(
                f"{path}: {document.code}, {document.rows_kept} new, "
                f"{document.rows_known} known, {document.rows_restated} restated"
            )
            return True
        if document.state == DocumentState.REFUSED:
            row = "" if document.error_row is None else f"row {document.error_row}: "
            self.stderr.write(f"{path}: {row}{document.error_reason}")
            return False
        self.stdout.write(f"{path}: a worker is reading it")
        return True


class _progress(threading.Thread):  # noqa: N801  used as a block
    """Shows how much of a document has been read while this process reads it."""

    def __init__(self, document: SourceDocument, *, shown: bool) -> None:
        super().__init__(daemon=True)
        self.document = document
        self.shown = shown
        self.stopped = threading.Event()

    def run(self) -> None:
        while self.shown and not self.stopped.wait(1.0):
            with acting_for(self.document.merchant_id):
                document = SourceDocument.objects.get(id=self.document.id)
            sys.stderr.write(f"\r{document.name}: {document.percent} % ")
            sys.stderr.flush()
        connections.close_all()

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self.join()


def _merchant(named: str | None) -> UUID:
    """The merchant by id or name; the operator's role may look among all of them."""
    merchants = Merchant.objects.using("ops")
    if named is not None:
        merchants = merchants.filter(id=named) if _is_id(named) else merchants.filter(name=named)
    found = list(merchants[:2])
    if len(found) != 1:
        raise CommandError("name one merchant with --merchant (its id or exact name)")
    return found[0].id


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _store(merchant_id: UUID, named: str | None) -> Store | None:
    if named is None:
        return None
    with acting_for(merchant_id):
        stores = list(Store.objects.filter(name=named)[:2])
    if len(stores) != 1:
        raise CommandError(f"there is no single store called {named}")
    return stores[0]


def _bank_account(
    merchant_id: UUID, number: str | None, currency: str | None
) -> BankAccount | None:
    if number is None:
        return None
    with acting_for(merchant_id):
        accounts = bank_accounts_by_number(number)
    fitting = [account for account in accounts if currency in (None, account.currency)]
    if len(fitting) != 1:
        raise CommandError("there is no single bank account of this number; say its --currency")
    return fitting[0]


def _column_profile(code: str | None) -> ColumnProfile | None:
    """The latest version of a profile of the operator's own."""
    if code is None:
        return None
    found = ColumnProfile.objects.filter(code=code).order_by("-version").first()
    if found is None:
        raise CommandError(f"there is no column profile called {code}")
    return found
