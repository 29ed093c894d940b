"""Stripe's lists: newest first, by cursor, each filter checked as the API checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from sandbox.days import business_days_later
from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.model import Movement, Payout, Store, minor
from sandbox.marketplaces.wire import Answer, Call, reply

_PAGING = {"limit", "starting_after", "ending_before"}
_RANGE = re.compile(r"(created|arrival_date)(?:\[(gte|gt|lte|lt)\])?")
_FILTERS = {
    "balance_transaction": {"payout", "type", "currency", "source"},
    "payout": {"status", "destination"},
}
_DATES = {"balance_transaction": {"created"}, "payout": {"created", "arrival_date"}}
# Our kind → the API's type and its reporting category; a dispute is an adjustment.
_WORDS = {
    "sale": ("charge", "charge"),
    "refund": ("refund", "refund"),
    "commission": ("stripe_fee", "fee"),
    "adjustment": ("adjustment", "dispute"),
    "reserve_held": ("reserve_transaction", "risk_reserved_funds"),
    "reserve_released": ("reserve_transaction", "risk_reserved_funds"),
    "payout": ("payout", "payout"),
    "payout_returned": ("payout_failure", "payout_reversal"),
}
Row = dict[str, Any]


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, **more: str) -> None:
        super().__init__(message)
        self.answer = refusal(status, message, **more)


def refusal(status: int, message: str, **more: str) -> Answer:
    """An error as the API words it."""
    return reply(status, {"error": {"message": message, "type": "invalid_request_error", **more}})


def answer(call: Call, desk: Desk, store: Store) -> Answer:
    """GET of the lists and of one object; anything else is not simulated."""
    place = call.path.removeprefix("/v1/")
    name, _, identifier = place.partition("/")
    if call.method == "GET" and place == "account":
        return reply(200, {"id": store.external_id, "object": "account", "country": "US"})
    if call.method != "GET" or name not in ("balance_transactions", "payouts"):
        words = f"Unrecognized request URL ({call.method}: {call.path})."
        return refusal(404, words)
    thing = name.removesuffix("s")
    rows = _rows(thing, desk, store)
    try:
        if identifier:
            return reply(200, _one(rows, thing, identifier, status=404))
        if asked := call.query.get("payout"):
            _one(_rows("payout", desk, store), "payout", asked, status=404)
        return _list(call, desk, thing, rows)
    except _RefusedError as refused:
        return refused.answer


def _rows(thing: str, desk: Desk, store: Store) -> list[Row]:
    movements, payouts = desk.seen(store)
    if thing == "payout":
        rows = [payout(one, desk, store) for one in payouts]
    else:
        known = {one.id for one in payouts}
        rows = [_transaction(one, known) for one in movements]
    return sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True)


def _list(call: Call, desk: Desk, thing: str, rows: list[Row]) -> Answer:
    asked = call.query
    _check_names(asked, thing)
    size = _limit(asked)
    chosen = [row for row in rows if _passes(row, asked)]
    start = _start(chosen, rows, asked, thing, size)
    page = desk.faults.page(chosen, start, size, "stripe")
    last = chosen.index(page[-1]) + 1 if page else len(chosen)
    more = start > 0 if "ending_before" in asked else last < len(chosen)
    data = [desk.faults.drifted(_shown(row), "stripe", 123) for row in page]
    return reply(200, {"object": "list", "data": data, "has_more": more, "url": call.path})


def _check_names(asked: Mapping[str, str], thing: str) -> None:
    for name in asked:
        ranged = _RANGE.fullmatch(name)
        if ranged and ranged.group(1) in _DATES[thing]:
            continue
        if name not in _FILTERS[thing] | _PAGING:
            words = f"Received unknown parameter: {name}"
            raise _RefusedError(400, words, code="parameter_unknown", param=name)


def _limit(asked: Mapping[str, str]) -> int:
    text = asked.get("limit", "10")
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        words = f"Invalid integer: {text}"
        raise _RefusedError(400, words, code="parameter_invalid_integer", param="limit")
    if not 1 <= int(text) <= 100:
        bound = "at least 1" if int(text) < 1 else "less than or equal to 100"
        words = f"This value must be {bound}."
        raise _RefusedError(400, words, code="parameter_invalid_integer", param="limit")
    return int(text)


def _start(
    chosen: Sequence[Row], rows: Sequence[Row], asked: Mapping[str, str], thing: str, size: int
) -> int:
    """Where the page begins among the chosen rows; the cursor may be any row there is."""
    name = "starting_after" if "starting_after" in asked else "ending_before"
    if name not in asked:
        return 0
    cursor = _one(rows, thing, asked[name], status=400, param=name)
    place = (cursor["created"], cursor["id"])
    newer = [row for row in chosen if (row["created"], row["id"]) > place]
    if name == "ending_before":
        return max(len(newer) - size, 0)
    return len(newer) + (1 if cursor in chosen else 0)


def _one(
    rows: Sequence[Row], thing: str, identifier: str, *, status: int, param: str = "id"
) -> Row:
    for row in rows:
        if row["id"] == identifier:
            return row
    words = f"No such {thing}: '{identifier}'"
    raise _RefusedError(status, words, code="resource_missing", param=param)


def _passes(row: Row, asked: Mapping[str, str]) -> bool:
    for name, value in asked.items():
        if name in _PAGING:
            continue
        ranged = _RANGE.fullmatch(name)
        if ranged:
            if not _in_range(row[ranged.group(1)], ranged.group(2), value):
                return False
        elif row["_payout" if name == "payout" else name] != value:
            return False
    return True


def _in_range(number: int, bound: str | None, text: str) -> bool:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise _RefusedError(400, f"Invalid timestamp: {text}", code="parameter_invalid_integer")
    value = int(text)
    match bound:
        case "gt":
            return number > value
        case "gte":
            return number >= value
        case "lt":
            return number < value
        case "lte":
            return number <= value
        case _:
            return number == value


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _transaction(movement: Movement, known: set[str]) -> Row:
    kind, category = _WORDS[movement.kind]
    unit = movement.currency
    fee = minor(movement.fee, unit)
    parts = {"amount": fee, "application": None, "currency": unit.lower()}
    details = [parts | {"description": "Stripe processing fees", "type": "stripe_fee"}]
    paid = movement.payout in known
    source = {"payout": movement.payout, "payout_returned": movement.detail}
    available = business_days_later(movement.at.date(), 2)
    return {
        "id": movement.id,
        "object": "balance_transaction",
        "amount": minor(movement.amount, unit),
        "available_on": int(datetime.combine(available, time(), UTC).timestamp()),
        "balance_type": "payments",
        "created": int(movement.at.timestamp()),
        "currency": unit.lower(),
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": minor(movement.net, unit),
        "reporting_category": category,
        "source": source.get(movement.kind, movement.reference),
        "status": "available" if paid else "pending",
        "type": kind,
        "_payout": movement.payout if paid else "",
    }


def payout(one: Payout, desk: Desk, store: Store) -> Row:
    """The payout object; the trace number comes with the status paid."""
    movements = desk.world.lives[store.code].movements
    back = next((m.id for m in movements if m.detail == one.id), None)
    arrival = datetime.combine(one.arrives_on, time(), UTC)
    failed = one.status == "failed"
    return {
        "id": one.id,
        "object": "payout",
        "amount": minor(one.amount, one.currency),
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": int(arrival.timestamp()),
        "automatic": True,
        "balance_transaction": one.row,
        "created": int(one.at.timestamp()),
        "currency": one.currency.lower(),
        "description": "STRIPE PAYOUT",
        "destination": f"ba_{store.external_id.removeprefix('acct_')}",
        "failure_balance_transaction": back,
        "failure_code": "account_closed" if failed else None,
        "failure_message": "The bank account has been closed." if failed else None,
        "livemode": True,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": one.status,
        "trace_id": _trace(one),
        "type": "bank_account",
    }


def _trace(one: Payout) -> dict[str, str | None]:
    if one.status != "paid":
        return {"status": "pending", "value": None}
    return {"status": "supported", "value": one.reference.removeprefix("tr_").upper()}
