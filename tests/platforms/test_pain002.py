"""pain.002: what a bank says of our orders is understood word by word, or not at all."""

from __future__ import annotations

import pytest

from platforms import registry
from platforms.banks.pain001 import status
from platforms.contract import PaymentOutcome, PaymentStatus, ReadError
from tests.platforms.cases import document

PAIN = registry.pays("pain001")
GROUP = "<OrgnlMsgId>M-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
REASON = (
    "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Account</AddtlInf>"
    "<AddtlInf>closed</AddtlInf></StsRsnInf>"
)


def report(*blocks: str, group: str = GROUP, version: str = "10", prefix: str = "") -> bytes:
    """A report as banks write it."""
    mark = f":{prefix}" if prefix else ""
    body = (
        f'<Document xmlns{mark}="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}">\n'
        "<CstmrPmtStsRpt><GrpHdr><MsgId>B-9</MsgId></GrpHdr>"
        f"<OrgnlGrpInfAndSts>{group}</OrgnlGrpInfAndSts>\n{''.join(blocks)}"
        "</CstmrPmtStsRpt></Document>"
    )
    if prefix:
        body = body.replace("</", f"</{prefix}:").replace("<", f"<{prefix}:")
        body = body.replace(f"<{prefix}:/{prefix}:", f"</{prefix}:")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()


def block(*orders: str, word: str = "", more: str = "", name: str = "W-1") -> str:
    """The part of a report on one PmtInf."""
    said = f"<PmtInfSts>{word}</PmtInfSts>{more}" if word else ""
    return (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{name}</OrgnlPmtInfId>{said}{''.join(orders)}"
        "</OrgnlPmtInfAndSts>\n"
    )


def order(number: str = "W-1", word: str = "ACSP", more: str = "", ids: str | None = None) -> str:
    """The part on one order."""
    both = f"<OrgnlInstrId>{number}</OrgnlInstrId><OrgnlEndToEndId>{number}</OrgnlEndToEndId>"
    said = f"<TxSts>{word}</TxSts>" if word else ""
    return f"<TxInfAndSts>{both if ids is None else ids}{said}{more}</TxInfAndSts>"


def read(data: bytes) -> list[PaymentStatus]:
    return list(PAIN.read_status(document(data)))


def refused(data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        PAIN.read_status(document(data))
    return str(caught.value)


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("RCVD", PaymentOutcome.RECEIVED),
        ("ACTC", PaymentOutcome.RECEIVED),
        ("ACCP", PaymentOutcome.ACCEPTED),
        ("ACSP", PaymentOutcome.ACCEPTED),
        ("ACWC", PaymentOutcome.ACCEPTED),
        ("ACSC", PaymentOutcome.BOOKED),
        ("ACCC", PaymentOutcome.BOOKED),
        ("PDNG", PaymentOutcome.PENDING),
        ("PART", PaymentOutcome.PENDING),
        ("RJCT", PaymentOutcome.REJECTED),
    ],
)
def test_every_word_of_a_bank_is_understood(word: str, outcome: PaymentOutcome) -> None:
    (found,) = read(report(block(order(word=word))))
    assert found == PaymentStatus(
        number="W-1", outcome=outcome, word=word, message_id="M-1", block="W-1"
    )


def test_a_rejection_says_why() -> None:
    (found,) = read(report(block(order(word="RJCT", more=REASON))))
    assert (found.outcome, found.code, found.reason) == ("rejected", "AC04", "Account closed")


def test_a_reason_of_the_banks_own_is_a_reason() -> None:
    more = "<StsRsnInf><Rsn><Prtry>X1</Prtry></Rsn></StsRsnInf>" + REASON
    (found,) = read(report(block(order(word="RJCT", more=more))))
    assert (found.code, found.reason) == ("X1", "Account closed")


def test_a_message_refused_as_a_whole_names_no_order() -> None:
    (found,) = read(report(group=f"{GROUP}<GrpSts>RJCT</GrpSts>{REASON}"))
    assert found == PaymentStatus(
        number="",
        outcome=PaymentOutcome.REJECTED,
        code="AC04",
        reason="Account closed",
        word="RJCT",
        message_id="M-1",
    )


def test_a_block_refused_as_a_whole_is_called_by_its_first_order() -> None:
    (found,) = read(report(block(word="RJCT", more=REASON, name="W-7")))
    assert (found.number, found.block, found.code) == ("", "W-7", "AC04")


