"""How the pages write money, counts, days and states."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from unicodedata import east_asian_width

from django import template
from django.http import HttpRequest, QueryDict
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import escape, format_html
from django.utils.numberformat import format as grouped
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from djmoney.money import Money

from accounts.models import Store
from settlement.models import (
    DocumentState,
    ExceptionState,
    Payout,
    PayoutState,
    ReconException,
    SourceDocument,
)
from settlement.money_in.linking import Verdict
from settlement.money_in.store_sheet import TITLES, Column
from settlement.store_health import Health, Reasoned
from web.dashboard import labels, store_words

register = template.Library()

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EM DASH}"
DAYS = {"en": "j M Y", "zh-hans": "Y-m-d"}
TIMES = {"en": "j M Y, H:i", "zh-hans": "Y-m-d H:i"}


# --- numbers ------------------------------------------------------------------------------


@register.filter
def money(amount: Money | None, style: str = "") -> SafeString:
    """An exact amount with sign, grouping and currency: ¥1,234.50 CNY.

    Style "signed" writes a plus before income, "plain" leaves the currency code out.
    """
    if amount is None:
        return format_html('<span class="nothing">{}</span>', NOTHING)
    code = str(amount.currency)
    return format_html(
        '<data class="money{}" value="{}">{}{}</data>',
        " money-zero" if not amount.amount else "",
        f"{_exact(amount):f} {code}",
        figure(amount, signed=style == "signed"),
        "" if style == "plain" else format_html(' <span class="code">{}</span>', code),
    )


def figure(amount: Money, *, signed: bool = False) -> str:
    """An amount as plain text, without the currency's code: −¥1,234.50."""
    exact = _exact(amount)
    sign = MINUS if exact < 0 else "+" if signed and exact > 0 else ""
    mark = labels.CURRENCY_SIGNS.get(str(amount.currency), "")
    return f"{sign}{mark}{_grouped(abs(exact))}"


def spoken(amount: Money) -> str:
    """An amount as plain text with its currency's code: −¥1,234.50 CNY."""
    return f"{figure(amount)} {amount.currency}"


@register.filter
def figures(amount: Money) -> str:
    """An amount as plain text where its currency is said already: ¥1,234.50."""
    return figure(amount)


@register.filter
def speak(amount: Money) -> str:
    """An amount as plain text with its currency: ¥1,234.50 CNY."""
    return spoken(amount)


@register.filter
def count(number: int) -> str:
    """A whole number, grouped."""
    return _grouped(Decimal(number))


@register.filter
def filesize(size: int) -> str:
    """A size in bytes, in the unit people would choose."""
    for unit, scale in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= scale:
            return f"{_grouped(Decimal(size * 10 // scale) / 10)} {unit}"
    return f"{size} B"


def _exact(amount: Money) -> Decimal:
    """The amount with its currency's decimals, or more where it has more: nothing is rounded."""
    places = len(str(amount.currency.sub_unit)) - 1
    stated: Decimal = amount.amount
    kept = stated.quantize(Decimal(1).scaleb(-places))
    return kept if kept == stated else stated.normalize()


def _grouped(number: Decimal) -> str:
    # Django writes Chinese numbers ungrouped; people who read money in China group by three.
    separator = formats.get_format("THOUSAND_SEPARATOR") or ","
    return grouped(
        f"{number:f}",
        formats.get_format("DECIMAL_SEPARATOR"),
        grouping=3,
        thousand_sep=str(separator),
        force_grouping=True,
    )


# --- time ---------------------------------------------------------------------------------


@register.filter
def day(value: date | datetime | None) -> SafeString:
    """A day as the reader writes it."""
    if value is None:
        return format_html('<span class="nothing">{}</span>', NOTHING)
    local = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), _written(local, DAYS))


@register.filter
def moment(value: datetime | None) -> SafeString:
    """An instant in the merchant's zone, to the minute."""
    if value is None:
        return format_html('<span class="nothing">{}</span>', NOTHING)
    local = timezone.localtime(value)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), _written(local, TIMES))


def written_day(value: date) -> str:
    """A day as the reader writes it, as plain text."""
    return _written(value, DAYS)


def _written(value: date, by_language: dict[str, str]) -> str:
    return formats.date_format(value, by_language.get(get_language() or "en", by_language["en"]))


