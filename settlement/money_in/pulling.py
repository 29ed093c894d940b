"""Fetching from platforms: a row for every day of every link, complete or with its reason.

The adapter asks and the hub keeps: bytes first, then the document and the cursor in one
transaction, so that a worker that dies is resumed behind the last document. Whatever a platform
answers, a day stays wanted until it was fetched whole after it was over there.
"""

from __future__ import annotations

import logging
import random
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from accounts import permissions
from accounts.access import acting_for
from accounts.models import LinkState, StoreLink
from platforms import registry
from platforms.contract import (
    Adapter,
    AdapterError,
    Document,
    Link,
    RateLimitedError,
    UnauthorisedError,
)
from platforms.pulling import NotYetError, Pulls, RefusedCallError, Window
from settlement.errors import RefusedError
from settlement.models import PullDay, PullState
from settlement.money_in import consent, ingest, originals
from settlement.money_in.requests import wake_after_commit
from settlement.money_in.wire import Wire
from settlement.work import PULL, Lease, claim, kept_alive

log = logging.getLogger(__name__)
REFUSED_PAUSE = timedelta(days=1)
"""What a platform refused is tried again: it, its clock or we may have been mended."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
CHECKS = (timedelta(days=2), timedelta(days=5), timedelta(days=15))
"""So long after its end a complete day is asked for once more: platforms enter some things late."""
DAYS_AT_ONCE = 400
"""Days of one link that are queued by one tick."""


def fetches(code: str) -> Pulls | None:
    """The adapter as one that fetches, or None."""
    adapter = registry.get(code)
    return adapter if isinstance(adapter, Pulls) else None


def queue_days(*, now: datetime) -> int:
    """Make the rows of days that have begun since the last tick; returns how many.

    Reads across merchants with the operator's role; writes as the application.
    """
    links = (
        StoreLink.objects.using("ops")
        .filter(fetch_from__isnull=False, state__in=consent.LIVE)
        .annotate(last=Max("days__day"))
        .select_related("store")
    )
    made = 0
    for link in links:
        until = today(link.store.platform, now)
        assert link.fetch_from is not None, "filtered so"
        first = link.fetch_from if link.last is None else link.last + timedelta(days=1)
        if first <= until:
            made += _queue(link, first, until)
    return made


def today(platform: str, now: datetime) -> date:
    """The calendar day at the platform."""
    return now.astimezone(ZoneInfo(registry.get(platform).zone)).date()


def _queue(link: StoreLink, first: date, until: date) -> int:
    span = min((until - first).days + 1, DAYS_AT_ONCE)
    days = [
        PullDay(merchant_id=link.merchant_id, link_id=link.id, day=first + timedelta(days=n))
        for n in range(span)
    ]
    with acting_for(link.merchant_id):
        PullDay.objects.bulk_create(days, ignore_conflicts=True)
    return span


def want(link: StoreLink, *, days: list[date]) -> None:
    """Fetch these days (again) now: something tells that they have changed. Inside `acting_for`."""
    of_link = PullDay.objects.filter(link=link, day__in=days)
    of_link.filter(state=PullState.PULLING).update(hinted=True)
    of_link.exclude(state=PullState.PULLING).update(
        state=PullState.WAITING, cursor="", lease_until=None, lease_token=None, failures=0
    )
    for day in of_link.filter(state=PullState.WAITING):
        wake_after_commit("settlement.tasks.pull", merchant_id=link.merchant_id, day_id=day.id)


def pull(*, merchant_id: UUID, day_id: UUID) -> None:
    """Fetch what is missing of a day; safe to call twice, by two workers, or after a crash."""
    lease = claim(PULL, merchant_id=merchant_id, id=day_id)
    if lease is None:
        return
    if lease.exhausted:
        _refused(lease, "fetching this day ended its worker again and again; tell the operator")
        return
    with kept_alive(lease):
        try:
            _fetch(lease)
        except NotYetError as error:
            _later(lease, timedelta(seconds=error.retry_after), str(error), cursor=error.cursor)
        except RateLimitedError as error:
            _later(lease, timedelta(seconds=error.retry_after), str(error))
        except UnauthorisedError as error:
            _unauthorised(lease, str(error))
        except (RefusedCallError, RefusedError) as error:
            _refused(lease, str(error))
        except AdapterError as error:
            _later(lease, None, str(error))


def _fetch(lease: Lease) -> None:
    with acting_for(lease.merchant_id):
        row = PullDay.objects.select_related("link__store__merchant").get(id=lease.id)
        secrets = permissions.secrets_of(row.link) if row.link.state in consent.LIVE else None
    if secrets is None:
        raise UnauthorisedError(row.link.error_reason or "the store is not linked")
    if consent.due(row.link, now=timezone.now()):
        secrets = consent.renew(row.link, now=timezone.now())
    adapter = registry.get(row.link.store.platform)
    if not isinstance(adapter, Pulls):
        raise RefusedCallError("this platform is not fetched from")
    link = Link(secrets=secrets)
    wire = Wire(code=adapter.code, terms=adapter.terms, link=link)
    if not row.cursor:
        _begun(lease, row)
    window = window_of(adapter, row.day, cursor=row.cursor)
    for document in adapter.pull(wire, link, window):
        _keep(lease, row, document)
    _complete(lease, row.id, window.end, adapter.terms.ready)


def _begun(lease: Lease, row: PullDay) -> None:
    """Note when the first page is asked for: later ones may be resumed long after it, and the day
    is only as complete as it was then.
    """
    with acting_for(lease.merchant_id):
        lease.still_held()
        row.asked_at = timezone.now()
        row.save(update_fields=["asked_at"])


def window_of(adapter: Adapter, day: date, *, cursor: str = "") -> Window:
    """The whole calendar day at the platform."""
    zone = ZoneInfo(adapter.zone)
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return Window(begin=begin, end=end, cursor=cursor)


def _keep(lease: Lease, row: PullDay, document: Document) -> None:
    """Bytes first, flushed; then the document's row and the cursor behind it, together."""
    with document.open() as stream:
        try:
            original = originals.keep(
                stream, merchant_id=lease.merchant_id, limit=settings.DOCUMENT_MAX_BYTES
            )
        except ValueError as error:
            raise RefusedError(str(error)) from error
    with acting_for(lease.merchant_id):
        lease.still_held()
        new = ingest.keep_fetched(
            original, document=document, store=row.link.store, now=timezone.now()
        )
        row.cursor = document.cursor
        row.documents += new
        # Getting on is no failure: whoever gets on is not given up.
        row.failures = row.attempts = 0
        row.save(update_fields=["cursor", "documents", "failures", "attempts"])


