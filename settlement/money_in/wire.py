"""The HTTP client lent to adapters: time-outs, rate limits, size limits, and what is logged.

Nothing is tried again here: a request that failed is an error with a name, and the work that needed
it comes back later with its cursor. Where `MARKETPLACES_URL` is set, every request goes to the
simulated marketplaces at that address, with the host it was meant for in its header.
"""

from __future__ import annotations

import io
import logging
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import IO
from urllib.parse import SplitResult, urlsplit

import httpx
from django.conf import settings
from django.db import connection
from django.utils import timezone

from platforms.contract import Link, RateLimitedError, UnavailableError
from platforms.pulling import Download, Rate, Request, Response, Terms
from settlement.money_in.originals import CHUNK

log = logging.getLogger(__name__)
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
MOST_BYTES = 32 * 1024 * 1024
"""An answer that is no file is not longer."""
PATIENCE = 5.0
"""Seconds a worker waits for its place under a rate limit; beyond, the work comes back later."""
DEFAULT_PAUSE = 30
"""Seconds until a platform that says "slow down" and no more is asked again."""


class Wire:
    """Asks one platform for one link; see platforms.pulling.Http."""

    def __init__(self, *, code: str, terms: Terms | None, link: Link) -> None:
        self.code = code
        self._terms = terms
        self._link = link

    def send(self, request: Request) -> Response:
        """Send one request and read its answer."""
        with self._answered(request) as answer:
            kept = io.BytesIO()
            _read(answer, kept, limit=MOST_BYTES)
        return Response(status=answer.status_code, headers=_headers(answer), body=kept.getvalue())

    def download(self, request: Request) -> Download:
        """Fetch a file into one without a name, which vanishes with its last stream."""
        kept = tempfile.NamedTemporaryFile(prefix="download-")  # noqa: SIM115
        with self._answered(request) as answer:
            size = _read(answer, kept, limit=settings.DOCUMENT_MAX_BYTES)
        kept.flush()
        # The name is gone when `kept` is: whoever opens the file anew keeps it.
        return Download(
            status=answer.status_code,
            headers=_headers(answer),
            size=size,
            open=lambda: open(kept.name, "rb"),  # noqa: PTH123
        )

    def now(self) -> datetime:
        """The clock."""
        return timezone.now()

    def nonce(self) -> str:
        """32 random hexadecimal digits."""
        return secrets.token_hex(16)

    @contextmanager
    def _answered(self, request: Request) -> Iterator[httpx.Response]:
        # Addresses of downloads come in answers, Alipay's in http: nothing goes in the clear.
        where = urlsplit(request.url)._replace(scheme="https")
        self._take_place(request.rate)
        begun = time.monotonic()
        try:
            with _client().stream(
                request.method,
                _address(where),
                headers=_to_send(request, where.netloc),
                content=request.body or None,
            ) as answer:
                _check(answer)
                yield answer
        except httpx.HTTPError as error:
            raise UnavailableError(f"{where.hostname} did not answer: {_why(error)}") from error
        finally:
            # The query is left out: it carries tokens and signatures.
            took = time.monotonic() - begun
            log.info("%s %s%s %.0f ms", request.method, where.hostname, where.path, took * 1000)

    def _take_place(self, name: str) -> None:
        """Wait for a place under the platform's limit. Raises RateLimitedError if it is far."""
        rates: Mapping[str, Rate] = self._terms.rates if self._terms else {}
        rate = rates.get(name) or rates.get("")
        if rate is None:
            return
        whose = self._link.secrets.get(rate.per, "") if rate.per else ""
        wait = take_place(f"{self.code}:{name}:{whose}", rate)
        if wait > PATIENCE:
            raise RateLimitedError("our own limit is used up", retry_after=int(wait) + 1)
        if wait:
            time.sleep(wait)


def take_place(bucket: str, rate: Rate) -> float:
    """Seconds until a request may be sent under the limit; beyond PATIENCE none is counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT settlement_take_place(%s, %s, %s, %s)",
            [bucket, rate.calls, rate.seconds, PATIENCE],
        )
        wait: float = cursor.fetchone()[0]
    return wait


@cache
def _client() -> httpx.Client:
    """One a process: connections are kept, redirects not followed, no proxy of the environment."""
    return httpx.Client(
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


def simulated() -> bool:
    """Whether marketplaces are simulated ones."""
    return bool(settings.MARKETPLACES_URL)


def _address(asked: SplitResult) -> str:
    if not simulated():
        return asked.geturl()
    place = urlsplit(settings.MARKETPLACES_URL)
    return asked._replace(scheme=place.scheme, netloc=place.netloc, fragment="").geturl()


def _to_send(request: Request, host: str) -> dict[str, str]:
    return {"User-Agent": "Tributary", **request.headers, "Host": host}


def _check(answer: httpx.Response) -> None:
    """Raise what the hub itself comes back for."""
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise RateLimitedError("the platform asks to slow down", retry_after=_pause(answer))
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise UnavailableError(f"the platform answered {answer.status_code}")


def _pause(answer: httpx.Response) -> int:
    """Seconds of Retry-After; a date, or nothing, is DEFAULT_PAUSE."""
    stated = answer.headers.get("retry-after", "")
    whole = stated.split(".")[0]
    return max(1, int(whole)) if whole.isascii() and whole.isdigit() else DEFAULT_PAUSE


def _read(answer: httpx.Response, into: IO[bytes], *, limit: int) -> int:
    """Copy the body; raises UnavailableError where it is longer than it may be."""
    size = 0
    for piece in answer.iter_bytes(CHUNK):
        size += len(piece)
        if size > limit:
            raise UnavailableError(f"the answer is longer than {limit} bytes")
        into.write(piece)
    return size


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _why(error: httpx.HTTPError) -> str:
    """The kind of failure; its text may name an address with a token in it."""
    return type(error).__name__
