"""Linking a store to its platform: keys or consent in, tokens renewed in time, permission ended.

The consent's way through the merchant's browser is bound to the user, the store and one session by
a signed state that lives for STATE_SECONDS. A permission is proved by a call before it counts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import permissions
from accounts.access import acting_for
from accounts.models import LinkMethod, LinkState, PlatformApp, StoreLink, User
from platforms import registry
from platforms.contract import Adapter, AdapterError, Link, UnauthorisedError
from platforms.pulling import Authorises, NotYetError, Pulls, Revokes, Tokens
from settlement.errors import ConsentError
from settlement.money_in.wire import Wire

log = logging.getLogger(__name__)
LIVE = (LinkState.ACTIVE, LinkState.EXPIRING)
STATE_SECONDS = 900
SALT = "tributary.consent"
EARLY = timedelta(minutes=10)
"""A token is renewed so long before it ends: no document is begun with one that ends in it."""
WARN = timedelta(days=14)
"""The merchant is told so long before only new consent helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a store of a platform can be linked."""

    keys: tuple[str, ...]
    """The secrets to enter, in the form's order; empty where nothing is fetched by keys."""
    consent: bool
    """Whether the platform asks the merchant itself, in the operator's application's name."""


def ways(code: str) -> Ways:
    """How a store of this platform can be linked today."""
    adapter = registry.get(code)
    if not isinstance(adapter, Pulls):
        return Ways(keys=tuple(adapter.credentials), consent=False)
    if not isinstance(adapter, Authorises):
        return Ways(keys=adapter.credentials, consent=False)
    return Ways(keys=(), consent=PlatformApp.objects.filter(code=code).exists())


def link_by_keys(
    link: StoreLink, *, secrets: Mapping[str, str], fetch_from: date, by: User, now: datetime
) -> None:
    """Prove the keys by a call, then keep them. Outside of a transaction.

    Raises ConsentError with the platform's own reason; nothing is kept then.
    """
    with acting_for(link.merchant_id):
        before = permissions.own_secrets(link)
        app = {**permissions.secrets_of(link)}
    given = {name: value for name, value in secrets.items() if value}
    kept = {**before, **given}
    shop = _probe(link, {**app, **kept})
    with acting_for(link.merchant_id):
        permissions.grant(
            link,
            method=LinkMethod.KEYS,
            secrets={**kept, **({"shop": shop} if shop and "shop" not in kept else {})},
            fetch_from=fetch_from if _adapter_pulls(link) else None,
            by=by,
            now=now,
        )


def consent_address(link: StoreLink, *, by: User, session: str, back: str) -> str:
    """Where the merchant's browser goes to consent. Raises ConsentError."""
    adapter = _authorising(link)
    with acting_for(link.merchant_id):
        secrets = permissions.secrets_of(link)
    state = signing.dumps([str(link.id), str(by.pk), session], salt=SALT)
    return adapter.consent_url(Link(secrets=secrets), state=state, back=back)


