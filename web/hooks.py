"""The platforms' entrance: `/hooks/<code>/<link>/`.

Verify the raw body, keep it, answer with the platform's own bytes; everything else comes later.
Nothing is acknowledged that PostgreSQL has not kept. When more come than can be served for longer
than a moment, the next ones are asked to come again.
"""

from __future__ import annotations

import logging
import time
from threading import Lock
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from platforms import registry
from platforms.contract import BadSignatureError, Challenges, Pushes, RawHook, Reply
from settlement.money_in import inbox

log = logging.getLogger(__name__)
MOST_BYTES = 1024 * 1024
RETRY_SECONDS = 2
PATIENCE = 0.2
"""Seconds that many may wait: the shortest deadline of a platform is 0.5."""


class Crowd:
    """How many are being served, and since when there have been `most` of them without a pause.

    A stall lets many come at once and is over soon; who always finds a crowd stands in a queue that
    grows. (The queue itself is the server's and cannot be seen from here: `most` is below the
    number of its threads.)
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.here = 0
        self.since: float | None = None
        self._lock = Lock()

    def enter(self) -> bool:
        """Come in; False where it has been crowded for longer than PATIENCE."""
        now = time.monotonic()
        with self._lock:
            self.here += 1
            if self.here >= self.most and self.since is None:
                self.since = now
            return self.since is None or now - self.since < PATIENCE

    def leave(self) -> None:
        """Go; the crowd ends when there are fewer."""
        with self._lock:
            self.here -= 1
            if self.here < self.most:
                self.since = None


_crowd = Crowd(settings.HOOKS_AT_ONCE)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, code: str, link_id: UUID) -> HttpResponse:
    """Take one message of a platform."""
    try:
        return _receive(request, code, link_id) if _crowd.enter() else _later("busy")
    except DatabaseError:
        log.exception("a hook of %s could not be kept", code)
        return _later("cannot keep it now")
    finally:
        _crowd.leave()


def _receive(request: HttpRequest, code: str, link_id: UUID) -> HttpResponse:
    place = inbox.place_of(link_id, code)
    if place is None:
        return _answer(Reply(status=404))
    adapter = registry.get(code)
    if not isinstance(adapter, Pushes):
        return _answer(Reply(status=404))
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return _answer(Reply(status=413))
    now = timezone.now()
    hook = _raw(request)
    try:
        if isinstance(adapter, Challenges):
            answer = adapter.challenge(hook, place.link)
            if answer is not None:
                return _answer(answer)
        if request.method != "POST":
            return _answer(Reply(status=405))
        adapter.verify(hook, place.link, now)
        delivery_id = adapter.delivery_id(hook)
    except BadSignatureError as error:
        log.warning("a hook of %s for link %s was refused: %s", code, link_id, error)
        return _answer(adapter.reply(False))
    inbox.keep(place, hook, delivery_id=delivery_id, now=now)
    return _answer(adapter.reply(True))


def _raw(request: HttpRequest) -> RawHook:
    return RawHook(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.body,
        url=request.build_absolute_uri(),
        method=request.method or "",
    )


def _answer(reply: Reply) -> HttpResponse:
    """The reply's bytes and nothing Django would add to them."""
    response = HttpResponse(reply.body, status=reply.status)
    if reply.content_type:
        response["Content-Type"] = reply.content_type
    else:
        del response["Content-Type"]
    return response


def _later(reason: str) -> HttpResponse:
    response = HttpResponse(reason, status=503, content_type="text/plain")
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
