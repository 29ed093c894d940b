"""What is fetched from platforms, and what they sent: gaps, and hooks that were given up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.access import acting_for
from settlement.admin.base import BusinessAdmin, MerchantFilter
from settlement.models import Hook, PullDay
from settlement.money_in import inbox, pulling


class ActingAdmin(BusinessAdmin):
    """A list whose rows are looked at by all operators, and set going again by those who may."""

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whoever may change fetched days may set them and hooks going again."""
        return bool(request.user.has_perm("settlement.change_pullday"))


@admin.register(PullDay)
class PullDayAdmin(ActingAdmin):
    """Every day of every link: complete, or why it is not yet."""

    list_display = ("day", "merchant", "link", "state", "documents", "failures", "error_reason",
                    "asked_at", "completed_at")  # fmt: skip
    list_select_related = ("merchant", "link__store")
    list_filter = ("state", MerchantFilter)
    search_fields = ("merchant__name", "link__store__name", "error_reason")
    date_hierarchy = "day"
    fields = ("merchant", "link", "day", "state", "documents", "failures", "error_reason",
              "asked_at", "completed_at", "lease_until")  # fmt: skip
    actions = ("fetch_again",)

    @admin.action(description=_("Fetch again"), permissions=["act"])
    def fetch_again(self, request: HttpRequest, chosen: QuerySet[PullDay]) -> None:
        """Fetch the chosen days once more, as their merchants."""
        days = list(chosen.select_related("link"))
        for day in days:
            with acting_for(day.merchant_id):
                pulling.want(day.link, days=[day.day])
        self.message_user(
            request,
            ngettext("%(n)d day is fetched again.", "%(n)d days are fetched again.", len(days))
            % {"n": len(days)},
            messages.SUCCESS,
        )


@admin.register(Hook)
class HookAdmin(ActingAdmin):
    """Every kept hook; what was given up can be replayed."""

    list_display = ("received_at", "merchant", "link", "delivery_id", "state", "error_reason",
                    "handled_at")  # fmt: skip
    list_select_related = ("merchant", "link__store")
    list_filter = ("state", MerchantFilter)
    search_fields = ("delivery_id", "merchant__name", "link__store__name")
    date_hierarchy = "received_at"
    fields = ("merchant", "link", "delivery_id", "received_at", "state", "error_reason",
              "handled_at", "url", "headers", "text")  # fmt: skip
    actions = ("replay",)

    @admin.display(description=_("body"))
    def text(self, hook: Hook) -> SafeString:
        """The body as text; what is no UTF-8 is shown as such."""
        shown: Any = bytes(hook.body).decode("utf-8", "backslashreplace")
        return format_html('<pre class="whitespace-pre-wrap break-all">{}</pre>', shown)

    @admin.action(description=_("Replay"), permissions=["act"])
    def replay(self, request: HttpRequest, chosen: QuerySet[Hook]) -> None:
        """Let the chosen hooks be handled once more, as their merchants."""
        hooks = list(chosen)
        for hook in hooks:
            with acting_for(hook.merchant_id):
                inbox.replay(hook)
        self.message_user(
            request,
            ngettext("%(n)d hook is replayed.", "%(n)d hooks are replayed.", len(hooks))
            % {"n": len(hooks)},
            messages.SUCCESS,
        )
