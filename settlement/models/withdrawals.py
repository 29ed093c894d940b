"""Money out, ordered by the merchant, and each try at the bank."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import BankAccount, Payee, SettlementAccount, User, new_id
from settlement.models.fees import FeeQuote
from settlement.models.fields import merchant_key, money


class WithdrawalState(models.TextChoices):
    """See TRANSITIONS in states.py."""

    RESERVED = "reserved", _("Reserved")
    SUBMITTED = "submitted", _("Being sent to the bank")
    ACCEPTED = "accepted", _("Accepted by the bank")
    SUCCEEDED = "succeeded", _("Paid")
    RETURNED = "returned", _("Returned by the payee's bank")
    REJECTED = "rejected", _("Rejected by the bank")
    CANCELLED = "cancelled", _("Cancelled")
    OUTCOME_UNKNOWN = "outcome_unknown", _("Waiting for the bank's answer")


HOLDING = [
    WithdrawalState.RESERVED,
    WithdrawalState.SUBMITTED,
    WithdrawalState.ACCEPTED,
    WithdrawalState.OUTCOME_UNKNOWN,
]
"""States in which the money is held and the bank has not shown it paid."""


class Withdrawal(models.Model):
    """Money from a settlement account's bank account to a payee. Amount positive.

    `number` is ours and unique: it stands first in the payment's text and is its EndToEndId, so
    that the bank's statement names it. What leaves the available balance is amount + fee − waived.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    settlement_account = models.ForeignKey(
        SettlementAccount,
        models.PROTECT,
        related_name="withdrawals",
        verbose_name=_("settlement account"),
    )
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="withdrawals", verbose_name=_("bank account")
    )
    payee = models.ForeignKey(
        Payee, models.PROTECT, related_name="withdrawals", verbose_name=_("payee")
    )
    quote = models.OneToOneField(
        FeeQuote, models.PROTECT, related_name="withdrawal", verbose_name=_("quote")
    )
    number = models.CharField(_("number"), max_length=30)
    key = models.CharField(max_length=64)
    amount = money(_("amount"))
    fee = money(_("gross fee"))
    waived = money(_("waived"))
    text = models.CharField(_("text"), max_length=80, blank=True, default="")
    state = models.CharField(
        _("state"),
        max_length=16,
        choices=WithdrawalState.choices,
        default=WithdrawalState.RESERVED,
    )
    requested_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested"))
    paid_on = models.DateField(_("paid"), null=True, blank=True)
    returned_on = models.DateField(_("returned"), null=True, blank=True)
    reason_code = models.CharField(_("bank's code"), max_length=35, blank=True, default="")
    reason = models.TextField(_("reason"), blank=True, default="")
    attempts = models.SmallIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(_("being worked on until"), null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    # django-money adds these at run time.
    amount_currency: str
    objects: ClassVar[models.Manager[Withdrawal]] = models.Manager()

    class Meta:
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "number"], name="withdrawal_number_is_unique"
            ),
            models.UniqueConstraint(fields=["merchant", "key"], name="withdrawal_is_asked_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, fee__gte=0, waived__gte=0)
                & models.Q(waived__lte=models.F("fee")),
                name="withdrawal_amounts_are_sound",
            ),
            models.CheckConstraint(
                condition=models.Q(amount_currency=models.F("fee_currency"))
                & models.Q(amount_currency=models.F("waived_currency")),
                name="withdrawal_has_one_currency",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-requested_at"], name="withdrawal_newest_first"),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["reserved", "submitted", "outcome_unknown"]),
                name="withdrawal_still_to_do",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PaymentAttempt(models.Model):
    """One payment file for one withdrawal. `sent_at` is written before it is sent.

    After `sent_at` only the bank can say what became of it. `live` until it is known that the
    bank never had it, or refused it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    withdrawal = models.ForeignKey(
        Withdrawal, models.PROTECT, related_name="payment_attempts", verbose_name=_("withdrawal")
    )
    message_id = models.CharField(_("message"), max_length=35)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    made_at = models.DateTimeField(_("made"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=16, blank=True, default="")
    code = models.CharField(_("bank's code"), max_length=35, blank=True, default="")
    reason = models.TextField(_("reason"), blank=True, default="")
    live = models.BooleanField(_("current"), default=True)

    class Meta:
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "withdrawal"],
                condition=models.Q(live=True),
                name="withdrawal_has_one_live_attempt",
            ),
            models.UniqueConstraint(
                fields=["merchant", "message_id"], name="payment_message_is_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.message_id
