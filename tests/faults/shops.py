"""What is done inside an arena about stores at simulated marketplaces; see `inside`."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from functools import cache
from typing import Any

import httpx

from sandbox.marketplaces import Store


def shops(address: str, first: str) -> dict[str, str]:
    """Link every store of the simulated marketplaces for a new merchant, to be fetched from a day
    on. Raises RuntimeError if the keys of one do not work.
    """
    from django.conf import settings

    from accounts.access import acting_for
    from accounts.models import LinkState
    from tests.stories.fetching import link_stores

    settings.MARKETPLACES_URL = address
    stores = _stores(address).values()
    _, merchant, links = link_stores(stores, first=date.fromisoformat(first))
    with acting_for(merchant.id):
        for code, link in links.items():
            link.refresh_from_db()
            if link.state != LinkState.ACTIVE:
                raise RuntimeError(f"{code} is not linked: {link.error_reason}")
        store = next(iter(links.values())).store
    return {
        "merchant": str(merchant.id),
        "account": str(store.settlement_account_id),
        "store": str(store.id),
    }


def tick() -> int:
    """Do what beat would: wake workers for days, documents and hooks; how many those were."""
    from django.utils import timezone

    from settlement import control

    now = timezone.now() + control.GRACE
    return control.queue_days(now=now) + control.sweep(now=now) + control.sweep_hooks(now=now)


def enter_keys_again(address: str) -> int:
    """Do what a merchant does whose store's permission has ended; how many those were."""
    from django.conf import settings

    from accounts.access import acting_for
    from accounts.models import LinkState, StoreLink, User
    from settlement.money_in import consent
    from tests.stories.fetching import enter_keys

    settings.MARKETPLACES_URL = address
    stores = _stores(address)
    ended = StoreLink.objects.using("ops").filter(state=LinkState.EXPIRED)
    known = list(ended.values_list("merchant_id", "id"))
    [owner] = User.objects.using("ops").all()[:1]
    for merchant_id, link_id in known:
        with acting_for(merchant_id):
            link = StoreLink.objects.select_related("store").get(id=link_id)
            assert link.fetch_from is not None
            enter_keys(link, stores[link.store.name], owner, link.fetch_from)
        consent.prove(merchant_id=merchant_id, link_id=link_id)
    return len(known)


def _stores(address: str) -> dict[str, Store]:
    names = {field.name for field in fields(Store)}
    return {
        told["code"]: Store(**{name: told[name] for name in names & told.keys()})
        for told in asked(address, "/stores")
    }


def asked(address: str, path: str, *, body: Any = None) -> Any:
    """What the simulation itself answers."""
    method = "GET" if body is None else "POST"
    headers = {"Host": "control.sandbox"}
    came = client().request(method, address + path, json=body, headers=headers)
    return came.raise_for_status().json()


@cache
def client() -> httpx.Client:
    """One a process: making one reads all certificates there are."""
    return httpx.Client(timeout=120, trust_env=False)
