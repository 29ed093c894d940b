"""The answer of `getfundsflowdetail`: one movement of the store's balance, in fen.

Source: platforms-cn.md §9.3. The list of movements gives their numbers only, so
each is an answer, and a document, of its own. Its balance is not given as an
opening or closing one: movements of one second have no order, and each would look
like a gap in the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from platforms.adapters._json import Item, answer_of, holds
from platforms.adapters.wechat_store import words
from platforms.contract import (
    Document,
    Line,
    LineKind,
    Payout,
    PayoutStatus,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.reading import local_time, shown

PROFILE: Final = "funds_flow"

_MARKS: Final = ("funds_flow", "flow_id", "funds_type", "bookkeeping_time")
_DIRECTIONS: Final = {"1": 1, "2": -1}


def recognises(document: Document) -> bool:
    """Whether it is a JSON object with the fields of a movement."""
    return holds(document, _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line (and a Payout for a withdrawal), Totals. Raises ReadError."""
    answer = answer_of(document)
    if answer.id("errcode") not in ("", "0"):
        raise answer.refused(f"the platform answered with error {answer.required_id('errcode')}")
    flow = answer.child("funds_flow")
    line = _line(flow)
    yield Statement(
        account=document.context.get("account", ""),
        currency=words.CURRENCY,
        profile=PROFILE,
        numbering="api",
    )
    yield line
    if line.payout_ref and line.kind is LineKind.PAYOUT:
        yield _payout(flow, line)
    yield Totals()


def _line(flow: Item) -> Line:
    direction = _direction(flow)
    value = flow.fen_if_any("amount")
    if value < 0 or not flow.states("amount"):
        raise flow.refused(f"amount is no amount: {value}")
    word = flow.id("funds_type_desc") or words.NUMBERS.get(flow.required_id("funds_type"), "")
    kind = words.kind(word, direction if value else 0)
    number = flow.required_id("flow_id")
    said, remark = word or f"funds_type {flow.required_id('funds_type')}", flow.id("remark")
    moves_out = kind is LineKind.PAYOUT and value > 0
    return Line(
        external_id=number,
        kind=kind,
        amount=-value if value and direction < 0 else value,
        currency=words.CURRENCY,
        event_at=local_time(flow.required_id("bookkeeping_time"), words.ZONE, row=flow.row),
        row=flow.row,
        order_ref=_related(flow, "order_id"),
        payout_ref=_withdrawal(flow, kind) or (number if moves_out else ""),
        label=f"{said}/{remark}" if remark else said,
    )


def _direction(flow: Item) -> int:
    word = flow.id("flow_type")
    if not word:
        raise ReadError(
            "the movement has no flow_type: this is the answer of an agency (带货机构), "
            "not of a store",
            row=flow.row,
        )
    if word not in _DIRECTIONS:
        raise flow.refused(f"unknown flow_type {shown(word)}")
    return _DIRECTIONS[word]


def _withdrawal(flow: Item, kind: LineKind) -> str:
    """The withdrawal's number; other movements name none that they belong to."""
    if kind in (LineKind.PAYOUT, LineKind.PAYOUT_RETURNED):
        return _related(flow, "withdraw_id")
    return ""


def _related(flow: Item, name: str) -> str:
    """The one number of this name among the related ones, "" if there is none or several."""
    found = {related.id(name) for related in flow.parts("related_info_list")} - {"", "0"}
    return found.pop() if len(found) == 1 else ""


def _payout(flow: Item, line: Line) -> Payout:
    # The movement says that the money left, never that it arrived.
    number = _related(flow, "withdraw_id")
    return Payout(
        external_id=number or line.external_id,
        amount=-line.amount,
        currency=line.currency,
        status=PayoutStatus.IN_TRANSIT,
        announced_at=line.event_at,
        row=line.row,
        remittance=number,
        numbered=bool(number),
    )