def _complete(lease: Lease, day_id: UUID, end: datetime, ready: timedelta) -> None:
    """The day is whole, if it was over at the platform when we asked; else it is asked for then."""
    with acting_for(lease.merchant_id):
        lease.still_held()
        row = PullDay.objects.get(id=day_id)
        asked_at = row.asked_at
        assert asked_at is not None, "noted when its first page was asked for"
        row.cursor, row.error_reason = "", ""
        row.failures = row.attempts = 0
        row.lease_token = None
        if asked_at >= end + ready:
            row.completed_at = row.completed_at or timezone.now()
        again = asked_at if row.hinted else next_check(asked_at, end, ready)
        row.state = PullState.COMPLETE if again is None else PullState.WAITING
        row.lease_until, row.hinted = again, False
        row.save()


def next_check(asked_at: datetime, end: datetime, ready: timedelta) -> datetime | None:
    """When a day that ended at `end` is asked for next, or None: it has been asked often enough."""
    due = (end + ready, *(end + later for later in CHECKS))
    return min((at for at in due if at > asked_at), default=None)


def _later(lease: Lease, pause: timedelta | None, reason: str, *, cursor: str = "") -> None:
    """Try again after a pause; without one, after a longer one each time."""
    with acting_for(lease.merchant_id):
        lease.still_held()
        row = PullDay.objects.get(id=lease.id)
        row.state, row.error_reason = PullState.WAITING, reason
        row.cursor = cursor or row.cursor
        row.attempts, row.lease_token = 0, None
        row.failures = min(row.failures + 1, 30)
        wait = backoff(row.failures) if pause is None else pause
        row.lease_until = timezone.now() + wait + _jitter(wait)
        row.save()
    log.info("day %s of %s waits: %s", row.day, row.link_id, reason)


def backoff(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: doubling, at most LONGEST_PAUSE."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(failures - 1, 12)))


def _jitter(wait: timedelta) -> timedelta:
    """Up to a quarter more, so that many do not come back together."""
    return wait * random.random() / 4  # noqa: S311


def _unauthorised(lease: Lease, reason: str) -> None:
    """Renew the token once; where that fails too, only the merchant can help."""
    with acting_for(lease.merchant_id):
        row = PullDay.objects.select_related("link__store").get(id=lease.id)
    try:
        if row.link.state in consent.LIVE:
            consent.renew(row.link, now=timezone.now())
            _later(lease, None, reason)
            return
    except NotYetError as error:
        _later(lease, timedelta(seconds=error.retry_after), reason)
        return
    except UnauthorisedError as error:
        reason = str(error)
        with acting_for(lease.merchant_id):
            permissions.lapsed(row.link, state=LinkState.EXPIRED, reason=reason)
    except AdapterError as error:
        _later(lease, None, str(error))
        return
    _later(lease, LONGEST_PAUSE, reason)


def _refused(lease: Lease, reason: str) -> None:
    with acting_for(lease.merchant_id):
        lease.still_held()
        PullDay.objects.filter(id=lease.id).update(
            state=PullState.REFUSED,
            # What is refused may be the cursor itself: the next try begins anew.
            cursor="",
            error_reason=reason,
            attempts=0,
            lease_until=timezone.now() + REFUSED_PAUSE,
            lease_token=None,
        )
    log.warning("day %s was refused: %s", lease.id, reason)