@register.simple_tag
def lateness(payout: Payout) -> str:
    """How many days a payout is (or was) late, in words; nothing when it is not."""
    due, arrived = payout.arrives_on, payout.arrived_on
    if due is None:
        return ""
    if arrived is not None:
        days = (arrived - due).days
        text = ngettext("arrived %d day late", "arrived %d days late", days)
    elif payout.state in (PayoutState.LATE, PayoutState.MISSING):
        days = (timezone.localdate() - due).days
        text = ngettext("%d day late", "%d days late", days)
    else:
        return ""
    return text % days if days > 0 else ""


# --- words --------------------------------------------------------------------------------


@register.filter
def number(payout: Payout) -> str:
    """The number the platform gave the payout; where it gave none, the day it names it by."""
    if payout.numbered:
        return payout.external_id
    announced = timezone.localtime(payout.announced_at).date()
    return gettext("without number, %(day)s") % {"day": written_day(announced)}


@register.filter
def platform(code: str) -> str | Promise:
    """A platform's name."""
    return labels.platform(code)


@register.filter
def kind(code: str) -> str | Promise:
    """A kind of settlement line."""
    return labels.kind(code)


@register.filter
def rule(code: str) -> str | Promise:
    """Why the two sides of a match are the same money."""
    return labels.RULES.get(code, code)


@register.inclusion_tag("dashboard/parts/badge.html")
def state(thing: Payout | SourceDocument | ReconException) -> dict[str, object]:
    """A thing's state as a badge: icon and words."""
    states: type[DocumentState | ExceptionState | PayoutState] = PayoutState
    if isinstance(thing, SourceDocument):
        states = DocumentState
    elif isinstance(thing, ReconException):
        states = ExceptionState
    return {"badge": labels.badge(states, thing.state)}


@register.inclusion_tag("dashboard/parts/badge.html")
def health(name: str) -> dict[str, object]:
    """A store's health as a badge."""
    return {"badge": labels.HEALTHS[Health(name)]}


@register.inclusion_tag("dashboard/parts/badge.html")
def verdict(name: str) -> dict[str, object]:
    """What linking would do with a row, as a badge."""
    return {"badge": labels.VERDICTS[Verdict(name)]}


@register.inclusion_tag("dashboard/parts/badge.html")
def link_state(name: str) -> dict[str, object]:
    """The state of a store's link as a badge."""
    return {"badge": labels.link_badge(name)}


@register.simple_tag
def why(reason: Reasoned, store: Store) -> SafeString:
    """A symptom in words, leading to what it is about."""
    address = store_words.where(reason, store)
    text = store_words.why(reason)
    return format_html('<a href="{}">{}</a>', address, text) if address else escape(text)


@register.filter
def heading(column: str) -> str | Promise:
    """What a column of the stores' spreadsheet is called."""
    return TITLES[Column(column)]


@register.filter
def bcp47(code: str) -> str:
    """Django's language code as browsers and screen readers know it: zh-hans → zh-Hans."""
    language, _, script = code.partition("-")
    return f"{language}-{script.title()}" if len(script) == 4 else code


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon; decoration unless it is given a label."""
    from django.templatetags.static import static

    source = f"{static('img/icons.svg')}#{name}"
    if not label:
        return format_html(
            '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"/></svg>', source
        )
    return format_html(
        '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, source
    )


@register.filter
def outcome(name: str) -> str | Promise:
    """What became of announced money: a name of OUTCOMES or EXITS."""
    return labels.OUTCOMES[name]


@register.filter
def clip(text: str, width: int) -> str:
    """A text cut to a width in Latin letters; a Chinese character is as wide as two."""
    room = width
    for index, letter in enumerate(text):
        room -= 2 if east_asian_width(letter) in "WF" else 1
        if room < 0:
            return f"{text[:index].rstrip()}…"
    return text


# --- pictures -----------------------------------------------------------------------------


@register.filter
def plain(number: float) -> str:
    """A coordinate as SVG reads it, whatever the reader's language."""
    return f"{number:.1f}"


@register.filter
def shift(number: float, by: float) -> str:
    """A coordinate moved by so much."""
    return f"{number + float(by):.1f}"


# --- addresses ----------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """This page's query string with some parameters changed; an empty value removes one."""
    request: HttpRequest = context["request"]
    parameters: QueryDict = request.GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            parameters.pop(name, None)
        else:
            parameters[name] = str(value)
    return f"?{parameters.urlencode()}"


@register.simple_tag
def pages_around(number: int, last: int) -> str:
    """Where the reader is in a list of pages, in words."""
    return gettext("Page %(number)s of %(last)s") % {"number": count(number), "last": count(last)}
