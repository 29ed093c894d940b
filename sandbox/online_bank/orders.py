"""pain.001 as the bank reads it: by local names, whatever the version.

Source: banks.md 2.1; the versions met are .03, .09 and .11 (.10 lies between). They
differ where this reader does not look (`BIC`/`BICFI`, addresses) and in `ReqdExctnDt`,
which is a date in .03 and `Dt` or `DtTm` below it later.

Reading is lenient about contents: what is missing or strange becomes a rejection with
a code, because the customer must get an answer that names it. Only what cannot be
answered at all (no XML, no message id) is an `UnreadableOrderError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

_MESSAGE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(pain\.001\.001\.[0-9]{2})")
_LONGEST_ID = 35


class UnreadableOrderError(Exception):
    """The bytes are not a pain.001 that could be answered; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One CdtTrfTxInf, its fields as text exactly as sent ("" where one is missing)."""

    end_to_end_id: str
    instruction: str
    amount: str
    currency: str
    creditor: str
    account: str
    is_iban: bool
    texts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Block:
    """One PmtInf: orders of one debtor account; `batch` asks for one booked line."""

    identifier: str
    method: str
    batch: bool
    count: str
    control_sum: str
    execution_day: str
    debtor_account: str
    debtor_currency: str
    orders: tuple[Order, ...]


@dataclass(frozen=True, kw_only=True)
class Message:
    """A whole pain.001; `name` is its version as the answer must quote it."""

    name: str
    identifier: str
    created: str
    count: str
    control_sum: str
    initiator: str
    blocks: tuple[Block, ...]

    @property
    def orders(self) -> Iterator[Order]:
        """Every order of every block."""
        for block in self.blocks:
            yield from block.orders


def read(body: bytes) -> Message:
    """Reads a pain.001; raises UnreadableOrderError where no answer could name it.

    Entities are not resolved, nothing is fetched, and a document type is refused.
    """
    root = _parsed(body)
    found = _MESSAGE.fullmatch(etree.QName(root).namespace or "")
    initiation = _child(root, "CstmrCdtTrfInitn")
    if found is None or initiation is None:
        raise UnreadableOrderError("this is no pain.001.001 document")
    header = _child(initiation, "GrpHdr")
    identifier = _text(header, "MsgId")
    if not identifier or len(identifier) > _LONGEST_ID:
        raise UnreadableOrderError("GrpHdr/MsgId is missing or longer than 35 characters")
    return Message(
        name=found.group(1),
        identifier=identifier,
        created=_text(header, "CreDtTm"),
        count=_text(header, "NbOfTxs"),
        control_sum=_text(header, "CtrlSum"),
        initiator=_initiator(header),
        blocks=tuple(_block(element) for element in _children(initiation, "PmtInf")),
    )


def _parsed(body: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableOrderError(f"not well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.internalDTD:
        raise UnreadableOrderError("a document type is not accepted")
    return root


def _block(element: etree._Element) -> Block:
    account = _child(element, "DbtrAcct")
    return Block(
        identifier=_text(element, "PmtInfId"),
        method=_text(element, "PmtMtd"),
        batch=_text(element, "BtchBookg") in ("true", "1"),
        count=_text(element, "NbOfTxs"),
        control_sum=_text(element, "CtrlSum"),
        execution_day=_execution_day(element),
        debtor_account=_account(account)[0],
        debtor_currency=_text(account, "Ccy"),
        orders=tuple(_order(order) for order in _children(element, "CdtTrfTxInf")),
    )


def _order(element: etree._Element) -> Order:
    amount = _child(_child(element, "Amt"), "InstdAmt")
    account, is_iban = _account(_child(element, "CdtrAcct"))
    remittance = _child(element, "RmtInf")
    texts = tuple((text.text or "") for text in _children(remittance, "Ustrd"))
    return Order(
        end_to_end_id=_text(element, "PmtId", "EndToEndId"),
        instruction=_text(element, "PmtId", "InstrId"),
        amount="" if amount is None else (amount.text or "").strip(),
        currency="" if amount is None else amount.get("Ccy") or "",
        creditor=_text(element, "Cdtr", "Nm"),
        account=account,
        is_iban=is_iban,
        texts=texts,
    )


def _initiator(header: etree._Element | None) -> str:
    """The initiating party's name, or any identification it gives instead."""
    party = _child(header, "InitgPty")
    identifiers = _child(party, "Id")
    given = [] if identifiers is None else ["".join(map(str, identifiers.itertext())).strip()]
    return _text(party, "Nm") or "".join(given)


def _execution_day(element: etree._Element) -> str:
    for path in (("Dt",), ("DtTm",), ()):
        text = _text(element, "ReqdExctnDt", *path)
        if text:
            return text[:10]
    return ""


def _account(element: etree._Element | None) -> tuple[str, bool]:
    """The account's number, and whether it was given as an IBAN."""
    iban = _text(element, "Id", "IBAN")
    return (iban, True) if iban else (_text(element, "Id", "Othr", "Id"), False)


def _children(element: etree._Element | None, name: str) -> list[etree._Element]:
    """The children of a local name; comments and instructions have none."""
    if element is None:
        return []
    return [
        child
        for child in element
        if isinstance(child.tag, str) and etree.QName(child).localname == name
    ]


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    found = _children(element, name)
    return found[0] if found else None


def _text(element: etree._Element | None, *path: str) -> str:
    for name in path:
        element = _child(element, name)
    return "" if element is None else (element.text or "").strip()
