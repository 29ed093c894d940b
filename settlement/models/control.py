"""Work as rows: what is to be done, by whom it is being done, since when."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import SettlementAccount, new_id
from settlement.models.fields import merchant_key


class RunState(models.TextChoices):
    """Where a run stands."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class ReconRun(models.Model):
    """One reconciliation of a settlement account."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    settlement_account = models.ForeignKey(
        SettlementAccount, models.PROTECT, related_name="runs", verbose_name=_("settlement account")
    )
    state = models.CharField(
        _("state"), max_length=16, choices=RunState.choices, default=RunState.QUEUED
    )
    requested_at = models.DateTimeField(_("requested"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    matched = models.IntegerField(_("matched"), default=0)
    excepted = models.IntegerField(_("exceptions"), default=0)
    error_reason = models.TextField(_("reason"), blank=True, default="")
    attempts = models.SmallIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(_("being worked on until"), null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "settlement_account"],
                condition=models.Q(state="queued"),
                name="reconciliation_waits_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["queued", "running"]),
                name="reconciliation_still_to_do",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_account} {self.requested_at:%Y-%m-%d %H:%M}"
