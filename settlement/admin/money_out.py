"""Money out: the operator's tariffs and waiver programmes, and what merchants ordered.

A tariff or rule that was in force is never edited: what changes is a new version. PostgreSQL
refuses the rest, and the role `ops` has no right to it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Max, Model
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from accounts.admin import OPS, OperatorAdmin, OperatorForm, OperatorInline, ReadOnlyInline
from settlement.admin.base import BusinessAdmin, MerchantFilter, WithTables, money
from settlement.admin.matching import ItemInline
from settlement.admin.origins import origins_table
from settlement.models import (
    FeeQuote,
    FeeSchedule,
    FeeTier,
    PaymentAttempt,
    QuotaUse,
    RuleState,
    WaiverProgram,
    WaiverRule,
    Withdrawal,
)
from settlement.states import TRANSITIONS


class OnceMade(OperatorAdmin):
    """The operator's own rows: added here, and afterwards read, but for `changes`."""

    changes: tuple[str, ...] = ()
    """What may still be changed."""

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Everything else, once it is made."""
        if obj is None:
            return tuple(self.readonly_fields)
        return tuple(name for name in self.get_fields(request, obj) if name not in self.changes)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """A new row whole, of an old one what may change."""
        if change:
            obj.save(using=OPS, update_fields=list(self.changes))
        else:
            super().save_model(request, obj, form, change)


# --- tariffs ------------------------------------------------------------------------------


class TierForm(OperatorForm):
    """One tier; PostgreSQL refuses the same."""

    def clean(self) -> dict[str, Any]:
        """Bounds above zero, and in order."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        rate, fixed = cleaned.get("rate"), cleaned.get("fixed")
        if rate is not None and not 0 <= rate < 1:
            self.add_error("rate", gettext("A part of the amount: 0.005 is half a per cent."))
        if fixed is not None and fixed < 0:
            self.add_error("fixed", gettext("This must not be below zero."))
        up_to, least, most = (cleaned.get(name) for name in ("up_to", "minimum", "maximum"))
        if up_to is not None and up_to <= 0:
            self.add_error("up_to", gettext("This must be above zero."))
        if least is not None and least < 0:
            self.add_error("minimum", gettext("This must not be below zero."))
        if most is not None and most < (least or 0):
            self.add_error("maximum", gettext("“At most” is below “at least”."))
        return cleaned


class TierForms(BaseInlineFormSet):  # type: ignore[type-arg]
    """The tiers of one tariff: every amount has its fee."""

    def clean(self) -> None:
        """At least one tier, exactly one of them without an upper end."""
        super().clean()
        tiers = [f.cleaned_data for f in self.forms if f.has_changed() and not f.errors]
        ends = [tier.get("up_to") for tier in tiers]
        if ends.count(None) != 1:
            raise ValidationError(
                gettext("One tier, and one only, has no upper end: it is for all larger amounts.")
            )
        if len(set(ends)) < len(ends):
            raise ValidationError(gettext("Two tiers have the same upper end."))


class TierInline(OperatorInline):
    """What amounts cost; part of the tariff from the beginning."""

    model = FeeTier
    form = TierForm
    formset = TierForms
    fields = ("up_to", "fixed", "rate", "minimum", "maximum")
    ordering = ("up_to",)
    extra = 3

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only together with its tariff."""
        may: bool = super().has_add_permission(request, obj)  # type: ignore[call-arg]  # an inline's
        return obj is None and may

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return obj is None and super().has_change_permission(request, obj)


class ScheduleForm(OperatorForm):
    """A new version of the tariff in one currency."""

    def clean_currency(self) -> str:
        """The currency's code in capitals."""
        code: str = self.cleaned_data["currency"].upper()
        if len(code) != 3 or not code.isascii() or not code.isalpha():
            raise ValidationError(gettext("A currency is three letters, like CNY."))
        return code

    def clean(self) -> dict[str, Any]:
        """The version is the next one of the currency."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if (currency := cleaned.get("currency")) and not self.instance.version:
            made = FeeSchedule.objects.using(OPS).filter(currency=currency)
            self.instance.version = (made.aggregate(last=Max("version"))["last"] or 0) + 1
        return cleaned


@admin.register(FeeSchedule)
class FeeScheduleAdmin(OnceMade):
    """Tariffs of withdrawals, a version after the other."""

    form = ScheduleForm
    list_display = ("currency", "version", "effective_from", "made_at")
    list_filter = ("currency",)
    search_fields = ("currency",)
    ordering = ("currency", "-version")
    inlines = (TierInline,)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The version is given by us."""
        base = ("currency", "effective_from")
        return ("currency", "version", "effective_from", "made_at") if obj else base

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A tariff that was made stays as it is."""
        return False


# --- waiver programmes --------------------------------------------------------------------


class RuleInline(ReadOnlyInline):
    """The versions of a programme's rule."""

    model = WaiverRule
    fields = ("version", "segment", "quota", "percent", "valid", "state")


@admin.register(WaiverProgram)
class WaiverProgramAdmin(OnceMade):
    """Reasons to forgive fees; the code is in the books, the names may change."""

    list_display = ("code", "name", "name_zh")
    search_fields = ("code", "name", "name_zh")
    ordering = ("code",)
    fields = ("code", "name", "name_zh")
    changes = ("name", "name_zh")
    inlines = (RuleInline,)

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """A new programme has no rules yet."""
        return self.inlines if obj else ()


