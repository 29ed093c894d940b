"""Permission to read a store: keys and tokens kept sealed, renewed by one at a time, forgotten.

Nothing here knows a platform: secrets are texts by their common names. They are never logged and
never shown; whoever reads a row reads sealed bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts import vault
from accounts.models import LinkMethod, LinkState, PlatformApp, StoreLink, User

SECRETS = "store_link.secrets"
APP_SECRETS = "platform_app.secrets"
PENDING = "store_link.pending"
RENEWAL = timedelta(seconds=60)
"""How long one process may take to renew a token before another one tries."""


def secrets_of(link: StoreLink) -> dict[str, str]:
    """What an adapter is given: the operator's application and the link's own on top.

    Raises VaultError.
    """
    app = PlatformApp.objects.filter(code=link.store.platform).first()
    return {**(app_secrets(app) if app else {}), **own_secrets(link)}


def own_secrets(link: StoreLink) -> dict[str, str]:
    """The link's own secrets. Raises VaultError."""
    return _opened(bytes(link.secrets_sealed), SECRETS) if link.secrets_sealed else {}


def app_secrets(app: PlatformApp) -> dict[str, str]:
    """The secrets of the operator's application. Raises VaultError."""
    return _opened(bytes(app.secrets_sealed), APP_SECRETS)


def keep_app(app: PlatformApp, secrets: Mapping[str, str], *, now: datetime) -> None:
    """Keep the secrets of the operator's application, as the operator."""
    app.secrets_sealed, app.changed_at = _sealed(secrets, APP_SECRETS), now
    app.save(using="ops")


def pend(link: StoreLink, given: Mapping[str, Any]) -> None:
    """Keep what is to be proved; what works already goes on working. Inside `acting_for`."""
    link.pending_sealed = vault.seal(json.dumps(dict(given)), context=PENDING)
    working = link.state in {LinkState.ACTIVE, LinkState.EXPIRING} and link.secrets_sealed
    if not working and "revoke" not in given:
        link.state = LinkState.REAUTH_PENDING if link.granted_at else LinkState.PENDING
    link.error_reason = ""
    link.save(update_fields=["pending_sealed", "state", "error_reason"])


def pending(link: StoreLink) -> dict[str, Any] | None:
    """What is still to be proved, or None. Raises VaultError."""
    if link.pending_sealed is None:
        return None
    given: dict[str, Any] = json.loads(vault.unseal(bytes(link.pending_sealed), context=PENDING))
    return given


def disproved(link: StoreLink, *, reason: str) -> None:
    """What was given does not work: say why, keep what worked before (files can be uploaded all
    the same). Inside `acting_for`.
    """
    link.pending_sealed, link.error_reason, link.renewing_until = None, reason, None
    if link.state in {LinkState.PENDING, LinkState.REAUTH_PENDING}:
        by_upload = link.method == LinkMethod.UPLOAD
        link.state = LinkState.ACTIVE if by_upload else LinkState.ERROR
    link.save(update_fields=["pending_sealed", "state", "error_reason", "renewing_until"])


def grant(
    link: StoreLink,
    *,
    method: LinkMethod,
    secrets: Mapping[str, str],
    fetch_from: date | None,
    by: User | None,
    now: datetime,
    expires_at: datetime | None = None,
    renewable_until: datetime | None = None,
    scopes: tuple[str, ...] = (),
) -> None:
    """Make the link active with new secrets. Inside `acting_for`.

    A day that was fetched from before stays: a renewed permission leaves no gap.
    """
    link.method, link.state = method, LinkState.ACTIVE
    link.secrets_sealed = _sealed(secrets, SECRETS)
    link.fetch_from = min(filter(None, (link.fetch_from, fetch_from)), default=None)
    link.expires_at, link.renewable_until = expires_at, renewable_until
    link.scopes = " ".join(scopes)[:500]
    link.granted_at, link.granted_by = now, by
    link.renewing_until, link.error_reason, link.pending_sealed = None, "", None
    link.save(
        update_fields=[
            *_CHANGED, "fetch_from", "granted_at", "granted_by", "method", "pending_sealed",
        ]
    )  # fmt: skip


def renewed(
    link: StoreLink,
    *,
    secrets: Mapping[str, str],
    expires_at: datetime | None,
    renewable_until: datetime | None,
) -> None:
    """Keep renewed tokens beside the link's other secrets. Inside `acting_for`."""
    link.state = LinkState.ACTIVE
    link.secrets_sealed = _sealed({**own_secrets(link), **secrets}, SECRETS)
    link.expires_at = expires_at
    link.renewable_until = renewable_until or link.renewable_until
    link.renewing_until, link.error_reason = None, ""
    link.save(update_fields=_CHANGED)


def lapsed(link: StoreLink, *, state: LinkState, reason: str) -> None:
    """The platform no longer accepts the link: say why. Inside `acting_for`."""
    link.state, link.error_reason, link.renewing_until = state, reason, None
    link.save(update_fields=["state", "error_reason", "renewing_until"])


def revoke(link: StoreLink) -> None:
    """Forget all secrets; files can still be uploaded. Inside `acting_for`."""
    link.state, link.method = LinkState.REVOKED, LinkMethod.UPLOAD
    link.secrets_sealed = link.pending_sealed = None
    link.expires_at = link.renewable_until = link.renewing_until = None
    link.scopes = link.error_reason = ""
    link.save(update_fields=[*_CHANGED, "method", "pending_sealed"])


def may_renew(link_id: UUID, *, now: datetime) -> bool:
    """Take the renewal for RENEWAL; False where another process has it. Inside `acting_for`."""
    free = Q(renewing_until=None) | Q(renewing_until__lt=now)
    taken = StoreLink.objects.filter(free, id=link_id).update(renewing_until=now + RENEWAL)
    return taken == 1


def renewal_done(link_id: UUID) -> None:
    """Give the renewal back unused. Inside `acting_for`."""
    StoreLink.objects.filter(id=link_id).update(renewing_until=None)


_CHANGED = [
    "state", "secrets_sealed", "expires_at", "renewable_until", "renewing_until", "scopes",
    "error_reason",
]  # fmt: skip


def _sealed(secrets: Mapping[str, str], context: str) -> bytes:
    return vault.seal(json.dumps(dict(secrets), ensure_ascii=False), context=context)


def _opened(sealed: bytes, context: str) -> dict[str, str]:
    opened: dict[str, str] = json.loads(vault.unseal(sealed, context=context))
    return opened
