"""Reads pain.002, what a bank says of earlier orders: of the message, of its blocks, of orders.

By local names: banks answer in versions of their own. A status is no booking; money moved only
when the debit stands on the statement (reference banks.md §2.1).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from lxml import etree
from lxml.etree import _Element as Node

from platforms.banks.camt import prolog
from platforms.banks.camt.nodes import child, children, line_of, text
from platforms.contract import Document, PaymentOutcome, PaymentStatus, ReadError
from platforms.values import shown

MAX_SIZE: Final = 16 * 1024 * 1024
"""A report of so many bytes speaks of tens of thousands of orders; nothing of ours is larger."""

# ISO 20022 ExternalPaymentTransactionStatus1Code and …GroupStatus1Code, as far as banks.md §2.1
# names them. ACTC is the syntax check: the order itself has not been looked at yet.
OUTCOMES: Final = {
    "RCVD": PaymentOutcome.RECEIVED,
    "ACTC": PaymentOutcome.RECEIVED,
    "ACCP": PaymentOutcome.ACCEPTED,
    "ACSP": PaymentOutcome.ACCEPTED,
    "ACWC": PaymentOutcome.ACCEPTED,
    "ACSC": PaymentOutcome.BOOKED,
    "ACCC": PaymentOutcome.BOOKED,
    "PDNG": PaymentOutcome.PENDING,
    "PART": PaymentOutcome.PENDING,
    "RJCT": PaymentOutcome.REJECTED,
}

# The second version calls the report by its number, has its orders directly below it and other
# names for the reasons.
_REPORTS: Final = ("{*}CstmrPmtStsRpt", "{*}pain.002.001.02")
_REASON_CODES: Final = [(name, form) for name in ("Rsn", "StsRsn") for form in ("Cd", "Prtry")]
_REASON_WORDS: Final = ("AddtlInf", "AddtlStsRsnInf")
_NOT_PROVIDED: Final = "NOTPROVIDED"


def read(document: Document) -> list[PaymentStatus]:
    """All statuses, or ReadError: a report of which half was understood is not one."""
    reports = list(_parsed(document).iter(*_REPORTS))
    if len(reports) != 1:
        raise ReadError("this is no payment status report", row=1)
    statuses = list(_report(reports[0]))
    if not statuses:
        raise ReadError("the report states nothing", row=line_of(reports[0]))
    return statuses


def _parsed(document: Document) -> Node:
    with document.open() as stream:
        prolog.check(stream)
        data = stream.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise ReadError(f"the report is larger than {MAX_SIZE} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.parse(io.BytesIO(data), parser).getroot()
    except etree.XMLSyntaxError as error:
        raise ReadError(f"the XML is not whole: {error.msg}", row=error.lineno) from error


def _report(report: Node) -> Iterator[PaymentStatus]:
    group = child(report, "OrgnlGrpInfAndSts")
    if group is None:
        raise ReadError("it does not say which message it speaks of", row=line_of(report))
    message_id = text(group, "OrgnlMsgId")
    if not message_id:
        raise ReadError("OrgnlMsgId is missing", row=line_of(group))
    group_word = text(group, "GrpSts")
    if group_word:
        yield _status(group, group_word, message_id)
    yield from _orders(report, message_id, "", group_word)
    for block in children(report, "OrgnlPmtInfAndSts"):
        name = text(block, "OrgnlPmtInfId")
        word = text(block, "PmtInfSts")
        if word:
            if not name:
                raise ReadError("a block's status without its OrgnlPmtInfId", row=line_of(block))
            yield _status(block, word, message_id, block_name=name)
        yield from _orders(block, message_id, name, word or group_word)


def _orders(parent: Node, message_id: str, block: str, inherited: str) -> Iterator[PaymentStatus]:
    for node in children(parent, "TxInfAndSts"):
        number = _number(node)
        word = text(node, "TxSts") or inherited
        name = block or text(node, "OrgnlPmtInfId")
        yield _status(node, word, message_id, number=number, block_name=name)


def _number(node: Node) -> str:
    """Our number: we wrote it as both ids, and a bank may give back either."""
    stated = {text(node, name) for name in ("OrgnlInstrId", "OrgnlEndToEndId")}
    numbers = stated - {"", _NOT_PROVIDED}
    if len(numbers) != 1:
        what = "two orders" if numbers else "no order"
        raise ReadError(f"a status that names {what}", row=line_of(node))
    return numbers.pop()


def _status(
    node: Node, word: str, message_id: str, *, number: str = "", block_name: str = ""
) -> PaymentStatus:
    outcome = OUTCOMES.get(word)
    if outcome is None:
        raise ReadError(f"unknown status {shown(word)}", row=line_of(node))
    reasons = children(node, "StsRsnInf")
    codes = [text(why, *path) for why in reasons for path in _REASON_CODES]
    said = [more for why in reasons for name in _REASON_WORDS for more in children(why, name)]
    return PaymentStatus(
        number=number,
        outcome=outcome,
        # Of several reasons the first code counts, and all words are kept.
        code=next((code for code in codes if code), ""),
        reason=" ".join(filter(None, ((more.text or "").strip() for more in said))),
        word=word,
        message_id=message_id,
        block=block_name,
    )
