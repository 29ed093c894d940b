"""pain.001: every field as the schema and an independent writer have it, or no message at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sepaxml
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from platforms import registry
from platforms.contract import OrderError, PaymentOrder
from platforms.registry import UnknownAdapterError, UnsoundAdapterError, collect_payments

PAIN = registry.pays("pain001")
NOW = datetime(2026, 11, 20, 9, 30, 15, 999, tzinfo=UTC)
DAY = date(2026, 11, 23)
SCHEMA = etree.XMLSchema(
    etree.parse(str(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"))
)
DE, NL, AE = "DE89370400440532013000", "NL91ABNA0417164300", "AE070331234567890123456"


def an_order(**fields: Any) -> PaymentOrder:
    """A yuan payment between two accounts of Chinese banks, unless told otherwise."""
    usual: dict[str, Any] = {
        "number": "W-20261120-0001",
        "amount": Decimal("1234.5"),
        "currency": "CNY",
        "debtor_name": "浙江某某贸易有限公司",
        "debtor_account": "1202021409900000001",
        "creditor_name": "张三",
        "creditor_account": "6222021001112223334",
        "creditor_bank": "中国工商银行杭州分行",
        "creditor_agent": "102331002007",
        "remittance": "货款",
        "execute_on": DAY,
    }
    return PaymentOrder(**usual | fields)


def a_sepa_order(**fields: Any) -> PaymentOrder:
    """A euro payment from Germany to the Netherlands."""
    usual: dict[str, Any] = {
        "currency": "EUR",
        "debtor_name": "Shop GmbH",
        "debtor_account": DE,
        "creditor_name": "Jan Jansen",
        "creditor_account": NL,
        "creditor_bank": "",
        "creditor_agent": "ABNANL2A",
        "remittance": "Invoice 7",
    }
    return an_order(**usual | fields)


def written(*orders: PaymentOrder, message_id: str = "M-1", made_at: datetime = NOW) -> bytes:
    """The message's bytes, valid by the schema."""
    document = PAIN.instruct(orders, message_id=message_id, made_at=made_at)
    with document.open() as stream:
        data = stream.read()
    SCHEMA.assertValid(etree.fromstring(data))
    assert document.head == data[: len(document.head)]
    return data


def facts(data: bytes) -> dict[str, list[str]]:
    """Every text of a message by its path; currencies stand with their amounts."""
    found: dict[str, list[str]] = {}
    root = etree.fromstring(data)
    for node in root.iter():
        names = [etree.QName(above).localname for above in node.iterancestors()][::-1]
        path = "/".join([*names[2:], etree.QName(node).localname])
        if len(node) == 0 and (value := (node.text or "").strip()):
            found.setdefault(path, []).append(value + node.get("Ccy", ""))
    return found


def refused(field: str, *orders: PaymentOrder, **message: Any) -> OrderError:
    """The message must not be written because of this field."""
    given: dict[str, Any] = {"message_id": "M-1", "made_at": NOW}
    with pytest.raises(OrderError) as caught:
        PAIN.instruct(orders, **given | message)
    assert caught.value.field == field
    return caught.value


# --- What is written ----------------------------------------------------------------------


def test_a_payment_between_chinese_banks() -> None:
    found = facts(written(an_order()))
    assert found == {
        "GrpHdr/MsgId": ["M-1"],
        "GrpHdr/CreDtTm": ["2026-11-20T09:30:15+00:00"],
        "GrpHdr/NbOfTxs": ["1"],
        "GrpHdr/CtrlSum": ["1234.50"],
        "GrpHdr/InitgPty/Nm": ["浙江某某贸易有限公司"],
        "PmtInf/PmtInfId": ["W-20261120-0001"],
        "PmtInf/PmtMtd": ["TRF"],
        "PmtInf/BtchBookg": ["false"],
        "PmtInf/NbOfTxs": ["1"],
        "PmtInf/CtrlSum": ["1234.50"],
        "PmtInf/ReqdExctnDt/Dt": ["2026-11-23"],
        "PmtInf/Dbtr/Nm": ["浙江某某贸易有限公司"],
        "PmtInf/DbtrAcct/Id/Othr/Id": ["1202021409900000001"],
        "PmtInf/DbtrAgt/FinInstnId/Othr/Id": ["NOTPROVIDED"],
        "PmtInf/ChrgBr": ["SHAR"],
        "PmtInf/CdtTrfTxInf/PmtId/InstrId": ["W-20261120-0001"],
        "PmtInf/CdtTrfTxInf/PmtId/EndToEndId": ["W-20261120-0001"],
        "PmtInf/CdtTrfTxInf/Amt/InstdAmt": ["1234.50CNY"],
        "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/ClrSysMmbId/ClrSysId/Cd": ["CNAPS"],
        "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId": ["102331002007"],
        "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/Nm": ["中国工商银行杭州分行"],
        "PmtInf/CdtTrfTxInf/Cdtr/Nm": ["张三"],
        "PmtInf/CdtTrfTxInf/CdtrAcct/Id/Othr/Id": ["6222021001112223334"],
        "PmtInf/CdtTrfTxInf/RmtInf/Ustrd": ["W-20261120-0001 货款"],
    }


