"""Signature and encryption primitives. What is signed is each adapter's own affair.

There is no shared "signer" on purpose: at least five schemes exist among the
platforms, and verifying the right bytes is the part that differs.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import re
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from platforms.contract import BadSignatureError, UnauthorisedError


def hmac_sha256_base64(*, secret: str, message: bytes) -> str:
    """HMAC-SHA256 of the raw bytes, base64 with padding."""
    return base64.b64encode(_hmac_sha256(secret, message)).decode()


def hmac_sha256_hex(*, secret: str, message: bytes) -> str:
    """HMAC-SHA256 of the raw bytes, lower-case hex."""
    return _hmac_sha256(secret, message).hex()


def hmac_md5_hex(*, secret: str, message: bytes) -> str:
    """HMAC-MD5 of the raw bytes, lower-case hex."""
    return hmac.new(secret.encode(), message, hashlib.md5).hexdigest()


def md5_hex(message: bytes) -> str:
    """MD5, lower-case hex: what several platforms sign requests with, and nothing else."""
    return hashlib.md5(message, usedforsecurity=False).hexdigest()


def sha1_hex(message: bytes) -> str:
    """SHA-1, lower-case hex."""
    return hashlib.sha1(message, usedforsecurity=False).hexdigest()


def same(*, given: str, expected: str) -> bool:
    """Compare two signatures in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode(), expected.encode())


def values(secret: str) -> tuple[str, ...]:
    """The several values of one secret (rotation): one a line, blank lines dropped.

    An empty value never counts: a MAC under the empty key can be made by anyone.
    """
    return tuple(line.strip() for line in secret.splitlines() if line.strip())


def rsa_sha256_verified(*, pem: str, message: bytes, signature: bytes) -> bool:
    """Whether any key in `pem` made this RSASSA-PKCS1-v1_5 SHA-256 signature.

    `pem` holds certificates or public keys, one block after another. Raises
    BadSignatureError if it holds none or one that cannot be read.
    """
    return any(_signed_by(key, message, signature) for key in public_keys(pem))


def rsa_sha256_signature(*, key: str, message: bytes) -> str:
    """RSASSA-PKCS1-v1_5 with SHA-256, base64: what requests of our own are signed with.

    `key` is a private key as PEM, or its DER in base64 as Alipay's key tool writes it. Raises
    UnauthorisedError for one that cannot be read; nothing of it is told.
    """
    signature = _private_key(key).sign(message, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def ecdsa_sha1_verified(*, pem: str, message: bytes, signature: bytes) -> bool:
    """Whether any key in `pem` made this ECDSA signature over SHA-1, given in DER.

    Raises BadSignatureError as `rsa_sha256_verified` does.
    """
    by_sha1 = ec.ECDSA(hashes.SHA1())  # noqa: S303  eBay's scheme
    return any(_signed_by_curve(key, message, signature, by_sha1) for key in _curves(pem))


def ecdsa_sha256_verified(*, pem: str, message: bytes, signature: bytes) -> bool:
    """Whether any key in `pem` made this ECDSA signature over SHA-256, given in DER.

    Raises BadSignatureError as `rsa_sha256_verified` does.
    """
    by_sha256 = ec.ECDSA(hashes.SHA256())
    return any(_signed_by_curve(key, message, signature, by_sha256) for key in _curves(pem))


def public_keys(pem: str) -> list[rsa.RSAPublicKey]:
    """The RSA keys of all certificate and public key blocks. Raises BadSignatureError."""
    keys = _keys(pem)
    found = [key for key in keys if isinstance(key, rsa.RSAPublicKey)]
    if len(found) < len(keys):
        raise BadSignatureError("the link's public key is not an RSA key")
    return found


def aes_gcm_decrypt(*, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Open AES-GCM; the 16-byte tag is the end of `sealed`.

    The key's own length chooses AES-128, -192 or -256: WeChat Pay's published
    vectors use 16 bytes, its live keys have 32. Raises BadSignatureError.
    """
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except (InvalidTag, ValueError) as error:
        raise BadSignatureError("the content does not open with this key") from error


def aes_cbc_decrypt(*, key: bytes, iv: bytes, sealed: bytes, block: int = 16) -> bytes:
    """Open AES-CBC and take off PKCS#7 padding to `block` bytes (WeChat pads to 32).

    It proves nothing about who sealed it. Raises BadSignatureError.
    """
    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
    except ValueError as error:
        raise BadSignatureError("the content does not open with this key") from error
    length = padded[-1] if padded else 0
    if not 1 <= length <= block or padded[-length:] != bytes([length]) * length:
        raise BadSignatureError("the content does not open with this key")
    return padded[:-length]


def from_base64(text: str, *, what: str) -> bytes:
    """Decode strict base64. Raises BadSignatureError naming `what`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSignatureError(f"the {what} is not base64") from error


_PEM: Final = re.compile(r"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----.+?-----END \1-----", re.DOTALL)


@functools.lru_cache(maxsize=64)
def _private_key(text: str) -> rsa.RSAPrivateKey:
    # Reading one proves that its primes are primes, which takes longer than the rest of a call.
    try:
        if "-----BEGIN" in text:
            key = serialization.load_pem_private_key(text.strip().encode(), password=None)
        else:
            der = base64.b64decode("".join(text.split()), validate=True)
            key = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnauthorisedError("the link's private key cannot be read") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UnauthorisedError("the link's private key is not an RSA key")
    return key


def _hmac_sha256(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def _signed_by(key: rsa.RSAPublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _curves(pem: str) -> list[ec.EllipticCurvePublicKey]:
    keys = _keys(pem)
    found = [key for key in keys if isinstance(key, ec.EllipticCurvePublicKey)]
    if len(found) < len(keys):
        raise BadSignatureError("the link's public key is not an elliptic curve key")
    return found


def _signed_by_curve(
    key: ec.EllipticCurvePublicKey, message: bytes, signature: bytes, scheme: ec.ECDSA
) -> bool:
    try:
        key.verify(signature, message, scheme)
    except InvalidSignature:
        return False
    return True


def _keys(pem: str) -> list[object]:
    found = [_public_key(match.group(1), match.group().encode()) for match in _PEM.finditer(pem)]
    if not found:
        raise BadSignatureError("the link has no public key in PEM form")
    return found


def _public_key(label: str, block: bytes) -> object:
    try:
        if label == "CERTIFICATE":
            return x509.load_pem_x509_certificate(block).public_key()
        return serialization.load_pem_public_key(block)
    except ValueError as error:
        raise BadSignatureError("the link's public key cannot be read") from error
