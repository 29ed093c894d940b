"""Two pieces of work meet; what comes of them does not depend on who was first."""

from __future__ import annotations

import contextlib

import pytest
from uuid_utils.compat import uuid7

from tests.faults.harness import Arena, Scene
from tests.faults.rows import Rows, differences, standing_rows
from tests.faults.workers import until

BOOKS = "LOCK TABLE ledger_journalentry IN SHARE MODE"
DOCUMENT = "SELECT FROM settlement_sourcedocument FOR NO KEY UPDATE"
ABOUT_TO_COMMIT = "SELECT 1 FROM settlement_sourcedocument"
CLAIM = "UPDATE settlement_reconrun SET state"
QUEUE = """
INSERT INTO settlement_reconrun (id, merchant_id, settlement_account_id, state, requested_at,
    matched, excepted, error_reason, attempts)
VALUES (%s, %s, %s, 'queued', now() - interval '1 hour', 0, 0, '', 0) RETURNING id
"""


def test_a_reconciliation_does_not_begin_before_the_document_that_counts_on_it_is_there(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    """Otherwise it would not see the document, and no other would be asked for."""
    with arena.trial(document) as trial, contextlib.ExitStack() as later:
        trial.ask(QUEUE, uuid7(), document.merchant, document.account)
        with trial.parked(BOOKS) as booking:
            trial.worker("ingest")
            importer = booking()
            later.enter_context(trial.parked(DOCUMENT))
        until(lambda: trial.doing(ABOUT_TO_COMMIT), "the import is about to commit")
        trial.worker("reconcile")
        trial.sweep()
        trial.waiting_for(importer.pid, CLAIM)
        assert trial.only("run").state == "queued"
        later.close()
        assert differences(rows_of_the_document, trial.finished()) == []


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_order_of_documents_and_reconciliations_does_not_matter(
    arena: Arena, many_documents: Scene, rows_of_many_documents: Rows, seed: str
) -> None:
    """A kill delays one document until after others, and reconciliations run in between."""
    with arena.trial(many_documents) as trial:
        arena.inside(trial.database, "interleave", seed)
        rows = trial.finished(rows=standing_rows)
        assert differences(rows_of_many_documents, rows) == []