def test_an_independent_writer_of_sepa_states_the_same_facts() -> None:
    orders = [
        a_sepa_order(number="W-1", amount=Decimal("10.01")),
        a_sepa_order(number="W-2", amount=Decimal("2500"), creditor_account=DE, creditor_agent=""),
    ]
    config = {"name": "Shop GmbH", "IBAN": DE, "batch": True, "currency": "EUR"}
    peer = sepaxml.SepaTransfer(config, schema="pain.001.001.09")
    for order in orders:
        payment = {
            "name": order.creditor_name,
            "IBAN": order.creditor_account,
            "amount": int(order.amount * 100),
            "execution_date": order.execute_on,
            "description": f"{order.number} {order.remittance}",
            "endtoend_id": order.number,
        }
        peer.add_payment(payment | ({"BIC": order.creditor_agent} if order.creditor_agent else {}))
    ours, theirs = facts(written(*orders)), facts(peer.export(validate=True))

    # Ids and the moment are each writer's own; the peer books in one sum and names no agent of the
    # debtor, and no instruction id.
    own = {"GrpHdr/MsgId", "GrpHdr/CreDtTm", "PmtInf/PmtInfId", "PmtInf/BtchBookg"}
    more = {"PmtInf/DbtrAgt/FinInstnId/Othr/Id", "PmtInf/CdtTrfTxInf/PmtId/InstrId"}
    assert ours.keys() - theirs.keys() == more
    assert {k: v for k, v in ours.items() if k not in own | more} == {
        k: v for k, v in theirs.items() if k not in own
    }
    assert ours["PmtInf/ChrgBr"] == ["SLEV"]
    assert ours["PmtInf/PmtTpInf/SvcLvl/Cd"] == ["SEPA"]


@pytest.mark.parametrize(
    ("fields", "sepa"),
    [
        ({}, True),
        ({"currency": "USD"}, False),
        ({"creditor_account": AE}, False),
        ({"debtor_account": AE}, False),
        ({"creditor_account": "0417164300"}, False),
    ],
)
def test_sepa_is_euro_between_accounts_of_its_area(fields: dict[str, Any], sepa: bool) -> None:
    found = facts(written(a_sepa_order(**fields)))
    assert found["PmtInf/ChrgBr"] == ["SLEV" if sepa else "SHAR"]
    assert ("PmtInf/PmtTpInf/SvcLvl/Cd" in found) is sepa


