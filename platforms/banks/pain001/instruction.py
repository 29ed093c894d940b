"""Writes pain.001.001.09, in the order its schema demands."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from lxml import etree
from lxml.etree import _Element as Node

from platforms.banks.pain001 import fields
from platforms.contract import Document, OrderError, PaymentOrder
from platforms.values import EXACT, NOTHING

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_HEAD: Final = 64 * 1024

# SEPA keeps names to 70 characters; the schema takes 140.
_SEPA_NAME: Final = 70
_NAME: Final = 140


def write(orders: Sequence[PaymentOrder], *, message_id: str, made_at: datetime) -> Document:
    """The orders as one message. Raises OrderError before a byte is written."""
    fields.identifier("", "message_id", message_id, most=fields.MESSAGE_ID)
    if made_at.tzinfo is None:
        raise OrderError("", "made_at", "is a naive time")
    if not orders:
        raise OrderError("", "orders", "are none: there is nothing to pay")
    transfers = [_transfer(order) for order in orders]
    _refuse_twice(transfers)
    data = _message(transfers, message_id, made_at)
    return Document(
        name=f"{message_id.replace('/', '-')}.xml",
        head=data[:_HEAD],
        open=lambda: io.BytesIO(data),
    )


# --- Checking -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transfer:
    """An order whose every field is fit to be written."""

    number: str
    amount: str
    currency: str
    sepa: bool
    debtor_name: str
    debtor_account: str
    creditor_name: str
    creditor_account: str
    creditor_bank: str
    creditor_agent: str
    remittance: str
    execute_on: date

    @property
    def block(self) -> tuple[object, ...]:
        """Orders that agree in this share one PmtInf."""
        return (
            self.sepa,
            self.debtor_name,
            self.debtor_account,
            self.currency,
            self.execute_on,
        )


def _transfer(order: PaymentOrder) -> _Transfer:
    number = fields.identifier(order.number, "number", order.number, most=fields.NUMBER)
    debtor = fields.account(order, "debtor_account", order.debtor_account)
    creditor = fields.account(order, "creditor_account", order.creditor_account)
    sepa = fields.is_sepa(order)
    if order.creditor_agent and not (
        fields.is_bic(order.creditor_agent) or fields.is_cnaps(order.creditor_agent)
    ):
        raise OrderError(number, "creditor_agent", "is neither a BIC nor a CNAPS code")
    return _Transfer(
        number=number,
        amount=fields.amount(order),
        currency=order.currency,
        sepa=sepa,
        debtor_name=_name(order, "debtor_name", order.debtor_name, sepa),
        debtor_account=debtor,
        creditor_name=_name(order, "creditor_name", order.creditor_name, sepa),
        creditor_account=creditor,
        creditor_bank=fields.text(order, "creditor_bank", order.creditor_bank, most=_NAME, least=0),
        creditor_agent=order.creditor_agent,
        remittance=_remittance(order, sepa),
        execute_on=order.execute_on,
    )


def _name(order: PaymentOrder, field: str, value: str, sepa: bool) -> str:
    written = fields.latin(order, field, value) if sepa else value
    return fields.text(order, field, written, most=_SEPA_NAME if sepa else _NAME)


def _remittance(order: PaymentOrder, sepa: bool) -> str:
    """Our number first, so that it is found on a statement that carries no end-to-end id."""
    written = fields.latin(order, "remittance", order.remittance) if sepa else order.remittance
    whole = f"{order.number} {written}" if written else order.number
    return fields.text(order, "remittance", whole, most=fields.REMITTANCE)


def _refuse_twice(transfers: Sequence[_Transfer]) -> None:
    seen: set[str] = set()
    for transfer in transfers:
        if transfer.number in seen:
            raise OrderError(transfer.number, "number", "is given to two orders")
        seen.add(transfer.number)


# --- Writing ------------------------------------------------------------------------------


def _message(transfers: Sequence[_Transfer], message_id: str, made_at: datetime) -> bytes:
    # The stubs know no default namespace.
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    initiation = _add(root, "CstmrCdtTrfInitn")
    header = _add(initiation, "GrpHdr")
    _add(header, "MsgId", message_id)
    _add(header, "CreDtTm", made_at.isoformat(timespec="seconds"))
    _add_sums(header, transfers)
    _add(_add(header, "InitgPty"), "Nm", transfers[0].debtor_name)
    blocks: dict[tuple[object, ...], list[_Transfer]] = {}
    for transfer in transfers:
        blocks.setdefault(transfer.block, []).append(transfer)
    for block in blocks.values():
        _add_block(initiation, block)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _add_block(parent: Node, block: Sequence[_Transfer]) -> None:
    first = block[0]
    node = _add(parent, "PmtInf")
    # Numbers are unique for all time, and so is a block that is called by its first.
    _add(node, "PmtInfId", first.number)
    _add(node, "PmtMtd", "TRF")
    _add(node, "BtchBookg", "false")
    _add_sums(node, block)
    if first.sepa:
        _add(_add(_add(node, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(node, "ReqdExctnDt"), "Dt", first.execute_on.isoformat())
    _add(_add(node, "Dbtr"), "Nm", first.debtor_name)
    _add_account(node, "DbtrAcct", first.debtor_account)
    # The schema demands an agent; the bank that gets the message is it. EPC132-08 writes so.
    agent = _add(_add(node, "DbtrAgt"), "FinInstnId")
    _add(_add(agent, "Othr"), "Id", "NOTPROVIDED")
    _add(node, "ChrgBr", "SLEV" if first.sepa else "SHAR")
    for transfer in block:
        _add_transfer(node, transfer)


def _add_transfer(parent: Node, transfer: _Transfer) -> None:
    node = _add(parent, "CdtTrfTxInf")
    ids = _add(node, "PmtId")
    _add(ids, "InstrId", transfer.number)
    _add(ids, "EndToEndId", transfer.number)
    _add(_add(node, "Amt"), "InstdAmt", transfer.amount).set("Ccy", transfer.currency)
    _add_creditor_agent(node, transfer)
    _add(_add(node, "Cdtr"), "Nm", transfer.creditor_name)
    _add_account(node, "CdtrAcct", transfer.creditor_account)
    _add(_add(node, "RmtInf"), "Ustrd", transfer.remittance)


def _add_creditor_agent(parent: Node, transfer: _Transfer) -> None:
    # SEPA finds the bank by the IBAN and has no place for its name (EPC132-08).
    bank = "" if transfer.sepa else transfer.creditor_bank
    if not (transfer.creditor_agent or bank):
        return
    agent = _add(_add(parent, "CdtrAgt"), "FinInstnId")
    if fields.is_bic(transfer.creditor_agent):
        _add(agent, "BICFI", transfer.creditor_agent)
    elif transfer.creditor_agent:
        # CNAPS stands in ISO's list of clearing systems (ExternalClearingSystemIdentification1).
        member = _add(agent, "ClrSysMmbId")
        _add(_add(member, "ClrSysId"), "Cd", "CNAPS")
        _add(member, "MmbId", transfer.creditor_agent)
    if bank:
        _add(agent, "Nm", bank)


def _add_account(parent: Node, name: str, value: str) -> None:
    id = _add(_add(parent, name), "Id")
    if fields.is_iban(value):
        _add(id, "IBAN", value)
    else:
        _add(_add(id, "Othr"), "Id", value)


def _add_sums(parent: Node, transfers: Sequence[_Transfer]) -> None:
    """Number and sum; a message's sum adds up whatever currencies there are (ISO 20022)."""
    total = NOTHING
    for transfer in transfers:
        total = EXACT.add(total, Decimal(transfer.amount))
    _add(parent, "NbOfTxs", str(len(transfers)))
    _add(parent, "CtrlSum", f"{total:f}")


def _add(parent: Node, name: str, text: str | None = None) -> Node:
    node = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    node.text = text
    return node
