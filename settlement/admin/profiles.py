"""How banks write their CSV files: the operator adds a profile, nobody changes one."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest

from accounts.admin import OPS, OperatorAdmin, OperatorForm
from settlement.errors import RefusedError
from settlement.models import ColumnProfile
from settlement.money_in import inspection


class ColumnProfileForm(OperatorForm):
    """Takes the definition; code and version stand in it."""

    class Meta:
        model = ColumnProfile
        fields = ("definition",)
        widgets = {"definition": forms.Textarea(attrs={"rows": 30, "cols": 100})}

    def clean_definition(self) -> dict[str, Any]:
        """Check the definition and take code and version from it."""
        definition: dict[str, Any] = self.cleaned_data["definition"]
        try:
            profile = inspection.column_profile(json.dumps(definition))
        except RefusedError as error:
            raise ValidationError(error.reason) from error
        self.instance.code, self.instance.version = profile.code, profile.version
        return definition


@admin.register(ColumnProfile)
class ColumnProfileAdmin(OperatorAdmin):
    """Every version of every profile."""

    form = ColumnProfileForm
    list_display = ("code", "version", "made_at", "made_by")
    list_select_related = ("made_by",)
    search_fields = ("code__startswith",)
    ordering = ("code", "-version")
    show_facets = admin.ShowFacets.NEVER

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The definition to write, or all there is to look at."""
        return ("definition",) if obj is None else (*self.list_display, "definition")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: a correction is another version."""
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Add it in the operator's name."""
        assert isinstance(obj, ColumnProfile)
        assert request.user.pk is not None
        obj.made_by_id = request.user.pk
        obj.save(using=OPS, force_insert=True)
