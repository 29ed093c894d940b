"""pain.002.001.10 as the bank answers, written as text.

Source: banks.md 2.1; elements stand in the order of the schema. `GrpSts` is ACTC if
everything was accepted, RJCT if nothing was, PART between; a single order is ACCP
(accepted), ACSC (booked on the debtor's account) or RJCT with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sandbox.camt import escape
from sandbox.names import BANK_NAME
from sandbox.online_bank.judging import Reason

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"


@dataclass(frozen=True, kw_only=True)
class Original:
    """What of the pain.001 is quoted."""

    name: str
    identifier: str
    created: str = ""
    count: str = ""
    control_sum: str = ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """The state of one order; `reference` is the bank's, given on acceptance."""

    block: str
    instruction: str
    end_to_end_id: str
    status: str
    reason: Reason | None = None
    reference: str = ""
    accepted_at: str = ""


def of_file(
    original: Original,
    told: Sequence[Told],
    *,
    identifier: str,
    at: datetime,
    reason: Reason | None,
) -> bytes:
    """The answer to a file; `reason` is that of a file refused as a whole."""
    return _document(original, told, identifier, at, _group_status(told), reason)


def of_payment(original: Original, told: Told, *, identifier: str, at: datetime) -> bytes:
    """The answer about one order, without a status of its group."""
    return _document(original, [told], identifier, at, "", None)


def _document(
    original: Original,
    told: Sequence[Told],
    identifier: str,
    at: datetime,
    status: str,
    reason: Reason | None,
) -> bytes:
    blocks = [(name, list(group)) for name, group in groupby(told, key=lambda one: one.block)]
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Document xmlns="{NAMESPACE}"><CstmrPmtStsRpt>',
        f"<GrpHdr><MsgId>{identifier}</MsgId>",
        f"<CreDtTm>{at.isoformat(timespec='seconds')}</CreDtTm>",
        f"<DbtrAgt><FinInstnId><Nm>{escape(BANK_NAME)}</Nm></FinInstnId></DbtrAgt></GrpHdr>",
        "<OrgnlGrpInfAndSts>",
        _element("OrgnlMsgId", original.identifier) + _element("OrgnlMsgNmId", original.name),
        _element("OrgnlCreDtTm", original.created) + _element("OrgnlNbOfTxs", original.count),
        _element("OrgnlCtrlSum", original.control_sum) + _element("GrpSts", status),
        f"{_reason(reason)}</OrgnlGrpInfAndSts>",
        *(_block(name, group, whole=bool(status)) for name, group in blocks),
        "</CstmrPmtStsRpt></Document>",
    ]
    return ("\n".join(part for part in parts if part) + "\n").encode()


def _block(name: str, told: Sequence[Told], *, whole: bool) -> str:
    status = _element("PmtInfSts", _group_status(told)) if whole else ""
    return "\n".join(
        [
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{escape(name)}</OrgnlPmtInfId>{status}",
            *_transactions(told),
            "</OrgnlPmtInfAndSts>",
        ]
    )


def _transactions(told: Sequence[Told]) -> Iterator[str]:
    for one in told:
        yield (
            f"<TxInfAndSts>{_element('OrgnlInstrId', one.instruction)}"
            f"{_element('OrgnlEndToEndId', one.end_to_end_id)}"
            f"<TxSts>{one.status}</TxSts>{_reason(one.reason)}"
            f"{_element('AccptncDtTm', one.accepted_at)}"
            f"{_element('AcctSvcrRef', one.reference)}</TxInfAndSts>"
        )


def _reason(reason: Reason | None) -> str:
    if reason is None:
        return ""
    return (
        f"<StsRsnInf><Rsn><Cd>{escape(reason.code)}</Cd></Rsn>"
        f"{_element('AddtlInf', reason.text[:105])}</StsRsnInf>"
    )


def _group_status(told: Sequence[Told]) -> str:
    refused = [one.status == "RJCT" for one in told]
    if all(refused):
        return "RJCT"
    return "PART" if any(refused) else "ACTC"


def _element(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>" if text else ""
