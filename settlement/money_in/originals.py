"""Original bytes, kept by their sha256 before anything is understood of them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings

CHUNK = 1 << 20
DRAFT = "incoming-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What was kept: its digest (hex) and size in bytes."""

    sha256: str
    size: int


def keep(stream: BinaryIO, *, merchant_id: UUID, limit: int) -> Original:
    """Write the stream under its own digest and flush it to the disk.

    The same bytes are kept once per merchant. Raises ValueError beyond `limit` bytes.
    """
    folder = Path(settings.DOCUMENTS_DIR) / str(merchant_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=DRAFT) as draft:
        original = _copy(stream, draft, limit)  # type: ignore[arg-type]
        target = _place(merchant_id, original.sha256)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        if not target.exists():
            # A link appears whole or not at all; the draft's own name goes with the block.
            _link(Path(draft.name), target)
    return original


def open_original(*, merchant_id: UUID, sha256: str) -> BinaryIO:
    """A new seekable stream over the kept bytes."""
    return _place(merchant_id, sha256).open("rb")


def sweep_drafts(*, before: datetime) -> int:
    """Remove what uploads that were killed left behind; returns how many files."""
    drafts = [
        path
        for path in Path(settings.DOCUMENTS_DIR).glob(f"*/{DRAFT}*")
        if path.stat().st_mtime < before.timestamp()
    ]
    for path in drafts:
        path.unlink(missing_ok=True)
    return len(drafts)


def _copy(stream: BinaryIO, draft: BinaryIO, limit: int) -> Original:
    digest = hashlib.sha256()
    size = 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > limit:
            raise ValueError(f"the file is larger than {limit} bytes")
        digest.update(chunk)
        draft.write(chunk)
    draft.flush()
    os.fsync(draft.fileno())
    return Original(sha256=digest.hexdigest(), size=size)


def _link(draft: Path, target: Path) -> None:
    try:
        os.link(draft, target)
    except FileExistsError:
        return  # another upload of the same bytes was quicker
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _place(merchant_id: UUID, sha256: str) -> Path:
    return Path(settings.DOCUMENTS_DIR) / str(merchant_id) / sha256[:2] / sha256
