"""Brings the heads of seals, signed, out of the database's reach.

Whoever owns the database can rewrite all of it, chain included. What has left it, he cannot: a
head says what every record of a book was up to its seal. One JSON line per head:

    {"book": …, "head": …, "key": …, "number": …, "previous": …, "records": …, "sealed_at": …,
     "signature": …}

The signature (Ed25519) is over the text of `signed_text`; the key is not in the database. Files
are named by their content, written whole, and never changed. A head leaves at least once: after a
crash the same line may be in two files.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, connections, transaction

from ledger.drafts import canonical, check_instant, instant
from ledger.errors import HeadsMissingError, NoSealKeyError
from ledger.reading import open_book

VERSION = "head-1"
STORAGE = "ledger_heads"
"""The entry of STORAGES that takes heads; without it they go to the directory LEDGER_HEADS."""
MOST = 10_000
"""Heads per file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a seal as it leaves the database. Hashes, keys and signatures are hexadecimal."""

    book: UUID
    number: int
    sealed_at: str
    records: int
    previous: str
    head: str
    key: str = ""
    signature: str = ""

    def signed_text(self) -> bytes:
        """What the signature is over; the head itself covers all the rest."""
        return canonical(
            [VERSION, str(self.book), str(self.number), self.sealed_at, self.head]
        ).encode()

    def line(self) -> str:
        """The head as a line of JSON: the same head is always the same line."""
        fields = asdict(self) | {"book": str(self.book)}
        return json.dumps(fields, sort_keys=True, separators=(",", ":")) + "\n"


# --- Writing ------------------------------------------------------------------------------


def export(*, using: str, now: datetime) -> int:
    """Write off every head that has not left yet and return how many; then note that they left.

    `using` is a connection that sees every book. Raises NoSealKeyError, and OSError (or what the
    storage raises) when the place does not take them: then the next call does it all again.
    """
    check_instant("now", now)
    count = 0
    while heads := _not_exported(using):
        signed = [_signed(head) for head in heads]
        place = _keep("".join(head.line() for head in signed), signed[0].sealed_at)
        for book, of_book in itertools.groupby(signed, key=lambda head: head.book):
            _note(book, list(of_book), place, now)
        count += len(signed)
    return count


# Heads leave in the order of their numbers, so the last anchor of a book says where to go on.
_NOT_EXPORTED = """
WITH RECURSIVE books AS (
    (SELECT book FROM ledger_seal ORDER BY book LIMIT 1)
    UNION ALL
    SELECT (SELECT s.book FROM ledger_seal s WHERE s.book > b.book ORDER BY s.book LIMIT 1)
    FROM books b WHERE b.book IS NOT NULL
)
SELECT s.book, s.number, s.sealed_at, cardinality(s.ids), s.previous, s.head
FROM books b
CROSS JOIN LATERAL (SELECT max(number) AS number FROM ledger_anchor WHERE book = b.book) a
JOIN ledger_seal s ON s.book = b.book AND s.number > coalesce(a.number, 0)
ORDER BY s.book, s.number LIMIT %s
"""


def _not_exported(using: str) -> list[Head]:
    with connections[using].cursor() as cursor:
        cursor.execute(_NOT_EXPORTED, [MOST])
        return [
            Head(
                book=book,
                number=number,
                sealed_at=instant(sealed_at),
                records=records,
                previous=bytes(previous).hex(),
                head=bytes(head).hex(),
            )
            for book, number, sealed_at, records, previous, head in cursor.fetchall()
        ]


def _signed(head: Head) -> Head:
    key = signing_key()
    return replace(
        head,
        key=fingerprint(key.public_key()),
        signature=key.sign(head.signed_text()).hex(),
    )


def _note(book: UUID, heads: Sequence[Head], place: str, now: datetime) -> None:
    """Two that export at once write the same file; the first one's note stays."""
    with transaction.atomic():
        open_book(book)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_anchor (book, number, signature, exported_at, place)"
                " SELECT %s, number, signature, %s, %s"
                " FROM unnest(%s::bigint[], %s::bytea[]) AS h (number, signature)"
                " ON CONFLICT (book, number) DO NOTHING",
                [
                    book,
                    now,
                    place,
                    [head.number for head in heads],
                    [bytes.fromhex(head.signature) for head in heads],
                ],
            )


def _keep(text: str, sealed_at: str) -> str:
    """Keep the text under a name that only this text can have; returns the name."""
    content = text.encode()
    time = re.sub(r"\W", "", sealed_at[11:19])
    name = f"{sealed_at[:10]}/{time}-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
    if STORAGE in settings.STORAGES:
        storage = storages[STORAGE]
        if not storage.exists(name):
            storage.save(name, ContentFile(content))
    else:
        _write(Path(settings.LEDGER_HEADS) / name, content)
    return name


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all, and return when it is on the disk, its name included."""
    if path.exists():
        return
    for folder in (path.parent.parent, path.parent):
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            _flush(folder.parent)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as draft:
        try:
            draft.write(content)
            draft.flush()
            os.fchmod(draft.fileno(), 0o440)
            os.fsync(draft.fileno())
            Path(draft.name).rename(path)
        except OSError:
            Path(draft.name).unlink(missing_ok=True)
            raise
    _flush(path.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- Reading ------------------------------------------------------------------------------


def read(folder: Path, damaged: list[str]) -> Iterator[Head]:
    """Every head in the `.jsonl` files below the folder, signatures unchecked.

    A line that is no head is named in `damaged`. Raises HeadsMissingError for a folder that is not
    there.
    """
    if not folder.is_dir():
        raise HeadsMissingError(f"{folder} is no directory")
    for path in sorted(folder.rglob("*.jsonl")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield _head(json.loads(line))
                except (ValueError, TypeError, KeyError, AttributeError):
                    damaged.append(f"{path}, line {number}: no head")


def _head(fields: dict[str, Any]) -> Head:
    return Head(
        book=UUID(fields["book"]),
        number=int(fields["number"]),
        sealed_at=str(fields["sealed_at"]),
        records=int(fields["records"]),
        previous=str(fields["previous"]),
        head=str(fields["head"]),
        key=str(fields["key"]),
        signature=str(fields["signature"]),
    )


def is_signed(head: Head, keys: Sequence[Ed25519PublicKey]) -> bool:
    """Whether one of the keys signed the head."""
    for key in keys:
        try:
            key.verify(bytes.fromhex(head.signature), head.signed_text())
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


# --- Keys ---------------------------------------------------------------------------------


def signing_key() -> Ed25519PrivateKey:
    """The key of LEDGER_SEAL_KEY: 32 bytes in base64. Raises NoSealKeyError."""
    return _signing_key(settings.LEDGER_SEAL_KEY)


@lru_cache(maxsize=4)
def _signing_key(secret: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(secret))
    except (ValueError, binascii.Error) as error:
        raise NoSealKeyError("LEDGER_SEAL_KEY is not 32 bytes in base64") from error


def public_keys(pem: bytes) -> list[Ed25519PublicKey]:
    """The keys of a file of PEM blocks: a new key and older ones. Raises NoSealKeyError."""
    blocks = re.findall(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", pem, re.DOTALL)
    try:
        keys = [load_pem_public_key(block) for block in blocks]
    except ValueError as error:
        raise NoSealKeyError(f"no public key: {error}") from error
    found = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not found:
        raise NoSealKeyError("the file has no Ed25519 public key")
    return found


def pem(key: Ed25519PublicKey) -> bytes:
    """The public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """16 digits that tell one key from another."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]
