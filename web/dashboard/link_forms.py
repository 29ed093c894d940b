"""What people enter to let a store be read: keys, and from which day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

MOST = 8000

WORDS: Final[dict[str, tuple[Any, Any]]] = {
    "secret": (_("Secret"), _("Signs messages and calls; some platforms call it app secret.")),
    "app_key": (_("App key"), ""),
    "app_id": (_("App id"), _("The merchant's number, where the platform has one.")),
    "token": (_("Message token"), _("As it was set for messages in the platform's console.")),
    "aes_key": (_("Message key (AES)"), _("Decrypts messages.")),
    "webhook_id": (_("Webhook id"), ""),
    "verification_token": (_("Verification token"), ""),
    "public_key": (_("The platform's public key"), _("PEM text; several one after the other.")),
    "access_token": (_("Access token"), ""),
    "refresh_token": (_("Refresh token"), ""),
    "private_key": (_("Your private key"), _("PEM text; it signs your calls.")),
    "app_secret": (_("App secret"), ""),
    "serial": (_("Certificate number"), _("Of the certificate that belongs to the private key.")),
    "shop": (_("Shop at the platform"), _("Its number, or its host.")),
    "region": (_("Country or site"), _("For example SG or US.")),
}
LONG: Final = {"public_key", "private_key"}
OPEN: Final = {"app_key", "app_id", "webhook_id", "serial", "shop", "region", "public_key"}
"""What is no secret and may be seen while it is typed."""


class KeysForm(forms.Form):
    """What the merchant tells of a store, drawn from what its adapter asks for.

    Not every store has all of it: whether it is enough, the platform says when it is asked.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        names: Sequence[str],
        known: bool,
        first: date,
        today: date,
        number: str = "",
    ) -> None:
        super().__init__(data, label_suffix="", initial={"shop": number})
        fields: dict[str, Any] = self.fields
        for name in names:
            fields[name] = _field(name, known=known)
        self.today = today
        if first < today:
            fields["fetch_from"] = first_day_field(first=first, today=today)

    def first_day(self) -> date:
        """From which day documents are fetched."""
        chosen: date | None = self.cleaned_data.get("fetch_from")
        return chosen or self.today

    def secrets(self) -> dict[str, str]:
        """What was entered, by its common name."""
        return {
            name: value.strip().replace("\r\n", "\n")
            for name, value in self.cleaned_data.items()
            if name in WORDS
        }


def first_day_field(*, first: date, today: date) -> forms.DateField:
    """From which day documents are fetched; `first` is how far back the platform answers."""
    return _FirstDay(
        label=_("Fetch from"),
        initial=first,
        widget=forms.DateInput(
            attrs={"type": "date", "min": f"{first}", "max": f"{today}"}, format="%Y-%m-%d"
        ),
        input_formats=["%Y-%m-%d"],
        help_text=_("The platform answers for no earlier day than the one proposed."),
        first=first,
        today=today,
    )


class _FirstDay(forms.DateField):
    def __init__(self, *, first: date, today: date, **options: Any) -> None:
        super().__init__(**options)
        self.first, self.today = first, today

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and not self.first <= value <= self.today:
            raise forms.ValidationError(
                _("Choose a day from %(first)s to %(today)s."),
                params={"first": self.first, "today": self.today},
            )


def _field(name: str, *, known: bool) -> forms.CharField:
    label, help_text = WORDS[name]
    quiet = {"autocomplete": "off", "spellcheck": "false"}
    if name in LONG:
        widget: forms.Widget = forms.Textarea(attrs={**quiet, "rows": 4, "class": "code-text"})
    elif name in OPEN:
        widget = forms.TextInput(attrs=quiet)
    else:
        widget = forms.PasswordInput(attrs={**quiet, "autocomplete": "new-password"})
    return forms.CharField(
        label=label,
        widget=widget,
        max_length=MOST,
        required=False,
        help_text=_("Leave it empty to keep the one that is here.") if known else help_text,
    )
