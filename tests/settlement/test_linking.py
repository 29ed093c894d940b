"""Fifty stores are linked by a spreadsheet: looked over row by row, then all of them or none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connections

from accounts.access import acting_for
from accounts.errors import StoreTakenError
from accounts.models import LinkMethod, LinkState, SettlementAccount, Store, StoreLink
from accounts.onboarding import add_store, open_settlement_account
from settlement.money_in import linking
from settlement.money_in.linking import (
    Column,
    Fault,
    ForeignAccountError,
    Linked,
    Preview,
    RowsRefusedError,
    SheetRow,
    Verdict,
)
from tests.build import a_merchant, a_user
from tests.settlement.sheets import CHINESE, a_csv, an_xlsx, fifty

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture
def account() -> SettlementAccount:
    merchant = a_merchant()
    with acting_for(merchant.id):
        return open_settlement_account(merchant, name="main")


def a_row(name: str, row: int = 2, *, platform: str = "Shopify", **more: str) -> SheetRow:
    return SheetRow(row=row, platform=platform, name=name, **more)  # type: ignore[arg-type]


def looked_over(account: SettlementAccount, *rows: SheetRow) -> Preview:
    with acting_for(account.merchant_id):
        return linking.preview(account, rows)


def linked(account: SettlementAccount, *rows: SheetRow) -> Linked:
    user = a_user()
    with acting_for(account.merchant_id):
        return linking.link(account, rows, by=user, now=NOW)


def stores_of(account: SettlementAccount) -> list[Store]:
    with acting_for(account.merchant_id):
        return list(Store.objects.select_related("settlement_account").order_by("id"))


def faults(preview: Preview) -> list[tuple[int, Column, Fault]]:
    return [(row.row.row, e.column, e.fault) for row in preview.rows for e in row.errors]


@pytest.mark.parametrize(
    "data",
    [an_xlsx(fifty()), a_csv(fifty("微信支付"), heading=CHINESE, encoding="gb18030")],
    ids=["xlsx", "chinese excel's csv"],
)
def test_fifty_stores_come_aboard_at_once(data: bytes, account: SettlementAccount) -> None:
    rows = linking.read_rows(data, name="stores")
    seen = looked_over(account, *rows)
    assert [row.verdict for row in seen.rows] == [Verdict.NEW] * 50 and seen.ready
    assert stores_of(account) == []  # looking changes nothing

    done = linked(account, *rows)
    assert (len(done.stores), done.numbered, done.known) == (50, 0, 0)
    stores = stores_of(account)
    assert [(s.name, s.external_id) for s in stores] == [(r.name, r.number) for r in rows]
    assert {s.settlement_account_id for s in stores} == {account.id}
    assert {s.created_at for s in stores} == {NOW}
    with acting_for(account.merchant_id):
        links = StoreLink.objects.values_list("store_id", "method", "state", "cash_account")
        assert set(links) == {(s.id, LinkMethod.UPLOAD, LinkState.ACTIVE, "") for s in stores}


def test_the_same_sheet_again_links_nothing_more(account: SettlementAccount) -> None:
    rows = linking.read_rows(an_xlsx(fifty()), name="stores")
    linked(account, *rows)
    seen = looked_over(account, *rows)
    assert [row.verdict for row in seen.rows] == [Verdict.LINKED] * 50
    assert not seen.ready
    again = linked(account, *rows, a_row("one more", row=99))
    assert ([s.name for s in again.stores], again.known) == (["one more"], 50)
    assert len(stores_of(account)) == 51


@pytest.mark.parametrize(
    ("row", "column", "fault", "words"),
    [
        (a_row("a", platform="集市"), Column.PLATFORM, Fault.UNKNOWN_PLATFORM, "“集市”"),
        (a_row("a", platform=""), Column.PLATFORM, Fault.EMPTY, "empty"),
        (a_row(""), Column.NAME, Fault.EMPTY, "empty"),
        (a_row("长" * 121), Column.NAME, Fault.TOO_LONG, "120 characters"),
        (a_row("a", number="1" * 65), Column.NUMBER, Fault.TOO_LONG, "64 characters"),
        (a_row("a\nb"), Column.NAME, Fault.UNSEEN, "U+000A"),
        (a_row("a\u202eb"), Column.NAME, Fault.UNSEEN, "U+202E"),
        (a_row("a", number="1\u200b"), Column.NUMBER, Fault.UNSEEN, "U+200B"),
        (a_row("a", account="the other"), Column.ACCOUNT, Fault.UNKNOWN_ACCOUNT, "“the other”"),
    ],
)
def test_a_row_with_an_error_says_where_and_what_to_do(
    row: SheetRow, column: Column, fault: Fault, words: str, account: SettlementAccount
) -> None:
    seen = looked_over(account, row, a_row("in order", row=3))
    assert faults(seen) == [(2, column, fault)]
    (error,) = seen.rows[0].errors
    assert words in error.reason and error.todo
    assert not seen.ready
    with pytest.raises(RowsRefusedError) as refused:
        linked(account, row, a_row("in order", row=3))
    assert faults(refused.value.preview) == faults(seen)
    assert stores_of(account) == []


def test_names_have_signs_of_every_language(account: SettlementAccount) -> None:
    names = [
        "云溪🏠家居",
        "👩‍👩‍👧 shop",
        "Łódź & Söhne",
        "متجر",
        "100%",
        "%(row)s",
        "=1+1",
        "x" * 120,
    ]
    rows = [a_row(name, row) for row, name in enumerate(names, start=2)]
    assert {store.name for store in linked(account, *rows).stores} == set(names)


def test_an_error_repeats_a_name_exactly_whatever_is_in_it(account: SettlementAccount) -> None:
    (row,) = looked_over(account, a_row("a", platform="%(text)s %d")).rows
    assert "“%(text)s %d”" in row.errors[0].reason


def test_what_the_sheet_says_twice_is_told_with_the_first_row(account: SettlementAccount) -> None:
    seen = looked_over(
        account,
        a_row("a", 2, number="1"),
        a_row("a", 3, number="2"),
        a_row("a", 4, platform="微信支付", number="1"),  # another platform
        a_row("b", 5, number="1"),
    )
    assert faults(seen) == [(3, Column.NAME, Fault.TWICE), (5, Column.NUMBER, Fault.TWICE)]
    assert "Row 2" in seen.rows[1].errors[0].reason


def test_a_store_that_is_linked_already_is_known_by_name_and_number(
    account: SettlementAccount,
) -> None:
    with acting_for(account.merchant_id):
        other = open_settlement_account(account.merchant, name="other")
        add_store(account, platform="shopify", name="numbered", external_id="1")
        add_store(account, platform="shopify", name="plain")
        add_store(other, platform="shopify", name="elsewhere")
    seen = looked_over(
        account,
        a_row("numbered", 2),
        a_row("numbered", 3, platform="微信支付", number="1"),
        a_row("plain", 4, number="2"),
        a_row("elsewhere", 5, account="other"),
    )
    assert faults(seen) == []
    verdicts = [row.verdict for row in seen.rows]
    assert verdicts == [Verdict.LINKED, Verdict.NEW, Verdict.NUMBERED, Verdict.LINKED]
    assert faults(looked_over(account, a_row("numbered", number="9"))) == [
        (2, Column.NAME, Fault.NAME_TAKEN)
    ]
    assert faults(looked_over(account, a_row("elsewhere"))) == [(2, Column.NAME, Fault.NAME_TAKEN)]
    taken = looked_over(account, a_row("renamed", number="1"))
    assert faults(taken) == [(2, Column.NUMBER, Fault.NUMBER_TAKEN)]
    assert "“numbered”" in taken.rows[0].errors[0].reason


def test_a_number_is_added_to_a_store_that_has_none(account: SettlementAccount) -> None:
    linked(account, a_row("plain"))
    done = linked(account, a_row("plain", number="42"))
    assert (done.stores, done.numbered) == ([], 1)
    assert [store.external_id for store in stores_of(account)] == ["42"]


def test_a_row_may_name_another_of_the_merchants_accounts(account: SettlementAccount) -> None:
    with acting_for(account.merchant_id):
        open_settlement_account(account.merchant, name="second")
    linked(account, a_row("a", 2), a_row("b", 3, account="second"))
    assert [s.settlement_account.name for s in stores_of(account)] == ["main", "second"]


def test_another_merchants_account_is_refused(account: SettlementAccount) -> None:
    theirs, user = a_merchant(), a_user()
    with acting_for(theirs.id):
        foreign = open_settlement_account(theirs, name="foreign")
    row = a_row("a", account="foreign")
    assert faults(looked_over(account, row)) == [(2, Column.ACCOUNT, Fault.UNKNOWN_ACCOUNT)]
    tries: list[Callable[[], object]] = [
        lambda: linking.preview(foreign, [a_row("a")]),
        lambda: linking.link(foreign, [a_row("a")], by=user, now=NOW),
    ]
    for attempt in tries:
        with acting_for(account.merchant_id), pytest.raises(ForeignAccountError):
            attempt()
    assert stores_of(account) == stores_of(foreign) == []


def test_a_taobao_shop_waits_for_alipays_reader(
    account: SettlementAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        linking.platform_names, "PAID_THROUGH", {"shopify": ("淘宝",), "not here": ("天猫",)}
    )
    through, waiting = looked_over(
        account, a_row("a", 2, platform="淘宝"), a_row("b", 3, platform="天猫")
    ).rows
    assert (through.platform, through.paid_through, not through.errors) == ("shopify", True, True)
    assert waiting.errors[0].fault == Fault.NOT_READ_YET


def _at_once(attempts: list[Callable[[], object]]) -> list[object]:
    """Each in a thread and a connection of its own; what it gave or raised."""
    gate, outcomes = threading.Barrier(len(attempts)), []

    def run(attempt: Callable[[], object]) -> None:
        gate.wait()
        try:
            outcomes.append(attempt())
        except (StoreTakenError, RowsRefusedError) as error:
            outcomes.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(attempt,)) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_clicking_several_times_links_each_store_once(account: SettlementAccount) -> None:
    rows = linking.read_rows(an_xlsx(fifty()), name="stores")
    outcomes = _at_once([lambda: linked(account, *rows) for _ in range(4)])
    done = sorted((o for o in outcomes if isinstance(o, Linked)), key=lambda o: o.known)
    assert [(len(o.stores), o.known) for o in done] == [(50, 0), (0, 50), (0, 50), (0, 50)]
    assert len(stores_of(account)) == 50


def test_two_sheets_that_meet_leave_no_half(account: SettlementAccount) -> None:
    """They overlap in stores 26 to 50, numbered otherwise in the second."""
    first = linking.read_rows(an_xlsx(fifty()), name="first")
    second = linking.read_rows(
        an_xlsx([[p, n, f"9{number}", a] for p, n, number, a in fifty(first=26)]), name="second"
    )
    outcomes = _at_once([lambda: linked(account, *first), lambda: linked(account, *second)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Linked", "RowsRefusedError"]
    stores = stores_of(account)
    assert len(stores) == 50
    assert len({store.external_id[:1] for store in stores}) == 1


def test_a_store_added_elsewhere_at_that_moment_is_a_named_error(
    account: SettlementAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator's page takes no turn with the sheet; UNIQUE stands for it."""
    real = linking.add_stores

    def meanwhile(*given: object, **more: object) -> list[Store]:
        def elsewhere() -> Store:
            with acting_for(account.merchant_id):
                return add_store(account, platform="shopify", name="b")

        _at_once([elsewhere])
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(linking, "add_stores", meanwhile)
    with pytest.raises(StoreTakenError):
        linked(account, a_row("a", 2), a_row("b", 3))
    assert [store.name for store in stores_of(account)] == ["b"]
