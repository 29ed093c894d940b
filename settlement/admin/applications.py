"""The operator's own applications at platforms, in whose name merchants consent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from accounts import permissions
from accounts.admin import OperatorAdmin, OperatorForm
from accounts.models import PlatformApp
from platforms import registry
from platforms.pulling import Authorises

LONG = {"private_key", "public_key"}


def applications() -> dict[str, tuple[str, ...]]:
    """What an application is made of, by the platform's code."""
    return {
        adapter.code: tuple(adapter.application)
        for adapter in registry.all()
        if isinstance(adapter, Authorises)
    }


class ApplicationForm(OperatorForm):
    """An application's secrets; those that are kept are never shown, and stay where left empty."""

    class Meta:
        model = PlatformApp
        fields = ("code",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = applications()
        fields: dict[str, Any] = self.fields
        if self.instance.secrets_sealed:
            # An application stays at its platform.
            del fields["code"]
        else:
            fields["code"] = forms.ChoiceField(
                label=_("platform"),
                choices=[(code, registry.get(code).name) for code in known],
                widget=UnfoldAdminSelectWidget,
            )
        for name in sorted({name for names in known.values() for name in names}):
            widget = UnfoldAdminTextareaWidget if name in LONG else UnfoldAdminPasswordWidget
            fields[name] = forms.CharField(label=name, required=False, widget=widget)

    def clean(self) -> dict[str, Any]:
        """Every secret the platform's applications are made of must be here or come now."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        code = given.get("code") or self.instance.code
        kept = permissions.app_secrets(self.instance) if self.instance.secrets_sealed else {}
        for name in applications().get(code, ()):
            if not given.get(name) and name not in kept:
                self.add_error(name, _("This platform's applications have one."))
        return given

    def secrets(self) -> dict[str, str]:
        """What is to be kept."""
        kept = permissions.app_secrets(self.instance) if self.instance.secrets_sealed else {}
        names = applications()[self.cleaned_data.get("code") or self.instance.code]
        return {name: self.cleaned_data.get(name) or kept[name] for name in names}


@admin.register(PlatformApp)
class PlatformAppAdmin(OperatorAdmin):
    """Applications by platform. Their secrets go in and never come out."""

    form = ApplicationForm
    list_display = ("code", "changed_at")
    ordering = ("code",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The platform once, then what any application may be made of."""
        names = sorted({name for names in applications().values() for name in names})
        if obj is not None:
            names = list(applications().get(obj.code, ()))
        return [(None, {"fields": names if obj else ["code", *names]})]

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The form as it is: Django would look for its fields in the table."""
        return ApplicationForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Seal and save as the operator."""
        permissions.keep_app(obj, form.secrets(), now=timezone.now())
