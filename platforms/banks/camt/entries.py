"""One Ntry as one BankLine, with what its TxDtls say as evidence.

The entry's own amount is what moved the balance; a batch is never split into
lines (banks.md §0.1: splitting by TxDtls lost or changed money).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from lxml.etree import _Element as Node

from platforms.banks.camt.nodes import child, children, day_of, line_of, money, sign_of, text
from platforms.contract import BankLine, Detail, ReadError
from platforms.reading import currency, shown
from platforms.values import EXACT, NOTHING

_BOOKED: Final = "BOOK"
_NOT_BOOKED: Final = frozenset({"PDNG", "INFO", "FUTR"})

# Texts that banks write where they have no reference.
_NO_REFERENCE: Final = frozenset({"NONREF", "NOTPROVIDED"})

# Where a detail's amount may stand. .02 has no Amt of its own, and InstdAmt there
# is the payment before charges (50.00 of a 53.00 debit): it comes last.
_DETAIL_AMOUNTS: Final = (
    ("Amt",),
    *(("AmtDtls", name, "Amt") for name in ("TxAmt", "CntrValAmt", "InstdAmt")),
    *(("AmtDtls", name, "Amt") for name in ("AnncdPstngAmt", "PrtryAmt")),
)
_REFERENCES: Final = ("AcctSvcrRef", "TxId", "UETR", "InstrId", "ClrSysRef", "PmtInfId", "MsgId")


def is_booked(entry: Node) -> bool:
    """Whether the entry is booked: Sts as text (.02 to .06) or Sts/Cd (later), or none.

    270 real files declare .10 and still write the text. Raises ReadError for a
    status that is not of the standard.
    """
    status = text(entry, "Sts", "Cd") or text(entry, "Sts") or _BOOKED
    if status != _BOOKED and status not in _NOT_BOOKED:
        raise ReadError(f"unknown status {shown(status)}", row=line_of(entry))
    return status == _BOOKED


def unit_of(entry: Node) -> str:
    """The currency the entry's amount states, "" if none. Raises ReadError."""
    stated = child(entry, "Amt")
    unit = "" if stated is None else str(stated.get("Ccy") or "")
    return currency(unit, row=line_of(entry)) if unit else ""


def read(entry: Node, *, account: str, unit: str) -> BankLine:
    """Read one entry in the currency `unit`. Raises ReadError.

    CdtDbtInd alone gives the sign: RvslInd says why, not which way (the standard;
    banks that mean otherwise show at the balance).
    """
    stated = child(entry, "Amt")
    if stated is None:
        raise ReadError("no Amt", row=line_of(entry))
    value, credit = money(stated), sign_of(entry)
    details = _details(entry, account=account, unit=unit, credit=credit)
    only = details[0] if len(details) == 1 else None
    parties = {detail.counterparty for detail in details if detail.counterparty}
    return BankLine(
        reference=_reference(text(entry, "AcctSvcrRef"), text(entry, "NtryRef")),
        amount=value if credit else -value,
        currency=unit,
        booked_on=day_of(entry, "BookgDt"),
        row=line_of(entry),
        value_on=day_of(entry, "ValDt"),
        counterparty=parties.pop() if len(parties) == 1 else "",
        remittance=(only.remittance if only else "") or text(entry, "AddtlNtryInf"),
        end_to_end_id=only.end_to_end_id if only else "",
        details=details,
        charges=_charges(entry, unit),
    )


def _details(entry: Node, *, account: str, unit: str, credit: bool) -> tuple[Detail, ...]:
    # .01 has TxDtls directly below the entry.
    groups = [*children(entry, "NtryDtls"), entry]
    reversal = text(entry, "RvslInd") in ("true", "1")
    return tuple(
        _detail(node, account=account, unit=unit, credit=credit, reversal=reversal)
        for group in groups
        for node in children(group, "TxDtls")
    )


def _detail(node: Node, *, account: str, unit: str, credit: bool, reversal: bool) -> Detail:
    credit = sign_of(node, default="CRDT" if credit else "DBIT")
    value, stated_unit = _detail_amount(node, unit)
    # The parties of a return are those of the payment that came back.
    returned = reversal or child(node, "RtrInf") is not None
    return Detail(
        amount=value if value is None or credit else -value,
        currency=stated_unit,
        end_to_end_id=_reference(text(node, "Refs", "EndToEndId")),
        reference=_reference(*(text(node, "Refs", name) for name in _REFERENCES)),
        counterparty=_counterparty(node, account, from_debtor=credit != returned),
        remittance=_remittance(node),
        charges=_charges(node, unit),
    )


def _detail_amount(node: Node, unit: str) -> tuple[Decimal | None, str]:
    """The amount in the entry's currency, else the first one with its own."""
    found = [place for path in _DETAIL_AMOUNTS if (place := child(node, *path)) is not None]
    if not found:
        return None, ""
    units = [str(place.get("Ccy") or unit) for place in found]
    best = units.index(unit) if unit in units else 0
    return money(found[best]), units[best]


def _reference(*candidates: str) -> str:
    return next((text for text in candidates if text and text.upper() not in _NO_REFERENCE), "")


def _counterparty(node: Node, account: str, *, from_debtor: bool) -> str:
    """The other side: the debtor of a credit, the creditor of a debit.

    Where that side's account is the statement's own, the bank has kept the roles
    of another view, and the other side is the other role.
    """
    parties = child(node, "RltdPties")
    if parties is None:
        return ""
    roles = ("Dbtr", "Cdtr") if from_debtor else ("Cdtr", "Dbtr")
    if account and _account(parties, roles[0]) == account and _name(parties, roles[1]):
        roles = (roles[1], roles[0])
    return _name(parties, roles[0]) or _account(parties, roles[0])


def _name(parties: Node, role: str) -> str:
    # .08 and later wrap the name in Pty.
    for holder in (role, f"Ultmt{role}"):
        if name := text(parties, holder, "Nm") or text(parties, holder, "Pty", "Nm"):
            return name
    return ""


def _account(parties: Node, role: str) -> str:
    holder = f"{role}Acct"
    return text(parties, holder, "Id", "IBAN") or text(parties, holder, "Id", "Othr", "Id")


def _remittance(node: Node) -> str:
    """Ustrd without separators (banks cut payout ids at 140), then the structured parts."""
    info = child(node, "RmtInf")
    parts = []
    if info is not None:
        parts.append("".join(part.text or "" for part in children(info, "Ustrd")).strip())
        for structured in children(info, "Strd"):
            parts.append(text(structured, "CdtrRefInf", "Ref"))
            # .01 writes the reference without Ref.
            parts.append(text(structured, "CdtrRefInf", "CdtrRef"))
            parts.extend((part.text or "").strip() for part in children(structured, "AddtlRmtInf"))
    return " ".join(part for part in parts if part) or text(node, "AddtlTxInf")


def _charges(node: Node, unit: str) -> Decimal | None:
    """What the bank took (negative) or gave, as far as it is in the entry's currency.

    .02 repeats Chrgs with an Amt each, later versions have Rcrd below one Chrgs.
    """
    total: Decimal | None = None
    for charges in children(node, "Chrgs"):
        records = children(charges, "Rcrd") or [charges]
        for record in records:
            stated = child(record, "Amt")
            if stated is not None and (stated.get("Ccy") or unit) == unit:
                value = money(stated)
                signed = value if sign_of(record, default="DBIT") else -value
                total = EXACT.add(total or NOTHING, signed)
    return total
