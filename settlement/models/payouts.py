"""Transfers from a platform to a bank account."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Store, new_id
from settlement.models.documents import SourceDocument
from settlement.models.fields import merchant_key, money


class PayoutState(models.TextChoices):
    """How far a payout has come; see TRANSITIONS in states.py."""

    EXPECTED = "expected", _("Expected")
    ANNOUNCED = "announced", _("Announced")
    IN_TRANSIT = "in_transit", _("In transit")
    CREDITED = "credited", _("Credited")
    RECONCILED = "reconciled", _("Reconciled")
    LATE = "late", _("Late")
    MISSING = "missing", _("Missing")
    HELD = "held", _("Held")
    SHORT = "short", _("Short")
    OVER = "over", _("Over")
    RETURNED = "returned", _("Returned")
    RESTATED = "restated", _("Restated")


class Payout(models.Model):
    """One transfer platform → bank account, as announced. Amount positive = paid out.

    A restated or withdrawn payout keeps its row (`live` False); the version
    that replaces it is a row of its own. `derived` marks an amount summed from
    lines because the platform gave no payout row; `numbered` is False where the
    number was made of the day because the platform's list has none.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    store = models.ForeignKey(
        Store, models.PROTECT, related_name="payouts", verbose_name=_("store")
    )
    document = models.ForeignKey(
        SourceDocument, models.PROTECT, related_name="payouts", verbose_name=_("document")
    )
    row = models.IntegerField(_("row"))
    external_id = models.CharField(_("payout number"), max_length=128)
    version = models.SmallIntegerField(_("version"), default=1)
    amount = money(_("amount"))
    state = models.CharField(_("state"), max_length=16, choices=PayoutState.choices)
    announced_at = models.DateTimeField(_("announced"))
    arrives_on = models.DateField(_("due"), null=True, blank=True)
    arrived_on = models.DateField(_("arrived"), null=True, blank=True)
    remittance = models.CharField(_("reference"), max_length=200, blank=True, default="")
    derived = models.BooleanField(_("summed from lines"), default=False)
    numbered = models.BooleanField(_("numbered by the platform"), default=True)
    known_at = models.DateTimeField(_("learnt"))
    live = models.BooleanField(_("current"), default=True)

    # django-money adds these at run time.
    amount_currency: str
    objects: ClassVar[models.Manager[Payout]] = models.Manager()

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "store", "external_id", "version"],
                name="payout_is_once_per_version",
            ),
            models.UniqueConstraint(
                fields=["merchant", "store", "external_id"],
                condition=models.Q(live=True),
                name="payout_has_one_live_version",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-announced_at"], name="payout_newest_first"),
        ]

    def __str__(self) -> str:
        return self.external_id