class RuleForm(OperatorForm):
    """A rule: who has how much of the fee forgiven, how often a month, and from when until when."""

    valid_from = forms.SplitDateTimeField(
        label=_("valid from"), required=False, widget=UnfoldAdminSplitDateTimeWidget
    )
    valid_until = forms.SplitDateTimeField(
        label=_("valid until"), required=False, widget=UnfoldAdminSplitDateTimeWidget
    )

    def clean_state(self) -> str:
        """A state the rule may go to from the one it has."""
        state: str = self.cleaned_data["state"]
        before = self.initial.get("state")
        if before and state != before and state not in TRANSITIONS[RuleState][before]:
            raise ValidationError(gettext("A retired rule stays retired; make a new version."))
        return state

    def clean(self) -> dict[str, Any]:
        """The time, the next version, and no other rule of the programme at the same time."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.version:
            return cleaned
        start, end = cleaned.get("valid_from"), cleaned.get("valid_until")
        if start and end and start >= end:
            self.add_error("valid_until", gettext("It ends before it begins."))
            return cleaned
        if program := cleaned.get("program"):
            self._complete(program, DateTimeTZRange(start, end), str(cleaned.get("state")))
        return cleaned

    def _complete(self, program: WaiverProgram, valid: DateTimeTZRange, state: str) -> None:
        rules = WaiverRule.objects.using(OPS).filter(program=program)
        overlapping = rules.exclude(state=RuleState.RETIRED).filter(valid__overlap=valid)
        if state != RuleState.RETIRED and (other := overlapping.first()):
            self.add_error(
                None,
                gettext("%(rule)s is valid at the same time. Retire it, or choose another time.")
                % {"rule": other},
            )
        self.instance.valid = valid
        self.instance.version = (rules.aggregate(last=Max("version"))["last"] or 0) + 1


@admin.register(WaiverRule)
class WaiverRuleAdmin(OnceMade):
    """Rules of all programmes. A rule is suspended or retired, never rewritten."""

    form = RuleForm
    list_display = ("program", "version", "segment", "quota", "percent", "valid", "state")
    list_select_related = ("program",)
    list_filter = ("state", "segment", "program")
    search_fields = ("program__code", "program__name")
    ordering = ("program__code", "-version")
    changes = ("state",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The version is given by us, and the time is asked for as two instants."""
        if obj is None:
            return ("program", "segment", "quota", "percent", "valid_from", "valid_until", "state")
        return ("program", "version", "segment", "quota", "percent", "valid", "state")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Only what is asked for: a made rule's time is text."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None:
            for name in ("valid_from", "valid_until"):
                form.base_fields.pop(name, None)
        return form


# --- what merchants ordered ---------------------------------------------------------------

AMOUNTS = (
    money("amount", _("amount")),
    money("fee", _("gross fee")),
    money("waived", _("waived")),
)


@admin.register(FeeQuote)
class FeeQuoteAdmin(BusinessAdmin):
    """Frozen prices, with the rule that forgave and which of the month's it would have been."""

    list_display = ("quoted_at", "merchant", *AMOUNTS, "rule", "expires_at")
    list_select_related = ("merchant", "rule__program")
    list_filter = (MerchantFilter,)
    search_fields = ("=id", "merchant__name")
    fields = (
        "merchant",
        "settlement_account",
        "bank_account",
        *AMOUNTS,
        "schedule",
        "rule",
        "period",
        "ordinal",
        "trace",
        "quoted_by",
        "quoted_at",
        "expires_at",
    )


class AttemptInline(ReadOnlyInline):
    """Each try at the bank."""

    model = PaymentAttempt
    fields = ("message_id", "made_at", "sent_at", "answered_at", "outcome", "code", "live")


class UseInline(ReadOnlyInline):
    """The free withdrawal of the month it was given."""

    model = QuotaUse
    fields = ("rule", "period", "ordinal", "quota", "state", "live")
    related = ("rule__program",)
    show_change_link = False


@admin.register(Withdrawal)
class WithdrawalAdmin(WithTables, BusinessAdmin):
    """Withdrawals of all merchants: looked at, never moved from here."""

    list_display = (
        "number",
        "merchant",
        "holder",
        AMOUNTS[0],
        AMOUNTS[1],
        "state",
        "requested_at",
    )
    list_select_related = ("merchant", "payee")
    list_filter = ("state", "amount_currency", MerchantFilter)
    search_fields = ("number__startswith", "merchant__name", "payee__holder")
    date_hierarchy = "requested_at"
    inlines = (AttemptInline, UseInline, ItemInline)
    fields = (
        "number",
        "merchant",
        "settlement_account",
        "bank_account",
        "payee",
        *AMOUNTS,
        "text",
        "state",
        "requested_by",
        "requested_at",
        "paid_on",
        "returned_on",
        "reason_code",
        "reason",
        "attempts",
        "lease_until",
        "quote",
    )

    def tables(self, row: Withdrawal) -> list[SafeString]:
        """Once it is paid: whose money it was."""
        return [origins_table(row)] if row.paid_on else []

    @admin.display(description=_("payee"))
    def holder(self, withdrawal: Withdrawal) -> str:
        """Whom it is for."""
        return withdrawal.payee.holder


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(BusinessAdmin):
    """Each payment file, when it went out and what the bank said."""

    list_display = ("message_id", "merchant", "withdrawal", "sent_at", "outcome", "code", "live")
    list_select_related = ("merchant", "withdrawal")
    list_filter = ("outcome", "live", MerchantFilter)
    search_fields = ("message_id__startswith", "withdrawal__number__startswith", "merchant__name")
    fields = (
        "merchant",
        "withdrawal",
        "message_id",
        "sha256",
        "made_at",
        "sent_at",
        "answered_at",
        "outcome",
        "code",
        "reason",
        "live",
    )
