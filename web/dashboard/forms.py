"""What people choose: filters in the address, files to upload."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import BankAccount, Store
from settlement.models import BankLine, DocumentState, Payout, PayoutState, SourceDocument
from web.dashboard import labels

BANK = "bank"
"""The choice "bank statement" in the upload form; anything else is a store's id."""


def _day_field(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )


def _grouped(stores: Sequence[Store]) -> list[tuple[Any, list[tuple[str, str]]]]:
    """Stores under their platforms, for a list of choices."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for store in stores:
        groups.setdefault(store.platform, []).append((str(store.id), store.name))
    return [(labels.platform(code), choices) for code, choices in groups.items()]


class Filter(forms.Form):
    """A filter in the address. What makes no sense is ignored, not an error page."""

    def __init__(self, data: Any) -> None:
        super().__init__(data, label_suffix="")

    def chosen(self, name: str) -> Any:
        """The cleaned value, or None where nothing (sensible) was chosen."""
        self.is_valid()
        return self.cleaned_data.get(name) or None

    @property
    def active(self) -> bool:
        """Whether anything is filtered at all."""
        return any(self.chosen(name) for name in self.fields)


class PayoutFilter(Filter):
    """Which payouts to list."""

    q = forms.CharField(label=_("Number or reference"), required=False, max_length=128, strip=True)
    store = forms.ChoiceField(label=_("Store"), required=False)
    platform = forms.ChoiceField(label=_("Platform"), required=False)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("Any")), *PayoutState.choices]
    )
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    since = _day_field(_("Announced from"))
    until = _day_field(_("Announced to"))

    def __init__(self, data: Any, *, stores: Sequence[Store], currencies: Sequence[str]) -> None:
        super().__init__(data)
        anything = [("", _("Any"))]
        platforms = dict.fromkeys(store.platform for store in stores)
        fields: dict[str, Any] = self.fields
        fields["store"].choices = [*anything, *_grouped(stores)]
        fields["platform"].choices = [*anything, *((c, labels.platform(c)) for c in platforms)]
        fields["currency"].choices = [*anything, *((c, c) for c in currencies)]

    def narrow(self, payouts: QuerySet[Payout]) -> QuerySet[Payout]:
        """The payouts that were asked for."""
        if text := self.chosen("q"):
            payouts = payouts.filter(Q(external_id__icontains=text) | Q(remittance__icontains=text))
        exact = {
            "store_id": self.chosen("store"),
            "store__platform": self.chosen("platform"),
            "state": self.chosen("state"),
            "amount_currency": self.chosen("currency"),
        }
        payouts = payouts.filter(**{name: value for name, value in exact.items() if value})
        if since := self.chosen("since"):
            payouts = payouts.filter(announced_at__gte=_midnight(since))
        if until := self.chosen("until"):
            payouts = payouts.filter(announced_at__lt=_midnight(until + timedelta(days=1)))
        return payouts


class BankFilter(Filter):
    """Which bank lines to list."""

    account = forms.ChoiceField(label=_("Bank account"), required=False)
    matched = forms.ChoiceField(
        label=_("Belongs to"),
        required=False,
        choices=[("", _("Any")), ("yes", _("a payout or withdrawal")), ("no", _("neither"))],
    )
    since = _day_field(_("Booked from"))
    until = _day_field(_("Booked to"))

    def __init__(self, data: Any, *, accounts: Sequence[BankAccount]) -> None:
        super().__init__(data)
        fields: dict[str, Any] = self.fields
        fields["account"].choices = [("", _("Any")), *((str(a.id), str(a)) for a in accounts)]

    def narrow(self, lines: QuerySet[BankLine]) -> QuerySet[BankLine]:
        """The bank lines that were asked for."""
        if account := self.chosen("account"):
            lines = lines.filter(bank_account_id=account)
        if matched := self.chosen("matched"):
            claimed = Q(match_items__live=True)
            lines = lines.filter(claimed) if matched == "yes" else lines.exclude(claimed)
        if since := self.chosen("since"):
            lines = lines.filter(booked_on__gte=since)
        if until := self.chosen("until"):
            lines = lines.filter(booked_on__lte=until)
        return lines


class DocumentFilter(Filter):
    """Which documents to list."""

    q = forms.CharField(label=_("File name"), required=False, max_length=255, strip=True)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("Any")), *DocumentState.choices]
    )
    store = forms.ChoiceField(label=_("Belongs to"), required=False)

    def __init__(self, data: Any, *, stores: Sequence[Store]) -> None:
        super().__init__(data)
        fields: dict[str, Any] = self.fields
        fields["store"].choices = [
            ("", _("Any")),
            (BANK, _("Bank statements")),
            *_grouped(stores),
        ]

    def narrow(self, documents: QuerySet[SourceDocument]) -> QuerySet[SourceDocument]:
        """The documents that were asked for."""
        if text := self.chosen("q"):
            documents = documents.filter(name__icontains=text)
        if state := self.chosen("state"):
            documents = documents.filter(state=state)
        if store := self.chosen("store"):
            documents = (
                documents.filter(store__isnull=True)
                if store == BANK
                else documents.filter(store_id=store)
            )
        return documents


class SeveralFiles(forms.ClearableFileInput):
    """A file input that takes more than one file."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or more files."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Check each file as a FileField does; gives the files."""
        files = data if isinstance(data, list | tuple) and data else [data]
        return [super(FilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """Files, and whose they are."""

    belongs_to = forms.ChoiceField(label=_("What is it?"))
    originals = FilesField(label=_("Files"), allow_empty_file=True, max_length=255)

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        stores: Sequence[Store],
        accounts: Sequence[BankAccount],
        whose: str = "",
    ) -> None:
        super().__init__(data, files, label_suffix="", initial={"belongs_to": whose})
        self._stores = {str(store.id): store for store in stores}
        self._accounts = {str(account.id): account for account in accounts}
        fields: dict[str, Any] = self.fields
        fields["belongs_to"].choices = [
            ("", _("Choose…")),
            *self._statements(),
            *_grouped(stores),
        ]

    def _statements(self) -> list[tuple[Any, Any]]:
        """A bank statement; many CSV files do not say of which account."""
        if not self._accounts:
            return [(BANK, _("A bank statement"))]
        chosen = [(id, str(account)) for id, account in self._accounts.items()]
        return [(_("A bank statement"), [(BANK, _("of the account the file says")), *chosen])]

    @property
    def store(self) -> Store | None:
        """The store the files belong to; None for a bank statement."""
        return self._stores.get(self.cleaned_data["belongs_to"])

    @property
    def bank_account(self) -> BankAccount | None:
        """The bank account the files are of; None where the files say it themselves."""
        return self._accounts.get(self.cleaned_data["belongs_to"])


def _midnight(day: date) -> datetime:
    """Where a day begins in the merchant's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
