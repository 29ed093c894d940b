"""Real files, where they lie beside the checkout (`../shared/samples`).

They are not part of the project; without them nothing is collected here. What
each statement of a bank holds was counted independently (EXPECTED.tsv, standard
library only).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from platforms import registry
from platforms.contract import Payout
from settlement.money_in.inspection import Summary, document_at, inspect_file

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
BANK = SAMPLES / "bank"
CN = SAMPLES / "cn"
CAMT = sorted(path for kind in ("052", "053", "054") for path in BANK.glob(f"camt{kind}/*/*"))
UNREADABLE = {
    "golden__camt053_garbled_amount.xml": "entry 1: not an amount: '12..34'",
    "invalid.xml": "this is no format the hub knows",
}


def _expected() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    if (BANK / "EXPECTED.tsv").exists():
        with (BANK / "EXPECTED.tsv").open() as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                found[row["file"]].append(row)
    return found


EXPECTED = _expected()

if CAMT:

    @pytest.mark.parametrize("path", CAMT, ids=lambda path: str(path.relative_to(BANK)))
    def test_a_statement_is_what_was_counted_independently(path: Path) -> None:
        found = inspect_file(path)
        if path.name in UNREADABLE:
            (summary,) = found
            assert summary.error is not None and summary.error.reason == UNREADABLE[path.name]
            return
        rows = EXPECTED[str(path.relative_to(BANK))]
        assert [_figures(summary) for summary in found] == [_counted(row) for row in rows]

    def test_fund_flows_whose_rows_are_missing_do_not_balance() -> None:
        for path in [
            *sorted(BANK.glob("cn_wechat_merchant/*/fundflow*")),
            *sorted((SAMPLES / "cn" / "wechat").glob("*fundflow*")),
        ]:
            (summary,) = inspect_file(path)
            assert summary.error is None and summary.balanced is False

    def test_trade_bills() -> None:
        folder = BANK / "cn_wechat_merchant" / "public-sdk-tests"
        (whole,) = inspect_file(folder / "tradebill_ALL_20210128.csv")
        assert (whole.lines, whole.credit, whole.balanced) == (3, "0.03", True)
        (excerpt,) = inspect_file(folder / "tradebill_ALL_20240709_json_attach.csv")
        assert (excerpt.credit, excerpt.debit, excerpt.balanced) == ("60.00", "50.00", False)
        (cut,) = inspect_file(SAMPLES / "cn" / "wechat" / "wechatpay_tradebill_ALL_rows.csv")
        assert cut.error is not None and "summary is missing" in cut.error.reason

    def test_a_real_shopify_payout_adds_up() -> None:
        path = SAMPLES / "global" / "shopify_payment_transactions_export_19col.csv"
        (summary,) = inspect_file(path)
        assert (summary.credit, summary.debit) == ("4574.62", "1598.70")
        records = registry.get("shopify").read(document_at(path))
        (payout,) = [record for record in records if isinstance(record, Payout)]
        assert (payout.external_id, payout.amount) == ("148156579998", Decimal("2975.92"))

    def test_a_shopify_export_with_its_payout_row_ties() -> None:
        path = SAMPLES / "global" / "shopify_payment_transactions_export_18col_eu_vat.csv"
        (summary,) = inspect_file(path)
        assert summary.balanced is True


if CN.exists():
    EXCERPTS = sorted(BANK.glob("cn_alipay_merchant/*/*.csv"))

    @pytest.mark.parametrize("path", EXCERPTS, ids=lambda path: str(path.name))
    def test_an_excerpt_of_an_alipay_bill(path: Path) -> None:
        (summary,) = inspect_file(path)
        (row,) = EXPECTED[str(path.relative_to(BANK))]
        figures, counted = _figures(summary), _counted(row)
        # The closing lines belong to the whole bill: rows are missing, and their
        # balances, which do not follow, are not stated.
        if row["balances"] == "NO":
            assert (summary.opening, summary.closing) == (None, None)
            figures, counted = (*figures[:4], figures[-1]), (*counted[:4], counted[-1])
            assert figures == counted
        else:
            assert (*figures[:7], figures[-1]) == (*counted[:7], counted[-1])

    def test_alipay_and_pinduoduo_samples_of_other_people() -> None:
        (bill,) = inspect_file(CN / "alipay" / "alipay_account_detail_2012_redacted.csv")
        assert (bill.code, bill.lines, bill.credit, bill.debit) == ("alipay", 3, "3778.00", "0")
        assert (bill.balanced, bill.period_from, bill.period_to) == (
            *(False, "2012-12-29", "2012-12-29"),
        )
        (cut,) = inspect_file(CN / "pdd" / "pdd_bill_detail_preamble_gb18030.csv")
        assert cut.code == "pinduoduo" and cut.error is not None
        assert (cut.error.row, "#收入合计 is missing" in cut.error.reason) == (6, True)

    def test_nothing_else_from_china_is_taken_for_their_bills() -> None:
        own = {*CN.glob("alipay/*.csv"), *CN.glob("pdd/*.csv")}
        others = {path for path in SAMPLES.glob("**/*") if path.is_file() and "cn" in str(path)}
        for path in sorted(others - own - set(EXCERPTS)):
            document = document_at(path)
            for code in ("alipay", "pinduoduo"):
                assert not registry.get(code).recognises(document), path


def _figures(summary: Summary) -> tuple[object, ...]:
    balanced = {True: "yes", False: "NO", None: ""}[summary.balanced]
    return (
        *(summary.error, summary.lines, Decimal(summary.credit), Decimal(summary.debit)),
        *(_decimal(summary.opening or ""), _decimal(summary.closing or "")),
        *(summary.currency, summary.account, balanced),
    )


def _counted(row: dict[str, str]) -> tuple[object, ...]:
    return (
        *(None, int(row["entries"]), Decimal(row["sum_credit"]), Decimal(row["sum_debit"])),
        *(_decimal(row["opening"]), _decimal(row["closing"])),
        *(row["currency"], row["account"], row["balances"]),
    )


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if text else None
