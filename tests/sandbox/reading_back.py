"""Small readers of the written files, so that the truth is tested against bytes."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from sandbox import World

Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A WeChat Pay bill: its rows and its summary, each by column name."""

    rows: list[Row]
    summary: Row


@dataclass(frozen=True, kw_only=True)
class Line:
    """A bank line with its details' amounts and texts."""

    reference: str
    amount: Decimal
    booked_on: str
    status: str
    details: list[tuple[Decimal, list[str]]]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A bank statement in either format."""

    version: str
    account: str
    opening: Decimal
    closing: Decimal
    lines: list[Line]


@cache
def truth_of(out: Path) -> dict[str, Any]:
    """truth.json as written."""
    truth: dict[str, Any] = json.loads((out / "truth.json").read_text())
    return truth


def files(world: World, kind: str, owner: str | None = None) -> list[dict[str, Any]]:
    """The files of a kind, as the truth lists them."""
    return [
        file
        for file in truth_of(world.out)["files"]
        if file["kind"] == kind and owner in (None, file.get("store"), file.get("bank_account"))
    ]


def bill(path: Path) -> Bill:
    """Reads a WeChat Pay bill; every value must carry its back-tick."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].replace("（", "(").replace("）", ")").split(",")
    rows = [dict(zip(header, _unticked(line), strict=True)) for line in lines[1:-2]]
    summary = dict(zip(lines[-2].split(","), _unticked(lines[-1]), strict=True))
    return Bill(rows=rows, summary=summary)


def fund_rows(world: World, store: str) -> list[Row]:
    """All fund-flow rows of a store in order, without the overlapping file."""
    return [
        row
        for file in files(world, "wechat_fund_flow", store)
        if not file["overlaps"]
        for row in bill(world.out / file["path"]).rows
    ]


def signed(row: Row) -> Decimal:
    """The amount of a fund-flow row with its sign."""
    amount = Decimal(row["收支金额(元)"])
    return amount if row["收支类型"] == "收入" else -amount


def shopify_rows(world: World, store: str) -> list[Row]:
    """A shop's transactions export."""
    (file,) = files(world, "shopify_transactions", store)
    return exported(world.out / file["path"])


def exported(path: Path) -> list[Row]:
    """A comma-separated export by column name."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def statements(world: World, currency: str) -> list[Statement]:
    """The statements of the account's pocket in order."""
    return _statements(world.out, currency)


def bank_lines(world: World) -> dict[str, Line]:
    """Every bank line of the world by its reference."""
    return _bank_lines(world.out)


def mt940(path: Path) -> Statement:
    """Reads an MT940 statement whose `:86:` is structured; lines are joined as they are cut."""
    text = path.read_bytes().decode("ascii")
    assert text.endswith("\r\n-\r\n")
    fields = re.split(r"(?:^|\r\n)(?=:\d\d[A-Z]?:)", text.removesuffix("\r\n-\r\n"))[1:]
    tagged = [field[1:].replace("\r\n", "").partition(":")[::2] for field in fields]
    found = dict(tagged)
    bookings = [value for tag, value in tagged if tag == "61"]
    texts = [value for tag, value in tagged if tag == "86"]
    return Statement(
        version="mt940",
        account=found["25"],
        opening=_swift_balance(found["60F"]),
        closing=_swift_balance(found["62F"]),
        lines=[_swift_line(*pair) for pair in zip(bookings, texts, strict=True)],
    )


@cache
def _statements(out: Path, currency: str) -> list[Statement]:
    kind, read = ("mt940", mt940) if currency == "USD" else ("camt053", _statement)
    return [read(out / file["path"]) for file in truth_of(out)["files"] if file["kind"] == kind]


@cache
def _bank_lines(out: Path) -> dict[str, Line]:
    read = [s for currency in ("CNY", "USD") for s in _statements(out, currency)]
    lines = [line for statement in read for line in statement.lines]
    by_reference = {line.reference: line for line in lines}
    assert len(by_reference) == len(lines)
    return by_reference


_BOOKING = re.compile(r"(\d{6})(\d{4})([CD])([\d,]+)NTRFNONREF//(\w{16})")


def _swift_line(booking: str, field: str) -> Line:
    match = _BOOKING.fullmatch(booking)
    assert match is not None, booking
    value_on, day, side, amount, reference = match.groups()
    # The sandbox's days of booking and of value are never a year's end apart.
    booked_on = datetime.strptime(f"{value_on[:2]}{day}", "%y%m%d").date()  # noqa: DTZ007
    signed_amount = Decimal(amount.replace(",", ".")) * (1 if side == "C" else -1)
    pieces = re.findall(r"\?(2\d|6[0-3])([^?]*)", field)
    return Line(
        reference=reference,
        amount=signed_amount,
        booked_on=booked_on.isoformat(),
        status="booked",
        details=[(signed_amount, ["".join(text for _, text in pieces)])],
    )


def _swift_balance(value: str) -> Decimal:
    amount = Decimal(value[10:].replace(",", "."))
    return amount if value[0] == "C" else -amount


def _unticked(line: str) -> list[str]:
    assert line.startswith("`")
    return line[1:].split(",`")


def _statement(path: Path) -> Statement:
    root = Xml.parse(path).getroot()
    space = root.tag.partition("}")[0] + "}"
    for element in root.iter():
        element.tag = element.tag.removeprefix(space)
    balances = {_text(b, "Tp/CdOrPrtry/Cd"): _signed(b) for b in root.iter("Bal")}
    return Statement(
        version=space[-3:-1],
        account=_text(root, "BkToCstmrStmt/Stmt/Acct/Id/Othr/Id"),
        opening=balances["OPBD"],
        closing=balances["CLBD"],
        lines=[_line(entry) for entry in root.iter("Ntry")],
    )


def _line(entry: Xml.Element) -> Line:
    side = 1 if _text(entry, "CdtDbtInd") == "CRDT" else -1
    return Line(
        reference=_text(entry, "AcctSvcrRef"),
        amount=_signed(entry),
        booked_on=_text(entry, "BookgDt/Dt"),
        status=entry.findtext("Sts/Cd") or f"text:{entry.findtext('Sts')}",
        details=[(side * amount, texts) for amount, texts in _details(entry)],
    )


def _details(entry: Xml.Element) -> Iterator[tuple[Decimal, list[str]]]:
    for detail in entry.iter("TxDtls"):
        texts = [element.text or "" for element in detail.iter("Ustrd")]
        yield Decimal(_text(detail, "AmtDtls/TxAmt/Amt")), texts


def _signed(element: Xml.Element) -> Decimal:
    amount = Decimal(_text(element, "Amt"))
    return amount if _text(element, "CdtDbtInd") == "CRDT" else -amount


def _text(element: Xml.Element, path: str) -> str:
    text = element.findtext(path)
    assert text is not None, path
    return text
