"""Walks the statements of a message as a stream: each entry is read and let go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import BinaryIO, Final

from lxml import etree
from lxml.etree import _Element as Node

from platforms.banks.camt import entries, prolog
from platforms.banks.camt.nodes import as_day, child, children, line_of, local, money, sign_of, text
from platforms.contract import BankLine, Document, ReadError, Record, Statement, Totals
from platforms.reading import count, currency

# The message, and whether its entries move the books.
_MESSAGES: Final = {
    "BkToCstmrStmt": ("camt.053", True),
    "BkToCstmrAcctRpt": ("camt.052", False),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", False),
}
_STATEMENTS: Final = frozenset({"Stmt", "Rpt", "Ntfctn"})
_WATCHED: Final = tuple(f"{{*}}{name}" for name in ("Ntry", *sorted(_STATEMENTS)))

_OPENING: Final = ("OPBD", "PRCD")
# A report, or a page that is not the last, closes with an interim balance.
_CLOSING: Final = ("CLBD", "ITBD")


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, BankLines, Totals for every statement. Raises ReadError."""
    with document.open() as stream:
        prolog.check(stream)
        found = False
        for record in _walk(stream):
            found = True
            yield record
    if not found:
        raise ReadError("there is no account statement in it", row=1)


def _walk(stream: BinaryIO) -> Iterator[Record]:
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        tag=_WATCHED,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    ordinal, open_statement = 0, None
    try:
        for event, node in events:
            name = local(node)
            if name in _STATEMENTS and _is_statement(node):
                if event == "start":
                    open_statement = _Open(node)
                elif open_statement is not None:
                    yield from open_statement.close()
                    open_statement = None
                    _let_go(node)
            elif event == "end" and open_statement is not None and open_statement.owns(node):
                ordinal += 1
                yield from open_statement.entry(node, ordinal)
                _let_go(node)
    except etree.XMLSyntaxError as error:
        raise ReadError(f"the XML is not whole: {error.msg}", row=error.lineno) from error


def _is_statement(node: Node) -> bool:
    parent = node.getparent()
    return parent is not None and _message(parent) in _MESSAGES


def _message(node: Node) -> str:
    # The first version names its container BkToCstmrAcctRptV01.
    name = local(node)
    return name[:-3] if name[-3:-2] == "V" and name[-2:].isdigit() else name


def _let_go(node: Node) -> None:
    """Empty a node and drop its like before it, so that memory does not grow."""
    node.clear()
    previous = node.getprevious()
    if previous is not None and previous.tag == node.tag:
        parent = node.getparent()
        if parent is not None:
            parent.remove(previous)


class _Open:
    """A statement whose end has not come yet."""

    def __init__(self, node: Node) -> None:
        self._node = node
        parent = node.getparent()
        assert parent is not None
        self._profile, self._books = _MESSAGES[_message(parent)]
        self._statement: Statement | None = None
        self._account_unit = ""
        self._entry_unit = ""
        self._passed_over = False

    def owns(self, node: Node) -> bool:
        """Whether the node is an entry of this statement itself."""
        return node.getparent() is self._node

    def entry(self, node: Node, ordinal: int) -> Iterator[Statement | BankLine]:
        """Yield the entry if it counts, and the statement before its first one."""
        try:
            if self._statement is None:
                self._statement = self._begin(node)
                yield self._statement
            # 052 and 053 keep what is booked; 054 tells of entries of any status.
            if self._profile != "camt.054" and not entries.is_booked(node):
                self._passed_over = True
                return
            unit = self._unit(node)
            yield entries.read(node, account=self._statement.account, unit=unit)
        except ReadError as error:
            row = error.row or line_of(node)
            raise ReadError(f"entry {ordinal}: {error.reason}", row=row) from error

    def close(self) -> Iterator[Statement | Totals]:
        """Yield the totals, and the statement first if it had no entry."""
        if self._statement is None:
            yield self._begin(None)
        summary = None if self._passed_over or self._is_page() else child(self._node, "TxsSummry")
        balances = children(self._node, "Bal")
        credit, debit = _Sum(summary, "TtlCdtNtries"), _Sum(summary, "TtlDbtNtries")
        yield Totals(
            credit_count=credit.number,
            credit=credit.value,
            debit_count=debit.number,
            debit=debit.value,
            opening=_balance(balances, _OPENING),
            closing=_balance(reversed(balances), _CLOSING),
        )

    def _begin(self, entry: Node | None) -> Statement:
        """Make the statement: its head is complete when its first entry is."""
        node, row = self._node, line_of(self._node)
        self._account_unit = text(node, "Acct", "Ccy")
        unit = self._account_unit or self._balance_unit()
        if not unit and entry is not None:
            unit = entries.unit_of(entry)
        period = [text(node, "FrToDt", name) for name in ("FrDtTm", "ToDtTm")]
        return Statement(
            account=text(node, "Acct", "Id", "IBAN") or text(node, "Acct", "Id", "Othr", "Id"),
            currency=currency(unit, row=row) if unit else "",
            number=self._number(),
            profile=self._profile,
            books=self._books,
            period_from=as_day(period[0], row) if period[0] else None,
            period_to=as_day(period[1], row) if period[1] else None,
        )

    def _number(self) -> str:
        names = ("ElctrncSeqNb", "LglSeqNb", "Id")
        return next((found for name in names if (found := text(self._node, name))), "")

    def _unit(self, node: Node) -> str:
        """The entry's currency: the account's, or one and the same for all entries."""
        unit = entries.unit_of(node) or self._account_unit
        if not unit:
            raise ReadError("no currency")
        expected = self._account_unit or self._entry_unit or unit
        if unit != expected:
            raise ReadError(f"it is in {unit}, the account is in {expected}")
        self._entry_unit = unit
        return unit

    def _balance_unit(self) -> str:
        stated = child(self._node, "Bal", "Amt")
        return "" if stated is None else str(stated.get("Ccy") or "")

    def _is_page(self) -> bool:
        """Whether this is one page of several: its summary may be that of them all."""
        node = self._node
        message = node.getparent()
        heads = [node] if message is None else [node, *children(message, "GrpHdr")]
        pages = [page for head in heads for page in head if local(page).endswith("Pgntn")]
        return any((text(page, "PgNb"), text(page, "LastPgInd")) != ("1", "true") for page in pages)


class _Sum:
    """One side of TxsSummry: number and sum of the entries, where stated."""

    def __init__(self, summary: Node | None, side: str) -> None:
        node = None if summary is None else child(summary, side)
        number = None if node is None else child(node, "NbOfNtries")
        total = None if node is None else child(node, "Sum")
        self.number = None if number is None else count((number.text or "").strip())
        self.value = None if total is None else money(total)


def _balance(balances: Iterable[Node], codes: tuple[str, ...]) -> Decimal | None:
    """The balance of the first code that is stated, the first of its kind; DBIT is negative."""
    by_code: dict[str, Node] = {}
    for balance in balances:
        by_code.setdefault(_balance_code(balance), balance)
    node = next((by_code[code] for code in codes if code in by_code), None)
    if node is None:
        return None
    stated = child(node, "Amt")
    if stated is None:
        raise ReadError("a balance without Amt", row=line_of(node))
    value = money(stated)
    # 155 of 155 real files of one bank leave CdtDbtInd out: it is a credit.
    return value if sign_of(node, default="CRDT") else -value


def _balance_code(node: Node) -> str:
    # The first version has the code directly below Tp.
    return text(node, "Tp", "CdOrPrtry", "Cd") or text(node, "Tp", "Cd")
