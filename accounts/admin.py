"""The operator's back-office for people, merchants, accounts and links.

Everything is read and written through the connection `ops`, whose role sees all merchants and may
change what onboarding makes. What these pages cannot do (a bank account's number, deleting) the
role cannot either.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import allauth.account.admin  # noqa: F401  it registers what is taken back below
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import (
    BankAccount,
    Member,
    Merchant,
    Payee,
    PayeeState,
    SettlementAccount,
    StoreLink,
    User,
)

OPS = "ops"
"""The connection of the operator's role."""

# The operator's rights are flags and permissions of the user; nothing here uses these tables.
admin.site.unregister(Group)
admin.site.unregister(EmailAddress)


class OperatorForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose checks look where the row will be saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Uniqueness and foreign keys are looked up on the instance's connection. On the default
        # one row-level security hides every merchant, and each choice would seem not to exist.
        self.instance._state.db = OPS

    def validate_unique(self) -> None:
        """Check keys also where a part of them is not in the form (a merchant that stays)."""
        super().validate_unique()
        if self.errors:
            return
        try:
            self.instance.validate_constraints()
        except ValidationError as error:
            self.add_error(None, error)


class ThroughOps(BaseModelAdmin):  # type: ignore[type-arg]
    """Takes rows and choices from the operator's connection."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of all merchants."""
        return super().get_queryset(request).using(OPS)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A choice among the rows of all merchants."""
        return super().formfield_for_foreignkey(db_field, request, **{**kwargs, "using": OPS})

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choices among the rows of all merchants."""
        return super().formfield_for_manytomany(db_field, request, **{**kwargs, "using": OPS})

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here; the role may not, either."""
        return False


class OperatorAdmin(ThroughOps, ModelAdmin):  # type: ignore[misc]  # unfold is not typed
    """Shows every merchant's rows to the operator, and saves what the role may change."""

    form = OperatorForm
    list_per_page = 50
    show_full_result_count = False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save a row and its inlines together; Django opens its transaction elsewhere."""
        with transaction.atomic(using=OPS):
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        return response

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Save by the operator's role."""
        obj.save(using=OPS)


class OperatorInline(ThroughOps, TabularInline):  # type: ignore[misc]  # unfold is not typed
    """Rows of another table on a row's page."""

    form = OperatorForm
    extra = 0
    related: tuple[str, ...] = ()
    """What each row shows of its neighbours, fetched with it."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows with their neighbours."""
        return super().get_queryset(request).select_related(*self.related)


class ReadOnly(BaseModelAdmin):  # type: ignore[type-arg]
    """Shows, never changes."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """All that is shown."""
        return flatten_fieldsets(self.get_fieldsets(request, obj))


class ReadOnlyAdmin(ReadOnly, OperatorAdmin):
    """A list and a page for each row, to look at."""


class ReadOnlyInline(ReadOnly, OperatorInline):
    """Rows of another table, to look at; each leads to its own page if it has one."""

    show_change_link = True


# --- people -------------------------------------------------------------------------------


class LowerEmail(forms.ModelForm):  # type: ignore[type-arg]
    """Addresses are stored in lower case, as signing in looks for them."""

    def clean_email(self) -> str:
        """The address in lower case."""
        email: str = self.cleaned_data["email"]
        return email.lower()


class NewUserForm(LowerEmail, UserCreationForm):  # type: ignore[misc]  # unfold is not typed
    """A new user with a password."""


class UserForm(LowerEmail, UserChangeForm):  # type: ignore[misc]  # unfold is not typed
    """A user; the password has a form of its own."""


class MembershipInline(ReadOnlyInline):
    """The merchants a user acts for; they are changed on the merchant's page."""

    model = Member
    fields = ("merchant", "role")
    related = ("merchant", "user")
    hide_title = True
    verbose_name_plural = _("memberships")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, OperatorAdmin):  # type: ignore[type-arg]
    """Users of merchants and of the operator."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_staff", "is_active", "last_login", "date_joined")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ("user_permissions",)
    readonly_fields = ("last_login", "date_joined")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (
            _("Rights in the back-office"),
            {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Only an operator with all rights gives rights."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if _has_all_rights(request.user):
            return fields
        return (*fields, "is_staff", "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever lacks some right must not take over (by a new password) a user who has it."""
        above = isinstance(obj, User) and obj.is_staff and obj != request.user
        if above and not _has_all_rights(request.user):
            return False
        return super().has_change_permission(request, obj)

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """A user that does not exist yet is a member of nothing."""
        return self.inlines if obj else ()


