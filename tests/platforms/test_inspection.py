"""What `inspect` and `verify_hook` say, without a database."""

from __future__ import annotations

import json
import tracemalloc
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from platforms import registry
from platforms.contract import Pushes
from platforms.registry import UnknownAdapterError
from settlement.management.commands import inspect, platforms, verify_hook
from settlement.money_in import inspection
from tests.platforms.cases import FIXTURES

WECHATPAY, SHOPIFY, CAMT = (FIXTURES / code for code in ("wechatpay", "shopify", "camt"))
FUND_FLOW = WECHATPAY / "fund_flow" / "input.csv"
PAYOUT = SHOPIFY / "transactions_18_columns_payout" / "input.csv"
TWO_ACCOUNTS = CAMT / "subite_053_v8_two_accounts" / "input.xml"


def one(path: Path, code: str = "") -> dict[str, Any]:
    (summary,) = inspection.inspect_file(path, code)
    return summary.as_json()


def test_a_fund_flow() -> None:
    found = one(FUND_FLOW)
    assert {name: found[name] for name in ("code", "kind", "currency", "lines")} == {
        "code": "wechatpay",
        "kind": "platform",
        "currency": "CNY",
        "lines": 8,
    }
    assert (found["credit_count"], found["credit"]) == (3, "1815.90")
    # The fee of 0.00 is neither a credit nor a debit, and the summary still ties.
    assert (found["debit_count"], found["debit"]) == (4, "2159.55")
    assert found["balanced"] is True
    assert (found["period_from"], found["period_to"]) == ("2026-10-09", "2026-10-09")
    assert found["kinds"] == {"commission": 2, "payout": 1, "refund": 1, "sale": 3, "unknown": 1}
    assert found["error"] is None


def test_a_row_and_its_fee_count_once_with_their_net() -> None:
    found = one(PAYOUT)
    assert (found["lines"], found["credit_count"], found["debit_count"]) == (4, 2, 2)
    assert (found["credit"], found["debit"]) == ("153.75", "153.75")
    assert found["kinds"] == {"commission": 2, "payout": 1, "refund": 1, "sale": 2}
    assert (found["balanced"], found["opening"]) == (True, None)


def test_payouts_alone_are_rows_too() -> None:
    found = one(SHOPIFY / "api_payouts_with_summary" / "input.json")
    assert (found["lines"], found["credit"], found["debit"]) == (2, "41.90", "5.00")
    assert found["kinds"] == {}


def test_a_file_of_two_statements_gives_two_objects() -> None:
    found = [summary.as_json() for summary in inspection.inspect_file(TWO_ACCOUNTS)]
    assert [entry["account"] for entry in found] == ["LT625883379695428516", "LT414319056143772570"]
    assert [entry["lines"] for entry in found] == [13, 1]
    assert [entry["balanced"] for entry in found] == [True, True]
    assert (found[1]["opening"], found[1]["closing"]) == ("2801.55", "801.55")
    assert found[0]["kind"] == "bank" and found[0]["kinds"] == {}


def test_the_stated_period_comes_before_the_days_of_the_entries() -> None:
    found = one(CAMT / "own_053_v2_batch_and_return" / "input.xml")
    assert (found["period_from"], found["period_to"]) == ("2026-10-09", "2026-10-09")
    found = one(CAMT / "genkgo_053_v2_decimals" / "input.xml")
    assert (found["period_from"], found["balanced"]) == ("2014-12-31", False)


def test_amounts_never_have_an_exponent(tmp_path: Path) -> None:
    text = FUND_FLOW.read_text().replace("`258.00", "`0.00000001")
    (tmp_path / "tiny.csv").write_text(text)
    found = one(tmp_path / "tiny.csv")
    assert found["credit"] == "1299.90000002"
    assert found["balanced"] is False


def test_an_error_half_way_leaves_nothing_to_rely_on(tmp_path: Path) -> None:
    text = TWO_ACCOUNTS.read_text()
    (tmp_path / "cut.xml").write_text(text[: text.rindex("</Stmt>")])
    found = one(tmp_path / "cut.xml")
    assert (found["lines"], found["credit"], found["account"]) == (0, "0", None)
    assert "not whole" in found["error"]["reason"]
    assert found["error"]["row"] >= 1


def test_what_cannot_be_opened_is_an_error_object(tmp_path: Path) -> None:
    assert one(tmp_path / "nowhere.csv")["error"]["reason"] == "No such file or directory"
    assert one(tmp_path)["error"]["reason"] == "Is a directory"


def test_a_named_adapter_is_not_asked_whether_it_knows_the_file() -> None:
    assert "neither a fund flow" in one(PAYOUT, "wechatpay")["error"]["reason"]
    assert one(PAYOUT, "shopify")["error"] is None
    with pytest.raises(UnknownAdapterError):
        one(PAYOUT, "nobody")


def test_memory_is_flat(tmp_path: Path) -> None:
    peaks = []
    for copies in (200, 200, 20_000):
        header, row, *_ = FUND_FLOW.read_text().splitlines()
        summary = (
            f"资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n`{copies},`{copies},`1,`0,`0\n"
        )
        (tmp_path / "long.csv").write_text("\n".join([header, *[row] * copies, summary]))
        tracemalloc.start()
        assert one(tmp_path / "long.csv")["lines"] == copies
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + 3_000_000


