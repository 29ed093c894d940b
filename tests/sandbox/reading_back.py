"""Small readers of the written files, so that the truth is tested against bytes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
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
    """A camt.053 statement."""

    version: str
    account: str
    opening: Decimal
    closing: Decimal
    lines: list[Line]


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


def statements(world: World, account: str) -> list[Statement]:
    """An account's statements in order."""
    return [_statement(world.out / file["path"]) for file in files(world, "camt053", account)]


def bank_lines(world: World) -> dict[str, Line]:
    """Every bank line of the world by its reference."""
    numbers = [account["number"] for account in truth_of(world.out)["bank_accounts"]]
    read = [s for number in numbers for s in statements(world, number)]
    lines = [line for statement in read for line in statement.lines]
    by_reference = {line.reference: line for line in lines}
    assert len(by_reference) == len(lines)
    return by_reference


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
