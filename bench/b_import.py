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
from bench.measure import Measurement, measure
from sandbox import write_fund_flow
from settlement.models import DocumentState, SourceDocument
from settlement.money_in import ingest

ROWS, RUNS = 500_000, 3
MANY = 2_000_000
"""Four times the rows: memory must not grow with the file."""
MEMORY_MB = 300
TARGET = 0.4
FLAT = 0.85
"""The least ratio of the two peaks that is called flat: allocators differ from run to run."""

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
    """Yield speed and memory at ROWS, and memory at MANY."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fund_flow.csv"
        write_fund_flow(path, rows=ROWS, seed=1)
        ours = measure(lambda: _import(path), runs=RUNS, warmups=0)
        prepared = path.with_suffix(".copy")
        _prepare(ours.result, prepared)
        bare = measure(lambda: _copy(prepared), runs=RUNS, warmups=0, before=_plain_table)
        prepared.unlink()
        yield _speed(ours, bare)
        yield _memory(ours)
        write_fund_flow(path, rows=MANY, seed=2)
        yield _flatness(ours, measure(lambda: _import(path), runs=1, warmups=0))


def _speed(ours: Measurement[Any], bare: Measurement[Any]) -> dict[str, Any]:
    return {
        "case": f"{ROWS:,} rows",
        "ours": round(ours.rate(ROWS)),
        "against": "bare COPY into a plain table",
        "reference": round(bare.rate(ROWS)),
        "target": TARGET,
        "ok": bare.seconds / ours.seconds >= TARGET,
        "unit": "rows/s",
        "rows": ROWS,
        "peak_mb": round(ours.peak_mb),
        "runs": RUNS,
    }


def _memory(ours: Measurement[Any]) -> dict[str, Any]:
    return {
        "case": f"memory at {ROWS:,} rows",
        "ours": round(1 / ours.peak_mb, 6),
        "against": f"a limit of {MEMORY_MB} MB",
        "reference": round(1 / MEMORY_MB, 6),
        "target": 1,
        "ok": ours.peak_mb <= MEMORY_MB,
        "unit": "1/MB",
        "rows": ROWS,
        "peak_mb": round(ours.peak_mb),
        "runs": RUNS,
    }


def _flatness(few: Measurement[Any], many: Measurement[Any]) -> dict[str, Any]:
    return {
        "case": f"memory at {MANY:,} rows",
        "ours": round(1 / many.peak_mb, 6),
        "against": f"memory at {ROWS:,} rows",
        "reference": round(1 / few.peak_mb, 6),
        "target": FLAT,
        "ok": few.peak_mb / many.peak_mb >= FLAT,
        "unit": "1/MB",
        "rows": MANY,
        "peak_mb": round(many.peak_mb),
        "runs": 1,
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
