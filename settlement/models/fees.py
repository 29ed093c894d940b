"""What a withdrawal costs and who pays it: tariffs, waiver programmes, quotas, quotes.

Tariffs and programmes are the operator's, the same for all merchants. What was once in force is
never edited: a change is a new version.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import BankAccount, Segment, SettlementAccount, User, new_id
from settlement.models.fields import merchant_key, money


class FeeSchedule(models.Model):
    """One version of the tariff for withdrawals in one currency; its tiers are rows below."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    currency = models.CharField(_("currency"), max_length=3)
    version = models.PositiveSmallIntegerField(_("version"))
    effective_from = models.DateTimeField(_("in force from"))
    made_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("fee schedule")
        verbose_name_plural = _("fee schedules")
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "version"], name="fee_schedule_is_once_per_version"
            ),
            models.UniqueConstraint(
                fields=["currency", "effective_from"], name="fee_schedule_begins_alone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} v{self.version}"


class FeeTier(models.Model):
    """The fee of amounts up to `up_to` (the last tier has none): fixed + rate, within bounds."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    schedule = models.ForeignKey(
        FeeSchedule, models.PROTECT, related_name="tiers", verbose_name=_("fee schedule")
    )
    up_to = models.DecimalField(_("up to"), max_digits=24, decimal_places=8, null=True, blank=True)
    fixed = models.DecimalField(_("fixed fee"), max_digits=24, decimal_places=8, default=Decimal(0))
    rate = models.DecimalField(_("rate"), max_digits=9, decimal_places=8, default=Decimal(0))
    minimum = models.DecimalField(
        _("at least"), max_digits=24, decimal_places=8, null=True, blank=True
    )
    maximum = models.DecimalField(
        _("at most"), max_digits=24, decimal_places=8, null=True, blank=True
    )

    class Meta:
        verbose_name = _("fee tier")
        verbose_name_plural = _("fee tiers")
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "up_to"],
                nulls_distinct=False,
                name="fee_tier_ends_alone",
            ),
            models.CheckConstraint(
                condition=models.Q(fixed__gte=0, rate__gte=0, rate__lt=1),
                name="fee_tier_is_a_fee",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} ≤ {self.up_to}" if self.up_to else f"{self.schedule} …"


class WaiverProgram(models.Model):
    """A reason to forgive fees, with a name in both languages; its cost is a ledger balance."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name (English)"), max_length=120)
    name_zh = models.CharField(_("name (Chinese)"), max_length=120)

    class Meta:
        verbose_name = _("waiver programme")
        verbose_name_plural = _("waiver programmes")

    def __str__(self) -> str:
        return self.name


class RuleState(models.TextChoices):
    """See TRANSITIONS in states.py."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    RETIRED = "retired", _("Retired")


class WaiverRule(models.Model):
    """Condition, effect, quota and time of a programme. Only its state changes.

    `segment` empty: every merchant. `quota`: how many withdrawals of a calendar month it
    forgives, None: all. `percent`: how much of the gross fee is forgiven.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    program = models.ForeignKey(
        WaiverProgram, models.PROTECT, related_name="rules", verbose_name=_("waiver programme")
    )
    version = models.PositiveSmallIntegerField(_("version"))
    segment = models.CharField(
        _("segment"), max_length=16, choices=Segment.choices, blank=True, default=""
    )
    quota = models.PositiveSmallIntegerField(_("quota a month"), null=True, blank=True)
    percent = models.DecimalField(
        _("percent forgiven"), max_digits=5, decimal_places=2, default=Decimal(100)
    )
    valid = DateTimeRangeField(_("valid"))
    state = models.CharField(
        _("state"), max_length=16, choices=RuleState.choices, default=RuleState.ACTIVE
    )

    class Meta:
        verbose_name = _("waiver rule")
        verbose_name_plural = _("waiver rules")
        constraints = [
            models.UniqueConstraint(
                fields=["program", "version"], name="waiver_rule_is_once_per_version"
            ),
            models.CheckConstraint(
                condition=models.Q(percent__gt=0, percent__lte=100),
                name="waiver_rule_forgives_a_part",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program} v{self.version}"


class FeeQuote(models.Model):
    """What a withdrawal would cost, frozen: it is honoured until it expires, or refused.

    `fee` is gross, `waived` the part forgiven by `rule`; `ordinal` is which of the month's
    quota it would be. `trace` keeps what the sentence of explanation needs.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    settlement_account = models.ForeignKey(
        SettlementAccount, models.PROTECT, related_name="+", verbose_name=_("settlement account")
    )
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, related_name="+", verbose_name=_("bank account")
    )
    amount = money(_("amount"))
    fee = money(_("gross fee"))
    waived = money(_("waived"))
    schedule = models.ForeignKey(
        FeeSchedule, models.PROTECT, related_name="+", verbose_name=_("tariff")
    )
    rule = models.ForeignKey(
        WaiverRule, models.PROTECT, null=True, related_name="+", verbose_name=_("waiver rule")
    )
    period = models.DateField(_("month"), null=True)
    ordinal = models.PositiveSmallIntegerField(_("place in the quota"), null=True)
    trace = models.JSONField(_("how it was reckoned"), default=dict)
    quoted_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("quoted by")
    )
    quoted_at = models.DateTimeField(_("quoted"))
    expires_at = models.DateTimeField(_("expires"))

    # django-money adds these at run time.
    amount_currency: str
    objects: ClassVar[models.Manager[FeeQuote]] = models.Manager()

    class Meta:
        verbose_name = _("fee quote")
        verbose_name_plural = _("fee quotes")

    def __str__(self) -> str:
        return f"{self.amount}: {self.fee} − {self.waived}"


class QuotaState(models.TextChoices):
    """See TRANSITIONS in states.py."""

    RESERVED = "reserved", _("Reserved")
    CONFIRMED = "confirmed", _("Used")
    RESTORED = "restored", _("Given back")
    RELEASED = "released", _("Released")


class QuotaUse(models.Model):
    """The n-th free withdrawal of a month, given to one withdrawal. `live` while it is used."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    rule = models.ForeignKey(
        WaiverRule, models.PROTECT, related_name="uses", verbose_name=_("waiver rule")
    )
    quota = models.PositiveSmallIntegerField(_("quota a month"))
    period = models.DateField(_("month"))
    ordinal = models.PositiveSmallIntegerField(_("ordinal"))
    withdrawal = models.ForeignKey(
        "settlement.Withdrawal",
        models.PROTECT,
        related_name="quota_uses",
        verbose_name=_("withdrawal"),
    )
    state = models.CharField(
        _("state"), max_length=16, choices=QuotaState.choices, default=QuotaState.RESERVED
    )
    live = models.BooleanField(_("current"), default=True)

    class Meta:
        verbose_name = _("quota use")
        verbose_name_plural = _("quota uses")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "rule", "period", "ordinal"],
                condition=models.Q(live=True),
                name="nth_free_withdrawal_is_given_once",
            ),
            models.UniqueConstraint(
                fields=["merchant", "withdrawal"],
                condition=models.Q(live=True),
                name="withdrawal_uses_one_quota",
            ),
            models.CheckConstraint(
                condition=models.Q(ordinal__gte=1, ordinal__lte=models.F("quota")),
                name="quota_use_is_within_its_quota",
            ),
            models.CheckConstraint(
                condition=models.Q(live=True, state__in=["reserved", "confirmed"])
                | models.Q(live=False, state__in=["restored", "released"]),
                name="quota_use_is_live_while_used",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.period:%Y-%m} {self.ordinal}/{self.quota}"
