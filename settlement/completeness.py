"""How completely a store's days have been fetched: what is shown, and what a gap is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Max, Min, Q

from accounts.models import StoreLink
from settlement.models import Hook, HookState, PullDay, PullState

SHOWN_DAYS = 91
SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What is here of a link's days. `through`: every day up to it is complete; None if none is."""

    days: tuple[PullDay, ...]
    """The latest ones, oldest first."""
    total: int
    complete: int
    documents: int
    through: date | None
    problems: tuple[PullDay, ...]
    """Days that failed or were refused, oldest first."""


def completeness(link: StoreLink) -> Completeness:
    """What is here of the link's days. Inside `acting_for`; three queries."""
    of_link = PullDay.objects.filter(link=link)
    whole = Q(state=PullState.COMPLETE)
    counted = of_link.aggregate(
        total=Count("id"),
        complete=Count("id", filter=whole),
        gap=Min("day", filter=~whole),
        last=Max("day", filter=whole),
    )
    latest = list(of_link.order_by("-day")[:SHOWN_DAYS])
    failed = of_link.exclude(state=PullState.COMPLETE).exclude(error_reason="").order_by("day")
    gap, last = counted["gap"], counted["last"]
    through = last if gap is None or last is None else min(last, gap - timedelta(days=1))
    return Completeness(
        days=tuple(reversed(latest)),
        total=counted["total"],
        complete=counted["complete"],
        documents=sum(day.documents for day in latest),
        through=None if link.fetch_from and through and through < link.fetch_from else through,
        problems=tuple(failed[:SHOWN_PROBLEMS]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What a platform has sent to a link's address."""

    total: int
    dead: int
    last: Hook | None


def inbox(link: StoreLink) -> Inbox:
    """What has come. Inside `acting_for`; two queries."""
    of_link = Hook.objects.filter(link=link)
    counted = of_link.aggregate(total=Count("id"), dead=Count("id", filter=Q(state=HookState.DEAD)))
    last = of_link.order_by("-id").defer("body", "headers").first()
    return Inbox(total=counted["total"], dead=counted["dead"], last=last)
