"""The signature eBay wants on every Finances call of EU and UK sellers.

HTTP message signature (RFC 9421) with Ed25519, digest of the body by RFC 9530.
Source: platforms-global.md §3.3.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platforms.contract import UnauthorisedError


def content_digest(body: bytes) -> str:
    """The header Content-Digest of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def sign(
    *,
    method: str,
    path: str,
    authority: str,
    body: bytes,
    created: int,
    signature_key: str,
    private_key: str,
) -> dict[str, str]:
    """The headers that sign a request; lower-case names.

    `path` has no query, `created` is in Unix seconds. `signature_key` is the JWE and
    `private_key` the base64 of the PKCS#8 key, both from eBay's Key Management API.
    Raises UnauthorisedError for a key that is no Ed25519 key.
    """
    headers = {"x-ebay-signature-key": signature_key}
    if body:
        headers = {"content-digest": content_digest(body), **headers}
    derived = {"@method": method.upper(), "@path": path, "@authority": authority.lower()}
    covered = {**headers, **derived}
    names = " ".join(f'"{name}"' for name in covered)
    parameters = f"({names});created={created}"
    lines = [f'"{name}": {value}' for name, value in covered.items()]
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    signature = base64.b64encode(_key(private_key).sign(base.encode())).decode()
    return {
        **headers,
        "signature-input": f"sig1={parameters}",
        "signature": f"sig1=:{signature}:",
    }


def _key(private_key: str) -> Ed25519PrivateKey:
    try:
        der = base64.b64decode(private_key, validate=True)
        found = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError) as error:
        raise UnauthorisedError("the private key cannot be read") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise UnauthorisedError("the private key is no Ed25519 key")
    return found
