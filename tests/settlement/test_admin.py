"""The operator's back-office shows the business of all merchants, and changes none of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.db import connections
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import SettlementAccount, Store
from settlement.admin.base import written
from settlement.models import (
    BankLine,
    ColumnProfile,
    FeeSchedule,
    FeeTier,
    Line,
    PaymentAttempt,
    Payout,
    SourceDocument,
    WaiverProgram,
    WaiverRule,
    Withdrawal,
    WithdrawalState,
)
from tests.build import a_user
from tests.settlement.furnished import SIX, Rows, furnished

pytestmark = pytest.mark.usefixtures("database")

MODELS = [
    model for model in admin.site._registry
    if model._meta.app_label in ("accounts", "settlement") and model is not Line
]  # fmt: skip
TARIFFS = [ColumnProfile, FeeSchedule, WaiverProgram, WaiverRule]
"""The operator's own: the same for all merchants, and added here."""
BUSINESS = [
    model for model in MODELS
    if model._meta.app_label == "settlement" and model not in TARIFFS
]  # fmt: skip
EVERY_LIST = pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.model_name)


@pytest.fixture(scope="module")
def operator(migrated: None, django_db_blocker: Any) -> Iterator[Client]:
    """A browser in which an operator with all rights is signed in."""
    with django_db_blocker.unblock():
        yield signed_in(is_staff=True, is_superuser=True)


def signed_in(**rights: bool) -> Client:
    client = Client()
    client.force_login(a_user(**rights), backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(model: type[Model], page: str, *ids: UUID) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=ids)


