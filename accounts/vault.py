"""Secrets at rest: sealed with AES-128-CBC and HMAC (Fernet), keys rotated without downtime.

The newest key seals, every configured key opens. A sealed value carries its
context (table and column), so that one cannot be passed off as another.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from accounts.errors import VaultError


def seal(text: str, *, context: str) -> bytes:
    """Encrypt `text` for the named place."""
    return _keys().encrypt(f"{context}\0{text}".encode())


def unseal(sealed: bytes, *, context: str) -> str:
    """Decrypt what `seal` made for the same place; raises VaultError otherwise."""
    try:
        plain = _keys().decrypt(bytes(sealed)).decode()
    except InvalidToken as error:
        raise VaultError("a sealed value cannot be opened with the configured keys") from error
    found, _, text = plain.partition("\0")
    if found != context:
        raise VaultError(f"a value sealed for {found} was found at {context}")
    return text


def reseal(sealed: bytes) -> bytes:
    """Seal again under the newest key (key rotation)."""
    try:
        return _keys().rotate(bytes(sealed))
    except InvalidToken as error:
        raise VaultError("a sealed value cannot be opened with the configured keys") from error


def digest(text: str, *, context: str) -> str:
    """A keyed digest (64 hex digits) for finding a value without storing it readably.

    Keyed by SECRET_KEY alone, so that it stays findable when vault keys rotate.
    """
    key = f"tributary.digest.{context}.{settings.SECRET_KEY}".encode()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _keys() -> MultiFernet:
    return _fernets(tuple(settings.VAULT_KEYS))


@lru_cache(maxsize=4)
def _fernets(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
