"""What people choose and give on the pages about stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from settlement.money_in import platform_names
from settlement.money_in.linking import Checked, Column
from settlement.store_health import Health, StoreHealth
from web.dashboard import labels
from web.dashboard.forms import Filter

FIELD_OF: dict[Column, str] = {
    Column.PLATFORM: "platform",
    Column.NAME: "name",
    Column.NUMBER: "number",
}


class StoreFilter(Filter):
    """Which stores to list."""

    q = forms.CharField(label=_("Name or shop number"), required=False, max_length=120, strip=True)
    platform = forms.ChoiceField(label=_("Platform"), required=False)
    health = forms.ChoiceField(
        label=_("Health"),
        required=False,
        choices=[("", _("Any")), *((h.value, labels.HEALTHS[h].text) for h in Health)],
    )

    def __init__(self, data: Any, *, rows: Sequence[StoreHealth]) -> None:
        super().__init__(data)
        codes = sorted({row.store.platform for row in rows})
        fields: dict[str, Any] = self.fields
        fields["platform"].choices = [("", _("Any")), *((c, labels.platform(c)) for c in codes)]

    def narrow(self, rows: Sequence[StoreHealth]) -> list[StoreHealth]:
        """The stores that were asked for."""
        text = (self.chosen("q") or "").casefold()
        platform, health = self.chosen("platform"), self.chosen("health")
        return [
            row
            for row in rows
            if platform in (None, row.store.platform)
            and health in (None, row.health)
            and (text in row.store.name.casefold() or text in row.store.external_id.casefold())
        ]


class SheetForm(forms.Form):
    """A spreadsheet of stores."""

    sheet = forms.FileField(
        label=_("Filled-in spreadsheet"),
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    def __init__(self, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files, label_suffix="")


class StoreForm(forms.Form):
    """A single store."""

    platform = forms.ChoiceField(label=_("Platform"))
    name = forms.CharField(label=_("Store name"), max_length=120, strip=True)
    number = forms.CharField(
        label=_("Shop number (optional)"), required=False, max_length=64, strip=True
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        fields: dict[str, Any] = self.fields
        fields["platform"].choices = [
            ("", _("Choose…")),
            *((c.code, labels.platform(c.code)) for c in platform_names.choices()),
        ]

    def refuse(self, checked: Checked) -> None:
        """Say what stands against the store, at the field it is about."""
        for error in checked.errors:
            self.add_error(FIELD_OF.get(error.column), error.reason)