def html(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


# --- what is seen -------------------------------------------------------------------------


@EVERY_LIST
def test_a_list_shows_all_merchants(
    operator: Client, mine: Rows, yours: Rows, model: type[Model]
) -> None:
    page = html(operator, address(model, "changelist"))
    table = model._meta.db_table
    for rows in (mine, yours) if table in mine.ids else ():
        assert address(model, "change", rows.ids[table]) in page


@EVERY_LIST
def test_every_row_has_a_page(operator: Client, mine: Rows, model: type[Model]) -> None:
    if (id := mine.ids.get(model._meta.db_table)) is not None:
        html(operator, address(model, "change", id))


@EVERY_LIST
def test_every_list_can_be_searched(operator: Client, mine: Rows, model: type[Model]) -> None:
    html(operator, f"{address(model, 'changelist')}?q=main")


def test_the_first_page_counts_what_waits(operator: Client, mine: Rows) -> None:
    page = html(operator, reverse("admin:index"))
    assert "The bank shows less than was announced" in page
    assert address(SourceDocument, "changelist") in page


def test_one_merchants_rows_can_be_listed(operator: Client, mine: Rows, yours: Rows) -> None:
    for model in BUSINESS:
        page = html(operator, f"{address(model, 'changelist')}?merchant={mine.merchant.id}")
        table = model._meta.db_table
        assert address(model, "change", mine.ids[table]) in page
        assert address(model, "change", yours.ids[table]) not in page


def test_a_settlement_account_shows_the_merchants_own_first_page(
    operator: Client, mine: Rows
) -> None:
    account = mine.ids["accounts_settlementaccount"]
    page = html(operator, address(SettlementAccount, "change", account))
    assert written(SIX) in page
    assert address(Store, "change", mine.ids["accounts_store"]) in page


def test_a_bank_accounts_number_is_never_shown(operator: Client, mine: Rows) -> None:
    for name in ("accounts_bankaccount", "accounts_merchant"):
        page = html(operator, reverse(f"admin:{name}_change", args=[mine.ids[name]]))
        assert "••••" in page
        assert "number_sealed" not in page
        assert "number_digest" not in page


# --- a document's lines -------------------------------------------------------------------


def test_lines_are_listed_for_one_document_only(operator: Client, mine: Rows, yours: Rows) -> None:
    lines = address(Line, "changelist")
    assert "result_list" not in html(operator, lines)
    assert operator.get(f"{lines}?document=nonsense").status_code == 302
    assert "result_list" not in html(operator, f"{lines}?document={UUID(int=0)}")
    document = mine.ids["settlement_sourcedocument"]
    link = f"{lines}?document={document}"
    assert link in html(operator, address(SourceDocument, "change", document))
    page = html(operator, link)
    assert page.count(written(SIX)) == 1


def test_lines_are_found_in_one_partition_by_their_key(operator: Client, mine: Rows) -> None:
    link = f"{address(Line, 'changelist')}?document={mine.ids['settlement_sourcedocument']}"
    with CaptureQueriesContext(connections["ops"]) as seen:
        html(operator, link)
    listings = [query["sql"] for query in seen if '"settlement_line"' in query["sql"]]
    assert listings
    for listing in listings:
        assert '"settlement_line"."known_at" = ' in listing
        assert '"settlement_line"."merchant_id" = ' in listing


def test_a_line_is_no_page_and_no_entry_of_the_menu(operator: Client, mine: Rows) -> None:
    page = operator.get(address(Line, "change", mine.ids["settlement_line"]))
    assert page.status_code == 302
    assert f'href="{address(Line, "changelist")}"' not in html(operator, reverse("admin:index"))


# --- what is not done ---------------------------------------------------------------------


@pytest.mark.parametrize("model", [*BUSINESS, Line], ids=lambda m: m._meta.model_name)
def test_the_business_is_only_looked_at(operator: Client, mine: Rows, model: type[Model]) -> None:
    id = mine.ids[model._meta.db_table]
    for page in (("add",), ("delete", id)):
        assert operator.post(address(model, *page)).status_code in (302, 403)
    assert operator.post(address(model, "change", id), {"state": "x"}).status_code in (302, 403)
    assert operator.get(address(model, "add")).status_code == 403


def test_only_operators_come_in(mine: Rows) -> None:
    for client in (Client(), signed_in()):
        for model in (*MODELS, Line):
            response = client.get(address(model, "changelist"))
            assert response.status_code == 302
            assert response["location"].startswith("/admin/login/")


def test_an_operator_without_rights_sees_nothing(mine: Rows) -> None:
    client = signed_in(is_staff=True)
    for model in (*MODELS, Line):
        assert client.get(address(model, "changelist")).status_code == 403
    assert "settlement_payout" not in html(client, reverse("admin:index"))


# --- what the operator decides ------------------------------------------------------------


def a_tariff(code: str, **fields: Any) -> dict[str, Any]:
    """A tariff's form: 3.00 up to 1,000.00, above that 0.5 %, at most 50.00."""
    tiers = [
        {"up_to": "1000", "fixed": "3", "rate": "0"},
        {"up_to": "", "fixed": "0", "rate": "0.005", "maximum": "50"},
    ]
    form = {"currency": code, "effective_from_0": "2030-01-01", "effective_from_1": "00:00:00",
            "tiers-TOTAL_FORMS": 2, "tiers-INITIAL_FORMS": 0}  # fmt: skip
    for n, tier in enumerate(tiers):
        form |= {f"tiers-{n}-{name}": value for name, value in tier.items()}
    return form | fields


def test_a_tariff_is_made_with_its_tiers_and_never_changed(operator: Client, mine: Rows) -> None:
    add = address(FeeSchedule, "add")
    assert operator.post(add, a_tariff("nzd")).status_code == 302
    made = FeeSchedule.objects.using("ops").get(currency="NZD")
    assert made.version == 1
    assert made.tiers.using("ops").count() == 2
    page = address(FeeSchedule, "change", made.pk)
    assert "0.005" in html(operator, page)
    assert operator.post(page, a_tariff("NZD")).status_code == 403
    later = {"effective_from_0": "2031-01-01"}
    assert operator.post(add, a_tariff("NZD", **later)).status_code == 302
    assert FeeSchedule.objects.using("ops").filter(currency="NZD", version=2).exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tiers-1-up_to": "5000"}, "no upper end"),
        ({"tiers-0-up_to": ""}, "no upper end"),
        ({"tiers-0-up_to": "-1"}, "above zero"),
        ({"tiers-1-minimum": "60"}, "below “at least”"),
        ({"tiers-1-rate": "1.5"}, "half a per cent"),
        ({"currency": "¥"}, "three letters"),
    ],
)
def test_a_tariff_without_sense_is_refused(
    wrong: dict[str, str], said: str, operator: Client
) -> None:
    response = operator.post(address(FeeSchedule, "add"), a_tariff("SEK", **wrong))
    assert response.status_code == 200
    assert said in response.content.decode()
    assert not FeeTier.objects.using("ops").filter(schedule__currency="SEK").exists()


