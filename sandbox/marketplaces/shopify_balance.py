"""Shopify Payments over REST: payouts and balance transactions, newest first, in pages.

With `since_id` the rows after it, oldest first. Pages follow one another by the `Link`
header, whose `page_info` holds the filters: then only `limit` may stand beside it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.model import NOTHING, Movement, Payout, Store
from sandbox.marketplaces.wire import Answer, Call, compact, reply

_PATH = re.compile(r"/admin/api/(20\d\d-(?:01|04|07|10)|unstable)/(.+)\.json")
_PAYOUT = re.compile(r"shopify_payments/payouts/(\d+)")
_MOST, _USUAL = 250, 50
_FILTERS = {
    "payouts": {"since_id", "last_id", "date_min", "date_max", "date", "status"},
    "transactions": {"since_id", "last_id", "payout_id", "payout_status", "test"},
}
_SOURCES = {
    "sale": ("charge", "charge"),
    "refund": ("refund", "Payments::Refund"),
    "payout": ("payout", "payout"),
    "payout_returned": ("payout_failure", "payout"),
    "adjustment": ("", "adjustment"),
    "reserve_held": ("reserve", "reserve"),
    "reserve_released": ("reserve", "reserve"),
}
# Under which part of a payout's summary a type counts.
_PARTS = {"charge": "charges", "refund": "refunds", "reserve": "reserved_funds"}
_PARTS |= {"payout_failure": "retried_payouts"}
Row = dict[str, Any]


def answer(call: Call, desk: Desk, store: Store) -> Answer:
    """The Admin API, as far as it is simulated."""
    match = _PATH.fullmatch(call.path)
    if match is None or call.method != "GET":
        return reply(404, {"errors": "Not Found"})
    place = match.group(2)
    if place == "shop":
        return reply(200, {"shop": _shop(store)})
    movements, payouts = desk.seen(store)
    if place == "shopify_payments/payouts":
        rows = [_payout(p, movements) for p in payouts]
        return _list(call, desk, "payouts", rows)
    if place == "shopify_payments/balance/transactions":
        return _list(call, desk, "transactions", _transactions(movements, payouts))
    if one := _PAYOUT.fullmatch(place):
        found = [_payout(p, movements) for p in payouts if p.id == one.group(1)]
        return reply(200, {"payout": found[0]}) if found else reply(404, {"errors": "Not Found"})
    return reply(404, {"errors": "Not Found"})


def _list(call: Call, desk: Desk, name: str, rows: list[Row]) -> Answer:
    asked = call.query
    try:
        start, filters = _cursor(asked, _FILTERS[name])
        limit = int(asked.get("limit", _USUAL))
        chosen = _chosen(rows, filters)
    except _RefusedError as refused:
        return reply(400, {"errors": {refused.field: refused.reason}})
    except ValueError:
        return reply(400, {"errors": "Bad Request"})
    size = min(max(limit, 1), _MOST)
    page = desk.faults.page(chosen, start, size, "shopify")
    body = {name: [desk.faults.drifted(row, "shopify", "1.23") for row in page]}
    links = []
    if start:
        links.append(_link(call, max(start - size, 0), filters, size, "previous"))
    if start + size < len(chosen):
        links.append(_link(call, start + size, filters, size, "next"))
    return reply(200, body, **({"Link": ", ".join(links)} if links else {}))


class _RefusedError(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field)
        self.field = field
        self.reason = reason


def _cursor(asked: Mapping[str, str], known: set[str]) -> tuple[int, dict[str, str]]:
    """Where a page begins and by what is filtered; raises _RefusedError."""
    filters = {name: value for name, value in asked.items() if name in known}
    if "page_info" not in asked:
        return 0, filters
    for name in filters:
        raise _RefusedError(name, f"{name} cannot be passed when page_info is present")
    try:
        kept = json.loads(base64.urlsafe_b64decode(asked["page_info"]))
        return int(kept["start"]), dict(kept["filters"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise _RefusedError("page_info", "Invalid value.") from error


def _link(call: Call, start: int, filters: Mapping[str, str], size: int, rel: str) -> str:
    kept = compact({"start": start, "filters": dict(sorted(filters.items()))}).encode()
    info = base64.urlsafe_b64encode(kept).decode()
    url = f"https://{call.host}{call.path}?limit={size}&page_info={info}"
    return f'<{url}>; rel="{rel}"'


def _chosen(rows: Sequence[Row], filters: Mapping[str, str]) -> list[Row]:
    """The rows that pass, newest first, or oldest first after `since_id`."""
    tests = [_test(name, value) for name, value in filters.items()]
    found = [row for row in rows if all(test(row) for test in tests)]
    return sorted(found, key=lambda row: int(row["id"]), reverse="since_id" not in filters)


def _test(name: str, value: str) -> Callable[[Row], bool]:
    """Raises ValueError for a value that is no number or no date."""
    match name:
        case "since_id":
            return lambda row, least=int(value): int(row["id"]) > least  # type: ignore[misc]
        case "last_id":
            return lambda row, most=int(value): int(row["id"]) < most  # type: ignore[misc]
        case "date_min" | "date_max" | "date":
            return _day_test(name, date.fromisoformat(value).isoformat())
        case "test":
            return lambda row: row["test"] is (value == "true")
        case _:
            return lambda row: str(row[name]) == value


def _day_test(name: str, day: str) -> Callable[[Row], bool]:
    if name == "date_min":
        return lambda row: bool(row["date"] >= day)
    if name == "date_max":
        return lambda row: bool(row["date"] <= day)
    return lambda row: bool(row["date"] == day)


def _transactions(movements: Sequence[Movement], payouts: Sequence[Payout]) -> list[Row]:
    known = {payout.id: payout.status for payout in payouts}
    return [_transaction(movement, known) for movement in movements]


def _transaction(movement: Movement, known: Mapping[str, str]) -> Row:
    payout = movement.payout if movement.payout in known else ""
    kind, source = _SOURCES[movement.kind]
    return {
        "id": int(movement.id),
        "type": kind or movement.detail,
        "test": False,
        "payout_id": int(payout) if payout else None,
        "payout_status": known.get(payout, "pending"),
        "currency": movement.currency,
        "amount": f"{movement.amount}",
        "fee": f"{movement.fee or Decimal('0.00')}",
        "net": f"{movement.net}",
        "source_id": int(movement.reference),
        "source_type": source,
        "source_order_id": int(movement.order) if movement.order else None,
        "source_order_transaction_id": int(movement.reference) if movement.order else None,
        "processed_at": movement.at.date().isoformat(),
    }


def _payout(payout: Payout, movements: Sequence[Movement]) -> Row:
    return {
        "id": int(payout.id),
        "status": payout.status,
        "date": payout.at.date().isoformat(),
        "currency": payout.currency,
        "amount": f"{payout.amount}",
        "summary": _summary([m for m in movements if m.payout == payout.id]),
    }


def _summary(movements: Sequence[Movement]) -> dict[str, str]:
    """Gross less fee of each part; together the payout."""
    sums = {
        f"{part}_{side}_amount": NOTHING
        for part in ("adjustments", "charges", "refunds", "reserved_funds", "retried_payouts")
        for side in ("fee", "gross")
    }
    for movement in movements:
        if movement.kind == "payout":
            continue
        part = _PARTS.get(_SOURCES[movement.kind][0], "adjustments")
        sums[f"{part}_gross_amount"] += movement.amount
        sums[f"{part}_fee_amount"] += movement.fee
    return {name: f"{value:.2f}" for name, value in sums.items()}


def _shop(store: Store) -> Row:
    return {
        "id": int.from_bytes(store.code.encode()[-6:]),
        "name": store.name,
        "domain": store.external_id,
        "myshopify_domain": store.external_id,
        "currency": store.currency,
        "iana_timezone": store.zone,
    }
