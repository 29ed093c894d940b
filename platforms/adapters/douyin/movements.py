"""One movement of a shop's cash, from whatever form it came in, as lines.

A row is one movement with its parts side by side: what the buyer paid, subsidies, fees.
Each part that is not zero is a line; together they are the movement, to the fen.
Source: platforms-cn.md §5.4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters.douyin import words
from platforms.contract import Line, LineKind, Payout, PayoutStatus, ReadError
from platforms.reading import local_time, shown
from platforms.values import EXACT

ZONE: Final = ZoneInfo("Asia/Shanghai")
CURRENCY: Final = "CNY"
NUMBERING: Final = "account_trade_no"

_CENTS: Final = Decimal("0.00")
# Fields that are no money and may be left out.
FACTS: Final = frozenset(
    {
        *("bill_time", "account_trade_no", "fund_flow", "fund_flow_desc", "account_amount"),
        *("account_type", "account_type_desc", "trans_scene", "trans_scene_tag"),
        *("account_bill_desc", "account_bill_desc_tag", "biz_type", "biz_type_desc"),
        *("order_id", "shop_order_id", "after_sale_service_no", "business_order_create_time"),
        *("product_id", "product_name", "author_id", "author_name", "order_type"),
        *("order_type_desc", "remark", "shop_id", "free_commission_flag", words.WAIVED),
    }
)


@dataclass(frozen=True, slots=True)
class Fields:
    """One row by the API's field names; `money` reads a field in yuan, 0 where it is blank."""

    row: int
    text: Callable[[str], str]
    money: Callable[[str], Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What a row says, signed: positive came into the wallet."""

    row: int
    number: str
    account: str
    moved: Decimal
    at: datetime
    scene: str
    kind: LineKind
    order: str
    parts: Mapping[str, Decimal]
    waived: Decimal
    is_waived: bool


def movement(fields: Fields) -> Movement:
    """Read a row. Raises ReadError, also where its parts do not make up the movement."""
    number = fields.text("account_trade_no")
    if not number:
        raise ReadError("the row has no account_trade_no (动帐流水号)", row=fields.row)
    moved = _moved(fields)
    scene, summary = fields.text("trans_scene"), fields.text("account_bill_desc")
    parts = {name: value for name in words.PARTS if (value := fields.money(name))}
    return Movement(
        row=fields.row,
        number=number,
        account=account(
            fields.text("account_type_desc") or fields.text("account_type"), fields.row
        ),
        moved=moved,
        at=local_time(fields.text("bill_time"), ZONE, row=fields.row),
        scene=scene or summary,
        kind=words.kind(scene, summary, (moved > 0) - (moved < 0)),
        order=fields.text("shop_order_id") or fields.text("order_id"),
        parts=signed(parts, moved, words.OUTGO, row=fields.row),
        waived=fields.money(words.WAIVED),
        is_waived=fields.text("free_commission_flag") == "是",
    )


def account(text: str, row: int) -> str:
    """The wallet's name among `words.CASH_ACCOUNTS`. Raises ReadError."""
    found = words.ACCOUNTS.get(text)
    if found is None:
        raise ReadError(f"no such account (动账账户): {shown(text)}", row=row)
    return found


def signed(
    parts: Mapping[str, Decimal], moved: Decimal, outgo: Collection[str], *, row: int
) -> Mapping[str, Decimal]:
    """The parts with the signs under which they make up the movement.

    The API's own notes show fees negative in one answer and positive in another, and
    movements that go out with their parts positive: which it is, is not confirmed (§5.4).
    So each is tried, and the sum decides. Raises ReadError where none fits.
    """
    for way in (1, -1) if moved < 0 else (1,):
        for side in (1, -1):
            found = {name: value * way * (side if name in outgo else 1)
                     for name, value in parts.items()}  # fmt: skip
            if not parts or sum(found.values()) == moved:
                return found
    raise ReadError(f"the parts do not make up {moved}: {_listed(parts)}", row=row)


def records(move: Movement) -> Iterator[Line | Payout]:
    """A line for each part, or one for a movement without parts; a Payout for a withdrawal."""
    paid_out = move.kind is LineKind.PAYOUT and move.moved < 0
    reference = move.number if paid_out else ""
    if not move.parts:
        yield _line(move, move.number, move.kind, move.moved, reference=reference)
    for name, value in move.parts.items():
        label, kind = words.PARTS[name]
        if name == words.PRINCIPAL:
            kind = _principal(move.kind, value)
        yield _line(move, f"{move.number}:{name}", kind, value, label=label, reference=reference)
    if move.waived:
        # A fact of the row and no money: what was not charged is in no sum.
        label = waiver(move.waived)
        yield _line(
            move, f"{move.number}:{words.WAIVED}", LineKind.COMMISSION, Decimal(0), label=label
        )
    if paid_out:
        # It says when the money left, never when it arrived.
        yield Payout(
            external_id=move.number,
            amount=-move.moved,
            currency=CURRENCY,
            status=PayoutStatus.IN_TRANSIT,
            announced_at=move.at,
            row=move.row,
            remittance=move.number,
        )


def waiver(value: Decimal) -> str:
    """A waived fee as it is told, alike in every form: 1.2 and 1.20 are one amount."""
    return f"{words.WAIVED_LABEL} {EXACT.add(value, _CENTS)}"


def _moved(fields: Fields) -> Decimal:
    """The movement with its sign; files state an outgoing one with and without its minus."""
    value = fields.money("account_amount")
    said = [text for name in ("fund_flow_desc", "fund_flow") if (text := fields.text(name))]
    word = " ".join(said)
    found = {words.DIRECTIONS.get(text) for text in said}
    direction = found.pop() if len(found) == 1 else None
    if direction is None or (direction > 0 and value < 0):
        raise ReadError(f"no direction: {shown(word)} {value}", row=fields.row)
    return value if direction > 0 or not value else -value.copy_abs()


def _principal(kind: LineKind, value: Decimal) -> LineKind:
    """What the buyer paid is what the scene says; a sale taken back under it is not known."""
    return LineKind.UNKNOWN if kind is LineKind.SALE and value < 0 else kind


def _line(
    move: Movement,
    external_id: str,
    kind: LineKind,
    value: Decimal,
    *,
    label: str = "",
    reference: str = "",
) -> Line:
    said = [move.scene, label]
    if move.is_waived and not move.waived:
        said.append("免佣")
    return Line(
        external_id=external_id,
        kind=kind,
        amount=value,
        currency=CURRENCY,
        event_at=move.at,
        row=move.row,
        order_ref=move.order,
        payout_ref=reference,
        label="/".join(word for word in said if word),
    )


def _listed(parts: Mapping[str, Decimal]) -> str:
    return ", ".join(
        f"{words.PARTS.get(name, (name,))[0]} {value}" for name, value in parts.items()
    )
