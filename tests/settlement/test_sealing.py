"""The clockwork seals every book and writes the heads off; one sick book makes no other late."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import override_settings
from django.utils import timezone

from ledger.book import post
from ledger.chain import prove_chain
from ledger.heads import signing_key
from ledger.seals import seal, waiting
from settlement import tasks
from tests.ledger.build import a_book, a_draft
from tests.ledger.sealed import a_sealed_book, tampered

pytestmark = pytest.mark.usefixtures("database")


def test_the_tick_seals_and_exports_all_books_but_the_one_that_cannot_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sick, sound = a_sealed_book(tmp_path / "sick"), [a_book(), a_book()]
    for book in sound:
        post(book=book, draft=a_draft(), now=timezone.now())
    lost = (
        "INSERT INTO ledger_arrival (book, kind, ids)"
        " VALUES (%(book)s, 'account', ARRAY[gen_random_uuid()])"
    )
    with tampered(sick, lost), override_settings(LEDGER_HEADS=tmp_path / "heads"):
        tasks.seal_books()
        left = waiting("ops")
        assert sick.book in left
        assert not set(sound) & set(left)
        assert f"book {sick.book} was not sealed" in caplog.text
        for book in sound:
            findings = prove_chain(
                "ops",
                book,
                now=timezone.now(),
                heads=tmp_path / "heads",
                keys=[signing_key().public_key()],
            )
            assert [f for f in findings if f.violations] == []
    assert seal(book=sick.book, now=timezone.now()) == 0
