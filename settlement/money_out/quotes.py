"""A price before the order: gross fee, what is forgiven and why, frozen for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.utils.formats import date_format, get_format
from django.utils.numberformat import format as grouped
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from djmoney.money import Money
from moneyed import get_currency

from accounts.models import BankAccount, Merchant, User
from settlement.errors import AmountError, NoTariffError
from settlement.models import FeeQuote, FeeSchedule, RuleState, WaiverRule
from settlement.money_out.fees.tariff import NoTierError, Tier, fee_of
from settlement.money_out.fees.waivers import Offer, Waiver, best

HONOURED = timedelta(minutes=15)
"""How long a quote holds."""
CENTS_AT_MOST = Decimal(10) ** 13
"""Minor units of one withdrawal: far beyond any, and well within the books."""


def quote_fee(
    bank_account: BankAccount, *, amount: Money, by: User | None, now: datetime
) -> FeeQuote:
    """Freeze what paying `amount` out of this account costs now. Inside `acting_for`.

    The quote names the free withdrawal it would use and reserves none: whoever orders first has
    it. Raises AmountError for an amount that cannot be paid, NoTariffError if the operator has
    set no fee for it.
    """
    currency = bank_account.currency
    minor_unit = Decimal(1) / get_currency(currency).sub_unit
    _check(amount, currency, minor_unit)
    schedule = _schedule(currency, now)
    try:
        fee = fee_of(amount.amount, tiers=_tiers(schedule), minor_unit=minor_unit)
    except NoTierError as error:
        raise NoTariffError(_("no fee is set for an amount of this size")) from error
    merchant = bank_account.merchant
    period = month_of(now, merchant)
    waiver = best(
        fee.amount,
        offers=map(offer_of, rules_in_force(merchant, now=now)),
        segment=merchant.segment,
        minor_unit=minor_unit,
    )
    sums: dict[str, Any] = {
        "amount": amount,
        "fee": Money(fee.amount, currency),
        "waived": Money(waiver.amount if waiver else 0, currency),
    }
    return FeeQuote.objects.create(
        merchant=merchant,
        settlement_account_id=bank_account.settlement_account_id,
        bank_account=bank_account,
        **sums,
        schedule=schedule,
        quoted_by=by,
        quoted_at=now,
        expires_at=now + HONOURED,
        trace={"tariff": schedule.version, "tier": _shown(fee.tier)},
        **_use(waiver, period),
    )


def _check(amount: Money, currency: str, minor_unit: Decimal) -> None:
    if str(amount.currency) != currency:
        raise AmountError(_("this bank account pays in %(currency)s") % {"currency": currency})
    if not amount.amount.is_finite() or amount.amount <= 0:
        raise AmountError(_("say an amount above zero"))
    if amount.amount % minor_unit or amount.amount / minor_unit > CENTS_AT_MOST:
        raise AmountError(_("this is no amount that can be paid in %(currency)s")
                          % {"currency": currency})  # fmt: skip


def _schedule(currency: str, now: datetime) -> FeeSchedule:
    found = (
        FeeSchedule.objects.filter(currency=currency, effective_from__lte=now)
        .order_by("-effective_from")
        .first()
    )
    if found is None:
        raise NoTariffError(
            _("the operator has set no fees for withdrawals in %(currency)s yet")
            % {"currency": currency}
        )
    return found


def _tiers(schedule: FeeSchedule) -> list[Tier]:
    return [
        Tier(
            up_to=tier.up_to,
            fixed=tier.fixed,
            rate=tier.rate,
            minimum=tier.minimum,
            maximum=tier.maximum,
        )
        for tier in schedule.tiers.all()
    ]


def month_of(now: datetime, merchant: Merchant) -> date:
    """The first day of the month `now` is in where the merchant is: the period of a quota."""
    return now.astimezone(ZoneInfo(merchant.zone)).date().replace(day=1)


def rules_in_force(merchant: Merchant, *, now: datetime) -> QuerySet[WaiverRule]:
    """Active rules with their programmes; `used`: how many of this month the merchant has had."""
    mine = Q(uses__merchant=merchant, uses__period=month_of(now, merchant), uses__live=True)
    return (
        WaiverRule.objects.filter(state=RuleState.ACTIVE, valid__contains=now)
        .select_related("program")
        .annotate(used=Count("uses", filter=mine))
        .order_by("program__code")
    )


def offer_of(rule: Any) -> Offer:
    """A rule of `rules_in_force` as the pure rules see it."""
    return Offer(
        rule=rule.id,
        program=rule.program.code,
        segment=rule.segment,
        percent=rule.percent,
        quota=rule.quota,
        used=rule.used,
    )


def _use(waiver: Waiver | None, period: date) -> dict[str, Any]:
    """Which rule forgives, and the how-manieth of its quota this would be."""
    if waiver is None:
        return {}
    if waiver.offer.quota is None:
        return {"rule_id": waiver.offer.rule}
    ordinal = waiver.offer.used + 1
    return {"rule_id": waiver.offer.rule, "period": period, "ordinal": ordinal}


def _shown(tier: Tier) -> dict[str, str | None]:
    """The tier as JSON, for the explanation."""
    return {
        "up_to": None if tier.up_to is None else f"{tier.up_to:f}",
        "fixed": f"{tier.fixed:f}",
        "rate": f"{tier.rate:f}",
    }


# --- the sentence -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a withdrawal costs what it costs, in the reader's language."""

    gross: str
    waiver: str

    def __str__(self) -> str:
        return f"{self.gross} {self.waiver}"


