"""MT940 and MT942: signs, days, pages, texts, and files that end too early."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from platforms.banks.mt940 import ADAPTER
from platforms.contract import BankLine, ReadError, Record, Statement, Totals
from tests.platforms.cases import document, verdicts

HEAD = ":20:S\n:25:12345\n:28C:1/1\n:60F:C260101EUR0,\n"
TAIL = ":62F:C260131EUR0,\n-\n"


def read(text: str | bytes) -> list[Record]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(ADAPTER.read(document(data)))


def entries(*fields: str) -> list[BankLine]:
    records = read(HEAD + "\n".join(fields) + "\n" + TAIL)
    return [record for record in records if isinstance(record, BankLine)]


def entry(*fields: str) -> BankLine:
    (found,) = entries(*fields)
    return found


def refused(text: str | bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read(text)
    return str(caught.value)


# --- which way the money went -------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "amount"),
    [
        *(("C2,00", "2.00"), ("D2,00", "-2.00"), ("RC2,00", "-2.00"), ("RD2,00", "2.00")),
        # The letter is EUR's third, not a reversal.
        *(("CR2,00", "2.00"), ("DR2,00", "-2.00"), ("RCR2,00", "-2.00"), ("RDR2,00", "2.00")),
        *(
            ("C500", "500"),
            ("C000000000500.00", "500.00"),
            ("D0,5", "-0.5"),
            ("C35122,", "35122"),
            ("D0,", "0"),
        ),
    ],
)
def test_a_mark_gives_the_sign(mark: str, amount: str) -> None:
    assert entry(f":61:2601020102{mark}NTRFNONREF").amount == Decimal(amount)


@pytest.mark.parametrize(
    "amount", ["1.234,56", "1,234.56", "1.234", "2,00,00", "1.2.34", ",50", "12,345678"]
)
def test_an_amount_is_written_one_way(amount: str) -> None:
    assert "not an amount" in refused(HEAD + f":61:260102C{amount}NTRFX\n" + TAIL) or (
        "not an entry" in refused(HEAD + f":61:260102C{amount}NTRFX\n" + TAIL)
    )


def test_a_letter_of_another_currency_is_refused() -> None:
    assert "the funds letter D is not of EUR" in refused(HEAD + ":61:260102CD2,00NTRFX\n" + TAIL)


def test_an_expected_entry_is_not_a_booked_one() -> None:
    assert "not an entry" in refused(HEAD + ":61:260102EC2,00NTRFX\n" + TAIL)


# --- when ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "value_on", "booked_on"),
    [
        ("2601020105", date(2026, 1, 2), date(2026, 1, 5)),
        ("2512310102", date(2025, 12, 31), date(2026, 1, 2)),
        ("2601021231", date(2026, 1, 2), date(2025, 12, 31)),
        ("260102", date(2026, 1, 2), None),
        ("260102    ", date(2026, 1, 2), None),
        # Interest months have 30 days.
        ("1602300301", date(2016, 2, 29), date(2016, 3, 1)),
        ("2602290301", date(2026, 2, 28), date(2026, 3, 1)),
        ("991231", date(1999, 12, 31), None),
    ],
)
def test_days(days: str, value_on: date, booked_on: date | None) -> None:
    found = entry(f":61:{days}C1,NTRFNONREF")
    assert (found.value_on, found.booked_on) == (value_on, booked_on)


@pytest.mark.parametrize("days", ["260431", "260100", "261301", "2601021301"])
def test_a_day_that_is_none_is_refused(days: str) -> None:
    assert "not a day" in refused(HEAD + f":61:{days}C1,NTRFX\n" + TAIL)


# --- what was said ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reference", "remittance"),
    [
        ("NTRFNONREF//BANK1", "BANK1", ""),
        ("NTRFPAYOUT-1", "PAYOUT-1", ""),
        ("NTRFKREF+", "", ""),
        ("//19239782213", "19239782213", ""),
        ("NOV NONREF", "", ""),
        ("S   X", "", ""),
        ("NTRFNONREF//B\nCard transaction", "B", "Card transaction"),
    ],
)
def test_references(line: str, reference: str, remittance: str) -> None:
    found = entry(f":61:260102C1,{line}")
    assert (found.reference, found.remittance) == (reference, remittance)


def test_text_behind_the_sixteen_places_is_a_name() -> None:
    found = entry(":61:030111D1,00NMSC1173113681      ROBECO", ":86:AANKOOP", ":86:FONDSEN")
    assert (found.reference, found.counterparty) == ("1173113681", "ROBECO")
    assert found.remittance == "AANKOOP FONDSEN"


def test_german_details() -> None:
    found = entry(
        ":61:260102C1,NTRFNONREF",
        ":86:166?00GUTSCHRIFT?20SVWZ+Payout TX63509430?211XT batch 380?2",
        "2EREF+PO-42?23MREF+NOTPROVIDED?31DE1?32Adyen?33 N.V.?601 more",
    )
    assert found.remittance == "Payout TX635094301XT batch 380"
    assert (found.counterparty, found.end_to_end_id) == ("Adyen N.V.", "PO-42")


def test_german_details_without_a_purpose_key_are_kept_whole() -> None:
    found = entry(":61:260102C1,NTRFX", ":86:159?00RETOURE?20EREF+NOTPROVIDED?21MTLG:Reject")
    assert found.remittance == "EREF+NOTPROVIDEDMTLG:Reject"
    assert found.end_to_end_id == ""


def test_triodos_writes_another_mark() -> None:
    found = entry(":61:260102C1,N000NONREF", ":86:000>100133967858", ">20 HUUR?>21 KANTOOR>311")
    assert (found.remittance, found.counterparty) == ("HUUR? KANTOOR", "1")


def test_dutch_details() -> None:
    found = entry(
        ":61:260102C1,NTRFX",
        ":86:/TRTP/SEPA/IBAN/NL1/NAME/STRIPE PAY",
        "MENTS/REMI/12/34 SHOPIFY//A/EREF/E-1",
    )
    assert (found.counterparty, found.end_to_end_id) == ("STRIPE PAYMENTS", "E-1")
    assert found.remittance == "12/34 SHOPIFY//A"


def test_a_full_line_of_free_text_runs_on_and_a_short_one_does_not() -> None:
    full = "PAYOUT " + "x" * 58
    assert len(full) == 65
    assert entry(":61:260102C1,NTRFX", f":86:{full}", "TAIL", "next").remittance == (
        f"{full}TAIL next"
    )


def test_a_text_after_the_balance_is_of_no_entry() -> None:
    records = read(HEAD + ":61:260102C1,NTRFX\n" + TAIL[:-2] + ":86:statement\n-\n")
    (found,) = [record for record in records if isinstance(record, BankLine)]
    assert found.remittance == ""


def test_a_line_that_looks_like_a_tag_is_text_inside_a_text() -> None:
    assert (
        entry(":61:260102C1,NTRFX", ":86:106?20at T16", ":26:37?21x").remittance == "at T16:26:37x"
    )


@pytest.mark.parametrize(
    ("account", "encoding"), [("12345", "cp1252"), ("12345", "utf-8"), ("PL12", "cp852")]
)
def test_the_account_declares_the_encoding(account: str, encoding: str) -> None:
    text = HEAD.replace("12345", account) + ":61:260102C1,NTRFX\n:86:Geb\xfchr\n" + TAIL
    (found,) = [r for r in read(text.encode(encoding)) if isinstance(r, BankLine)]
    assert found.remittance == "Gebühr"


def test_a_byte_windows_does_not_have_makes_it_latin_1() -> None:
    data = (HEAD + ":61:260102C1,NTRFX\n:86:\xfc \x81\n" + TAIL).encode("latin-1")
    (found,) = [r for r in read(data) if isinstance(r, BankLine)]
    assert found.remittance == "ü \x81"


# --- pages, messages and their ends -------------------------------------------------------


def test_every_page_ties_to_its_own_balances() -> None:
    text = (
        ":20:S\n:25:1EUR\n:28C:1/1\n:60F:C260101EUR5,\n:61:260102C1,NTRFX\n:62M:C260102EUR6,\n"
        ":28C:1/2\n:60M:C260102EUR6,\n:61:260102D2,NTRFX\n:62F:C260102EUR4,\n-\n"
        ":20:T\n:25:2 USD\n:28C:0000\n0\n:60F:D260101USD5,\n:62F:D260102USD5,\n"
    )
    records = read(text)
    assert verdicts(records) == [True, True, True]
    statements = [record for record in records if isinstance(record, Statement)]
    assert [(s.account, s.number) for s in statements] == [
        ("1", "1/1"),
        ("1", "1/2"),
        ("2", "00000"),
    ]
    # A statement without entries is dated by its balance.
    assert (statements[0].period_from, statements[2].period_from) == (None, date(2026, 1, 2))


@pytest.mark.parametrize("between", [":28C:1/3\n", f"-\n{HEAD[: HEAD.index(':60F')]}"])
def test_a_page_that_is_missing_shows(between: str) -> None:
    first = HEAD + ":61:260102C1,NTRFX\n:62M:C260102EUR1,\n"
    assert verdicts(read(f"{first}{between}:60M:C260102EUR1,\n{TAIL.replace('R0', 'R1')}"))
    later = f"{first}{between}:60M:C260102EUR2,\n{TAIL.replace('R0', 'R2')}"
    assert "does not begin where the page before ends" in refused(later)


def test_an_interim_report_is_evidence_only() -> None:
    text = (
        ":20:S\n:25:1\n:28C:1/1\n:34F:PLN0,\n:13D:1701191815+0100\n:61:260102CN0,01NTRFX\n"
        ":90D:0PLN0,00\n:90C:1PLN0,01\n-\n"
    )
    records = read(text)
    statement, totals = records[0], records[-1]
    assert isinstance(statement, Statement) and isinstance(totals, Totals)
    assert (statement.profile, statement.books, statement.currency) == ("mt942", False, "PLN")
    assert (totals.credit_count, totals.credit, totals.debit_count) == (1, Decimal("0.01"), 0)
    assert verdicts(records) == [True]
    assert "lacks its sums" in refused(text.replace(":90C:1PLN0,01\n", ""))
    assert "lacks its sums" in refused(
        text.replace(":90", ":65").replace(":65D", ":64").replace(":65C", ":65")
    )


def test_bank_preambles_and_envelopes_are_no_content() -> None:
    for text in (
        f"ABNANL2A\n940\nABNANL2A\n{HEAD}{TAIL}ABNANL2A\n940\n{HEAD}{TAIL}",
        f"{{1:F01X}}{{2:I940X}}{{4:\n{HEAD}{TAIL[:-1]}}}{{5:{{CHK:1}}}}\n{{1:F01X}}{{4:\n{HEAD}{TAIL}",
        f":940:\n{HEAD}{TAIL[:-2]}{HEAD}{TAIL[:-2]}",
        f"\x01\r\n{HEAD}{TAIL[:-1]}\x03\n\r\n{HEAD}\n\n{TAIL}".replace("\n", "\r\n"),
    ):
        assert verdicts(read(text)) == [True, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (":20:S\n:25:1\n", "no opening balance"),
        (":60F:C260101EUR0,\n", "outside a message"),
        (HEAD, "no closing balance"),
        (HEAD + ":61:260102C1,NTRFX\n-\n" + HEAD + TAIL, "no closing balance"),
        (HEAD + HEAD + TAIL, "no closing balance"),
        (HEAD + TAIL + "ABNANL2A\n940\n", "ends in the head of a message"),
        (HEAD + TAIL + "{1:F01X}{2:I940X}{4:\n", "ends in the head of a message"),
        (HEAD + TAIL + ":61:260102C1,NTRFX\n", "outside a message"),
        (HEAD + TAIL[:-2] + ":61:260102C1,NTRFX\n-\n", "after the end of its page"),
        (HEAD + ":25:2\n" + TAIL, "a second :25:"),
        (HEAD + ":60F:C260101EUR9,\n" + TAIL, "a second opening"),
        (HEAD + TAIL[:-2] + ":62F:C260131EUR5,\n", "a second closing"),
        (HEAD + TAIL.replace("EUR", "USD"), "opens in EUR and closes in USD"),
        (HEAD.replace(":25:12345\n", "") + TAIL, "names no account"),
        (HEAD.replace("EUR0,\n", "EUR0,\nmore\n") + TAIL, "does not belong to :60F:"),
        (HEAD + ":99:x\n" + TAIL, "not of the message"),
        (HEAD.replace("C260101", "X260101") + TAIL, "not a balance"),
        ("\n", "no message"),
    ],
)
def test_what_is_not_whole_is_refused(text: str, reason: str) -> None:
    assert reason in refused(text)
