"""Why a store needs a look, in plain words, and where to look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Store
from settlement.store_health import Reasoned, Symptom

_WORDS: Final[dict[Symptom, Callable[[int], str]]] = {
    Symptom.MISSING: lambda n: ngettext("%d payout missing", "%d payouts missing", n) % n,
    Symptom.LINK_BROKEN: lambda n: _("The link no longer works"),
    Symptom.REFUSED: lambda n: _("The newest file was refused"),
    Symptom.SILENT: lambda n: ngettext("No file for %d day", "No file for %d days", n) % n,
    Symptom.DIFFERENT: lambda n: (
        ngettext("%d payout short or over", "%d payouts short or over", n) % n
    ),
    Symptom.LATE: lambda n: ngettext("%d payout late", "%d payouts late", n) % n,
    Symptom.HELD: lambda n: (
        ngettext("%d payout held or returned", "%d payouts held or returned", n) % n
    ),
    Symptom.LINK_WEAK: lambda n: _("The link must be renewed"),
    Symptom.EXCEPTIONS: lambda n: (
        ngettext("%d other exception open", "%d other exceptions open", n) % n
    ),
    Symptom.QUIET: lambda n: ngettext("No file for %d day", "No file for %d days", n) % n,
    Symptom.READING: lambda n: _("Its first file is being read"),
    Symptom.NO_FILE: lambda n: _("Never any file: upload its first statement"),
}

_PLACES: Final[dict[Symptom, tuple[str, dict[str, str]]]] = {
    Symptom.MISSING: ("payouts", {"state": "missing"}),
    Symptom.REFUSED: ("documents", {"state": "refused"}),
    Symptom.DIFFERENT: ("payouts", {}),
    Symptom.LATE: ("payouts", {"state": "late"}),
    Symptom.HELD: ("payouts", {}),
    Symptom.EXCEPTIONS: ("exceptions", {}),
    Symptom.READING: ("documents", {}),
}


def why(reason: Reasoned) -> str:
    """A symptom as a short sentence."""
    return _WORDS[reason.symptom](reason.count)


def where(reason: Reasoned, store: Store) -> str:
    """The address of what a symptom is about; "" where it is about nothing that is listed."""
    place = _PLACES.get(reason.symptom)
    if place is None:
        return ""
    name, narrowed = place
    return f"{reverse(name)}?{urlencode({'store': store.id, **narrowed})}"
