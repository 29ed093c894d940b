"""eBay's Finances API: transactions and payouts, newest first, by filter, limit and offset.

An amount is always positive, `bookingEntry` says which way; a sale's is already net of its
fees. 204 where nothing is found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.marketplaces.desk import Desk
from sandbox.marketplaces.model import Movement, Payout, Store
from sandbox.marketplaces.wire import Answer, Call, reply

_BASE = "/sell/finances/v1/"
_MOST = {"transaction": 1000, "payout": 200}
_USUAL = 20
_FILTER = re.compile(r"(\w+):(?:\[([^\]]*)\]|\{([^}]*)\})")
_RANGED = {"transactionDate", "payoutDate", "lastAttemptedPayoutDate"}
_LISTED = {"payoutId", "transactionType", "transactionStatus", "orderId", "payoutStatus"}
_TYPES = {"sale": "SALE", "refund": "REFUND", "shipping": "SHIPPING_LABEL"}
_TYPES |= {"advertising": "NON_SALE_CHARGE", "commission": "NON_SALE_CHARGE"}
_STATUSES = {"paid": "SUCCEEDED", "in_transit": "INITIATED"}
Row = dict[str, Any]


def refusal(status: int, number: int, message: str, domain: str = "API_FINANCES") -> Answer:
    """An error as eBay writes it."""
    error = {"errorId": number, "domain": domain, "category": "REQUEST", "message": message}
    return reply(status, {"errors": [error | {"longMessage": message}]})


def answer(call: Call, desk: Desk, store: Store) -> Answer:
    """The two lists, and one payout."""
    name, _, identifier = call.path.removeprefix(_BASE).partition("/")
    if call.method != "GET" or not call.path.startswith(_BASE) or name not in _MOST:
        return refusal(404, 2002, "Resource not found", "ACCESS")
    movements, payouts = desk.seen(store)
    known = {payout.id for payout in payouts}
    if name == "payout":
        rows = [_payout(one, movements) for one in payouts]
    else:
        rows = [_transaction(one, known) for one in movements]
    rows.sort(key=lambda row: (row[f"{name}Date"], row[f"{name}Id"]), reverse=True)
    if identifier:
        found = [row for row in rows if name == "payout" and row["payoutId"] == identifier]
        return reply(200, found[0]) if found else refusal(404, 135_020, "Payout not found")
    return _list(call, desk, name, rows)


def _list(call: Call, desk: Desk, name: str, rows: Sequence[Row]) -> Answer:
    asked = call.query
    limit, offset = asked.get("limit", f"{_USUAL}"), asked.get("offset") or "0"
    if not limit.isdigit() or not 1 <= int(limit) <= _MOST[name] or not offset.isdigit():
        return refusal(400, 135_001, f"The limit is 1 to {_MOST[name]}")
    try:
        chosen = [row for row in rows if _passes(row, asked.get("filter", ""))]
    except ValueError as error:
        return refusal(400, 135_002, f"The filter is invalid: {error}")
    size, start = desk.faults.size(int(limit), "ebay"), int(offset)
    page = desk.faults.page(chosen, start, size, "ebay", counted=True)
    if not page:
        return Answer(status=204)
    body: Row = {"href": f"https://{call.host}{call.target}", "limit": size, "offset": start}
    if start + size < len(chosen):
        following = f"limit={size}&offset={start + size}"
        body["next"] = f"https://{call.host}{call.path}?{following}"
    body["total"] = len(chosen)
    money = {"value": "1.23", "currency": "USD"}
    body[f"{name}s"] = [desk.faults.drifted(row, "ebay", money) for row in page]
    return reply(200, body)


def _passes(row: Row, text: str) -> bool:
    """Every part of the filter; raises ValueError for one that is not understood."""
    for part in filter(None, re.split(r",(?=\w+:)", text)):
        match = _FILTER.fullmatch(part)
        if match is None or match.group(1) not in _RANGED | _LISTED:
            raise ValueError(part)
        name, span, values = match.groups()
        if span is not None:
            begin, _, end = span.partition("..")
            if not _within(row.get(name, ""), begin, end):
                return False
        elif row.get(name) not in (values or "").split("|"):
            return False
    return True


def _within(text: str, begin: str, end: str) -> bool:
    """Both ends count; an open one is left out. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return (not begin or datetime.fromisoformat(begin) <= at) and (
        not end or at <= datetime.fromisoformat(end)
    )


def _transaction(movement: Movement, known: set[str]) -> Row:
    currency = movement.currency
    paid = movement.payout in known
    row: Row = {
        "transactionId": movement.id,
        "transactionType": _TYPES.get(movement.kind) or movement.detail,
        "transactionStatus": "PAYOUT" if paid else "FUNDS_AVAILABLE_FOR_PAYOUT",
        "amount": _money(abs(movement.net), currency),
        "bookingEntry": "CREDIT" if movement.net > 0 else "DEBIT",
        "transactionDate": _instant(movement.at),
    }
    if movement.order:
        row["orderId"] = movement.order
    if paid:
        row["payoutId"] = movement.payout
    if row["transactionType"] == "NON_SALE_CHARGE":
        row["feeType"] = movement.detail
    if movement.kind == "sale":
        row |= _fees(movement)
    return row


def _fees(movement: Movement) -> Row:
    currency = movement.currency
    fee = {"feeType": "FINAL_VALUE_FEE", "amount": _money(movement.fee, currency)}
    basis = _money(movement.amount, currency)
    item = {"lineItemId": movement.reference, "feeBasisAmount": basis, "marketplaceFees": [fee]}
    return {
        "totalFeeBasisAmount": basis,
        "totalFeeAmount": _money(movement.fee, currency),
        "orderLineItems": [item],
    }


def _payout(payout: Payout, movements: Sequence[Movement]) -> Row:
    return {
        "payoutId": payout.id,
        "payoutStatus": _STATUSES[payout.status],
        "payoutStatusDescription": "",
        "amount": _money(payout.amount, payout.currency),
        "totalAmount": _money(payout.amount, payout.currency),
        "totalFee": _money(Decimal(0), payout.currency),
        "payoutDate": _instant(payout.at),
        "lastAttemptedPayoutDate": _instant(payout.at),
        "transactionCount": len([m for m in movements if m.payout == payout.id]),
        "bankReference": payout.reference,
        "payoutInstrument": {"instrumentType": "BANK", "accountLastFourDigits": "0042"},
    }


def _money(amount: Decimal, currency: str) -> Mapping[str, str]:
    return {"value": f"{amount:.2f}", "currency": currency}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
