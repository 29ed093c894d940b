"""camt messages: booked entries only, amounts that count, and hostile XML."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from platforms.banks.camt import ADAPTER
from platforms.contract import BankLine, ReadError, Record, Statement, Totals
from tests.platforms.cases import document, verdicts

ENTRY = (
    '<Ntry><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
    "<BookgDt><Dt>2026-10-09</Dt></BookgDt></Ntry>"
)
ACCOUNT = "<Acct><Id><IBAN>DE1</IBAN></Id><Ccy>EUR</Ccy></Acct>"


def message(*entries: str, account: str = ACCOUNT, balances: str = "", form: str = "Stmt") -> bytes:
    return (
        f"<Document><BkToCstmr{form}><{form}><Id>1</Id>{account}{balances}\n"
        + "\n".join(entries)
        + f"</{form}></BkToCstmr{form}></Document>"
    ).encode()


def balance(code: str, value: str, direction: str = "") -> str:
    mark = f"<CdtDbtInd>{direction}</CdtDbtInd>" if direction else ""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="EUR">{value}</Amt>{mark}</Bal>'
    )


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def entries(data: bytes) -> list[BankLine]:
    return [record for record in read(data) if isinstance(record, BankLine)]


def totals(data: bytes) -> Totals:
    (found,) = [record for record in read(data) if isinstance(record, Totals)]
    return found


def refused(data: bytes) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(data)
    return caught.value


@pytest.mark.parametrize(
    ("status", "booked"),
    [
        ("<Sts>BOOK</Sts>", True),
        ("<Sts><Cd>BOOK</Cd></Sts>", True),
        ("", True),
        ("<Sts>PDNG</Sts>", False),
        ("<Sts><Cd>INFO</Cd></Sts>", False),
        ("<Sts>\n<Cd>FUTR</Cd>\n</Sts>", False),
    ],
)
def test_only_booked_entries_count(status: str, booked: bool) -> None:
    data = message(ENTRY.replace("<Sts>BOOK</Sts>", status))
    assert len(entries(data)) == booked


def test_an_unknown_status_is_neither_booked_nor_dropped() -> None:
    error = refused(message(ENTRY, ENTRY.replace("BOOK", "MAYBE")))
    assert "entry 2: unknown status" in error.reason


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", "5"), (".5", "0.5"), ("5.", "5"), (" 5.00 ", "5.00"), ("+5.10", "5.10"), ("0", "0")],
)
def test_amounts_are_xs_decimals(text: str, value: str) -> None:
    (entry,) = entries(message(ENTRY.replace("5.00", text)))
    assert entry.amount == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", ".", "-5", "1e3", "12..34", "1,00", "５", "NaN", "5.123456789"]
)
def test_a_garbled_amount_names_its_entry(text: str) -> None:
    error = refused(message(ENTRY, ENTRY, ENTRY.replace("5.00", text)))
    assert error.reason.startswith("entry 3: ")
    assert error.row == 4


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("CRDT", "XXXX", "CdtDbtInd is 'XXXX'"),
        ("<CdtDbtInd>CRDT</CdtDbtInd>", "", "CdtDbtInd is ''"),
        ('<Amt Ccy="EUR">5.00</Amt>', "", "no Amt"),
        ("2026-10-09", "2026-02-30", "not a day"),
        ("2026-10-09", "9 Oct", "not a day"),
        ('Ccy="EUR"', 'Ccy="USD"', "it is in USD, the account is in EUR"),
        ('Ccy="EUR"', 'Ccy="euro"', "not a currency"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(before: str, after: str, reason: str) -> None:
    error = refused(message(ENTRY.replace(before, after)))
    assert error.reason.startswith("entry 1: ")
    assert reason in error.reason
    assert error.row is not None


def test_an_account_without_a_currency_takes_one_but_not_two() -> None:
    account = "<Acct><Id><Othr><Id>77</Id></Othr></Id></Acct>"
    data = message(ENTRY.replace("EUR", "USD"), account=account)
    statement = read(data)[0]
    assert isinstance(statement, Statement)
    assert (statement.account, statement.currency) == ("77", "USD")
    assert "in EUR" in refused(message(ENTRY.replace("EUR", "USD"), ENTRY, account=account)).reason
    assert (
        "no currency" in refused(message(ENTRY.replace(' Ccy="EUR"', ""), account=account)).reason
    )


def test_an_entry_may_leave_its_currency_to_the_account() -> None:
    assert entries(message(ENTRY.replace(' Ccy="EUR"', "")))[0].currency == "EUR"


@pytest.mark.parametrize(
    ("balances", "opening", "closing"),
    [
        (balance("OPBD", "1") + balance("CLBD", "6", "CRDT"), 1, 6),
        (balance("PRCD", "1", "DBIT") + balance("CLBD", "4"), -1, 4),
        (balance("PRCD", "9") + balance("OPBD", "1") + balance("CLBD", "6"), 1, 6),
        (balance("OPBD", "1") + balance("ITBD", "6"), 1, 6),
        (balance("OPAV", "1") + balance("CLAV", "6"), None, None),
        (balance("OPBD", "1") + balance("ITBD", "3") + balance("ITBD", "6"), 1, 6),
    ],
)
def test_balances(balances: str, opening: int | None, closing: int | None) -> None:
    data = message(ENTRY, balances=balances)
    assert (totals(data).opening, totals(data).closing) == (opening, closing)
    assert verdicts(read(data)) == [None if opening is None else True]


def test_a_balance_that_does_not_follow_is_seen() -> None:
    balances = balance("OPBD", "1") + balance("CLBD", "7")
    assert verdicts(read(message(ENTRY, balances=balances))) == [False]


@pytest.mark.parametrize("bad", ["x", "", "-1"])
def test_a_garbled_balance_is_refused(bad: str) -> None:
    refused(message(ENTRY, balances=balance("OPBD", bad)))


def test_a_summary_of_the_entries_is_compared_unless_some_were_passed_over() -> None:
    summary = (
        "<TxsSummry><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>5.00</Sum></TtlCdtNtries>"
        "<TtlDbtNtries><NbOfNtries>0</NbOfNtries></TtlDbtNtries></TxsSummry>"
    )
    assert verdicts(read(message(ENTRY, balances=summary))) == [True]
    assert verdicts(read(message(ENTRY, ENTRY, balances=summary))) == [False]
    pending = ENTRY.replace("BOOK", "PDNG")
    assert verdicts(read(message(ENTRY, pending, balances=summary))) == [None]
    page = "<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"
    assert verdicts(read(message(ENTRY, ENTRY, balances=page + summary))) == [None]


def test_a_reversal_keeps_the_direction_it_states() -> None:
    entry = ENTRY.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
    assert entries(message(entry))[0].amount == Decimal("5.00")


@pytest.mark.parametrize(
    ("direction", "marks", "other"),
    [
        ("CRDT", "", "Debtor"),
        ("DBIT", "", "Creditor"),
        ("DBIT", "<RtrInf/>", "Debtor"),
        ("CRDT", "<RtrInf/>", "Creditor"),
        ("DBIT", "reversal", "Debtor"),
    ],
)
def test_the_counterparty_is_the_other_side(direction: str, marks: str, other: str) -> None:
    """A return names the parties of the payment that came back."""
    details = (
        "<NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Debtor</Nm></Dbtr><Cdtr><Nm>Creditor</Nm></Cdtr>"
        f"</RltdPties>{marks.replace('reversal', '')}</TxDtls></NtryDtls></Ntry>"
    )
    reversal = "<RvslInd>true</RvslInd>" if marks == "reversal" else "<RvslInd>false</RvslInd>"
    entry = ENTRY.replace("CRDT", direction).replace("<Sts>", f"{reversal}<Sts>")
    (line,) = entries(message(entry.replace("</Ntry>", details)))
    assert line.counterparty == other


def test_a_message_of_no_statement_is_refused() -> None:
    for data in (
        b"<Document></Document>",
        b"<Document>\n <!-- Missing Content -->\n</Document>",
        b"<Document><Stmt></Stmt></Document>",
        b"<BkToCstmrStmt></BkToCstmrStmt>",
    ):
        assert "no account statement" in refused(data).reason
        assert not ADAPTER.recognises(document(data.replace(b"BkToCstmrStmt", b"x")))


def test_entries_of_another_place_are_not_entries() -> None:
    nested = message(ENTRY.replace("</Ntry>", f"<SplmtryData>{ENTRY}</SplmtryData></Ntry>"))
    assert len(entries(nested)) == 1


def test_latin_1_and_a_bom_are_read() -> None:
    named = ENTRY.replace("</Ntry>", "<AddtlNtryInf>Gebühr</AddtlNtryInf></Ntry>")
    body = message(named).decode()
    latin = f'<?xml version="1.0" encoding="ISO-8859-1"?>\n{body}'.encode("iso-8859-1")
    assert entries(latin)[0].remittance == "Gebühr"
    assert entries(b"\xef\xbb\xbf" + body.encode())[0].remittance == "Gebühr"


# --- hostile XML ---

BOMB = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


@pytest.mark.parametrize(
    "prolog",
    [
        "<!DOCTYPE Document>",
        '<?xml version="1.0"?>\n<!-- <Document> -->\n<!DOCTYPE Document SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE Document [<!ENTITY % remote SYSTEM "http://127.0.0.1:9/x.dtd"> %remote;]>',
        BOMB,
        "<!doctype html>",
        "<!-- " + "x" * 30_000 + " --><?pi?>\n<!DOCTYPE d>",
    ],
)
def test_any_doctype_is_refused_before_parsing(prolog: str) -> None:
    begin = time.perf_counter()
    error = refused(prolog.encode() + message(ENTRY))
    assert "DOCTYPE" in error.reason
    assert error.row == prolog.partition("<!D")[0].partition("<!d")[0].count("\n") + 1
    assert time.perf_counter() - begin < 1


@pytest.mark.parametrize(
    "data",
    [
        b"<!-- " + b"x" * 70_000 + b" --><!DOCTYPE d><a/>",
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE d><a/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-7"?>' + message(ENTRY),
        b"\x4c\x6f\xa7\x94\x93",  # EBCDIC
        b"",
        b"no xml",
        b"<>",
    ],
)
def test_what_hides_its_beginning_is_refused(data: bytes) -> None:
    refused(data)


def test_entities_are_not_resolved() -> None:
    error = refused(message(ENTRY.replace("5.00", "&lol;")))
    assert "not whole" in error.reason


@pytest.mark.parametrize(
    "data",
    [
        message(ENTRY)[:-3],
        message(ENTRY).replace(b"</Amt>", b""),
        message(ENTRY).replace(b"2026-10-09", b"\xff\xfe"),
        message(ENTRY) + b"<Document/>",
        message("<a>" * 400 + "</a>" * 400),
        message("<Ntry><AddtlNtryInf>" + "x" * 11_000_000 + "</AddtlNtryInf></Ntry>"),
    ],
)
def test_broken_or_monstrous_xml_is_refused(data: bytes) -> None:
    assert "the XML is not whole" in refused(data).reason


def test_memory_does_not_grow_with_the_entries() -> None:
    import tracemalloc

    few, many = message(*[ENTRY] * 200), message(*[ENTRY] * 20_000)
    peaks = []
    for data in (few, few, many):
        given = document(data)
        tracemalloc.start()
        count = sum(1 for _ in ADAPTER.read(given))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert count == 20_002
    assert peaks[2] < peaks[1] + 500_000
