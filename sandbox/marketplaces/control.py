"""The simulation's own host, `control.sandbox`: the truth, the faults, the clock, the stores.

GET  /truth            what a right hub must end with, per store
GET  /stores           the stores with their keys, as the command prints them
GET  /faults           how often each fault struck
POST /faults           {"storm": {"every": 3}, "drift": {}, "error": null}: on and off
POST /application      {"douyin_back": URL, "ebay_back": URL}: where their consent pages lead
POST /clock            {"at": "2026-03-15T12:00:00+08:00"}: time stands there; null: runs on
POST /hooks            {"store", "event", "url"[, "mischief"]}: sends a signed hook → what came
                       back, once for each delivery; 502 if nothing did
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.marketplaces import directory, sending
from sandbox.marketplaces.desk import Desk, real_time
from sandbox.marketplaces.faults import UnknownFaultError
from sandbox.marketplaces.model import Store, World
from sandbox.marketplaces.wire import Answer, Call, UnknownEventError, reply

HOST = "control.sandbox"


def answer(call: Call, desk: Desk) -> Answer:
    """The answer to a call of the simulation itself; 400 with the reason for a wrong one."""
    found = _PLACES.get((call.method, call.path))
    if found is None:
        return reply(404, {"error": f"no {call.method} {call.path}"})
    try:
        wish = json.loads(call.body or b"{}")
        return reply(200, found(desk, wish))
    except (UnknownFaultError, UnknownEventError, ValueError, KeyError, TypeError) as error:
        return reply(400, {"error": f"{type(error).__name__}: {error}"})
    except (OSError, http.client.HTTPException) as error:
        return reply(502, {"error": f"the hook did not arrive: {type(error).__name__}: {error}"})


def stores(world: World) -> list[dict[str, Any]]:
    """Every store and what a link to it needs, by the common names of secrets."""
    return [_listed(store) for store in world.stores]


def _listed(store: Store) -> dict[str, Any]:
    return {
        "code": store.code,
        "platform": store.platform,
        "external_id": store.external_id,
        "name": store.name,
        "currency": store.currency,
        "zone": store.zone,
        "secrets": dict(store.secrets),
        "events": list(directory.of(store.platform).events),
    }


def _turn(desk: Desk, wish: Mapping[str, Any]) -> dict[str, int]:
    for name, settings in wish.items():
        if settings is None:
            desk.faults.turn_off(name)
        else:
            desk.faults.turn_on(name, **settings)
    return desk.faults.counts()


def _set_application(desk: Desk, wish: Mapping[str, Any]) -> dict[str, str]:
    if strange := wish.keys() - {"douyin_back", "ebay_back"}:
        raise ValueError(f"no such setting: {sorted(strange)}")
    desk.settings.update({name: str(address) for name, address in wish.items()})
    return desk.settings


def _set_clock(desk: Desk, wish: Mapping[str, Any]) -> dict[str, str]:
    if wish["at"] is None:
        desk.now = real_time
    else:
        at = datetime.fromisoformat(wish["at"]).astimezone(UTC)
        desk.now = lambda: at
    return {"now": desk.now().isoformat()}


def _send(desk: Desk, wish: Mapping[str, Any]) -> list[dict[str, Any]]:
    store = next((store for store in desk.world.stores if store.code == wish["store"]), None)
    if store is None:
        raise ValueError(f"no store {wish['store']}")
    message = directory.of(store.platform).hook(store, wish["event"], desk)
    mischief = sending.Mischief(wish.get("mischief", ""))
    came = sending.send(message, wish["url"], mischief=mischief)
    return [{"status": one.status, "body": one.body.decode("utf-8", "replace")} for one in came]


_PLACES: Mapping[tuple[str, str], Callable[[Desk, Any], object]] = {
    ("GET", "/truth"): lambda desk, wish: desk.world.truth(),
    ("GET", "/stores"): lambda desk, wish: stores(desk.world),
    ("GET", "/faults"): lambda desk, wish: desk.faults.counts(),
    ("POST", "/faults"): _turn,
    ("POST", "/clock"): _set_clock,
    ("POST", "/application"): _set_application,
    ("POST", "/hooks"): _send,
}
