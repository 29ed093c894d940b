"""A large WeChat fund flow, from the file to rows and books, against a bare COPY.

Ours: keep the bytes, recognise, read, tie out, stage, compare, store, book: all
that an upload does. The reference: PostgreSQL's COPY of the very rows that came
of it, prepared as text beforehand, into a plain table with only the primary and
the unique key.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections

from accounts.access import acting_for
from accounts.models import User
from accounts.onboarding import add_store, open_settlement_account, register_merchant
from bench.measure import measure
from sandbox import write_fund_flow
from settlement.models import DocumentState, SourceDocument
from settlement.money_in import ingest

CASES = {500_000: 3, 2_000_000: 1}
"""Rows and runs. The larger one shows that memory does not grow with the file."""
MEMORY_MB = 300
TARGET = 0.4

COLUMNS = """merchant_id, document_id, id, known_at, store_id, "row", version, external_id, kind,
    amount, amount_currency, event_at, order_ref, payout_ref, remittance, label, books, live"""
PLAIN = """
DROP TABLE IF EXISTS plain_line;
CREATE TABLE plain_line (
    merchant_id uuid, document_id uuid, id uuid, known_at timestamptz, store_id uuid,
    "row" integer, version smallint, external_id text COLLATE "C", kind text,
    amount numeric(24, 8), amount_currency varchar(3), event_at timestamptz, order_ref text,
    payout_ref text, remittance text, label text, books boolean, live boolean,
    PRIMARY KEY (merchant_id, document_id, id),
    UNIQUE (merchant_id, store_id, external_id, version)
);
"""


def run() -> Iterator[dict[str, Any]]:
    """Yield speed and memory for each size."""
    with tempfile.TemporaryDirectory() as folder:
        for rows, runs in CASES.items():
            path = Path(folder) / f"{rows}.csv"
            write_fund_flow(path, rows=rows, seed=rows)
            yield from _case(path, rows, runs)
            path.unlink()


def _case(path: Path, rows: int, runs: int) -> Iterator[dict[str, Any]]:
    ours = measure(lambda: _import(path), runs=runs, warmups=0)
    prepared = path.with_suffix(".copy")
    _prepare(ours.result, prepared)
    bare = measure(lambda: _copy(prepared), runs=runs, warmups=0, before=_plain_table)
    prepared.unlink()
    yield {
        "case": f"{rows} rows",
        "ours": round(rows / ours.seconds),
        "against": "bare COPY into a plain table",
        "reference": round(rows / bare.seconds),
        "target": TARGET,
        "ok": bare.seconds / ours.seconds >= TARGET,
        "unit": "rows/s",
        "rows": rows,
        "peak_mb": round(ours.peak_mb),
        "runs": runs,
    }
    yield {
        "case": f"memory at {rows} rows",
        "ours": round(MEMORY_MB / ours.peak_mb, 2),
        "against": f"{MEMORY_MB} MB",
        "reference": 1,
        "target": 1,
        "ok": ours.peak_mb <= MEMORY_MB,
        "unit": "times below the limit",
        "rows": rows,
        "peak_mb": round(ours.peak_mb),
        "runs": runs,
    }


def _import(path: Path) -> SourceDocument:
    """Upload and read the file for a merchant of its own."""
    owner = User.objects.create_user(f"{uuid.uuid4().hex}@example.com")
    merchant = register_merchant(name="bench", owner=owner)
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="bench")
        store = add_store(account, platform="wechatpay", name="bench")
    with path.open("rb") as stream:
        document = ingest.receive(
            merchant_id=merchant.id, stream=stream, name=path.name, store=store
        )
    ingest.read(merchant_id=merchant.id, document_id=document.id)
    with acting_for(merchant.id):
        document.refresh_from_db()
    assert document.state == DocumentState.LOADED, document.error_reason
    return document


def _owner() -> psycopg.Connection[Any]:
    connection = connections["owner"]
    connection.ensure_connection()
    return connection.connection  # type: ignore[no-any-return]


def _prepare(document: SourceDocument, target: Path) -> None:
    query = f"""COPY (SELECT {COLUMNS} FROM settlement_line
        WHERE document_id = '{document.id}' ORDER BY id) TO STDOUT"""
    with target.open("wb") as file, _owner().cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            file.write(block)


def _plain_table() -> None:
    _owner().execute(PLAIN)


def _copy(prepared: Path) -> None:
    statement = f"COPY plain_line ({COLUMNS}) FROM STDIN"
    with (
        prepared.open("rb") as file,
        _owner().cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        while block := file.read(1 << 20):
            copy.write(block)
