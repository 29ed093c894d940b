"""What every page knows: who acts for which merchant."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from csp.constants import NONCE, SELF
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.access import acting_for, membership
from accounts.errors import NoSuchMerchantError
from accounts.models import Member, User

Handler = Callable[[HttpRequest], HttpResponse]
MERCHANT = "merchant_id"
"""The session's key of the merchant a user of several has chosen."""


class RelaxAdminPolicy:
    """The back-office's theme evaluates expressions and styles inline (unfold #1535, #2129)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_replace = {  # type: ignore[attr-defined]
                "script-src": [SELF, NONCE, "'unsafe-eval'"],
                "style-src": [SELF, "'unsafe-inline'"],
            }
        return response


class ActAsMember:
    """Run a signed-in member's request inside its merchant's transaction.

    `request.member` is the membership, or None for visitors and for operators
    who are members of no merchant. The back-office keeps its own role.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.member = member = _member(request)  # type: ignore[attr-defined]
        if member is None:
            return self.get_response(request)
        # A large upload arrives slowly; no transaction may stay open meanwhile.
        _ = request.POST
        with acting_for(member.merchant_id):
            response = self.get_response(request)
            if response.status_code >= 500:
                # Django has turned an exception into this page; nothing half may stay.
                transaction.set_rollback(True)
        return response


def merchant(request: HttpRequest) -> dict[str, Any]:
    """The acting membership, for templates."""
    return {"member": getattr(request, "member", None)}


def _member(request: HttpRequest) -> Member | None:
    user = request.user
    if not isinstance(user, User) or request.path.startswith(("/admin/", "/static/")):
        return None
    chosen = request.session.get(MERCHANT)
    try:
        return membership(user, merchant_id=uuid.UUID(chosen) if chosen else None)
    except NoSuchMerchantError:
        return None
