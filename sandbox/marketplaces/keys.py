"""RSA keys that follow from a seed: worthless anywhere but in a simulated world.

The same seed gives the same key and, with PKCS#1 v1.5, the same signature.
"""

from __future__ import annotations

import functools
import math
from random import Random

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_BITS = 1024
_EXPONENT = 65_537


@functools.cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """The 2048-bit key of a name."""
    rng = Random(f"rsa:{name}")
    p, q = _prime(rng), _prime(rng)
    d = pow(_EXPONENT, -1, math.lcm(p - 1, q - 1))
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(_EXPONENT, p * q),
    ).private_key()


def private_pem(name: str) -> str:
    """The key as PKCS#8 text."""
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return private_key(name).private_bytes(pem, form, plain).decode()


def public_pem(name: str) -> str:
    """Its public half as text."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key(name).public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def sign(name: str, message: bytes) -> bytes:
    """SHA-256 with RSA, PKCS#1 v1.5."""
    return private_key(name).sign(message, padding.PKCS1v15(), hashes.SHA256())


@functools.cache
def _small_primes() -> int:
    """The product of the odd primes below 20,000: most candidates share a factor with it."""
    sieve = bytearray([1]) * 20_000
    for number in range(3, 142, 2):
        if sieve[number]:
            sieve[number * number :: 2 * number] = bytes(len(sieve[number * number :: 2 * number]))
    return math.prod(number for number in range(3, 20_000, 2) if sieve[number])


def _prime(rng: Random) -> int:
    """A random prime with its two highest bits set; Fermat's test is enough for a toy."""
    while True:
        number = rng.getrandbits(_BITS) | 3 << (_BITS - 2) | 1
        if number % _EXPONENT == 1 or math.gcd(number, _small_primes()) != 1:
            continue
        if pow(2, number - 1, number) == 1:
            return number