def _has_all_rights(user: object) -> bool:
    return isinstance(user, User) and user.is_superuser


# --- merchants ----------------------------------------------------------------------------


class MerchantForm(OperatorForm):
    """A merchant; its time zone decides which day a movement belongs to."""

    def clean_zone(self) -> str:
        """A time zone by its name in the tz database."""
        zone: str = self.cleaned_data["zone"]
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValidationError(gettext("There is no time zone of this name.")) from error
        return zone


class MemberInline(OperatorInline):
    """Who acts for the merchant, and in which role."""

    model = Member
    autocomplete_fields = ("user",)
    related = ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A membership ends when its row goes."""
        return self.has_change_permission(request, obj)


class SettlementAccountInline(ReadOnlyInline):
    """The merchant's settlement accounts."""

    model = SettlementAccount
    fields = ("name", "created_at")


class BankAccountInline(ReadOnlyInline):
    """The merchant's accounts at banks."""

    model = BankAccount
    fields = ("bank", "holder", "masked_number", "currency")

    @admin.display(description=_("number"))
    def masked_number(self, account: BankAccount) -> str:
        """The number's last digits."""
        return account.masked


@admin.register(Merchant)
class MerchantAdmin(OperatorAdmin):
    """Merchants with their members."""

    form = MerchantForm
    list_display = ("name", "zone", "segment", "created_at")
    list_filter = ("segment",)
    search_fields = ("name",)
    ordering = ("-id",)
    fields = ("name", "zone", "segment", "created_at")
    readonly_fields = ("created_at",)
    inlines = (MemberInline, SettlementAccountInline, BankAccountInline)

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """A new merchant is given members; the rest follows."""
        return self.inlines if obj else (MemberInline,)


@admin.register(BankAccount)
class BankAccountAdmin(ReadOnlyAdmin):
    """Accounts at banks. Their numbers come in by onboarding, sealed, and are never shown."""

    list_display = ("bank", "masked_number", "currency", "holder", "merchant", "settlement_account")
    list_select_related = ("merchant", "settlement_account")
    list_filter = ("currency",)
    search_fields = ("=number_tail", "holder", "bank", "merchant__name")
    ordering = ("-id",)
    fields = (
        "merchant",
        "settlement_account",
        "bank",
        "holder",
        "masked_number",
        "currency",
    )

    @admin.display(description=_("number"))
    def masked_number(self, account: BankAccount) -> str:
        """The number's last digits."""
        return account.masked


class PayeeForm(OperatorForm):
    """A payee may be blocked and trusted again; the rest is the merchant's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        if "state" in fields:
            offered = dict.fromkeys((self.instance.state, PayeeState.TRUSTED, PayeeState.BLOCKED))
            fields["state"].choices = [(state, PayeeState(state).label) for state in offered]


@admin.register(Payee)
class PayeeAdmin(OperatorAdmin):
    """Whom merchants may pay. The operator blocks a payee, or trusts it again."""

    form = PayeeForm
    list_display = ("holder", "bank", "masked_number", "currency", "merchant", "state", "added_at")
    list_select_related = ("merchant",)
    list_filter = ("state", "currency")
    search_fields = ("=number_tail", "holder", "bank", "merchant__name")
    ordering = ("-id",)
    fields = (
        "merchant",
        "holder",
        "bank",
        "agent",
        "masked_number",
        "currency",
        "state",
        "added_by",
        "added_at",
    )

    @admin.display(description=_("number"))
    def masked_number(self, payee: Payee) -> str:
        """The number's last digits."""
        return payee.masked

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """All but the state."""
        return tuple(name for name in self.fields if name != "state")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Merchants add their payees themselves."""
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Only the state, whatever the merchant has changed meanwhile."""
        obj.save(using=OPS, update_fields=["state"])


@admin.register(StoreLink)
class StoreLinkAdmin(ReadOnlyAdmin):
    """How each store's documents reach us, and whether they still do."""

    list_display = ("store", "merchant", "method", "cash_account", "state", "renewable_until",
                    "created_at")  # fmt: skip
    list_select_related = ("store", "merchant")
    list_filter = ("state", "method")
    search_fields = ("store__name", "merchant__name")
    ordering = ("-id",)
    fields = ("merchant", "store", "method", "cash_account", "state", "error_reason", "fetch_from",
              "granted_at", "granted_by", "renewable_until", "scopes", "created_at")  # fmt: skip
