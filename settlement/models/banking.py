"""What the bank says: statements and their booked entries."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import BankAccount, new_id
from settlement.models.documents import SourceDocument
from settlement.models.fields import merchant_key, money


class BankStatement(models.Model):
    """One statement of a bank account. Opening and closing are signed.

    `books` is False for intraday reports and notifications: evidence that is
    never booked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="statements", verbose_name=_("bank account")
    )
    document = models.ForeignKey(
        SourceDocument, models.PROTECT, related_name="statements", verbose_name=_("document")
    )
    number = models.CharField(_("number"), max_length=64, blank=True, default="")
    opening = money(_("opening balance"), null=True, blank=True)
    closing = money(_("closing balance"), null=True, blank=True)
    period_from = models.DateField(_("from"))
    period_to = models.DateField(_("to"))
    balanced = models.BooleanField(_("balances"), null=True)
    books = models.BooleanField(_("counts for the books"), default=True)
    known_at = models.DateTimeField(_("learnt"))
    live = models.BooleanField(_("current"), default=True)

    # django-money adds these at run time.
    opening_currency: str | None
    closing_currency: str | None
    objects: ClassVar[models.Manager[BankStatement]] = models.Manager()

    class Meta:
        verbose_name = _("bank statement")
        verbose_name_plural = _("bank statements")
        indexes = [
            models.Index(
                fields=["merchant", "bank_account", "period_to"], name="statement_by_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.period_from} – {self.period_to}"


class BankLine(models.Model):
    """One booked entry with 0..n details. Amount positive = credit.

    `line_key` recognises the entry in an overlapping statement: the bank's
    reference where it is unique, else what the entry says and its ordinal
    among equals.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="lines", verbose_name=_("bank account")
    )
    statement = models.ForeignKey(
        BankStatement, models.PROTECT, related_name="lines", verbose_name=_("bank statement")
    )
    document = models.ForeignKey(
        SourceDocument, models.PROTECT, related_name="bank_lines", verbose_name=_("document")
    )
    row = models.IntegerField(_("row"))
    line_key = models.CharField(max_length=64)
    reference = models.CharField(_("bank reference"), max_length=140, blank=True, default="")
    amount = money(_("amount"))
    booked_on = models.DateField(_("booked"))
    value_on = models.DateField(_("value date"), null=True, blank=True)
    counterparty = models.CharField(_("counterparty"), max_length=200, blank=True, default="")
    remittance = models.TextField(_("text"), blank=True, default="")
    end_to_end_id = models.CharField(_("end-to-end id"), max_length=140, blank=True, default="")
    details = models.JSONField(_("details"), default=list, blank=True)
    books = models.BooleanField(_("counts for the books"), default=True)
    known_at = models.DateTimeField(_("learnt"))
    live = models.BooleanField(_("current"), default=True)

    # django-money adds these at run time.
    amount_currency: str
    objects: ClassVar[models.Manager[BankLine]] = models.Manager()

    class Meta:
        verbose_name = _("bank line")
        verbose_name_plural = _("bank lines")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "bank_account", "line_key"],
                condition=models.Q(live=True),
                name="bank_line_is_stored_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["merchant", "bank_account", "-booked_on"], name="bank_line_newest_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.amount} {self.counterparty}"
