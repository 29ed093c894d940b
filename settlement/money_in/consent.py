"""Linking a store to its platform: keys or consent in, tokens renewed in time, permission ended.

The consent's way through the merchant's browser is bound to the user, the store and one session by
a signed state that lives for STATE_SECONDS. A permission is proved by a call before it counts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import permissions
from accounts.access import acting_for
from accounts.errors import StoreTakenError
from accounts.models import LinkMethod, LinkState, PlatformApp, StoreLink, User
from accounts.onboarding import number_stores
from platforms import registry
from platforms.contract import Adapter, AdapterError, Link, Pushes, UnauthorisedError
from platforms.pulling import Authorises, NotYetError, Pulls, Revokes, Tokens
from settlement.errors import ConsentError
from settlement.models import PullDay, PullState
from settlement.money_in.requests import wake_after_commit
from settlement.money_in.wire import Wire

log = logging.getLogger(__name__)
LIVE = (LinkState.ACTIVE, LinkState.EXPIRING)
STATE_SECONDS = 900
LONGEST_NUMBER = 64
SALT = "tributary.consent"
TOKENS = ("access_token", "refresh_token")
"""What consent brings."""
EARLY = timedelta(minutes=10)
"""A token is renewed so long before it ends: no document is begun with one that ends in it."""
WARN = timedelta(days=14)
"""The merchant is told so long before only new consent helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a store of a platform reaches us."""

    fetches: bool
    """Whether its documents can be fetched."""
    receives: bool
    """Whether the platform sends hooks."""
    keys: tuple[str, ...]
    """The secrets to enter, in the form's order; where consent does it, those it leaves open."""
    consent: bool
    """Whether the merchant can consent now: the operator has an application there."""
    unverified: str
    """What of the calls rests on secondary sources; "" if nothing does."""


def ways(code: str) -> Ways:
    """How a store of this platform can be linked today."""
    adapter = registry.get(code)
    keys: tuple[str, ...] = tuple(adapter.credentials)
    asks = isinstance(adapter, Authorises) and PlatformApp.objects.filter(code=code).exists()
    if isinstance(adapter, Authorises) and asks:
        granted = {*adapter.application, *TOKENS}
        keys = tuple(name for name in keys if name not in granted)
    return Ways(
        fetches=isinstance(adapter, Pulls),
        receives=isinstance(adapter, Pushes),
        keys=keys,
        consent=asks,
        unverified=adapter.unverified.get("pull", ""),
    )


def enter_keys(link: StoreLink, *, secrets: Mapping[str, str], fetch_from: date, by: User) -> None:
    """Take keys to be proved by a worker. Inside `acting_for`.

    A key that is left empty stays as it was.
    """
    given = {name: value for name, value in secrets.items() if value}
    _pend(link, keys=given, fetch_from=fetch_from, by=by)


def consent_address(
    link: StoreLink,
    *,
    secrets: Mapping[str, str],
    fetch_from: date,
    by: User,
    session: str,
    back: str,
) -> str:
    """Where the merchant's browser goes to consent. Inside `acting_for`. Raises ConsentError.

    `secrets` is what the platform must know of the shop before, or does not grant by consent.
    """
    given = {name: value for name, value in secrets.items() if value}
    state = signing.dumps([str(link.id), str(by.pk), session], salt=SALT)
    known = {**permissions.secrets_of(link), **given}
    try:
        address = _authorising(link).consent_url(Link(secrets=known), state=state, back=back)
    except AdapterError as error:
        raise ConsentError(str(error)) from error
    permissions.pend(link, {"begun": given, "fetch_from": fetch_from.isoformat()})
    return address


def consented(link: StoreLink, *, answer: Mapping[str, str], back: str, by: User) -> None:
    """Take what the browser brought back, to be redeemed by a worker. Inside `acting_for`.

    Raises ConsentError where no consent was begun, or it was ended by other keys meanwhile.
    """
    begun = permissions.pending(link) or {}
    if "begun" not in begun:
        raise ConsentError(_("no consent was begun for this store; begin again"))
    fetch_from = date.fromisoformat(begun["fetch_from"])
    _pend(link, begun=begun["begun"], answer=dict(answer), back=back, fetch_from=fetch_from, by=by)


def being_proved(link: StoreLink) -> bool:
    """Whether a worker is about to prove something. Inside `acting_for`."""
    given = permissions.pending(link)
    return given is not None and "fetch_from" in given and "by" in given


def _pend(link: StoreLink, *, fetch_from: date, by: User, **given: Any) -> None:
    kept = {**given, "fetch_from": fetch_from.isoformat(), "by": str(by.pk)}
    permissions.pend(link, kept)
    wake_after_commit("settlement.tasks.prove_link", merchant_id=link.merchant_id, link_id=link.id)