# --- the commands ---


def inspected(*arguments: str) -> tuple[list[dict[str, Any]], int]:
    out, code = StringIO(), 0
    try:
        call_command(inspect.Command(), *arguments, stdout=out)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return json.loads(out.getvalue()), code


def test_inspect_prints_a_json_list() -> None:
    found, code = inspected(str(FUND_FLOW), str(TWO_ACCOUNTS))
    assert [entry["code"] for entry in found] == ["wechatpay", "camt", "camt"]
    assert code == 0
    assert list(found[0]) == [
        *("file", "code", "kind", "account", "currency", "lines", "credit_count", "debit_count"),
        *("credit", "debit", "opening", "closing", "balanced", "period_from", "period_to"),
        *("kinds", "error"),
    ]


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    found, code = inspected(str(tmp_path / "nowhere"), str(FUND_FLOW))
    assert [entry["error"] is None for entry in found] == [False, True]
    assert code == 2


def test_inspect_as() -> None:
    found, code = inspected(str(FUND_FLOW), "--as", "camt")
    assert (found[0]["code"], code) == ("camt", 2)
    with pytest.raises(CommandError, match="nobody"):
        inspected(str(FUND_FLOW), "--as", "nobody")


@pytest.fixture
def recorded(tmp_path: Path) -> list[str]:
    """The arguments that name WeChat Pay's published hook, key and all."""
    folder = WECHATPAY / "hook_notify_sdk"
    facts = json.loads((folder / "hook.json").read_text())
    (tmp_path / "key.pem").write_text(facts["secrets"]["public_key"])
    headers = {name.title(): value for name, value in facts["headers"].items()}
    (tmp_path / "headers.json").write_text(json.dumps(headers))
    return [
        *("--platform=wechatpay", f"--headers={tmp_path / 'headers.json'}"),
        *(f"--body={folder / 'body.bin'}", f"--secret=public_key={tmp_path / 'key.pem'}"),
    ]


def judged(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(verify_hook.Command(), *arguments, stdout=out)
    return dict(json.loads(out.getvalue()))


@pytest.mark.parametrize("now", ["1624523846", "2021-06-24T16:37:26+08:00", "2021-06-24T08:42:25Z"])
def test_verify_hook_accepts(recorded: list[str], now: str) -> None:
    assert judged(*recorded, f"--now={now}") == {
        "accepted": True,
        "reason": "",
        "reply": {"status": 200, "body": "", "content_type": ""},
    }


def test_verify_hook_opens_the_payload_where_a_key_is_given(recorded: list[str]) -> None:
    now = "--now=1624523846"
    assert judged(*recorded, now, "--secret=aes_key=testMchAPIv3Key0")["accepted"]
    verdict = judged(*recorded, now, "--secret=aes_key=testMchAPIv3Key1")
    assert not verdict["accepted"] and "does not open" in verdict["reason"]
    rotated = ("--secret=aes_key=testMchAPIv3Key1", "--secret=aes_key=testMchAPIv3Key0")
    assert judged(*recorded, now, *rotated)["accepted"]


def test_verify_hook_refuses_by_the_clock(recorded: list[str]) -> None:
    verdict = judged(*recorded)
    assert not verdict["accepted"] and "300 s" in verdict["reason"]
    assert verdict["reply"]["status"] == 401
    assert json.loads(verdict["reply"]["body"])["code"] == "FAIL"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--platform=nobody"], "no adapter is called"),
        (["--platform=camt"], "receives no hooks"),
        (["--secret=secret"], "KEY=VALUE"),
        (["--secret=password=x"], "KEY=VALUE"),
        (["--secret=public_key=/nowhere/key.pem"], "No such file"),
        (["--headers=/nowhere"], "No such file"),
        (["--body=/nowhere"], "No such file"),
        (["--now=yesterday"], "--now"),
        (["--now=2021-06-24T16:37:26"], "needs an offset"),
        (["--now=99999999999999999999"], "--now"),
    ],
)
def test_malformed_arguments(recorded: list[str], arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        judged(*recorded, *arguments)


@pytest.mark.parametrize("headers", ["", "[]", '{"a": 1}', '{"A": "1", "a": "2"}'])
def test_malformed_headers(recorded: list[str], tmp_path: Path, headers: str) -> None:
    (tmp_path / "bad.json").write_text(headers)
    with pytest.raises(CommandError, match="headers"):
        judged(*recorded, f"--headers={tmp_path / 'bad.json'}")


def test_platforms_are_listed() -> None:
    out = StringIO()
    call_command(platforms.Command(), stdout=out)
    assert [row.split()[0] for row in out.getvalue().splitlines()] == list(registry.codes())
    out = StringIO()
    call_command(platforms.Command(), "--json", stdout=out)
    assert {row["code"]: row["hooks"] for row in json.loads(out.getvalue())} == {
        adapter.code: isinstance(adapter, Pushes) for adapter in registry.all()
    }
