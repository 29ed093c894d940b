"""Heads leave the database signed, at least once, whole, and the same each time."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, storages
from django.test import override_settings

from ledger import heads
from ledger.book import post
from ledger.errors import NoSealKeyError
from ledger.seals import seal
from tests.ledger.build import NOW, a_draft, in_book
from tests.ledger.sealed import LATER, a_sealed_book, export, tampered

pytestmark = pytest.mark.usefixtures("database")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_head_leaves_once_and_its_anchor_says_where(tmp_path: Path) -> None:
    sealed = a_sealed_book(tmp_path)
    before = files(sealed.heads)
    export(sealed)
    assert files(sealed.heads) == before
    with in_book(sealed.book) as cursor:
        cursor.execute(
            "SELECT number, encode(signature, 'hex'), place FROM ledger_anchor WHERE book = %s"
            " ORDER BY number",
            [sealed.book],
        )
        anchors = cursor.fetchall()
    lines = [json.loads(line) for text in before.values() for line in text.splitlines()]
    mine = [line for line in lines if line["book"] == str(sealed.book)]
    assert [(line["number"], line["signature"]) for line in mine] == [a[:2] for a in anchors]
    assert {place for _, _, place in anchors} == before.keys()
    assert all(line["key"] == heads.fingerprint(heads.signing_key().public_key()) for line in mine)


def test_a_crash_before_the_anchor_writes_the_same_file_again(tmp_path: Path) -> None:
    sealed = a_sealed_book(tmp_path)
    before = files(sealed.heads)
    with tampered(sealed, "DELETE FROM ledger_anchor WHERE book = %(book)s"):
        export(sealed)
        after = files(sealed.heads)
        export(sealed)
    assert before.items() <= after.items()
    assert files(sealed.heads) == after
    written = [line for text in after.values() for line in text.splitlines()]
    assert {line for line in written if str(sealed.book).encode() in line} == {
        line
        for text in before.values()
        for line in text.splitlines()
        if str(sealed.book).encode() in line
    }


def test_files_are_whole_and_nobody_writes_them(tmp_path: Path) -> None:
    sealed = a_sealed_book(tmp_path)
    for name, text in files(sealed.heads).items():
        assert text.endswith(b"\n")
        assert stat.S_IMODE((sealed.heads / name).stat().st_mode) == 0o440
        assert not Path(name).name.startswith(".")


def test_a_place_that_takes_nothing_is_tried_again(tmp_path: Path) -> None:
    sealed = a_sealed_book(tmp_path)
    post(book=sealed.book, draft=a_draft(), now=NOW)
    seal(book=sealed.book, now=LATER)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a directory should be")
    with override_settings(LEDGER_HEADS=blocked), pytest.raises(OSError, match="blocked"):
        heads.export(using="ops", now=LATER)
    with override_settings(LEDGER_HEADS=sealed.heads):
        assert heads.export(using="ops", now=LATER) >= 1


def test_a_storage_takes_heads_in_place_of_the_directory(tmp_path: Path) -> None:
    sealed = a_sealed_book(tmp_path)
    post(book=sealed.book, draft=a_draft(), now=NOW)
    seal(book=sealed.book, now=LATER)
    backend = f"{FileSystemStorage.__module__}.FileSystemStorage"
    options = {"location": str(tmp_path / "bucket")}
    with override_settings(STORAGES={"ledger_heads": {"BACKEND": backend, "OPTIONS": options}}):
        assert heads.export(using="ops", now=LATER) >= 1
        [(name, text)] = files(tmp_path / "bucket").items()
        assert storages["ledger_heads"].exists(name)
    assert str(sealed.book).encode() in text


def test_without_a_key_nothing_leaves(tmp_path: Path) -> None:
    sealed = a_sealed_book(tmp_path)
    post(book=sealed.book, draft=a_draft(), now=NOW)
    seal(book=sealed.book, now=LATER)
    for secret in ("", "c2hvcnQ=", "not base64"):
        with override_settings(LEDGER_SEAL_KEY=secret), pytest.raises(NoSealKeyError):
            heads.export(using="ops", now=LATER)
    export(sealed)
