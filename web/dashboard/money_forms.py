"""What people fill in to move money out: payees, amounts, orders, and the list's filter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from unicodedata import normalize

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import BankAccount, Payee
from accounts.onboarding import normal_number
from settlement.models import Withdrawal, WithdrawalState
from settlement.money_out.withdrawals import LONGEST_TEXT
from web.dashboard.forms import Filter

CURRENCIES: Final = ("CNY", "USD", "EUR", "GBP", "HKD", "JPY", "SGD", "TWD", "KRW", "AUD", "CAD")
"""Offered beside those of the merchant's own bank accounts."""

AMOUNT: Final = re.compile(r"(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.\d{1,8})?")
"""12345.60 or 12,345.60; a comma elsewhere could mean something else and is refused."""
# ISO 13616: two letters, two check digits, up to thirty more; the longest in use has 34.
IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
NUMBER: Final = re.compile(r"\d{8,34}")
# A bank's code: a BIC by ISO 9362, or the twelve digits of CNAPS.
AGENT: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?|\d{12}")


class AmountField(forms.CharField):
    """A positive amount as people write it, grouped or not, also in full-width digits."""

    def clean(self, value: Any) -> Decimal:
        """The exact amount; raises ValidationError for what is not plainly one."""
        text = normalize("NFKC", super().clean(value)).replace(" ", "")
        if not text.isascii() or not AMOUNT.fullmatch(text):
            raise ValidationError(_("Write the amount in digits, like 1234.50."))
        return Decimal(text.replace(",", ""))


class _MoneyForm(forms.Form):
    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial, label_suffix="")


def _text_field() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Text for the payee"),
        required=False,
        max_length=LONGEST_TEXT,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class WithdrawForm(_MoneyForm):
    """How much goes from which bank account to whom."""

    bank_account = forms.ChoiceField(label=gettext_lazy("From"))
    payee = forms.ChoiceField(label=gettext_lazy("To"))
    amount = AmountField(
        label=gettext_lazy("Amount"),
        max_length=30,
        widget=forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "class": "amount-input"}
        ),
    )
    text = _text_field()

    def __init__(
        self,
        data: Any = None,
        *,
        bank_accounts: Sequence[BankAccount],
        payees: Sequence[Payee],
        initial: Any = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self._bank_accounts = {str(account.id): account for account in bank_accounts}
        self._payees = {str(payee.id): payee for payee in payees}
        fields: dict[str, Any] = self.fields
        fields["bank_account"].choices = [(id, str(a)) for id, a in self._bank_accounts.items()]
        fields["payee"].choices = [
            (id, f"{payee} {payee.currency}") for id, payee in self._payees.items()
        ]

    def clean(self) -> dict[str, Any]:
        """A payee is paid in the currency of its account."""
        given: dict[str, Any] = self.cleaned_data
        if {"bank_account", "payee"} <= set(given):
            given["bank_account"] = self._bank_accounts[given["bank_account"]]
            given["payee"] = self._payees[given["payee"]]
            if given["payee"].currency != given["bank_account"].currency:
                self.add_error(
                    "payee",
                    _("This payee's account is in %(currency)s.")
                    % {"currency": given["payee"].currency},
                )
        return given


class OrderForm(_MoneyForm):
    """The order of what was quoted: nobody types this, the quote's page carries it."""

    payee = forms.UUIDField()
    text = _text_field()
    key = forms.CharField(min_length=8, max_length=64)


class PayeeForm(_MoneyForm):
    """A new payee."""

    holder = forms.CharField(
        label=gettext_lazy("Account holder"),
        max_length=140,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    bank = forms.CharField(
        label=gettext_lazy("Bank"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    number = forms.CharField(
        label=gettext_lazy("Account number or IBAN"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    agent = forms.CharField(
        label=gettext_lazy("Bank code (BIC or CNAPS)"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"))

    def __init__(self, data: Any = None, *, own: Sequence[str]) -> None:
        super().__init__(data)
        fields: dict[str, Any] = self.fields
        fields["currency"].choices = [(code, code) for code in dict.fromkeys((*own, *CURRENCIES))]

    def clean_holder(self) -> str:
        """A name the bank can carry."""
        return _printable(self.cleaned_data["holder"])

    def clean_bank(self) -> str:
        """A name the bank can carry."""
        return _printable(self.cleaned_data["bank"])

    def clean_number(self) -> str:
        """The number without spaces and hyphens, if it can be one."""
        number = normal_number(normalize("NFKC", self.cleaned_data["number"]))
        if IBAN.fullmatch(number):
            if not _checks_out(number):
                raise ValidationError(_("This IBAN has a wrong digit: its check sum differs."))
        elif not NUMBER.fullmatch(number):
            raise ValidationError(
                _("An account number has 8 to 34 digits; an IBAN begins with two letters.")
            )
        return number

    def clean_agent(self) -> str:
        """The bank's code in capitals, if it can be one."""
        code = normal_number(normalize("NFKC", self.cleaned_data["agent"]))
        if code and not AGENT.fullmatch(code):
            raise ValidationError(
                _("A bank code is a BIC of 8 or 11 letters and digits, or CNAPS of 12 digits.")
            )
        return code


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValidationError(_("This has characters that cannot be printed."))
    return text


def _checks_out(iban: str) -> bool:
    """Whether an IBAN's check digits fit (ISO 7064, MOD 97-10)."""
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1


class WithdrawalFilter(Filter):
    """Which withdrawals to list."""

    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("Any")), *WithdrawalState.choices],
    )
    month = forms.DateField(
        label=gettext_lazy("Month"),
        required=False,
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
        input_formats=["%Y-%m"],
    )

    def clean_month(self) -> date | None:
        """A month in which there may be withdrawals."""
        month: date | None = self.cleaned_data["month"]
        if month and not 2000 <= month.year < 3000:
            raise ValidationError(_("There are no withdrawals in this month."))
        return month

    def narrow(self, withdrawals: QuerySet[Withdrawal]) -> QuerySet[Withdrawal]:
        """The withdrawals that were asked for; a month is one where the merchant is."""
        if state := self.chosen("state"):
            withdrawals = withdrawals.filter(state=state)
        if month := self.chosen("month"):
            withdrawals = withdrawals.filter(
                requested_at__gte=_midnight(month), requested_at__lt=_midnight(_next(month))
            )
        return withdrawals


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    """Where a day begins in the merchant's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
