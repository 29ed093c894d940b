"""One store: how its documents reach us, what has been fetched of it, and linking it."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.access import ALLOWED, Action, require
from accounts.models import LinkMethod, LinkState, Role, StoreLink
from settlement.completeness import completeness, inbox
from settlement.errors import ConsentError
from settlement.models import PullDay
from settlement.money_in import consent, pulling
from settlement.money_in.wire import simulated
from web.dashboard import labels
from web.dashboard.entrance import MemberRequest, member_page, show
from web.dashboard.link_forms import KeysForm

FIRST_FETCH = timedelta(days=90)


@require_safe
@member_page
def store(request: MemberRequest, store_id: UUID) -> HttpResponse:
    """How the store is linked, its days and its hooks."""
    return _page(request, _link(store_id))


@require_POST
@member_page
def enter_keys(request: MemberRequest, store_id: UUID) -> HttpResponse:
    """Take keys, to be proved by a worker."""
    require(request.member, Action.LINK)
    link = _link(store_id)
    form = _keys_form(link, request.POST)
    if not form.is_valid():
        return _page(request, link, form=form, status=409)
    consent.enter_keys(link, secrets=form.secrets(), fetch_from=form.first_day(), by=request.user)
    return redirect("store", store_id)


@require_POST
@member_page
def begin_consent(request: MemberRequest, store_id: UUID) -> HttpResponse:
    """Send the browser to the platform."""
    require(request.member, Action.LINK)
    link = _link(store_id)
    form = _keys_form(link, request.POST)
    if not form.is_valid():
        return _page(request, link, form=form, status=409)
    try:
        address = consent.consent_address(
            link,
            secrets=form.secrets(),
            fetch_from=form.first_day(),
            by=request.user,
            session=_session(request),
            back=_back(request, link),
        )
    except ConsentError as error:
        messages.error(request, str(error))
        return redirect("store", store_id)
    return redirect(address)


@require_GET
@member_page
def end_consent(request: MemberRequest, code: str) -> HttpResponse:
    """The browser returns from the platform."""
    require(request.member, Action.LINK)
    try:
        link_id = consent.link_of_state(
            request.GET.get("state", ""), by=request.user, session=_session(request)
        )
        link = StoreLink.objects.select_related("store").get(id=link_id, store__platform=code)
        consent.consented(
            link, answer=request.GET.dict(), back=_back(request, link), by=request.user
        )
    except (ConsentError, StoreLink.DoesNotExist) as error:
        messages.error(request, str(error))
        return redirect("stores")
    return redirect("store", link.store_id)


@require_POST
@member_page
def unlink(request: MemberRequest, store_id: UUID) -> HttpResponse:
    """Ask a worker to end the permission."""
    require(request.member, Action.LINK)
    consent.unlink_wanted(_link(store_id))
    messages.success(request, _("The link is being ended; its keys are forgotten."))
    return redirect("store", store_id)


@require_POST
@member_page
def fetch_again(request: MemberRequest, store_id: UUID, day: date) -> HttpResponse:
    """Fetch one day once more."""
    require(request.member, Action.UPLOAD)
    link = _link(store_id)
    pulling.want(link, days=[day])
    return redirect("store", store_id)


def _link(store_id: UUID) -> StoreLink:
    links = StoreLink.objects.select_related("store__merchant", "granted_by")
    link = links.filter(store_id=store_id).order_by("id").first()
    if link is None:
        raise Http404
    return link


def _page(
    request: MemberRequest,
    link: StoreLink,
    *,
    form: KeysForm | None = None,
    status: int = 200,
) -> HttpResponse:
    ways = consent.ways(link.store.platform)
    done = completeness(link)
    context: dict[str, Any] = {
        "store": link.store,
        "link": link,
        "badge": labels.link_badge(link.state),
        "pending": consent.being_proved(link),
        "simulated": simulated(),
        "ways": ways,
        "form": form or (_keys_form(link) if ways.keys or ways.consent else None),
        "done": done,
        "cells": [(day, _badge(day)) for day in done.days],
        "inbox": inbox(link),
        "address": _hook_address(request, link) if ways.receives else "",
        "may_link": Action.LINK in ALLOWED[Role(request.member.role)],
        "ended": link.state in {LinkState.EXPIRED, LinkState.ERROR},
        "by_upload": link.method == LinkMethod.UPLOAD,
    }  # fmt: skip
    return show(request, "dashboard/store.html", context, status=status)


def _badge(day: PullDay) -> labels.Badge:
    return labels.day_badge(
        day.state, failed=bool(day.error_reason), complete=day.completed_at is not None
    )


def _keys_form(link: StoreLink, data: Any = None) -> KeysForm:
    names = consent.ways(link.store.platform).keys
    known = link.secrets_sealed is not None
    number = "" if known else link.store.external_id
    return KeysForm(data, names=names, known=known, number=number, **_span(link))


def _span(link: StoreLink) -> dict[str, date]:
    """From how far back documents can be fetched; the same day twice where none can."""
    today = timezone.localdate()
    if not consent.ways(link.store.platform).fetches:
        return {"first": today, "today": today}
    return {"first": max(consent.first_day(link), today - FIRST_FETCH), "today": today}


def _hook_address(request: MemberRequest, link: StoreLink) -> str:
    return request.build_absolute_uri(reverse("hook", args=[link.store.platform, link.id]))


def _back(request: MemberRequest, link: StoreLink) -> str:
    return request.build_absolute_uri(reverse("consent_end", args=[link.store.platform]))


def _session(request: MemberRequest) -> str:
    """What binds a consent to this browser; it travels, so it is not the session's key itself."""
    if request.session.session_key is None:
        request.session.save()
    key = str(request.session.session_key)
    return hashlib.sha256(f"tributary.consent.{key}".encode()).hexdigest()[:32]