def link_of_state(state: str, *, by: User, session: str) -> UUID:
    """The link a returning browser speaks of. Raises ConsentError if it is not this user's own."""
    try:
        link_id, user_id, bound = signing.loads(state, salt=SALT, max_age=STATE_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise ConsentError(_("this consent has expired or is not ours; begin again")) from error
    if (user_id, bound) != (str(by.pk), session):
        raise ConsentError(_("this consent was begun by somebody else; begin again"))
    return UUID(link_id)


def link_by_consent(
    link: StoreLink,
    *,
    answer: Mapping[str, str],
    back: str,
    fetch_from: date,
    by: User,
    now: datetime,
) -> None:
    """Redeem the consent, prove it by a call, keep it. Outside of a transaction.

    Raises ConsentError.
    """
    adapter = _authorising(link)
    with acting_for(link.merchant_id):
        secrets = permissions.secrets_of(link)
    try:
        tokens = adapter.exchange(_wire(link, secrets), Link(secrets=secrets),
                                  answer=answer, back=back)  # fmt: skip
    except AdapterError as error:
        raise ConsentError(str(error)) from error
    _check_shop(link, tokens)
    own = {**tokens.secrets, **({"shop": tokens.shop} if tokens.shop else {})}
    _probe(link, {**secrets, **own})
    with acting_for(link.merchant_id):
        permissions.grant(
            link,
            method=LinkMethod.CONSENT,
            secrets=own,
            fetch_from=fetch_from,
            by=by,
            now=now,
            expires_at=tokens.expires_at,
            renewable_until=tokens.renewable_until,
            scopes=tokens.scopes,
        )


def _check_shop(link: StoreLink, tokens: Tokens) -> None:
    """Consent for another shop than this store's would bring its money in here."""
    known = link.store.external_id
    if known and tokens.shop and known != tokens.shop:
        raise ConsentError(
            _("the platform answered for the shop %(found)s, and this store is %(known)s")
            % {"found": tokens.shop, "known": known}
        )


def due(link: StoreLink, *, now: datetime) -> bool:
    """Whether the token should be renewed before it is used."""
    return link.expires_at is not None and link.expires_at < now + EARLY


def renew(link: StoreLink, *, now: datetime) -> dict[str, str]:
    """Renew the token, by one process at a time, and return the secrets. Outside a transaction.

    Raises UnauthorisedError where only new consent helps, NotYetError where another process is at
    it, and the platform's other errors.
    """
    adapter = registry.get(link.store.platform)
    if not isinstance(adapter, Authorises):
        raise UnauthorisedError(_("the platform does not accept the keys of this store"))
    with acting_for(link.merchant_id):
        if not permissions.may_renew(link.id, now=now):
            raise NotYetError("another worker renews the token", retry_after=3)
        fresh = StoreLink.objects.select_related("store").get(id=link.id)
        secrets = permissions.secrets_of(fresh)
    tokens = adapter.renew(_wire(link, secrets), Link(secrets=secrets))
    with acting_for(link.merchant_id):
        permissions.renewed(
            fresh,
            secrets=tokens.secrets,
            expires_at=tokens.expires_at,
            renewable_until=tokens.renewable_until,
        )
        return permissions.secrets_of(fresh)


def unlink(link: StoreLink) -> str:
    """End the permission, at the platform where it can be; returns why it could not be ended there.

    Outside of a transaction. The secrets are forgotten either way.
    """
    adapter = registry.get(link.store.platform)
    failure = ""
    if isinstance(adapter, Revokes):
        with acting_for(link.merchant_id):
            secrets = permissions.secrets_of(link)
        try:
            adapter.revoke(_wire(link, secrets), Link(secrets=secrets))
        except AdapterError as error:
            failure = str(error)
    with acting_for(link.merchant_id):
        permissions.revoke(link)
    return failure


def watch(*, now: datetime) -> int:
    """Say of every permission that ends soon, or has ended, that it does; returns how many."""
    ending = StoreLink.objects.using("ops").filter(renewable_until__lt=now + WARN, state__in=LIVE)
    changed = 0
    for merchant_id, link_id in ending.values_list("merchant_id", "id"):
        changed += _warn(merchant_id, link_id, now)
    return changed


def _warn(merchant_id: UUID, link_id: UUID, now: datetime) -> int:
    """Judged anew as the application: it may have been renewed meanwhile."""
    with acting_for(merchant_id):
        live = StoreLink.objects.filter(id=link_id, state__in=LIVE)
        ended = live.filter(renewable_until__lte=now).update(state=LinkState.EXPIRED)
        soon = live.filter(renewable_until__lt=now + WARN).exclude(state=LinkState.EXPIRING)
        return ended + soon.update(state=LinkState.EXPIRING)


def _probe(link: StoreLink, secrets: Mapping[str, str]) -> str:
    """What the platform calls the shop. Raises ConsentError."""
    adapter = registry.get(link.store.platform)
    if not isinstance(adapter, Pulls):
        return ""
    try:
        return adapter.probe(_wire(link, secrets), Link(secrets=dict(secrets)))
    except UnauthorisedError as error:
        raise ConsentError(
            _("%(platform)s does not accept these keys: %(reason)s")
            % {"platform": adapter.name, "reason": error}
        ) from error
    except AdapterError as error:
        raise ConsentError(
            _("%(platform)s could not be asked: %(reason)s")
            % {"platform": adapter.name, "reason": error}
        ) from error


def _wire(link: StoreLink, secrets: Mapping[str, str]) -> Wire:
    adapter: Adapter = registry.get(link.store.platform)
    terms = adapter.terms if isinstance(adapter, Pulls) else None
    return Wire(code=adapter.code, terms=terms, link=Link(secrets=dict(secrets)))


def _adapter_pulls(link: StoreLink) -> bool:
    return isinstance(registry.get(link.store.platform), Pulls)


def _authorising(link: StoreLink) -> Authorises:
    adapter = registry.get(link.store.platform)
    if not isinstance(adapter, Authorises):
        raise ConsentError(_("this platform asks for keys, not for consent"))
    return adapter


def first_day(link: StoreLink, *, now: datetime | None = None) -> date:
    """The earliest day the platform still answers for."""
    adapter = registry.get(link.store.platform)
    assert isinstance(adapter, Pulls)
    return ((now or timezone.now()) - adapter.terms.reach + timedelta(days=1)).date()
