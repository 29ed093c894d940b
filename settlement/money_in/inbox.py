"""Hooks as they come: kept in one statement, acknowledged, handled at our own pace.

A hook is a hint: its figures are never booked. Where the platform can be asked, its day is fetched
again; elsewhere its payload is kept as a document, if it is one the hub reads.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import permissions
from accounts.access import acting_for
from accounts.models import LinkState, StoreLink, new_id
from platforms import registry
from platforms.contract import AdapterError, Link, RawHook, ReadError
from settlement.models import Hook, HookState
from settlement.money_in import ingest, originals, pulling
from settlement.work import HOOK, Lease, claim, kept_alive

log = logging.getLogger(__name__)
LONGEST_ID = 255
KEPT_SECONDS = 5.0
"""How long a process believes what it has seen of a link: a key taken away serves no longer."""
MOST_LINKS = 10_000
ANOTHER_BODY = "another body under a number that was used before"

# One round trip. A second delivery of the same bytes leaves no trace, one of other bytes does.
KEEP = """
WITH opened AS MATERIALIZED (
    SELECT set_config('tributary.tenant', %(merchant)s, true) AS tenant
), kept AS (
    INSERT INTO settlement_hook (id, merchant_id, link_id, delivery_id, headers, body, url,
        received_at, state, error_reason, attempts)
    SELECT %(id)s, tenant::uuid, %(link)s, %(delivery)s, %(headers)s::jsonb, %(body)s, %(url)s,
        %(now)s, 'waiting', '', 0
    FROM opened
    ON CONFLICT (merchant_id, link_id, delivery_id) DO NOTHING
    RETURNING id
)
SELECT (SELECT count(*) FROM kept) AS kept, (
    SELECT sha256(h.body) FROM opened, settlement_hook h
    WHERE h.merchant_id = opened.tenant::uuid AND h.link_id = %(link)s
      AND h.delivery_id = %(delivery)s) AS earlier
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where hooks of one address belong, and the keys they are checked with."""

    merchant_id: UUID
    link_id: UUID
    code: str
    link: Link
    seen_at: float


_places: dict[UUID, Place] = {}


def place_of(link_id: UUID, code: str) -> Place | None:
    """Whose address this is; None where nobody has it, or it is another platform's."""
    place = _places.get(link_id)
    if place is None or time.monotonic() - place.seen_at > KEPT_SECONDS:
        place = _look(link_id)
        if place is None:
            _places.pop(link_id, None)
            return None
        if len(_places) >= MOST_LINKS:
            _places.clear()
        _places[link_id] = place
    return place if place.code == code else None


def _look(link_id: UUID) -> Place | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_merchant_of_link(%s)", [link_id])
        merchant_id: UUID | None = cursor.fetchone()[0]
    if merchant_id is None:
        return None
    with acting_for(merchant_id):
        link = StoreLink.objects.select_related("store").get(id=link_id)
        if link.state == LinkState.REVOKED:
            return None
        secrets = permissions.secrets_of(link)
    return Place(
        merchant_id=merchant_id,
        link_id=link_id,
        code=link.store.platform,
        link=Link(secrets=secrets),
        seen_at=time.monotonic(),
    )


def keep(place: Place, hook: RawHook, *, delivery_id: str, now: datetime) -> bool:
    """Keep a verified hook durably; False if the same delivery was kept before.

    Other bytes under a known number are kept beside it, given up at once for a person to look at:
    they are neither a retry nor to be believed.
    """
    number = delivery_id[:LONGEST_ID]
    digest = hashlib.sha256(hook.body).digest()
    kept, earlier = _insert(place, hook, number, now)
    while not kept and earlier is None:
        # Somebody keeps it at this very moment: the next statement sees what they have kept.
        kept, earlier = _insert(place, hook, number, now)
    if kept:
        return True
    if earlier == digest:
        return False
    log.warning("hook %s of link %s: %s", number, place.link_id, ANOTHER_BODY)
    beside = f"{number[: LONGEST_ID - 17]}:{digest.hex()[:16]}"
    kept, _ = _insert(place, hook, beside, now)
    if kept:
        with acting_for(place.merchant_id):
            Hook.objects.filter(link_id=place.link_id, delivery_id=beside).update(
                state=HookState.DEAD, error_reason=ANOTHER_BODY
            )
    return bool(kept)


def _insert(place: Place, hook: RawHook, number: str, now: datetime) -> tuple[int, bytes | None]:
    """Whether it was kept now, and the SHA-256 of the body kept before under the number."""
    with connection.cursor() as cursor:
        cursor.execute(
            KEEP,
            {
                "merchant": str(place.merchant_id),
                "id": new_id(),
                "link": place.link_id,
                "delivery": number,
                "headers": json.dumps(dict(hook.headers)),
                "body": hook.body,
                "url": hook.url,
                "now": now,
            },
        )
        kept, earlier = cursor.fetchone()
    return kept, None if earlier is None else bytes(earlier)


def handle(*, merchant_id: UUID, hook_id: UUID) -> None:
    """Do what a kept hook asks for; safe to call twice, by two workers, or after a crash."""
    lease = claim(HOOK, merchant_id=merchant_id, id=hook_id)
    if lease is None:
        return
    if lease.exhausted:
        _end(lease, HookState.DEAD, "handling it failed again and again")
        return
    with kept_alive(lease):
        try:
            _handle(lease)
        except (AdapterError, ReadError) as error:
            _end(lease, HookState.DEAD, str(error))
            return
    _end(lease, HookState.HANDLED, "")


def _handle(lease: Lease) -> None:
    with acting_for(lease.merchant_id):
        hook = Hook.objects.select_related("link__store__merchant").get(id=lease.id)
        adapter = registry.get(hook.link.store.platform)
        if hook.link.fetch_from is not None and pulling.fetches(adapter.code) is not None:
            today = pulling.today(adapter.code, hook.received_at)
            pulling.want(hook.link, days=[today, today - timedelta(days=1)])
            return
        secrets = permissions.secrets_of(hook.link)
    raw = RawHook(headers=hook.headers, body=bytes(hook.body), url=hook.url)
    document = registry.pushes(adapter).unwrap(raw, Link(secrets=secrets))
    if not adapter.recognises(document):
        return
    with document.open() as stream:
        original = originals.keep(
            stream, merchant_id=lease.merchant_id, limit=settings.DOCUMENT_MAX_BYTES
        )
    with acting_for(lease.merchant_id):
        lease.still_held()
        ingest.keep_fetched(original, document=document, store=hook.link.store, now=timezone.now())


def _end(lease: Lease, state: HookState, reason: str) -> None:
    with acting_for(lease.merchant_id):
        lease.still_held()
        Hook.objects.filter(id=lease.id).update(
            state=state,
            error_reason=reason,
            handled_at=timezone.now() if state == HookState.HANDLED else None,
            lease_until=None,
            lease_token=None,
        )


def replay(hook: Hook) -> None:
    """Let a hook be handled once more. Inside `acting_for`."""
    Hook.objects.filter(id=hook.id, state__in=[HookState.DEAD, HookState.HANDLED]).update(
        state=HookState.WAITING, attempts=0, lease_until=None, lease_token=None, error_reason=""
    )
