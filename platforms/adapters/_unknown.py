"""Columns and fields an adapter does not know: they may be left out only if they are no money."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Final

from platforms.contract import ReadError
from platforms.reading import amount, shown

# Names that say themselves that they are no money, in fields of an API and in headers.
_NO_MONEY: Final = re.compile(
    r".*(?:_(?:id|no|time|date|desc|tag|type|flag|name|count|cnt|status)"
    r"|[a-z](?:Id|No|Num|Code|Time|Date|Desc|Type|Name|Status)"
    # Not `paid`: letters count only where they end a Chinese name.
    r"|[\u4e00-\u9fff](?:ID|id)|号|编码|时间|日期|名称|类型|数量)"
)


def refuse_unknown_money(
    row: int, cells: Iterable[tuple[str, object]], known: Collection[str]
) -> None:
    """Raise ReadError for a cell under a name that is not known and that may be money.

    Columns grow: a new subsidy that is left out would be missing from every sum.
    """
    for name, value in cells:
        if name in known or not _may_be_money(value) or _NO_MONEY.fullmatch(name):
            continue
        raise ReadError(
            f"{shown(name)} is {shown(str(value))}: what it means is not known", row=row
        )


def _may_be_money(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return False
    try:
        return amount(f"{value:f}" if isinstance(value, Decimal) else str(value).strip()) != 0
    except ReadError:
        return False
