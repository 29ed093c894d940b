"""Secrets an installation makes for itself when none are given in the environment."""

import base64
import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def kept_secret(home: Path, name: str) -> str:
    """A random secret, made once and kept in the home, readable by its owner only."""
    path = home / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _write_once(path, base64.urlsafe_b64encode(secrets.token_bytes(32)))
    return path.read_text(encoding="ascii").strip()


def _write_once(path: Path, value: bytes) -> None:
    """Write, flush, then link into place: the first of several processes wins, whole."""
    with tempfile.NamedTemporaryFile(dir=path.parent) as draft:
        draft.write(value)
        draft.flush()
        os.fsync(draft.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, path)
