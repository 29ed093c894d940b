"""Days whose month is an English word, as Lazada and Etsy write them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from platforms.contract import ReadError
from platforms.reading import shown

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_BY_NAME: Final = {
    name: number for number, month in enumerate(_MONTHS, 1) for name in (month, month[:3])
}
# `17 May 2016`, `31 July, 2026`; `September 3, 2026`.
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2}) ([A-Z][a-z]{2,8}),? ([0-9]{4})", re.ASCII)
_MONTH_FIRST: Final = re.compile(r"([A-Z][a-z]{2,8}) ([0-9]{1,2}), ([0-9]{4})", re.ASCII)


def english_day(text: str, *, row: int | None = None) -> date:
    """Read `17 May 2016`, `31 July, 2026` or `September 3, 2026`. Raises ReadError.

    A day of digits alone (`9/3/2026`) is refused: which part is the month is not known.
    """
    if match := _DAY_FIRST.fullmatch(text):
        number, month, year = match.groups()
    elif match := _MONTH_FIRST.fullmatch(text):
        month, number, year = match.groups()
    else:
        raise ReadError(f"not a day: {shown(text)}", row=row)
    try:
        return date(int(year), _BY_NAME[month], int(number))
    except (KeyError, ValueError) as error:
        raise ReadError(f"not a day: {shown(text)}", row=row) from error
