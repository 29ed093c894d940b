"""What is fetched from platforms, day by day, and what they send by themselves."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import StoreLink, new_id
from settlement.models.fields import merchant_key


class PullState(models.TextChoices):
    """Where the fetching of a day stands."""

    WAITING = "waiting", _("Waiting")
    PULLING = "pulling", _("Being fetched")
    COMPLETE = "complete", _("Complete")
    REFUSED = "refused", _("Refused by the platform")


class PullDay(models.Model):
    """One day of one store link: complete, or why it is not yet.

    A link has a row for every day since its `fetch_from`, so that a gap is a row that says so.
    `lease_until` in the future without a token: not to be tried before then.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    link = models.ForeignKey(
        StoreLink, models.PROTECT, related_name="days", verbose_name=_("store link")
    )
    day = models.DateField(_("day"))
    """A calendar day in the platform's zone."""
    state = models.CharField(
        _("state"), max_length=16, choices=PullState.choices, default=PullState.WAITING
    )
    cursor = models.TextField(blank=True, default="", editable=False)
    """What came before it is here; see platforms/pulling.py."""
    documents = models.IntegerField(_("documents"), default=0)
    failures = models.SmallIntegerField(_("failures in a row"), default=0)
    error_reason = models.TextField(_("reason"), blank=True, default="")
    asked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    completed_at = models.DateTimeField(_("complete since"), null=True, blank=True)
    """When all of it was here for the first time; it may be asked for again since."""
    hinted = models.BooleanField(default=False, editable=False)
    """A hook came while the day was being fetched: it is fetched once more."""
    attempts = models.SmallIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(_("not before"), null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name = _("fetched day")
        verbose_name_plural = _("fetched days")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "link", "day"], name="day_of_a_link_is_fetched_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=~models.Q(state="complete"),
                name="day_still_to_fetch",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.link} {self.day}"


class HookState(models.TextChoices):
    """Where a hook stands."""

    WAITING = "waiting", _("Waiting")
    HANDLING = "handling", _("Being handled")
    HANDLED = "handled", _("Handled")
    DEAD = "dead", _("Given up")


class Hook(models.Model):
    """A platform's message exactly as it came, verified before it was kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    link = models.ForeignKey(
        StoreLink, models.PROTECT, related_name="hooks", verbose_name=_("store link")
    )
    delivery_id = models.CharField(_("number at the platform"), max_length=255)
    headers = models.JSONField(_("headers"), default=dict)
    body = models.BinaryField(_("body"))
    url = models.TextField(_("address"))
    received_at = models.DateTimeField(_("received"))
    state = models.CharField(
        _("state"), max_length=16, choices=HookState.choices, default=HookState.WAITING
    )
    error_reason = models.TextField(_("reason"), blank=True, default="")
    handled_at = models.DateTimeField(_("handled"), null=True, blank=True)
    attempts = models.SmallIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(_("being worked on until"), null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name = _("hook")
        verbose_name_plural = _("hooks")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "link", "delivery_id"], name="hook_is_kept_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["waiting", "handling"]),
                name="hook_still_to_handle",
            ),
        ]

    def __str__(self) -> str:
        return self.delivery_id
