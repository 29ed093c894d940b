"""The simulated bank over real HTTP: every order once, and statements that tie out."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.online_bank import BankDidNotStartError, RunningBank, running

from .banking import PAYEE, Customer, Order, answer

_numbers = itertools.count(1)
OPENING = 100_000


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBank]:
    with running(state=tmp_path_factory.mktemp("bank")) as running_bank:
        yield running_bank


@pytest.fixture
def customer(bank: RunningBank) -> Iterator[Customer]:
    """A customer with an account of its own, holding 1,000.00."""
    customer = Customer(bank, f"62170099{next(_numbers):06d}")
    assert customer.open(OPENING).status_code == 201
    yield customer
    customer.http.close()


def ids(customer: Customer, count: int) -> list[str]:
    return [f"W{customer.account[-6:]}-{index}" for index in range(count)]


def test_what_is_paid_stands_on_statements_that_follow_one_another(customer: Customer) -> None:
    one, two, three = ids(customer, 3)
    said = customer.pay(f"M{one}", Order(end_to_end_id=one, amount="120.50"))
    assert (said.group, said.orders, said.original) == ("ACTC", {one: "ACCP"}, f"M{one}")
    assert customer.status(one) == "ACSC"
    assert len(customer.statements()) == 1

    orders = [Order(end_to_end_id=name, amount="30.00") for name in (two, three)]
    assert customer.pay(f"M{two}", *orders).group == "ACTC"
    income = {"account": customer.account, "amount": 5000, "payer": "财付通", "text": "提现 1000"}
    customer.control(credit=income)
    back = customer.control(**{"return": one})["reference"]

    first, second = customer.statements()
    assert (first.opening, first.closing) == (Decimal("1000.00"), Decimal("879.50"))
    assert (second.opening, second.closing) == (Decimal("879.50"), Decimal("990.00"))
    for read in (first, second):
        assert read.opening + sum(line.amount for line in read.lines) == read.closing
        assert read.account == customer.account
    assert (first.sequence, second.sequence) == (1, 2)
    (paid,) = first.lines
    assert (paid.amount, paid.ids, paid.instructions) == (Decimal("-120.50"), [one], [f"I-{one}"])
    assert paid.creditor == ["青禾陶瓷厂", PAYEE]
    assert paid.texts == ["货款 <7> & more"]
    assert [line.ids for line in second.lines] == [[two], [three], ["NOTPROVIDED"], [one]]
    assert second.lines[2].texts == ["提现 1000"]
    returned = second.lines[-1]
    assert (returned.amount, returned.ids, returned.returned) == (-paid.amount, [one], ["AC04"])
    assert returned.reference == back != paid.reference
    assert customer.status(one) == "ACSC"


def test_a_statement_never_changes_and_is_issued_only_for_something(customer: Customer) -> None:
    (one, two) = ids(customer, 2)
    customer.pay(f"M{one}", Order(end_to_end_id=one, amount="1"))
    customer.http.post("/control/close")
    (name,) = customer.names()
    issued = customer.http.get(f"/statements/{name}").content
    customer.pay(f"M{two}", Order(end_to_end_id=two, amount="2"))
    assert customer.names() == [name]
    for _ in range(2):
        customer.http.post("/control/close")
    assert customer.http.get(f"/statements/{name}").content == issued
    assert len(customer.names()) == 2
    assert customer.names(after=name) == customer.names()[1:]
    query = {"account": customer.account, "after": "camt053-never.xml"}
    assert customer.http.get("/statements", params=query).status_code == 404


@pytest.mark.parametrize("version", ["03", "09", "11"])
def test_every_version_is_read_alike(customer: Customer, version: str) -> None:
    (one,) = ids(customer, 1)
    iban = Order(end_to_end_id=one, amount="7.5", account="DE89370400440532013000", iban=True)
    assert customer.pay(f"M{one}", iban, version=version).orders == {one: "ACCP"}
    (line,) = customer.lines()
    assert (line.amount, line.creditor[-1]) == (Decimal("-7.50"), "DE89370400440532013000")


@pytest.mark.parametrize(
    ("currency", "amount", "too_fine"),
    [("JPY", "1500", "1500.5"), ("KWD", "1.125", "1.1255"), ("USD", "1.25", "1.255")],
)
def test_currencies_have_their_own_decimals(
    bank: RunningBank, currency: str, amount: str, too_fine: str
) -> None:
    customer = Customer(bank, f"62170088{next(_numbers):06d}")
    assert customer.open(OPENING, currency).status_code == 201
    fine, coarse = ids(customer, 2)
    said = customer.pay(
        f"M{fine}",
        Order(end_to_end_id=coarse, amount=amount, currency=currency),
        Order(end_to_end_id=fine, amount=too_fine, currency=currency),
    )
    assert (said.group, said.codes) == ("PART", {coarse: "", fine: "CH20"})
    (read,) = customer.statements()
    assert [f"{line.amount}" for line in read.lines] == [f"-{amount}"]
    assert read.opening - Decimal(amount) == read.closing


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"account": "12"}, "AC01"),
        ({"account": "DE89370400440532013001", "iban": True}, "AC01"),
        ({"amount": "1000.01"}, "AM04"),
        ({"amount": "0.00"}, "AM01"),
        ({"amount": "9000000000000.00"}, "AM02"),
        ({"amount": "-5.00"}, "AM12"),
        ({"currency": "USD"}, "AM03"),
        ({"creditor": ""}, "BE22"),
        ({"text": "x" * 141}, "CH15"),
        ({"end_to_end_id": "NOTPROVIDED"}, "FF08"),
        ({"end_to_end_id": "E" * 36}, "FF08"),
    ],
)
def test_a_wrong_order_is_refused_by_name_and_the_others_are_paid(
    customer: Customer, wrong: dict[str, Any], code: str
) -> None:
    good, bad = ids(customer, 2)
    told: dict[str, Any] = {"end_to_end_id": bad, "amount": "1.00", **wrong}
    body = customer.file(
        f"M{good}",
        Order(**told),
        Order(end_to_end_id=good, amount="1.00"),
        control_sum="1.00" if code == "AM12" else None,
    ).replace(b"<p:CtrlSum>1.00</p:CtrlSum>", b"")
    said = customer.send(body)
    assert (said.group, said.codes) == ("PART", {told["end_to_end_id"]: code, good: ""})
    assert [line.ids for line in customer.lines()] == [[good]]
    if code != "FF08":
        assert customer.status(bad) == "RJCT"


@pytest.mark.parametrize(
    ("wrong", "group", "code"),
    [
        ({"control_sum": "2.01"}, "AM10", "AM10"),
        ({"count": 3}, "AM19", "AM19"),
        ({"initiator": ""}, "BE05", "BE05"),
        ({"day": "2026-02-30"}, "", "DT01"),
    ],
)
def test_a_file_that_contradicts_itself_pays_nothing(
    customer: Customer, wrong: dict[str, Any], group: str, code: str
) -> None:
    orders = [Order(end_to_end_id=name, amount="1.00") for name in ids(customer, 2)]
    said = customer.pay(f"M{orders[0].end_to_end_id}", *orders, **wrong)
    assert (said.group, said.code, set(said.codes.values())) == ("RJCT", group, {code})
    assert customer.status(orders[0].end_to_end_id) == "RJCT"
    assert customer.lines() == []


def test_an_unknown_debtor_is_refused(bank: RunningBank) -> None:
    stranger = Customer(bank, "6217000000")
    said = stranger.pay("M-stranger", Order(end_to_end_id="W-stranger", amount="1.00"))
    assert (said.group, said.codes) == ("RJCT", {"W-stranger": "AC02"})


def test_the_same_file_again_gets_the_same_answer_and_moves_nothing(customer: Customer) -> None:
    (one,) = ids(customer, 1)
    body = customer.file(f"M{one}", Order(end_to_end_id=one, amount="10.00"))
    first, second = (customer.http.post("/payments", content=body).content for _ in range(2))
    assert first == second
    assert len(customer.lines()) == 1


def test_a_number_is_used_once(customer: Customer) -> None:
    one, two, three = ids(customer, 3)
    paid = Order(end_to_end_id=one, amount="10.00")
    assert customer.pay(f"M{one}", paid).group == "ACTC"

    reused = customer.pay(f"M{one}", Order(end_to_end_id=two, amount="10.00"))
    assert (reused.group, reused.code, reused.codes) == ("RJCT", "DU01", {two: "DU01"})
    again = customer.pay(f"M{two}", paid, Order(end_to_end_id=three, amount="5.00"))
    assert (again.group, again.codes) == ("PART", {one: "DU04", three: ""})
    twice = Order(end_to_end_id=f"{one}x", amount="1.00")
    within = customer.http.post("/payments", content=customer.file(f"M{three}", twice, twice))
    assert (within.text.count("ACCP"), within.text.count("DU04")) == (1, 1)

    assert customer.status(one) == "ACSC"
    assert [line.ids for line in customer.lines()] == [[one], [three], [f"{one}x"]]


def test_a_lost_answer_is_found_by_asking(customer: Customer) -> None:
    one, two = ids(customer, 2)
    customer.control(lose_answers=1)
    body = customer.file(f"M{one}", Order(end_to_end_id=one, amount="10.00"))
    with pytest.raises(httpx.RemoteProtocolError):
        customer.http.post("/payments", content=body)
    assert customer.status(one) == "ACSC"
    assert customer.send(body).orders == {one: "ACCP"}

    customer.control(ignore=1)
    body = customer.file(f"M{two}", Order(end_to_end_id=two, amount="10.00"))
    with pytest.raises(httpx.RemoteProtocolError):
        customer.http.post("/payments", content=body)
    assert customer.http.get(f"/payments/{two}").status_code == 404
    assert customer.send(body).orders == {two: "ACCP"}
    assert [line.ids for line in customer.lines()] == [[one], [two]]


def test_a_bank_out_of_service_says_when_to_come_again(customer: Customer) -> None:
    (one,) = ids(customer, 1)
    customer.control(refuse_service=2)
    body = customer.file(f"M{one}", Order(end_to_end_id=one, amount="10.00"))
    refused = customer.http.post("/payments", content=body)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert customer.http.get(f"/payments/{one}").status_code == 503
    assert customer.http.get(f"/payments/{one}").status_code == 404


def test_a_payee_may_be_refused_by_a_switch(customer: Customer) -> None:
    one, two, three = ids(customer, 3)
    customer.control(reject="壹号", code="AC06")
    refused = Order(end_to_end_id=one, amount="1.00", creditor="陶瓷壹号厂")
    said = customer.pay(f"M{one}", refused, Order(end_to_end_id=two, amount="1.00"))
    assert said.codes == {one: "AC06", two: ""}
    customer.control(reject="壹号", code=None)
    trusted = Order(end_to_end_id=three, amount="1.00", creditor="陶瓷壹号厂")
    assert customer.pay(f"M{three}", trusted).group == "ACTC"


def test_only_what_was_booked_comes_back_and_once(customer: Customer) -> None:
    one, two = ids(customer, 2)
    customer.pay(
        f"M{one}",
        Order(end_to_end_id=one, amount="10.00"),
        Order(end_to_end_id=two, amount="5000.00"),
    )
    codes = [
        customer.http.post("/control", json={"return": name}).status_code
        for name in (one, one, two, f"{one}-never")
    ]
    assert codes == [200, 409, 409, 404]
    assert [f"{line.amount}" for line in customer.lines()] == ["-10.00", "10.00"]


def test_a_batch_is_one_line_with_its_details(customer: Customer) -> None:
    one, two, three = ids(customer, 3)
    said = customer.pay(
        f"M{one}",
        Order(end_to_end_id=one, amount="10.00"),
        Order(end_to_end_id=two, amount="5000.00"),
        Order(end_to_end_id=three, amount="2.50"),
        batch=True,
    )
    assert said.group == "PART"
    (line,) = customer.lines()
    assert (line.amount, line.ids) == (Decimal("-12.50"), [one, three])
    customer.control(**{"return": three})
    assert [f"{line.amount}" for line in customer.lines()] == ["-12.50", "2.50"]


def test_an_order_for_a_later_day_waits_and_keeps_its_funds(customer: Customer) -> None:
    one, two = ids(customer, 2)
    later = (datetime.now(tz=UTC) + timedelta(days=3)).date()
    waiting = Order(end_to_end_id=one, amount="900.00")
    assert customer.pay(f"M{one}", waiting, day=f"{later}").group == "ACTC"
    assert customer.pay(f"M{two}", Order(end_to_end_id=two, amount="100.01")).codes == {two: "AM04"}
    assert customer.status(one) == "ACCP"
    assert customer.lines() == []


def test_only_the_key_opens_anything(bank: RunningBank) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": bank.key}):
        for method, path in (("POST", "/payments"), ("GET", "/truth"), ("POST", "/control")):
            refused = httpx.request(method, f"{bank.url}{path}", headers=headers)
            assert (refused.status_code, "Bearer" in refused.text) == (401, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<Document", 400),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.008.001.02'/>", 400),
        (b"<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><d>&e;</d>", 400),
        (b" " * 5_000_001, 413),
    ],
)
def test_what_is_no_payment_file_is_refused_in_words(
    customer: Customer, body: bytes, status: int
) -> None:
    refused = customer.http.post("/payments", content=body)
    assert refused.status_code == status
    assert refused.text.strip()


def test_entities_are_not_resolved_into_an_order(customer: Customer) -> None:
    (one,) = ids(customer, 1)
    body = customer.file(f"M{one}", Order(end_to_end_id=one, amount="1.00"))
    declared = b"?><!DOCTYPE d [<!ENTITY e 'x'>]><p:Document"
    assert customer.http.post(
        "/payments", content=body.replace(b"?><p:Document", declared)
    ).is_error
    assert customer.lines() == []


@pytest.mark.parametrize(
    "wish",
    [
        b"[]",
        b"{",
        b'{"explode": 1}',
        b'{"ignore": 1, "lose_answers": 1}',
        b'{"ignore": true}',
        b'{"ignore": -1}',
        b'{"reject": "x", "code": "no"}',
        b'{"credit": {"account": "ACCOUNT", "amount": 1.5, "payer": "x"}}',
        b'{"credit": {"account": "ACCOUNT", "amount": 1, "payer": "\\u0000"}}',
    ],
)
def test_a_switch_that_is_not_understood_turns_nothing(customer: Customer, wish: bytes) -> None:
    body = wish.replace(b"ACCOUNT", customer.account.encode())
    assert customer.http.post("/control", content=body).status_code == 400
    assert customer.lines() == []


def test_an_account_may_be_opened_twice_but_not_differently(bank: RunningBank) -> None:
    customer = Customer(bank, f"62170077{next(_numbers):06d}")
    codes = [customer.open(opening, first_sequence=41).status_code for opening in (5, 5, 6)]
    assert codes == [201, 200, 409]
    customer.control(credit={"account": customer.account, "amount": 1, "payer": "财付通"})
    (read,) = customer.statements()
    assert (read.sequence, f"{read.opening}", f"{read.closing}") == (41, "0.05", "0.06")


def test_sixteen_at_once_book_each_file_once(customer: Customer) -> None:
    names = ids(customer, 16)
    files = [customer.file(f"M{n}", Order(end_to_end_id=n, amount="10.00")) for n in names]
    said = at_once(customer.send, files)
    assert [one.group for one in said] == ["ACTC"] * 16
    read = customer.statements()
    assert Counter(line.ids[0] for one in read for line in one.lines) == Counter(names)
    assert read[-1].closing == Decimal("840.00")


def test_the_same_file_sixteen_times_at_once_books_once(customer: Customer) -> None:
    (one,) = ids(customer, 1)
    body = customer.file(f"M{one}", Order(end_to_end_id=one, amount="10.00"))
    said = at_once(lambda content: customer.http.post("/payments", content=content), [body] * 16)
    assert len({response.content for response in said}) == 1
    assert len(customer.lines()) == 1


def test_funds_are_not_spent_twice_at_once(customer: Customer) -> None:
    names = ids(customer, 16)
    files = [customer.file(f"M{n}", Order(end_to_end_id=n, amount="300.00")) for n in names]
    said = at_once(customer.send, files)
    assert Counter(one.group for one in said) == {"ACTC": 3, "RJCT": 13}
    assert customer.statements()[-1].closing == Decimal("100.00")


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    account = "621700000001"
    opened = [f"{account}:CNY:{OPENING}:云溪:家居"]
    with running(state=tmp_path, accounts=opened, books_after=0.4) as bank:
        customer = Customer(bank, account)
        customer.control(lose_answers=1)
        with pytest.raises(httpx.RemoteProtocolError):
            customer.pay("M1", Order(end_to_end_id="W1", amount="10.00"))
        body = customer.file("M2", Order(end_to_end_id="W2", amount="20.00"))
        said = customer.http.post("/payments", content=body).content
        assert answer(said).orders == {"W2": "ACCP"}
        assert {customer.status(name) for name in ("W1", "W2")} <= {"ACCP", "ACSC"}
        bank.kill()

    with running(state=tmp_path, accounts=opened, books_after=0.4) as bank:
        customer = Customer(bank, account)
        assert customer.http.post("/payments", content=body).content == said
        for name in ("W1", "W2"):
            eventually(lambda name=name: customer.status(name) == "ACSC")
        (read,) = customer.statements()
        assert [line.ids for line in read.lines] == [["W1"], ["W2"]]
        customer.pay("M3", Order(end_to_end_id="W3", amount="5.00"))
        eventually(lambda: customer.status("W3") == "ACSC")
        bank.kill()

    with running(state=tmp_path) as bank:
        read, last = Customer(bank, account).statements()
        assert (read.closing, last.opening) == (Decimal("970.00"), Decimal("970.00"))
        assert [line.ids for line in last.lines] == [["W3"]]
        truth = json.loads(Customer(bank, account).http.get("/truth").content)
        assert truth["simulated"] is True
        assert truth["accounts"][0]["balance"] == 96_500
        assert [payment["status"] for payment in truth["payments"]] == ["ACSC"] * 3


def test_killed_in_the_middle_every_order_is_whole_or_not_there(tmp_path: Path) -> None:
    """Sixteen callers, a kill, a restart, and each repeats what it does not know."""
    account = "621700000002"
    opened = [f"{account}:CNY:{OPENING}:云溪家居"]
    with running(state=tmp_path, accounts=opened) as bank:
        customer = Customer(bank, account)
        names = [f"W{index}" for index in range(60)]
        files = [customer.file(f"M{n}", Order(end_to_end_id=n, amount="1.00")) for n in names]
        answered: set[str] = set()

        def send(index: int) -> None:
            try:
                answered.update(customer.send(files[index]).orders)
            except httpx.TransportError:
                return
            if len(answered) >= 20:
                bank.kill()

        at_once(send, range(60))
    assert 20 <= len(answered) < 60

    with running(state=tmp_path) as bank:
        customer = Customer(bank, account)
        assert {customer.status(name) for name in answered} == {"ACSC"}
        assert {one.group for one in at_once(customer.send, files)} == {"ACTC"}
        read = customer.statements()
        assert Counter(line.ids[0] for one in read for line in one.lines) == Counter(names)
        assert read[-1].closing == Decimal("940.00")


def test_statements_are_issued_by_themselves(tmp_path: Path) -> None:
    account = "621700000003"
    opened = [f"{account}:CNY:{OPENING}:云溪家居"]
    with running(state=tmp_path, accounts=opened, closes_every=0.05) as bank:
        customer = Customer(bank, account)
        customer.pay("M1", Order(end_to_end_id="W1", amount="10.00"))
        eventually(lambda: len(customer.names()) == 1)
        assert (tmp_path / "address").read_text() == f"{bank.url}\n"
        assert bank.stop() == 0


def test_two_processes_do_not_share_a_state(tmp_path: Path) -> None:
    with (
        running(state=tmp_path),
        pytest.raises(BankDidNotStartError),
        running(state=tmp_path),
    ):
        pass


def at_once(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(work, items))


def eventually(holds: Callable[[], bool]) -> None:
    """Asks again until it holds; the test's time limit ends what never does."""
    while not holds():
        pass
