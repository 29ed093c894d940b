"""One large, valid fund-flow file, written as a stream: for benchmarks and load tests.

The layout is that of `wechatpay_files`; ids are counters, so that none repeats at
any size, and the running balance and the summary are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from sandbox import money
from sandbox.wechatpay import FEE_PER_MILLE
from sandbox.wechatpay_files import FUND_FLOW_HEADER, FUND_FLOW_SUMMARY

_FIRST_DAY = date(2026, 11, 1)
_DAYS = 7
_PATTERNS = 4096
_REFUND_EVERY = 40
_WITHDRAWAL_EVERY = 5000
_BUFFER = 1 << 20
_MCHID = "1699000001"
_CLOCK = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]


def write_fund_flow(path: Path, *, rows: int, seed: int) -> None:
    """Writes a WeChat Pay fund-flow file of exactly `rows` rows over seven days.

    Raises ValueError for fewer than one row. The same arguments write the same bytes.
    """
    if rows < 1:
        raise ValueError("a fund flow has at least one row")
    with path.open("w", encoding="utf-8", newline="", buffering=_BUFFER) as file:
        file.writelines(_lines(rows, Random(f"tributary-sandbox:volume:{seed}")))


def _orders(rng: Random) -> list[tuple[int, str, int, str, str]]:
    """Amounts and fees with their text, to be gone through again and again."""
    orders = []
    for _ in range(_PATTERNS):
        amount = max(100, round(12_900 * rng.lognormvariate(0, 0.6)))
        fee = money.per_mille(amount, FEE_PER_MILLE)
        remark = f"退款总金额{money.text(amount)}元;含手续费{money.text(fee)}元"
        orders.append((amount, money.text(amount), fee, money.text(fee), remark))
    return orders


def _lines(rows: int, rng: Random) -> Iterator[str]:
    """Header, rows and summary. Each cycle is a sale and its fee, now and then more."""
    orders = _orders(rng)
    days = [f"{_FIRST_DAY + timedelta(days=number):%Y%m%d}" for number in range(_DAYS)]
    seconds_a_row = _DAYS * 86_400 / (rows + 1)
    balance = income = outgo = incomes = row = cycle = 0
    yield FUND_FLOW_HEADER + "\n"
    while row < rows:
        amount, amount_text, fee, fee_text, remark = orders[cycle % _PATTERNS]
        cycle += 1
        number, second = divmod(int(row * seconds_a_row), 86_400)
        day = days[number]
        at = f"{day[:4]}-{day[4:6]}-{day[6:]} {_CLOCK[second]}"
        order, shop_order = f"4200000926{day}{cycle:010d}", f"S{day}{cycle:012d}"
        head, flow = f"`{at},`{order},`{_MCHID}{day}", cycle * 4
        balance, income, incomes, row = balance + amount, income + amount, incomes + 1, row + 1
        yield (
            f"{head}{flow:010d},`交易,`交易,`收入,`{amount_text},"
            f"`{balance // 100}.{balance % 100:02d},`system,`,`{shop_order}\n"
        )
        if row < rows and fee:
            balance, outgo, row = balance - fee, outgo + fee, row + 1
            yield (
                f"{head}{flow + 1:010d},`交易,`扣除交易手续费,`支出,`{fee_text},"
                f"`{balance // 100}.{balance % 100:02d},`system,`,`{shop_order}\n"
            )
        if row < rows and cycle % _REFUND_EVERY == 0:
            back = amount - fee
            balance, outgo, row = balance - back, outgo + back, row + 1
            yield (
                f"`{at},`5030000926{day}{cycle:011d},`{_MCHID}{day}{flow + 2:010d},`退款,`退款,"
                f"`支出,`{money.text(back)},`{money.text(balance)},`{_MCHID}API,`{remark},"
                f"`R{day}{cycle:012d}\n"
            )
        if row < rows and cycle % _WITHDRAWAL_EVERY == 0:
            paid, balance, outgo, row = balance, 0, outgo + balance, row + 1
            yield (
                f"`{at},`10{cycle:08d}{day}{cycle:010d},`{_MCHID}{day}{flow + 3:010d},`提现,`提现,"
                f"`支出,`{money.text(paid)},`0.00,`system,`,`TX{day}{cycle:012d}\n"
            )
    counts = f"`{rows},`{incomes},`{money.text(income)},`{rows - incomes},`{money.text(outgo)}"
    yield f"{FUND_FLOW_SUMMARY}\n{counts}\n"
