"""Finds the adapters: every module in adapters/ and banks/ that offers `ADAPTER`.

A module in banks/ whose adapter is of the family "payment" takes orders instead of reading
statements. It is found by `pays` alone.

Discovery is used here and nowhere else, so that a new marketplace is one file.
A module that is not sound stops the start: a hub with a missing reader must
not look like a hub that has nothing to read.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
import zoneinfo
from collections.abc import Iterable
from types import ModuleType
from typing import Final

from platforms import adapters, banks
from platforms.contract import (
    Adapter,
    AdapterError,
    Document,
    LineKind,
    Pays,
    Pushes,
    UnrecognisedError,
)

FAMILIES: Final = {"platform": adapters, "bank": banks}
PAYMENT: Final = "payment"
# The common names of secrets (see contract.Link).
SECRETS: Final = frozenset(
    {"secret", "app_key", "app_id", "token", "aes_key", "webhook_id", "verification_token"}
    | {"public_key", "access_token", "refresh_token", "private_key", "serial", "shop", "region"}
    # Where one secret makes tokens and another signs requests or hooks.
    | {"app_secret"}
)


class UnsoundAdapterError(AdapterError):
    """A module in adapters/ or banks/ breaks the contract, or two share a code."""


class UnknownAdapterError(AdapterError):
    """No adapter has this code."""


def get(code: str) -> Adapter:
    """The adapter with this code. Raises UnknownAdapterError."""
    found = _by_code().get(code)
    if found is None:
        raise UnknownAdapterError(f"no adapter is called {code!r}; there are {', '.join(codes())}")
    return found


def all() -> tuple[Adapter, ...]:
    """Every adapter, by code. Raises UnsoundAdapterError."""
    return tuple(_by_code().values())


def codes() -> tuple[str, ...]:
    """Every adapter's code, in order."""
    return tuple(_by_code())


def pushes(adapter: Adapter) -> Pushes:
    """The adapter as one whose platform calls us. Raises UnknownAdapterError if it does not."""
    if not isinstance(adapter, Pushes):
        raise UnknownAdapterError(f"{adapter.code} receives no hooks")
    return adapter


def pays(code: str) -> Pays:
    """The form in which a bank takes orders. Raises UnknownAdapterError."""
    found = _paying().get(code)
    if found is None:
        raise UnknownAdapterError(f"no payment form is called {code!r}")
    return found


def payment_codes() -> tuple[str, ...]:
    """Every payment form's code, in order. Raises UnsoundAdapterError."""
    return tuple(_paying())


def recognise(document: Document) -> Adapter:
    """The one adapter whose format this is, by content.

    Raises UnrecognisedError if none or more than one claims it: a money file is
    never given to the likelier reader.
    """
    claims = [adapter for adapter in all() if adapter.recognises(document)]
    if not claims:
        raise UnrecognisedError(
            "this is no format the hub knows" if document.head else "the file is empty"
        )
    if len(claims) > 1:
        raise UnrecognisedError(
            f"more than one format claims this file: {', '.join(found.code for found in claims)}"
        )
    return claims[0]


@functools.cache
def _by_code() -> dict[str, Adapter]:
    """Every reader by its code."""
    return collect(pair for pair in _modules() if not _takes_orders(pair[1]))


@functools.cache
def _paying() -> dict[str, Pays]:
    """Every payment form by its code."""
    found = collect_payments([module for _, module in _modules() if _takes_orders(module)])
    if taken := found.keys() & _by_code().keys():
        raise UnsoundAdapterError(f"a reader has the code of a payment form: {sorted(taken)}")
    return found


@functools.cache
def _modules() -> tuple[tuple[str, ModuleType], ...]:
    """Import every module once."""
    return tuple(
        (family, importlib.import_module(f"{package.__name__}.{module.name}"))
        for family, package in FAMILIES.items()
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    )


def _takes_orders(module: ModuleType) -> bool:
    return getattr(getattr(module, "ADAPTER", None), "family", None) == PAYMENT


def collect_payments(modules: Iterable[ModuleType]) -> dict[str, Pays]:
    """Check modules and give their payment forms by code, sorted.

    Raises UnsoundAdapterError for a module without a sound form, and for a code that is taken.
    """
    found: dict[str, Pays] = {}
    for module in modules:
        form = getattr(module, "ADAPTER", None)
        if not isinstance(form, Pays) or not (_CODE.fullmatch(form.code) and form.name):
            raise UnsoundAdapterError(f"{module.__name__}: its ADAPTER is no payment form")
        if form.code in found:
            raise UnsoundAdapterError(f"{module.__name__}: the code {form.code} is taken")
        found[form.code] = form
    return dict(sorted(found.items()))


def collect(modules: Iterable[tuple[str, ModuleType]]) -> dict[str, Adapter]:
    """Check (family, module) pairs and give their adapters by code, sorted.

    Raises UnsoundAdapterError for a module without a sound `ADAPTER`, for one in
    the other family's folder, and for a code that is taken.
    """
    found: dict[str, Adapter] = {}
    for family, module in modules:
        adapter = _checked(module, family)
        if adapter.code in found:
            raise UnsoundAdapterError(f"{module.__name__}: the code {adapter.code} is taken")
        found[adapter.code] = adapter
    return dict(sorted(found.items()))


def _checked(module: ModuleType, family: str) -> Adapter:
    adapter = getattr(module, "ADAPTER", None)
    if adapter is None:
        raise UnsoundAdapterError(f"{module.__name__} offers no ADAPTER")
    # A class that inherits the protocol counts as one even where it lacks a part.
    missing = [name for name in _PARTS if not hasattr(adapter, name)]
    if missing or not isinstance(adapter, Adapter):
        raise UnsoundAdapterError(f"{module.__name__}: its ADAPTER lacks {', '.join(missing)}")
    faults = [fault for holds, fault in _checks(adapter, family) if not holds]
    if faults:
        raise UnsoundAdapterError(f"{module.__name__}: {'; '.join(faults)}")
    return adapter


def _checks(adapter: Adapter, family: str) -> list[tuple[bool, str]]:
    hook = [name for name in ("verify", "unwrap", "delivery_id", "reply") if hasattr(adapter, name)]
    return [
        (bool(_CODE.fullmatch(adapter.code)), "the code is not a lower-case word"),
        (bool(adapter.name), "the name is empty"),
        (adapter.family == family, f"the family is not {family}"),
        (_is_zone(adapter.zone), "the zone is not an IANA time zone"),
        (set(adapter.credentials) <= SECRETS, "a credential has no common name"),
        (_are_kinds(adapter.kinds.values()), "kinds maps a word to something that is no LineKind"),
        (len(hook) in (0, 4), f"of the hook it has only {', '.join(hook)}"),
    ]


def _are_kinds(kinds: Iterable[object]) -> bool:
    return not [kind for kind in kinds if not isinstance(kind, LineKind)]


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return False
    return True


_PARTS: Final = (
    *("code", "name", "family", "zone", "cash_accounts", "credentials", "kinds", "unverified"),
    *("recognises", "read"),
)
_CODE: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