def prove(*, merchant_id: UUID, link_id: UUID) -> None:
    """Prove what was given by a call to the platform, and keep it; or say why it does not work.

    Safe to call twice: where nothing is pending nothing is done.
    """
    with acting_for(merchant_id):
        link = StoreLink.objects.select_related("store").get(id=link_id)
        given = permissions.pending(link)
        if given is None or given.keys().isdisjoint({"keys", "answer", "revoke"}):
            return
        if not permissions.may_renew(link_id, now=timezone.now()):
            return
        own = {**permissions.own_secrets(link), **given.get("begun", {})}
        app = {**permissions.secrets_of(link), **own}
    if "revoke" in given:
        _revoke(link, given["revoke"])
        return
    try:
        tokens = _tokens(link, given, own=own, all_of_them=app)
        shop = _probe(link, {**app, **tokens.secrets})
        _check_shop(link, shop or tokens.shop)
    except ConsentError as error:
        with acting_for(merchant_id):
            permissions.disproved(link, reason=str(error))
        return
    named = {"shop": shop} if shop and "shop" not in tokens.secrets else {}
    try:
        with acting_for(merchant_id):
            _number(link, shop or tokens.shop)
    except StoreTakenError:
        with acting_for(merchant_id):
            permissions.disproved(link, reason=_("another store of yours is this very shop"))
        return
    with acting_for(merchant_id):
        permissions.grant(
            link,
            method=LinkMethod.KEYS if "keys" in given else LinkMethod.CONSENT,
            secrets={**tokens.secrets, **named},
            fetch_from=date.fromisoformat(given["fetch_from"]) if _fetches(link) else None,
            by=User.objects.filter(pk=given["by"]).first(),
            now=timezone.now(),
            expires_at=tokens.expires_at,
            renewable_until=tokens.renewable_until,
            scopes=tokens.scopes,
        )
        PullDay.objects.filter(link=link, state__in=[PullState.WAITING, PullState.REFUSED]).update(
            state=PullState.WAITING, lease_until=None, failures=0
        )


def _tokens(
    link: StoreLink, given: Mapping[str, Any], *, own: dict[str, str], all_of_them: dict[str, str]
) -> Tokens:
    """The keys that were entered, or what the platform grants for the consent."""
    if "keys" in given:
        return Tokens(secrets={**own, **given["keys"]})
    try:
        tokens = _authorising(link).exchange(
            _wire(link, all_of_them),
            Link(secrets=all_of_them),
            answer=given["answer"],
            back=given["back"],
        )
    except AdapterError as error:
        raise ConsentError(str(error)) from error
    shop = {"shop": tokens.shop} if tokens.shop else {}
    return replace(tokens, secrets={**own, **tokens.secrets, **shop})


def link_of_state(state: str, *, by: User, session: str) -> UUID:
    """The link a returning browser speaks of. Raises ConsentError if it is not this user's own."""
    try:
        link_id, user_id, bound = signing.loads(state, salt=SALT, max_age=STATE_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise ConsentError(_("this consent has expired or is not ours; begin again")) from error
    if (user_id, bound) != (str(by.pk), session):
        raise ConsentError(_("this consent was begun by somebody else; begin again"))
    return UUID(link_id)


def _check_shop(link: StoreLink, found: str) -> None:
    """Consent for another shop than this store's would bring its money in here."""
    known = link.store.external_id
    if known and found and known != found:
        raise ConsentError(
            _("the platform answered for the shop %(found)s, and this store is %(known)s")
            % {"found": found, "known": known}
        )


def _number(link: StoreLink, found: str) -> None:
    """Keep what the platform calls the shop: linked once more its money would count twice.

    Raises StoreTakenError.
    """
    if found and not link.store.external_id:
        link.store.external_id = found[:LONGEST_NUMBER]
        number_stores([link.store])


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
        if fresh.secrets_sealed != link.secrets_sealed:
            # Somebody was quicker: a second renewal would end the token they are using.
            permissions.renewal_done(link.id)
            return secrets
    tokens = adapter.renew(_wire(link, secrets), Link(secrets=secrets))
    with acting_for(link.merchant_id):
        permissions.renewed(
            fresh,
            secrets=tokens.secrets,
            expires_at=tokens.expires_at,
            renewable_until=tokens.renewable_until,
        )
        return permissions.secrets_of(fresh)


def unlink_wanted(link: StoreLink) -> None:
    """End the permission here at once; a worker ends it at the platform. Inside `acting_for`."""
    secrets = permissions.secrets_of(link) if link.secrets_sealed else None
    permissions.revoke(link)
    if secrets and isinstance(registry.get(link.store.platform), Revokes):
        permissions.pend(link, {"revoke": secrets})
        wake_after_commit(
            "settlement.tasks.prove_link", merchant_id=link.merchant_id, link_id=link.id
        )


def _revoke(link: StoreLink, secrets: dict[str, str]) -> None:
    """End it at the platform, and forget what that needed whether or not it could be ended."""
    adapter = registry.get(link.store.platform)
    failure = ""
    if isinstance(adapter, Revokes):
        try:
            adapter.revoke(_wire(link, secrets), Link(secrets=secrets))
        except AdapterError as error:
            failure = _("the platform did not end it: %(reason)s") % {"reason": error}
    with acting_for(link.merchant_id):
        permissions.revoke(link)
        permissions.lapsed(link, state=LinkState.REVOKED, reason=failure)


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


def _fetches(link: StoreLink) -> bool:
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