def test_orders_are_blocked_by_what_a_block_states_once() -> None:
    orders = [
        an_order(number="1"),
        an_order(number="2", execute_on=date(2026, 11, 24)),
        an_order(number="3", amount=Decimal("0.01")),
        an_order(number="4", currency="USD"),
        an_order(number="5", debtor_account="42"),
        an_order(number="6", debtor_name="another"),
    ]
    found = facts(written(*orders))
    assert found["GrpHdr/NbOfTxs"] == ["6"]
    assert found["GrpHdr/CtrlSum"] == ["6172.51"]
    assert found["PmtInf/PmtInfId"] == ["1", "2", "4", "5", "6"]
    assert found["PmtInf/NbOfTxs"] == ["2", "1", "1", "1", "1"]
    assert found["PmtInf/CtrlSum"][0] == "1234.51"
    ids = found["PmtInf/CdtTrfTxInf/PmtId/EndToEndId"]
    assert ids == ["1", "3", "2", "4", "5", "6"]


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("CNY", "1", "1.00"),
        ("JPY", "1E+2", "100"),
        ("KWD", "0.001", "0.001"),
        ("EUR", "0.010", "0.01"),
        ("CNY", "9999999999999.99", "9999999999999.99"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(currency: str, amount: str, text: str) -> None:
    found = facts(written(an_order(currency=currency, amount=Decimal(amount))))
    assert found["PmtInf/CdtTrfTxInf/Amt/InstdAmt"] == [text + currency]


def test_sepa_writes_plain_letters() -> None:
    order = a_sepa_order(creditor_name="Łukasz Größe & Søn", remittance="Café – été")
    found = facts(written(order))
    assert found["PmtInf/CdtTrfTxInf/Cdtr/Nm"] == ["Lukasz Grosse + Son"]
    assert found["PmtInf/CdtTrfTxInf/RmtInf/Ustrd"] == ["W-20261120-0001 Cafe - ete"]


def test_the_number_stands_alone_where_there_is_nothing_to_say() -> None:
    found = facts(written(an_order(remittance="", creditor_agent="", creditor_bank="")))
    assert found["PmtInf/CdtTrfTxInf/RmtInf/Ustrd"] == ["W-20261120-0001"]
    assert not [path for path in found if "CdtrAgt" in path]


def test_the_same_orders_are_the_same_bytes() -> None:
    assert written(an_order()) == written(an_order())


def test_markup_in_a_name_is_text() -> None:
    found = facts(written(an_order(creditor_name="</Nm><Nm>&amp;")))
    assert found["PmtInf/CdtTrfTxInf/Cdtr/Nm"] == ["</Nm><Nm>&amp;"]


@given(st.text(max_size=150), st.text(max_size=150), st.booleans())
def test_any_text_is_carried_whole_or_refused(name: str, remittance: str, sepa: bool) -> None:
    make = a_sepa_order if sepa else an_order
    try:
        found = facts(written(make(creditor_name=name, remittance=remittance)))
    except OrderError:
        return
    if not sepa:
        assert found["PmtInf/CdtTrfTxInf/Cdtr/Nm"] == [name]
        assert found["PmtInf/CdtTrfTxInf/RmtInf/Ustrd"] == [f"W-20261120-0001 {remittance}".strip()]


# --- What is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", ""),
        ("number", "x" * 31),
        ("number", "提现1"),
        ("number", "a b"),
        ("number", "/a"),
        ("number", "a//b"),
        ("number", "a/"),
        ("amount", Decimal(0)),
        ("amount", Decimal("-1")),
        ("amount", Decimal("1.001")),
        ("amount", Decimal("NaN")),
        ("amount", Decimal("Infinity")),
        ("amount", Decimal(10) ** 13),
        ("currency", "cny"),
        ("currency", ""),
        ("debtor_name", ""),
        ("debtor_name", "x" * 141),
        ("creditor_name", "张\n三"),
        ("creditor_name", "张\u200b三"),
        ("creditor_name", "\x00"),
        ("creditor_name", "\ud800"),
        ("creditor_name", "\ufffe"),
        ("creditor_name", " 张三"),
        ("debtor_account", ""),
        ("creditor_account", "9" * 35),
        ("creditor_account", "6222 0210"),
        ("creditor_account", "６２２２"),
        ("creditor_account", "DE88370400440532013000"),
        ("creditor_agent", "10233100200"),
        ("creditor_agent", "ICBKCNB"),
        ("creditor_bank", "x" * 141),
        ("remittance", "款" * 137),
        ("remittance", "a\tb"),
    ],
)
def test_an_order_that_does_not_fit_is_refused(field: str, value: Any) -> None:
    fault = refused(field, an_order(number="good"), an_order(**{"number": "bad", field: value}))
    assert fault.number == ("bad" if field != "number" else value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("creditor_name", "张三"),
        ("creditor_name", "x" * 71),
        ("remittance", "Miete_5"),
        ("amount", Decimal("0.001")),
        ("amount", Decimal("1000000000")),
    ],
)
def test_sepa_takes_less(field: str, value: Any) -> None:
    refused(field, a_sepa_order(**{field: value}))


def test_yen_have_no_sen() -> None:
    assert "0 digits" in refused("amount", an_order(currency="JPY")).reason


@pytest.mark.parametrize("message_id", ["", "x" * 36, "批次", "a b"])
def test_a_message_that_cannot_be_named_is_refused(message_id: str) -> None:
    refused("message_id", an_order(), message_id=message_id)


def test_a_message_of_nothing_of_nowhen_or_of_one_order_twice_is_refused() -> None:
    refused("orders")
    refused("made_at", an_order(), made_at=NOW.replace(tzinfo=None))
    assert refused("number", an_order(), an_order()).number == "W-20261120-0001"


def test_the_longest_of_everything_fits() -> None:
    order = an_order(
        number="x" * 30,
        debtor_name="名" * 140,
        creditor_name="名" * 140,
        creditor_bank="行" * 140,
        creditor_account="9" * 34,
        remittance="款" * 109,
    )
    written(order, message_id="m" * 35)


# --- Where it is found --------------------------------------------------------------------


def test_a_payment_form_is_no_statement_format() -> None:
    assert registry.payment_codes() == ("pain001",)
    assert "pain001" not in registry.codes()
    with pytest.raises(UnknownAdapterError):
        registry.get("pain001")
    with pytest.raises(UnknownAdapterError, match="no payment form is called 'camt'"):
        registry.pays("camt")


@pytest.mark.parametrize(
    "fields", [{"code": "Pain 001"}, {"name": ""}, {"instruct": None}, {"read_status": None}]
)
def test_an_unsound_payment_form_is_refused(fields: dict[str, Any]) -> None:
    usual: dict[str, Any] = {
        "code": "x", "name": "X", "family": "payment", "instruct": 1, "read_status": 1,
    }  # fmt: skip
    parts = {name: part for name, part in (usual | fields).items() if part is not None}
    module: Any = type("module", (), {"ADAPTER": type("Form", (), parts)()})
    with pytest.raises(UnsoundAdapterError, match="no payment form"):
        collect_payments([module])


def test_two_payment_forms_with_one_code_are_refused() -> None:
    module: Any = type("module", (), {"ADAPTER": PAIN})
    with pytest.raises(UnsoundAdapterError, match="taken"):
        collect_payments([module, module])
