"""A customer of the simulated bank: writes payment files, reads answers, naively."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import httpx
from lxml import etree

from sandbox.online_bank import RunningBank

PAYEE = "622200001234"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One transfer to order; `amount` as it is written."""

    end_to_end_id: str
    amount: str
    creditor: str = "青禾陶瓷厂"
    account: str = PAYEE
    text: str = "货款 <7> & more"
    currency: str = "CNY"
    iban: bool = False


@dataclass(frozen=True, kw_only=True)
class File:
    """A pain.001 with one payment information."""

    identifier: str
    debtor: str
    orders: Sequence[Order]
    version: str = "09"
    control_sum: str | None = None
    count: int | None = None
    day: str = "2026-01-05"
    batch: bool = False
    initiator: str = "云溪家居有限公司"

    def bytes(self) -> bytes:
        """The file, with sums and counts that hold unless told otherwise."""
        total = self.control_sum or f"{sum(Decimal(order.amount) for order in self.orders):f}"
        count = len(self.orders) if self.count is None else self.count
        day = self.day if self.version == "03" else f"<Dt>{self.day}</Dt>"
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><p:Document xmlns:p='
            f'"urn:iso:std:iso:20022:tech:xsd:pain.001.001.{self.version}">'
            + _prefixed(
                f"<CstmrCdtTrfInitn><GrpHdr><MsgId>{self.identifier}</MsgId>"
                f"<CreDtTm>2026-01-05T10:00:00+08:00</CreDtTm><NbOfTxs>{count}</NbOfTxs>"
                f"<CtrlSum>{total}</CtrlSum><InitgPty><Nm>{self.initiator}</Nm></InitgPty>"
                f"</GrpHdr><PmtInf><PmtInfId>{self.identifier}-1</PmtInfId><PmtMtd>TRF</PmtMtd>"
                f"<BtchBookg>{'true' if self.batch else 'false'}</BtchBookg>"
                f"<ReqdExctnDt>{day}</ReqdExctnDt><Dbtr><Nm>云溪家居有限公司</Nm></Dbtr>"
                f"<DbtrAcct><Id><Othr><Id>{self.debtor}</Id></Othr></Id></DbtrAcct>"
                f"<DbtrAgt><FinInstnId/></DbtrAgt>{''.join(map(_order, self.orders))}"
                "</PmtInf></CstmrCdtTrfInitn>"
            )
            + "</p:Document>"
        ).encode()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A pain.002: statuses and codes by EndToEndId, and the group's."""

    group: str
    code: str
    original: str
    orders: dict[str, str]
    codes: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Line:
    """An entry of a statement; the amount with its sign."""

    reference: str
    amount: Decimal
    ids: list[str]
    instructions: list[str]
    creditor: list[str]
    texts: list[str]
    returned: list[str]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A camt.053."""

    sequence: int
    account: str
    opening: Decimal
    closing: Decimal
    lines: list[Line] = field(default_factory=list)


class Customer:
    """Talks to one bank with its key; `account` is where it is paid from."""

    def __init__(self, bank: RunningBank, account: str) -> None:
        self.account = account
        self.http = httpx.Client(base_url=bank.url, headers=bank.headers, timeout=30)

    def open(self, opening: int, currency: str = "CNY", **more: Any) -> httpx.Response:
        asked = {"number": self.account, "currency": currency, "holder": "云溪家居有限公司"}
        return self.http.post("/accounts", json={**asked, "opening": opening, **more})

    def file(self, identifier: str, *orders: Order, **more: Any) -> bytes:
        return File(identifier=identifier, debtor=self.account, orders=orders, **more).bytes()

    def pay(self, identifier: str, *orders: Order, **more: Any) -> Answer:
        return self.send(self.file(identifier, *orders, **more))

    def send(self, body: bytes) -> Answer:
        return answer(self.http.post("/payments", content=body).raise_for_status().content)

    def status(self, end_to_end_id: str) -> str:
        found = self.http.get(f"/payments/{end_to_end_id}").raise_for_status()
        return answer(found.content).orders[end_to_end_id]

    def control(self, **wish: Any) -> Any:
        return self.http.post("/control", json=wish).raise_for_status().json()

    def names(self, after: str = "") -> list[str]:
        query = {"account": self.account} | ({"after": after} if after else {})
        listed = self.http.get("/statements", params=query).raise_for_status().json()
        assert [one["account"] for one in listed] == [self.account] * len(listed)
        return [one["name"] for one in listed]

    def statements(self) -> list[Statement]:
        """Closes, and reads every statement of the account from the first on."""
        self.http.post("/control/close").raise_for_status()
        return [statement(self.http.get(f"/statements/{name}").content) for name in self.names()]

    def lines(self) -> list[Line]:
        return [line for read in self.statements() for line in read.lines]


def answer(body: bytes) -> Answer:
    """Reads a pain.002.001.10."""
    root = etree.fromstring(body)
    assert etree.QName(root).namespace == "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
    orders = {_one(tx, "OrgnlEndToEndId"): tx for tx in _all(root, "TxInfAndSts")}
    group = _all(root, "OrgnlGrpInfAndSts")[0]
    return Answer(
        group=_one(group, "GrpSts"),
        code=_one(group, "StsRsnInf", "Rsn", "Cd"),
        original=_one(group, "OrgnlMsgId"),
        orders={name: _one(tx, "TxSts") for name, tx in orders.items()},
        codes={name: _one(tx, "StsRsnInf", "Rsn", "Cd") for name, tx in orders.items()},
    )


def statement(body: bytes) -> Statement:
    """Reads a camt.053.001.08."""
    root = etree.fromstring(body)
    assert etree.QName(root).namespace == "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
    balances = {_one(bal, "Tp", "CdOrPrtry", "Cd"): _signed(bal) for bal in _all(root, "Bal")}
    (stmt,) = _all(root, "Stmt")
    return Statement(
        sequence=int(_one(stmt, "ElctrncSeqNb")),
        account=_one(stmt, "Acct", "Id", "Othr", "Id"),
        opening=balances["OPBD"],
        closing=balances["CLBD"],
        lines=[_line(entry) for entry in _all(root, "Ntry")],
    )


def _line(entry: etree._Element) -> Line:
    def texts(name: str) -> list[str]:
        return [found.text or "" for found in _all(entry, name)]

    return Line(
        reference=_one(entry, "AcctSvcrRef"),
        amount=_signed(entry),
        ids=texts("EndToEndId"),
        instructions=texts("InstrId"),
        creditor=texts("Nm")
        + ["".join(map(str, found.itertext())) for found in _all(entry, "CdtrAcct")],
        texts=texts("Ustrd"),
        returned=[_one(found, "Rsn", "Cd") for found in _all(entry, "RtrInf")],
    )


def _signed(element: etree._Element) -> Decimal:
    amount = Decimal(_one(element, "Amt"))
    return amount if _one(element, "CdtDbtInd") == "CRDT" else -amount


def _all(element: etree._Element, name: str) -> list[etree._Element]:
    return [found for found in element.iter() if etree.QName(found).localname == name]


def _one(element: etree._Element, *path: str) -> str:
    for name in path:
        element = next((c for c in element if etree.QName(c).localname == name), None)
        if element is None:
            return ""
    return element.text or ""


def _order(order: Order) -> str:
    account = f"<Othr><Id>{order.account}</Id></Othr>"
    if order.iban:
        account = f"<IBAN>{order.account}</IBAN>"
    return (
        f"<CdtTrfTxInf><PmtId><InstrId>I-{order.end_to_end_id[:30]}</InstrId>"
        f"<EndToEndId>{order.end_to_end_id}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{order.currency}">{order.amount}</InstdAmt></Amt>'
        f"<Cdtr><Nm>{escape(order.creditor)}</Nm></Cdtr><CdtrAcct><Id>{account}</Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{escape(order.text)}</Ustrd></RmtInf></CdtTrfTxInf>"
    )


def _prefixed(xml: str) -> str:
    """Every element under the prefix `p`, so that readers must go by local names."""
    return xml.replace("</", "\0").replace("<", "<p:").replace("\0", "</p:")