def test_the_broader_status_comes_first_and_is_inherited() -> None:
    data = report(
        block(order("W-1", word=""), order("W-2", word="RJCT"), word="ACCP"),
        block(order("W-3", word=""), name="W-3"),
        group=f"{GROUP}<GrpSts>PART</GrpSts>",
    )
    assert [(found.block, found.number, found.word) for found in read(data)] == [
        ("", "", "PART"),
        ("W-1", "", "ACCP"),
        ("W-1", "W-1", "ACCP"),
        ("W-1", "W-2", "RJCT"),
        ("W-3", "W-3", "PART"),
    ]


@pytest.mark.parametrize(
    "ids",
    [
        "<OrgnlInstrId>W-1</OrgnlInstrId>",
        "<OrgnlEndToEndId>W-1</OrgnlEndToEndId>",
        "<OrgnlInstrId>W-1</OrgnlInstrId><OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId>",
    ],
)
def test_one_of_our_two_ids_is_enough(ids: str) -> None:
    (found,) = read(report(block(order(ids=ids))))
    assert found.number == "W-1"


@pytest.mark.parametrize("version", ["03", "08", "10", "13"])
@pytest.mark.parametrize("prefix", ["", "p"])
def test_versions_and_prefixes_do_not_matter(version: str, prefix: str) -> None:
    (found,) = read(report(block(order()), version=version, prefix=prefix))
    assert (found.number, found.word) == ("W-1", "ACSP")


def test_the_second_version_has_its_orders_elsewhere() -> None:
    data = (
        b"<Document><pain.002.001.02><OrgnlGrpInfAndSts><OrgnlMsgId>M-1</OrgnlMsgId>"
        b"</OrgnlGrpInfAndSts><TxInfAndSts><OrgnlPmtInfId>W-1</OrgnlPmtInfId>"
        b"<OrgnlEndToEndId>W-2</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf>"
        b"<StsRsn><Cd>AC01</Cd></StsRsn><AddtlStsRsnInf>no such account</AddtlStsRsnInf>"
        b"</StsRsnInf></TxInfAndSts></pain.002.001.02></Document>"
    )
    (found,) = read(data)
    assert (found.number, found.block, found.code) == ("W-2", "W-1", "AC01")
    assert found.reason == "no such account"


# --- What is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (report(block(order(word="MAYB"))), "unknown status 'MAYB'"),
        (report(block(order(word="rjct"))), "unknown status 'rjct'"),
        (report(block(order(word=""))), "unknown status ''"),
        (report(block(order(), order(word="MAYB"))), "unknown status"),
        (report(block(order(ids=""))), "names no order"),
        (report(block(order(ids="<OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId>"))), "no order"),
        (
            report(block(order(ids="<OrgnlInstrId>A</OrgnlInstrId>"
                                   "<OrgnlEndToEndId>B</OrgnlEndToEndId>"))),
            "names two orders",
        ),
        (report(block(word="RJCT", name="")), "without its OrgnlPmtInfId"),
        (report(block(order()), group=""), "OrgnlMsgId is missing"),
        (report(), "states nothing"),
        (b"<Document><CstmrPmtStsRpt/></Document>", "which message"),
        (b"<Document><CstmrCdtTrfInitn/></Document>", "no payment status report"),
        (b"hello", "not an XML document"),
        (b"", "not an XML document"),
        (report(block(order()))[:-20], "not whole"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_whole(data: bytes, reason: str) -> None:
    assert reason in refused(data)


def test_an_error_names_the_line() -> None:
    assert refused(report(block(order()), block(order(word="MAYB")))).startswith("row 5:")


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE d [<!ENTITY x "y">]>',
        b'<!DOCTYPE d SYSTEM "http://127.0.0.1/x.dtd">',
        b'<!DOCTYPE d [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    ],
)
def test_a_doctype_is_refused(prolog: bytes) -> None:
    assert "DOCTYPE" in refused(report(block(order())).replace(b"?>\n", b"?>" + prolog))


def test_a_report_of_any_size_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = report(block(order()))
    monkeypatch.setattr(status, "MAX_SIZE", len(data))
    assert read(data)
    monkeypatch.setattr(status, "MAX_SIZE", len(data) - 1)
    assert "larger than" in refused(data)


def test_a_cut_never_gives_a_quiet_subset() -> None:
    data = report(block(order("W-1"), order("W-2")), block(order("W-3"), name="W-3"))
    whole = read(data)
    for place in range(len(data)):
        try:
            assert read(data[:place]) == whole
        except ReadError:
            continue
