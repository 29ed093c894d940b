"""`./manage.py ingest FILE…`: load documents from a terminal, with progress."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from accounts.access import acting_for
from accounts.models import Merchant, Store
from settlement.errors import AlreadyStoredError, RefusedError
from settlement.models import DocumentState, SourceDocument
from settlement.money_in import ingest


class Command(BaseCommand):
    """Receive files and read them in this process."""

    help = "Load platform files (--store NAME) or bank statements into a merchant's account."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take files, the merchant and the store."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--merchant", help="id or name; not needed if there is only one")
        parser.add_argument("--store", help="the store's name; none for a bank statement")

    def handle(
        self, *, files: list[Path], merchant: str | None, store: str | None, **options: object
    ) -> None:
        """Load every file; exit 2 when one was refused."""
        merchant_id = _merchant(merchant)
        named = _store(merchant_id, store)
        refused = sum(not self._load(merchant_id, named, path) for path in files)
        if refused:
            raise CommandError(f"{refused} of {len(files)} files were not loaded", returncode=2)

    def _load(self, merchant_id: UUID, store: Store | None, path: Path) -> bool:
        try:
            with path.open("rb") as stream:
                document = ingest.receive(
                    merchant_id=merchant_id,
                    stream=stream,
                    name=path.name,
                    store=store,
                    origin="command",
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
