"""Exceptions in plain words: what happened, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from settlement.models import BankStatement, Payout, Reason, ReconException
from web.dashboard import labels
from web.dashboard.templatetags.tributary import spoken, written_day

Text = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A reason as a heading, and what to do about it."""

    title: Text
    todo: Text
    icon: str
    tone: str


ADVICE: Final[dict[Reason, Advice]] = {
    Reason.MISSING: Advice(
        title=gettext_lazy("Missing at the bank"),
        todo=gettext_lazy(
            "Ask the platform where the money went, and give it the payout number. If the money "
            "went to another account, upload that account's statement."
        ),
        icon="question",
        tone="bad",
    ),
    Reason.SHORT: Advice(
        title=gettext_lazy("Less arrived than announced"),
        todo=gettext_lazy(
            "Ask the bank whether it took a fee on the way; otherwise claim the rest from the "
            "platform."
        ),
        icon="minus",
        tone="bad",
    ),
    Reason.OVER: Advice(
        title=gettext_lazy("More arrived than announced"),
        todo=gettext_lazy(
            "Look whether the platform has added something to this payout; a newer export often "
            "says so. Upload it if there is one."
        ),
        icon="plus",
        tone="warn",
    ),
    Reason.AMBIGUOUS: Advice(
        title=gettext_lazy("More than one deposit would fit"),
        todo=gettext_lazy(
            "No reference tells them apart, so nothing is guessed. A statement with more detail "
            "(camt.053 with transaction details) often settles it; upload it if your bank offers "
            "one."
        ),
        icon="split",
        tone="warn",
    ),
    Reason.LINES_DIFFER: Advice(
        title=gettext_lazy("Lines and payout differ"),
        todo=gettext_lazy(
            "The export may be an excerpt. Download it again for the whole period of the payout "
            "and upload it."
        ),
        icon="alert",
        tone="warn",
    ),
    Reason.UNKNOWN_KIND: Advice(
        title=gettext_lazy("Words we do not know"),
        todo=gettext_lazy(
            "The amounts are kept apart until their meaning is known. Tell the operator which "
            "words they are; nothing is lost meanwhile."
        ),
        icon="question",
        tone="warn",
    ),
    Reason.STATEMENT_GAP: Advice(
        title=gettext_lazy("A bank statement is missing"),
        todo=gettext_lazy("Upload the statement of the days between."),
        icon="gap",
        tone="warn",
    ),
    Reason.WITHDRAWAL_DIFFERS: Advice(
        title=gettext_lazy("A withdrawal the bank shows differently"),
        todo=gettext_lazy(
            "Ask the bank what it paid under this number. Until that is known the money stays set "
            "aside, and nothing is paid a second time."
        ),
        icon="alert",
        tone="bad",
    ),
}


def advice(reason: Reason) -> Advice:
    """The heading and the way out; for a reason without words of its own, its name."""
    known = ADVICE.get(reason)
    return known or Advice(title=reason.label, todo="", icon="alert", tone="warn")


def what_happened(exception: ReconException, before: BankStatement | None = None) -> str:
    """One sentence about this exception. `before`: the statement a gap follows on."""
    about = _SENTENCES.get(Reason(exception.reason))
    return about(exception, before) if about else str(exception.get_reason_display())


def _missing(exception: ReconException, _before: BankStatement | None) -> str:
    payout = _payout(exception)
    given = {"amount": spoken(payout.amount), "platform": labels.platform(payout.store.platform)}
    if payout.arrives_on:
        return _(
            "%(platform)s announced %(amount)s, due on %(day)s; the bank has not shown it."
        ) % {
            **given,
            "day": written_day(payout.arrives_on),
        }
    return (
        _("%(platform)s announced %(amount)s; the bank has not shown it within the usual time.")
        % given
    )


def _short(exception: ReconException, _before: BankStatement | None) -> str:
    payout = _payout(exception)
    if exception.difference is None:
        return _("The bank shows less than the %(amount)s that were announced.") % {
            "amount": spoken(payout.amount)
        }
    return _("Announced were %(amount)s; the bank shows %(difference)s less.") % {
        "amount": spoken(payout.amount),
        "difference": spoken(abs(exception.difference)),
    }


def _over(exception: ReconException, _before: BankStatement | None) -> str:
    payout = _payout(exception)
    if exception.difference is None:
        return _("The bank shows more than the %(amount)s that were announced.") % {
            "amount": spoken(payout.amount)
        }
    return _("Announced were %(amount)s; the bank shows %(difference)s more.") % {
        "amount": spoken(payout.amount),
        "difference": spoken(abs(exception.difference)),
    }


def _ambiguous(exception: ReconException, _before: BankStatement | None) -> str:
    return _("For %(amount)s of %(platform)s several payouts and bank lines fit one another.") % {
        "amount": spoken(_payout(exception).amount),
        "platform": labels.platform(_payout(exception).store.platform),
    }


def _lines_differ(exception: ReconException, _before: BankStatement | None) -> str:
    payout = _payout(exception)
    if exception.difference is None:
        return _("The lines of this payout do not add up to %(amount)s.") % {
            "amount": spoken(payout.amount)
        }
    lines = payout.amount + exception.difference
    return _("The payout is %(amount)s, and its lines add up to %(lines)s.") % {
        "amount": spoken(payout.amount),
        "lines": spoken(lines),
    }


def _unknown_kind(exception: ReconException, _before: BankStatement | None) -> str:
    return _("The file %(file)s uses words for its entries that are not known here.") % {
        "file": exception.document.name if exception.document else "?"
    }


def _statement_gap(exception: ReconException, before: BankStatement | None) -> str:
    statement = exception.statement
    if statement is None or statement.opening is None or before is None or before.closing is None:
        return str(Reason.STATEMENT_GAP.label)
    return _(
        "The statement from %(day)s begins with %(opening)s, but the one before ended on "
        "%(last)s with %(closing)s."
    ) % {
        "day": written_day(statement.period_from),
        "opening": spoken(statement.opening),
        "last": written_day(before.period_to),
        "closing": spoken(before.closing),
    }


def _withdrawal_differs(exception: ReconException, _before: BankStatement | None) -> str:
    line = exception.bank_line
    if line is None:
        return str(Reason.WITHDRAWAL_DIFFERS.label)
    given = {"amount": spoken(line.amount), "day": written_day(line.booked_on)}
    if not exception.difference:
        return (
            _(
                "The bank's entry of %(day)s over %(amount)s carries the number of a withdrawal "
                "of yours, but does not fit what is known of it."
            )
            % given
        )
    return _(
        "The bank's entry of %(day)s over %(amount)s carries the number of a withdrawal of yours, "
        "but differs from it by %(difference)s."
    ) % {**given, "difference": spoken(abs(exception.difference))}


def _payout(exception: ReconException) -> Payout:
    payout = exception.payout
    assert payout is not None, "this reason is about a payout"
    return payout


_SENTENCES: Final = {
    Reason.MISSING: _missing,
    Reason.SHORT: _short,
    Reason.OVER: _over,
    Reason.AMBIGUOUS: _ambiguous,
    Reason.LINES_DIFFER: _lines_differ,
    Reason.UNKNOWN_KIND: _unknown_kind,
    Reason.STATEMENT_GAP: _statement_gap,
    Reason.WITHDRAWAL_DIFFERS: _withdrawal_differs,
}
