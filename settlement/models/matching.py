"""Which bank lines and payouts are the same money, and what is left over."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import SettlementAccount, User, new_id
from settlement.models.banking import BankLine, BankStatement
from settlement.models.documents import SourceDocument
from settlement.models.fields import merchant_key, money
from settlement.models.payouts import Payout
from settlement.models.withdrawals import Withdrawal


class MatchState(models.TextChoices):
    """See TRANSITIONS in states.py."""

    PROPOSED = "proposed", _("Proposed")
    CONFIRMED = "confirmed", _("Confirmed")
    REVOKED = "revoked", _("Revoked")
    REJECTED = "rejected", _("Rejected")


class MatchRule(models.TextChoices):
    """Why the two sides are the same money."""

    REFERENCE = "reference", _("Reference and amount")
    DETAILS = "details", _("References in the entry's details")
    CUT_REFERENCE = "cut_reference", _("Shortened reference and amount")
    AMOUNT = "amount", _("Only pair of this amount in the arrival window")
    WITHDRAWAL = "withdrawal", _("Our own payment number and amount")
    RETURN = "return", _("A payment of ours that came back")


class Match(models.Model):
    """Bank lines and payouts declared the same money, n:m."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    settlement_account = models.ForeignKey(
        SettlementAccount, models.PROTECT, related_name="+", verbose_name=_("settlement account")
    )
    state = models.CharField(_("state"), max_length=16, choices=MatchState.choices)
    rule = models.CharField(_("rule"), max_length=16, choices=MatchRule.choices)
    made_at = models.DateTimeField(_("made"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")

    def __str__(self) -> str:
        return f"{self.get_rule_display()} · {self.get_state_display()}"


class MatchItem(models.Model):
    """One side's part of a match. `live` while its match is confirmed.

    A withdrawal's part is negative when it was paid and positive when it came back.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    match = models.ForeignKey(Match, models.PROTECT, related_name="items", verbose_name=_("match"))
    payout = models.ForeignKey(
        Payout,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="match_items",
        verbose_name=_("payout"),
    )
    bank_line = models.ForeignKey(
        BankLine,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="match_items",
        verbose_name=_("bank line"),
    )
    withdrawal = models.ForeignKey(
        Withdrawal,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="match_items",
        verbose_name=_("withdrawal"),
    )
    amount = money(_("amount"))
    live = models.BooleanField(_("current"), default=True)

    # django-money adds these at run time.
    amount_currency: str
    objects: ClassVar[models.Manager[MatchItem]] = models.Manager()

    class Meta:
        verbose_name = _("match item")
        verbose_name_plural = _("match items")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    payout__isnull=False, bank_line__isnull=True, withdrawal__isnull=True
                )
                | models.Q(payout__isnull=True, bank_line__isnull=False, withdrawal__isnull=True)
                | models.Q(payout__isnull=True, bank_line__isnull=True, withdrawal__isnull=False),
                name="match_item_has_one_side",
            ),
            models.UniqueConstraint(
                fields=["merchant", "payout"],
                condition=models.Q(live=True, payout__isnull=False),
                name="payout_is_matched_once",
            ),
            models.UniqueConstraint(
                fields=["merchant", "bank_line"],
                condition=models.Q(live=True, bank_line__isnull=False),
                name="bank_line_is_matched_once",
            ),
            models.UniqueConstraint(
                fields=["merchant", "withdrawal"],
                condition=models.Q(live=True, withdrawal__isnull=False, amount__lt=0),
                name="withdrawal_is_paid_once",
            ),
            models.UniqueConstraint(
                fields=["merchant", "withdrawal"],
                condition=models.Q(live=True, withdrawal__isnull=False, amount__gt=0),
                name="withdrawal_is_returned_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.amount)


class Reason(models.TextChoices):
    """Why something is left over."""

    MISSING = "missing", _("Due, but the bank has not shown it")
    SHORT = "short", _("The bank shows less than was announced")
    OVER = "over", _("The bank shows more than was announced")
    AMBIGUOUS = "ambiguous", _("Several payouts and bank lines would fit")
    LINES_DIFFER = "lines_differ", _("The lines do not add up to the payout")
    UNKNOWN_KIND = "unknown_kind", _("The document uses words we do not know")
    STATEMENT_GAP = "statement_gap", _("The statement does not begin where the last one ended")
    WITHDRAWAL_DIFFERS = (
        "withdrawal_differs",
        _("The bank shows a withdrawal of ours that does not fit what we know"),
    )


class ExceptionState(models.TextChoices):
    """See TRANSITIONS in states.py."""

    OPEN = "open", _("Open")
    ASSIGNED = "assigned", _("Assigned")
    PENDING_APPROVAL = "pending_approval", _("Waiting for approval")
    RESOLVED = "resolved", _("Resolved")
    WRITTEN_OFF = "written_off", _("Written off")
    REOPENED = "reopened", _("Reopened")


OPEN_STATES = [
    ExceptionState.OPEN,
    ExceptionState.ASSIGNED,
    ExceptionState.PENDING_APPROVAL,
    ExceptionState.REOPENED,
]


class ReconException(models.Model):
    """A leftover with a reason, an owner and a resolution.

    `subject` is the id of what it is about (the payout, statement or
    document), so that one reason is open once for one thing.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    settlement_account = models.ForeignKey(
        SettlementAccount, models.PROTECT, related_name="+", verbose_name=_("settlement account")
    )
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    state = models.CharField(
        _("state"), max_length=20, choices=ExceptionState.choices, default=ExceptionState.OPEN
    )
    subject = models.UUIDField()
    payout = models.ForeignKey(
        Payout,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name=_("payout"),
    )
    bank_line = models.ForeignKey(
        BankLine,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name=_("bank line"),
    )
    statement = models.ForeignKey(
        BankStatement,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name=_("bank statement"),
    )
    document = models.ForeignKey(
        SourceDocument,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name=_("document"),
    )
    difference = money(_("difference"), null=True, blank=True)
    owner = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    note = models.TextField(_("note"), blank=True, default="")
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    # django-money adds these at run time.
    difference_currency: str | None
    objects: ClassVar[models.Manager[ReconException]] = models.Manager()

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "reason", "subject"],
                condition=~models.Q(state__in=["resolved", "written_off"]),
                name="exception_is_open_once_per_subject",
            )
        ]

    def __str__(self) -> str:
        return self.get_reason_display()
