"""The broker is wiped, killed, or says everything three times; the rows are the same as without."""

from __future__ import annotations

import time

from tests.faults.brokers import Broker
from tests.faults.harness import LEASE_SECONDS, SWEEP_SECONDS, Arena, Scene, Trial
from tests.faults.rows import Rows, differences, standing_rows
from tests.faults.steps import BOOKS

SEED = 20
WORK_SECONDS = 15
"""Ample for the documents themselves."""
ANSWER_SECONDS = 25
"""Three times the broker's time to answer, and some more."""


def test_the_broker_is_wiped_in_mid_work_and_beat_brings_everything_back(
    arena: Arena, broker: Broker, many_documents: Scene, rows_of_many_documents: Rows
) -> None:
    with arena.trial(many_documents, broker) as trial:
        trial.beat()
        with trial.parked(BOOKS) as waiting:
            trial.worker()
            waiting()
            one_is_read_and_the_others_wait(trial)
            broker.wipe()
            wiped_at = time.monotonic()
        limit = 2 * SWEEP_SECONDS + LEASE_SECONDS + WORK_SECONDS
        rows = trial.finished(seconds=limit, rows=standing_rows, sweeping=False)
        assert time.monotonic() - wiped_at < limit
        assert differences(rows_of_many_documents, rows) == []


def test_the_broker_is_killed_in_mid_work_and_comes_back(
    arena: Arena, broker: Broker, many_documents: Scene, rows_of_many_documents: Rows
) -> None:
    with arena.trial(many_documents, broker) as trial:
        worker = trial.worker()
        with trial.parked(BOOKS) as waiting:
            waiting()
            one_is_read_and_the_others_wait(trial)
            broker.kill()
        broker.start()
        rows = trial.finished(rows=standing_rows)
        assert worker.pids, "the worker goes on by itself"
        assert differences(rows_of_many_documents, rows) == []


def test_every_message_comes_three_times_in_any_order_to_two_workers(
    arena: Arena, broker: Broker, many_documents: Scene, rows_of_many_documents: Rows
) -> None:
    with arena.trial(many_documents, broker) as trial:
        assert broker.triple("ingest", seed=SEED) == len(trial.seen())
        trial.worker()
        trial.worker()
        rows = trial.finished(rows=standing_rows)
        assert {seen.readings for seen in trial.seen()} == {1}
        assert differences(rows_of_many_documents, rows) == []


def test_a_broker_that_never_answers_keeps_nobody_waiting(
    arena: Arena, broker: Broker, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document, broker) as trial:
        broker.fresh()
        with broker.silent():
            asked_at = time.monotonic()
            assert trial.sweep() == 1
            assert time.monotonic() - asked_at < ANSWER_SECONDS
        trial.worker()
        assert differences(rows_of_the_document, trial.finished()) == []


def one_is_read_and_the_others_wait(trial: Trial) -> None:
    """A worker holds one document, and the broker the messages of all the others."""
    states = [seen.state for seen in trial.seen()]
    assert states.count("reading") == 1
    queued = trial.broker.waiting("ingest")
    assert queued >= states.count("stored") > 40
