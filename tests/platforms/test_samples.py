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
from platforms.contract import Payout, Statement
from settlement.money_in.inspection import Summary, document_at, inspect_file

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
BANK = SAMPLES / "bank"
CN = SAMPLES / "cn"
MT940 = sorted(BANK.glob("mt94[02]/*/*"))
CSV = sorted(path for kind in ("csv", "csv_na", "cn_bank") for path in BANK.glob(f"{kind}/*/*"))
CAMT = sorted(path for kind in ("052", "053", "054") for path in BANK.glob(f"camt{kind}/*/*"))
UNREADABLE = {
    "golden__camt053_garbled_amount.xml": "entry 1: not an amount: '12..34'",
    "invalid.xml": "this is no format the hub knows",
}


# Pieces of messages, and one statement whose :86: was turned into a :25:.
FRAGMENTS = {
    "rabo__sample2.sta": "no opening balance (:60F:)",
    "betterplace__empty_line.sta": "no opening balance (:60F:)",
    "betterplace__sepa_snippet_broken.sta": "this does not belong to :25:",
    "cmxl__account_balance_credit.sta": ":60F: stands outside a message",
    "cmxl__account_balance_debit.sta": ":60F: stands outside a message",
    "cmxl__account_identification_iban.sta": ":25: stands outside a message",
    "cmxl__account_identification_legacy.sta": ":25: stands outside a message",
    "cmxl__available_balance.sta": ":64: stands outside a message",
    "cmxl__reference.sta": "no opening balance (:60F:)",
    "cmxl__statement_details.sta": ":61: stands outside a message",
    "self-provided__account_identification.sta": "no opening balance (:60F:)",
    "self-provided__empty_non_swift.sta": ":NS: stands outside a message",
    "self-provided__gv_codes.sta": "no closing balance (:62F:)",
}
CARD = "a credit card's export"
UNKNOWN = "no format the hub knows"
BROKEN = "does not follow from the row before"
NOT_READ = {
    "boc_credit__example-boc-records.csv": CARD,
    "bocom_credit__example-bocom_credit-records.csv": CARD,
    "hsbchk_credit__example-hsbchk-credit-records.csv": CARD,
    "icbc_credit__example-icbc-credit-records.csv": CARD,
    "capitalone.csv": CARD,
    # Balances made unreadable, or rows invented so that they do not follow.
    "icbc_debit-v1__example-icbc-debit-v1-records.csv": "row 8: not an amount: 'xx,yyyy.zz'",
    "icbc_debit-v2__example-icbc-debit-v2-records.csv": "row 8: not an amount: 'xx,yyyy.zz'",
    "bocom_debit__example-bocom_debit-records.csv": BROKEN,
    "schwab-checking-baltest-case2.csv": BROKEN,
    # Not a bank's own layout, without header, or a workbook.
    "ingesp.csv": UNKNOWN,
    "mint.csv": UNKNOWN,
    "creditunion.csv": UNKNOWN,
    "pain_file.csv": UNKNOWN,
    "golden__csv_european_decimals.csv": UNKNOWN,
    "golden__csv_garbled_amount.csv": UNKNOWN,
    "sample_split_amounts.csv": UNKNOWN,
    "td__example-td-records.csv": UNKNOWN,
    "ccb__交易明细_xxxx_2025xxxx_2025xxxx.xls": UNKNOWN,
}


def _expected() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    if (BANK / "EXPECTED.tsv").exists():
        with (BANK / "EXPECTED.tsv").open() as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                found[row["file"]].append(row)
    return found


EXPECTED = _expected()

if MT940:

    @pytest.mark.parametrize("path", MT940, ids=lambda path: str(path.relative_to(BANK)))
    def test_a_message_is_what_was_counted_independently(path: Path) -> None:
        found = inspect_file(path)
        if path.name in FRAGMENTS:
            (summary,) = found
            assert summary.error is not None and FRAGMENTS[path.name] in summary.error.reason
            return
        rows = EXPECTED[str(path.relative_to(BANK))]
        # The number may stand with its currency behind it, and MT942's sums were not counted.
        assert [_figures(summary)[:-2] for summary in found] == [_counted(row)[:-2] for row in rows]
        for summary, row in zip(found, rows, strict=True):
            assert summary.account and row["account"].startswith(summary.account)
            assert _figures(summary)[-1] == (row["balances"] or "yes")

    @pytest.mark.parametrize("path", CSV, ids=lambda path: str(path.relative_to(BANK)))
    def test_an_export_is_what_was_counted_independently(path: Path) -> None:
        chosen = {"account": "12345678909876", "currency": "CNY"}
        (summary,) = inspect_file(path, context=chosen)
        if path.name in NOT_READ:
            fault = summary.error
            assert fault is not None and NOT_READ[path.name] in f"row {fault.row}: {fault.reason}"
            return
        assert summary.error is None and summary.balanced is not False
        for row in EXPECTED[str(path.relative_to(BANK))]:
            # Where postings were counted, the note says how many rows the file has.
            _, _, rows = row["basis"].partition("own csv rows=")
            assert summary.lines == int(rows or row["entries"])
            assert Decimal(summary.credit) == Decimal(row["sum_credit"])
            assert Decimal(summary.debit) == Decimal(row["sum_debit"])
            for name in ("opening", "closing", "currency"):
                assert row[name] in ("", getattr(summary, name))


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

    def test_jd_and_douyin_samples_of_other_people() -> None:
        (bill,) = inspect_file(CN / "jd" / "jd_settlement_detail_rows.csv")
        assert (bill.code, bill.lines, bill.credit, bill.debit) == ("jd", 7, "36.80", "50.32")
        (old,) = inspect_file(CN / "douyin" / "getSettleBillDetail_v1_response.json")
        assert old.error is not None and "what it means is not known" in old.error.reason
        (personal,) = inspect_file(
            BANK / "cn_platform" / "deb-sig-double-entry-generator" / "jd__example-jd-records.csv"
        )
        assert personal.error is not None and "personal export of JD" in personal.error.reason

    @pytest.mark.parametrize(
        ("name", "code", "profiles"),
        [
            ("luban.xlsx", "douyin", ["fund_flow_export"]),
            ("360buy.xlsx", "jd", ["settlement_detail"]),
            # Its sheet of funds names no account, as it has no rows.
            ("jdwallet.xlsx", "jd", ["wallet_settlement"]),
        ],
    )
    def test_import_templates_are_empty_files_of_their_forms(
        name: str, code: str, profiles: list[str]
    ) -> None:
        document = document_at(CN / "oms" / name)
        assert registry.recognise(document).code == code
        records = list(registry.get(code).read(document))
        assert [record.profile for record in records if isinstance(record, Statement)] == profiles

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
