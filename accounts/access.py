"""Who may see and do what. PostgreSQL keeps merchants apart; this names the tenant.

Row-level security reads two settings of the transaction: `tributary.tenant`
(the merchant acted for) and `tributary.user` (who asks, to find the own
memberships). Outside `acting_for` the application sees no merchant's row.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.db import connections, transaction
from django.db.models import QuerySet

from accounts.errors import NoSuchMerchantError, NotAllowedError
from accounts.models import Member, Role, User


class Action(StrEnum):
    """What a role may be asked for."""

    SEE = "see"
    UPLOAD = "upload"
    RESOLVE = "resolve"
    LINK = "link"
    WITHDRAW = "withdraw"
    ONBOARD = "onboard"


ALLOWED: dict[Role, frozenset[Action]] = {
    Role.OWNER: frozenset(Action),
    Role.FINANCE: frozenset(
        {Action.SEE, Action.UPLOAD, Action.RESOLVE, Action.LINK, Action.WITHDRAW}
    ),
    Role.VIEWER: frozenset({Action.SEE}),
}


@contextmanager
def acting_for(merchant_id: uuid.UUID, *, using: str = "default") -> Iterator[None]:
    """One transaction in which only this merchant's rows exist."""
    outer = connections[using].in_atomic_block
    with transaction.atomic(using=using):
        before = _current("tenant", using=using) if outer else ""
        _set("tenant", str(merchant_id), using=using)
        yield
        # A nested use ends before the transaction does: what follows is the outer tenant's.
        # (A transaction's end restores the setting by itself, as a savepoint's rollback does.)
        if outer and not connections[using].needs_rollback:
            _set("tenant", before, using=using)


@contextmanager
def asking_as(user: User) -> Iterator[None]:
    """One transaction in which the user's own memberships can be read."""
    with transaction.atomic():
        _set("user", str(user.pk), using="default")
        yield


def visible_to(user: User) -> QuerySet[Member]:
    """The user's memberships, oldest merchant first; inside `asking_as(user)`."""
    return Member.objects.filter(user=user).select_related("merchant").order_by("merchant_id")


def membership(user: User, *, merchant_id: uuid.UUID | None = None) -> Member:
    """The membership by which the user acts: the named merchant's, else the oldest.

    Raises NoSuchMerchantError when the user is no member of it.
    """
    with asking_as(user):
        found = visible_to(user)
        if merchant_id is not None:
            found = found.filter(merchant_id=merchant_id)
        member = found.first()
    if member is None:
        raise NoSuchMerchantError("you are not a member of this merchant")
    return member


def require(member: Member, action: Action) -> None:
    """Raise NotAllowedError unless the member's role allows the action."""
    if action not in ALLOWED[Role(member.role)]:
        raise NotAllowedError(f"the role {member.role} may not {action}")


def _current(name: str, *, using: str) -> str:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [f"tributary.{name}"])
        value: str = cursor.fetchone()[0]
    return value


def _set(name: str, value: str, *, using: str) -> None:
    """Set for the rest of the transaction."""
    # SET is not planned, as SELECT set_config() is; Django writes the value into the text.
    with connections[using].cursor() as cursor:
        cursor.execute(f'SET LOCAL tributary."{name}" = %s', [value])
