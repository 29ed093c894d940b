"""Spreadsheets of stores as people save them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence

import xlsxwriter
from django.utils.html import escape

SHEET = "xl/worksheets/sheet1.xml"
CHINESE = ("平台", "店铺名称", "平台店铺号", "结算账户")
ENGLISH = ("Platform", "Store name", "Shop number", "Settlement account")


def a_csv(
    rows: Sequence[Sequence[str]],
    *,
    heading: Sequence[str] = ENGLISH,
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> bytes:
    """A CSV with CRLF, as Excel saves it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([heading, *rows])
    return text.getvalue().encode(encoding)


def an_xlsx(rows: Sequence[Sequence[object]], *, heading: Sequence[str] = ENGLISH) -> bytes:
    """A workbook of one sheet; cells keep the type they are given."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(
        target, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}
    ) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([heading, *rows]):
            for place, value in enumerate(cells):
                if value != "":
                    sheet.write(number, place, value)
    return target.getvalue()


def with_part(workbook: bytes, name: str, content: bytes) -> bytes:
    """The same workbook with one part replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as given, zipfile.ZipFile(target, "w") as changed:
        for member in given.namelist():
            changed.writestr(member, given.read(member) if member != name else content)
    return target.getvalue()


def filled(empty: bytes, rows: Sequence[Sequence[str]]) -> bytes:
    """A downloaded template with rows typed in below its headings."""
    with zipfile.ZipFile(io.BytesIO(empty)) as parts:
        sheet = parts.read(SHEET).decode()
    typed = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{letter}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            for letter, text in zip("ABCD", cells, strict=False)
            if text
        )
        + "</row>"
        for number, cells in enumerate(rows, start=2)
    )
    return with_part(empty, SHEET, sheet.replace("</sheetData>", f"{typed}</sheetData>").encode())


def fifty(platform: str = "Shopify", *, first: int = 1) -> list[list[str]]:
    """Fifty stores with names and numbers of their own."""
    return [[platform, f"云溪 {n} 店", f"{700_000 + n}", ""] for n in range(first, first + 50)]
