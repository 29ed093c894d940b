"""camt.053 statements, versions .001.02 and .001.08, written as text.

Source: banks.md 1.1. The versions differ where readers break: `Sts` is text in .02
and `Sts/Cd` in .08; parties are `Dbtr/Nm` against `Dbtr/Pty/Nm`; a detail's amount
stands under `AmtDtls/TxAmt` in .02 and in `TxDtls/Amt` too in .08. The account has
no IBAN: its number is `Acct/Id/Othr/Id`. Details of ordered transfers carry their own
references, and `RtrInf` where one came back; these stand where the .08 schema has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from xml.sax import saxutils

from sandbox import money, numbers
from sandbox.days import Period
from sandbox.model import BankAccount, Detail, Entry, Returned
from sandbox.names import BANK_NAME

FORMAT = "camt.053"
V02 = "camt.053.001.02"
V08 = "camt.053.001.08"


def statement(
    account: BankAccount,
    period: Period,
    number: int,
    opening: int,
    entries: Sequence[Entry],
    *,
    version: str,
    issued_at: datetime | None = None,
) -> str:
    """One statement of a period in a message version; closing is opening plus the lines.

    With `issued_at` there may be several a day, so the message id counts them.
    """
    closing = opening + sum(entry.amount for entry in entries)
    created = f"{period.last}T23:45:00+08:00"
    tail = account.number[-6:]
    message = f"SBX{tail}{period.last:%Y%m%d}"
    if issued_at is not None:
        created = issued_at.isoformat(timespec="seconds")
        message = f"SBX{account.number[-12:]}{period.last:%Y%m%d}{number:05d}"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><BkToCstmrStmt>',
        f"<GrpHdr><MsgId>{message}</MsgId>",
        f"<CreDtTm>{created}</CreDtTm></GrpHdr>",
        f"<Stmt><Id>{tail}-{period.last.year}-{number:05d}</Id>",
        f"<ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>{created}</CreDtTm>",
        f"<FrToDt><FrDtTm>{period.first}T00:00:00+08:00</FrDtTm>",
        f"<ToDtTm>{period.last}T23:59:59+08:00</ToDtTm></FrToDt>",
        _account(account),
        _balance("OPBD", account.currency, opening, f"{period.first}"),
        _balance("CLBD", account.currency, closing, f"{period.last}"),
        _summary(account.currency, entries),
        *(_entry(version, number, index, entry) for index, entry in enumerate(entries, start=1)),
        "</Stmt></BkToCstmrStmt></Document>",
    ]
    return "\n".join(parts) + "\n"


def _account(account: BankAccount) -> str:
    return (
        f"<Acct><Id><Othr><Id>{account.number}</Id></Othr></Id><Ccy>{account.currency}</Ccy>"
        f"<Nm>{escape(account.holder)}</Nm>"
        f"<Svcr><FinInstnId><Nm>{escape(BANK_NAME)}</Nm></FinInstnId></Svcr></Acct>"
    )


def _balance(code: str, currency: str, amount: int, day: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(currency, amount)}"
        f"<CdtDbtInd>{_side(amount)}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _summary(currency: str, entries: Sequence[Entry]) -> str:
    decimals = money.exponent(currency)
    credits = [entry.amount for entry in entries if entry.amount > 0]
    debits = [entry.amount for entry in entries if entry.amount <= 0]
    return (
        "<TxsSummry>"
        f"<TtlCdtNtries><NbOfNtries>{len(credits)}</NbOfNtries>"
        f"<Sum>{money.text(sum(credits), decimals)}</Sum></TtlCdtNtries>"
        f"<TtlDbtNtries><NbOfNtries>{len(debits)}</NbOfNtries>"
        f"<Sum>{money.text(-sum(debits), decimals)}</Sum></TtlDbtNtries>"
        "</TxsSummry>"
    )


def _entry(version: str, number: int, index: int, entry: Entry) -> str:
    status = "<Sts>BOOK</Sts>" if version == V02 else "<Sts><Cd>BOOK</Cd></Sts>"
    domain, family, sub_family = entry.bank_code
    info = f"<AddtlNtryInf>{escape(entry.info)}</AddtlNtryInf>" if entry.info else ""
    return (
        f"<Ntry><NtryRef>{number}.{index}</NtryRef>{_amount(entry.currency, entry.amount)}"
        f"<CdtDbtInd>{_side(entry.amount)}</CdtDbtInd>{status}"
        f"<BookgDt><Dt>{entry.booked_on}</Dt></BookgDt><ValDt><Dt>{entry.value_on}</Dt></ValDt>"
        f"<AcctSvcrRef>{entry.reference}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd>"
        f"<SubFmlyCd>{sub_family}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"{''.join(_details(version, entry))}{info}</Ntry>"
    )


def _details(version: str, entry: Entry) -> Iterator[str]:
    if not entry.details:
        return
    yield "<NtryDtls>"
    if len(entry.details) > 1:
        yield (
            f"<Btch>{_element('PmtInfId', entry.batch)}<NbOfTxs>{len(entry.details)}</NbOfTxs>"
            f"{_amount(entry.currency, entry.amount, 'TtlAmt')}"
            f"<CdtDbtInd>{_side(entry.amount)}</CdtDbtInd></Btch>"
        )
    for detail in entry.details:
        yield _detail(version, entry.currency, detail)
    yield "</NtryDtls>"


def _detail(version: str, currency: str, detail: Detail) -> str:
    amount = _amount(currency, detail.amount)
    own = "" if version == V02 else f"{amount}<CdtDbtInd>{_side(detail.amount)}</CdtDbtInd>"
    texts = "".join(f"<Ustrd>{escape(text)}</Ustrd>" for text in detail.texts)
    refs = (
        _element("AcctSvcrRef", detail.reference)
        + _element("InstrId", detail.instruction)
        + f"<EndToEndId>{escape(detail.end_to_end_id)}</EndToEndId>"
    )
    return (
        f"<TxDtls><Refs>{refs}</Refs>{own}"
        f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
        f"<RltdPties>{_party(version, detail)}</RltdPties>"
        f"{f'<RmtInf>{texts}</RmtInf>' if texts else ''}{_returned(detail.returned)}</TxDtls>"
    )


def _returned(returned: Returned | None) -> str:
    """The reason of a transfer that came back (camt.053.001.08: after `RmtInf`)."""
    if returned is None:
        return ""
    reason = f"<Rsn><Cd>{escape(returned.code)}</Cd></Rsn>"
    return f"<RtrInf>{reason}{_element('AddtlInf', returned.text)}</RtrInf>"


def _party(version: str, detail: Detail) -> str:
    """The other side: the debtor of a credit, the creditor of a debit."""
    tag = "Dbtr" if detail.amount > 0 else "Cdtr"
    name = f"<Nm>{escape(detail.counterparty)}</Nm>"
    number = f"<Othr><Id>{escape(detail.account)}</Id></Othr>"
    if numbers.is_iban(detail.account):
        number = f"<IBAN>{detail.account}</IBAN>"
    other = f"<{tag}Acct><Id>{number}</Id></{tag}Acct>" if detail.account else ""
    return f"<{tag}>{name if version == V02 else f'<Pty>{name}</Pty>'}</{tag}>{other}"


def _amount(currency: str, cents: int, tag: str = "Amt") -> str:
    """An amount without its sign: the side stands in `CdtDbtInd`."""
    return f'<{tag} Ccy="{currency}">{money.text(abs(cents), money.exponent(currency))}</{tag}>'


def escape(text: str) -> str:
    """Text as it may stand in an element and be read back unchanged."""
    return saxutils.escape(text, {"\r": "&#13;"})


def _element(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>" if text else ""


def _side(amount: int) -> str:
    return "CRDT" if amount >= 0 else "DBIT"
