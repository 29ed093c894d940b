"""The fields all settlement tables share."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from djmoney.models.fields import MoneyField

from accounts.models import Merchant


def merchant_key() -> Any:
    """Every row that belongs to a merchant says so; row-level security reads it."""
    return models.ForeignKey(
        Merchant, models.PROTECT, related_name="+", db_index=False, verbose_name=_("merchant")
    )


def money(label: Any, **options: Any) -> Any:
    """An exact amount with its currency: numeric(24,8) and a three-letter code."""
    return MoneyField(  # type: ignore[no-untyped-call]
        label, max_digits=24, decimal_places=8, default_currency=None, **options
    )
