"""The empty spreadsheet for linking stores, as .xlsx in the reader's language."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import xlsxwriter
from django.utils.translation import gettext as _

from settlement.money_in.platform_names import Choice
from settlement.money_in.store_sheet import MOST_ROWS, TITLES, Column

WIDTHS: Final = {
    Column.PLATFORM: 22,
    Column.NAME: 34,
    Column.NUMBER: 26,
    Column.ACCOUNT: 26,
}
MOST_LISTED: Final = 255
"""Characters Excel takes for the choices of a cell."""


def template(*, choices: Sequence[Choice], accounts: Sequence[str]) -> bytes:
    """A sheet with the headings only, and one that explains them with an example.

    The example stands on the second sheet, so that it is never linked. All columns are text:
    Excel would round long shop numbers and drop their leading zeros.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.set_properties({"title": _("Stores to link")})
        text = book.add_format({"num_format": "@"})
        head = book.add_format({"bold": True, "bottom": 1, "num_format": "@"})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet(_("Stores"))
        for place, column in enumerate(Column):
            sheet.set_column(place, place, WIDTHS[column], text)
            sheet.write_string(0, place, str(TITLES[column]), head)
        sheet.freeze_panes(1, 0)
        _offer(sheet, Column.PLATFORM, [choice.name for choice in choices])
        _offer(sheet, Column.ACCOUNT, accounts)
        _explain(book.add_worksheet(_("How to fill it in")), choices, accounts, head, wrapped)
    return target.getvalue()


def _offer(sheet: xlsxwriter.worksheet.Worksheet, column: Column, values: Sequence[str]) -> None:
    """A list to choose from, which does not forbid other values: names have aliases."""
    separate = not any("," in value for value in values)
    if values and separate and len(",".join(values)) <= MOST_LISTED:
        place = list(Column).index(column)
        offered = {"validate": "list", "source": list(values), "error_type": "information"}
        sheet.data_validation(1, place, MOST_ROWS, place, offered)


def _explain(
    sheet: xlsxwriter.worksheet.Worksheet,
    choices: Sequence[Choice],
    accounts: Sequence[str],
    head: xlsxwriter.format.Format,
    wrapped: xlsxwriter.format.Format,
) -> None:
    sheet.set_column(0, 3, 30, wrapped)
    example = [choices[0].name if choices else "", _("Flagship store"), "100234567", *accounts[:1]]
    needed = [_("required"), _("required"), _("optional"), _("optional; else the one you look at")]
    rows: list[tuple[Sequence[str], bool]] = [
        ([_("An example")], True),
        ([str(TITLES[column]) for column in Column], True),
        (example, False),
        (needed, False),
        ([], False),
        ([_("Platforms"), _("Also understood")], True),
        *(([choice.name, choice.also], False) for choice in choices),
    ]
    for row, (cells, bold) in enumerate(rows):
        for place, value in enumerate(cells):
            sheet.write_string(row, place, value, head if bold else wrapped)