def explain(quote: FeeQuote) -> Explanation:
    """The sentences of a quote (its rule and programme loaded), as they were when it was frozen."""
    return Explanation(gross=_gross(quote), waiver=_waiver(quote))


def _gross(quote: FeeQuote) -> str:
    tier = quote.trace["tier"]
    fee = written(quote.fee)
    if tier["up_to"] is None:
        return _("The tariff (version %(version)s) asks %(fee)s for this amount.") % {
            "version": quote.trace["tariff"],
            "fee": fee,
        }
    return _("The tariff (version %(version)s) asks %(fee)s for amounts up to %(up_to)s.") % {
        "version": quote.trace["tariff"],
        "fee": fee,
        "up_to": written(Money(tier["up_to"], quote.amount_currency)),
    }


def _waiver(quote: FeeQuote) -> str:
    rest = quote.fee - quote.waived
    if quote.rule is None:
        if not quote.fee.amount:
            return _("You pay nothing.")
        return _("No programme forgives it: you pay %(rest)s.") % {"rest": written(rest)}
    given = {
        "program": program_name(quote.rule),
        "waived": written(quote.waived),
        "rest": written(rest),
        "ordinal": quote.ordinal,
        "quota": quote.rule.quota,
        "month": date_format(quote.period, "YEAR_MONTH_FORMAT") if quote.period else "",
    }
    if quote.ordinal is None:
        return _("“%(program)s” forgives %(waived)s: you pay %(rest)s.") % given
    return (
        _(
            "“%(program)s” forgives %(waived)s, as number %(ordinal)s of %(quota)s in %(month)s: "
            "you pay %(rest)s."
        )
        % given
    )


def program_name(rule: WaiverRule) -> str:
    """The programme's name in the reader's language."""
    chinese = (get_language() or "").startswith("zh")
    return rule.program.name_zh if chinese else rule.program.name


def written(amount: Money) -> str:
    """An amount as the reader writes it, with its currency's code."""
    places = len(str(amount.currency.sub_unit)) - 1
    # Django writes Chinese numbers ungrouped; people who read money in China group by three.
    figure = grouped(
        f"{amount.amount:.{places}f}",
        get_format("DECIMAL_SEPARATOR"),
        grouping=3,
        thousand_sep=get_format("THOUSAND_SEPARATOR") or ",",
        force_grouping=True,
    )
    return f"{figure}\N{NO-BREAK SPACE}{amount.currency}"