def test_a_programme_keeps_its_code_and_its_rules_never_overlap(operator: Client) -> None:
    names = {"name": "Spring", "name_zh": "春季"}
    assert (
        operator.post(address(WaiverProgram, "add"), {"code": "spring", **names}).status_code == 302
    )
    program = WaiverProgram.objects.using("ops").get(code="spring")
    page = address(WaiverProgram, "change", program.pk)
    inline = {"rules-TOTAL_FORMS": 0, "rules-INITIAL_FORMS": 0}
    changed = {"code": "other", "name": "Spring sale", "name_zh": "春季", **inline}
    assert operator.post(page, changed).status_code == 302
    program.refresh_from_db(using="ops")
    assert (program.code, program.name) == ("spring", "Spring sale")

    rule = {"program": program.pk, "segment": "", "quota": "2", "percent": "100", "state": "active",
            "valid_from_0": "2030-01-01", "valid_from_1": "00:00:00"}  # fmt: skip
    add = address(WaiverRule, "add")
    asked = html(operator, add)
    assert 'name="valid_from_0"' in asked
    assert 'name="valid_until_1"' in asked
    assert operator.post(add, rule).status_code == 302
    said = operator.post(add, rule | {"valid_from_0": "2031-01-01"})
    assert "valid at the same time" in said.content.decode()
    made = WaiverRule.objects.using("ops").get(program=program)
    page = address(WaiverRule, "change", made.pk)
    html(operator, page)
    for state, status in (("suspended", 302), ("retired", 302), ("active", 200)):
        assert operator.post(page, {"state": state, "quota": "99"}).status_code == status
    made.refresh_from_db(using="ops")
    assert (made.state, made.quota, made.version) == ("retired", 2, 1)
    assert operator.post(add, rule | {"valid_from_0": "2031-01-01"}).status_code == 302
    assert WaiverRule.objects.using("ops").get(program=program, version=2).valid.upper is None


def test_a_withdrawal_shows_its_tries_and_those_without_an_answer_wait_on_the_first_page(
    operator: Client, mine: Rows
) -> None:
    id = mine.ids["settlement_withdrawal"]
    with acting_for(mine.merchant.id):
        attempt = PaymentAttempt.objects.get(withdrawal=id)
        withdrawal = Withdrawal.objects.get(id=id)
        withdrawal.state = WithdrawalState.OUTCOME_UNKNOWN
        withdrawal.save(update_fields=["state"])
    page = html(operator, address(Withdrawal, "change", id))
    assert attempt.message_id in page
    assert "First 3 of a month free v1" in page
    lists = address(Withdrawal, "changelist")
    assert withdrawal.number in html(operator, f"{lists}?q={withdrawal.number}")
    assert f"{lists}?state__in=outcome_unknown" in html(operator, reverse("admin:index"))


# --- what it costs ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(migrated: None, django_db_blocker: Any) -> Iterator[None]:
    """More merchants, so that every list has more rows than the tests above gave it."""
    with django_db_blocker.unblock():
        for _ in range(6):
            furnished()
        yield


def questions(client: Client, url: str) -> int:
    """How many queries a page asks, on both connections."""
    with (
        CaptureQueriesContext(connections["ops"]) as ops,
        CaptureQueriesContext(connections["default"]) as app,
    ):
        html(client, url)
    return len(ops) + len(app)


@EVERY_LIST
def test_a_long_list_asks_no_more_than_a_short_one(
    operator: Client, mine: Rows, crowd: None, model: type[Model]
) -> None:
    every = address(model, "changelist")
    of_one = f"{every}?pk__exact={mine.ids.get(model._meta.db_table, UUID(int=0))}"
    html(operator, every)
    assert questions(operator, every) <= questions(operator, of_one) + 3
    assert questions(operator, every) <= 12


def test_a_row_page_asks_a_fixed_number_of_questions(operator: Client, mine: Rows) -> None:
    for model in BUSINESS:
        url = address(model, "change", mine.ids[model._meta.db_table])
        html(operator, url)
        assert questions(operator, url) <= 28, url


# --- amounts ------------------------------------------------------------------------------


def test_amounts_are_written_exactly() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert written(Money("1234567.5", "CNY")) == f"1,234,567.50{space}CNY"
    assert written(Money("-0.01", "USD")) == f"−0.01{space}USD"
    assert written(Money("1234", "JPY")) == f"1,234{space}JPY"
    assert written(Money("0.005", "CNY")) == f"0.005{space}CNY"
    assert written(Money("1E+3", "BHD")) == f"1,000.000{space}BHD"
    assert written(None) == "—"


def test_the_operator_sees_the_figures_the_merchant_sees(operator: Client, mine: Rows) -> None:
    page = html(operator, address(Payout, "change", mine.ids["settlement_payout"]))
    for heading in ("Gross → fees → net", "carried over", "Bank lines"):
        assert heading in page
    assert address(BankLine, "change", mine.ids["settlement_bankline"]) in page
