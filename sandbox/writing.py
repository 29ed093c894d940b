"""Where each file of a world goes, and what period it covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sandbox import camt, shopify_files, wechatpay_files
from sandbox.days import Period
from sandbox.model import BankAccount, Entry, WorldFile
from sandbox.shopify import Shop
from sandbox.wechatpay import Wallet

_TRADE_BILL_DAYS = 7
_README = """\
# SIMULATED DATA · 模拟数据

Everything in this directory was made up by `python -m sandbox`. No person, company,
store, account, order or transfer in it exists. The formats are real, the facts are not.
`truth.json` says what a right reconciliation must find.

本目录全部内容均由 `python -m sandbox` 生成，其中的公司、店铺、账户、订单和转账均为虚构；
文件格式真实，数据不真实。`truth.json` 为对账应得的结果。

- `wechatpay/<mchid>/` 资金账单 (fund flow), 交易账单 (trade bill)
- `shopify/<shop>/` payment transactions export, payouts export
- `bank/<account>/` camt.053 statements of Sandbox Bank (simulated)
"""


@dataclass(kw_only=True)
class WorldWriter:
    """Writes files under `out` and lists them in `files`."""

    out: Path
    period: Period
    files: list[WorldFile]

    def fund_flows(self, wallet: Wallet, *, daily: bool) -> None:
        """A store's fund flow, one file a day or a week; days without rows have no file."""
        days = (Period(first=day, last=day) for day in self.period.days())
        for span in days if daily else self.period.weeks():
            self._fund_flow(wallet, span, overlaps=False)

    def overlapping_fund_flow(self, wallet: Wallet) -> None:
        """One more file over seven days that other files of the store cover already."""
        first = self.period.first + timedelta(days=4)
        span = Period(first=first, last=first + timedelta(days=6))
        self._fund_flow(wallet, span, overlaps=True)

    def trade_bills(self, wallet: Wallet) -> None:
        """A store's trade bills of the last days, one a day as the platform gives them."""
        first = self.period.last - timedelta(days=_TRADE_BILL_DAYS - 1)
        for day in Period(first=first, last=self.period.last).days():
            trades = [trade for trade in wallet.trades if trade.at.date() == day]
            if trades:
                mchid = wallet.store.external_id
                path = f"wechatpay/{mchid}/tradebill_ALL_{day}.csv"
                text = wechatpay_files.trade_bill(trades, mchid=mchid)
                span = Period(first=day, last=day)
                self._file(path, "wechat_trade_bill", wallet.store.code, span, len(trades), text)

    def transactions_export(self, shop: Shop, statuses: Mapping[str, str]) -> None:
        """A shop's transactions over the whole period."""
        text = shopify_files.transactions_export(shop, statuses)
        path = f"shopify/{_handle(shop)}/payment_transactions_export_1.csv"
        self._export(shop, path, "shopify_transactions", text)

    def payouts_export(self, shop: Shop, statuses: Mapping[str, str]) -> None:
        """A shop's payouts over the whole period."""
        text = shopify_files.payouts_export(shop, statuses)
        self._export(shop, f"shopify/{_handle(shop)}/payouts_export_1.csv", "shopify_payouts", text)

    def statements(self, account: BankAccount, entries: Sequence[Entry]) -> None:
        """An account's statements, one a week, each opening where the last one closed."""
        opening = account.opening
        for number, span in enumerate(self.period.weeks(), start=1):
            own = [entry for entry in entries if entry.booked_on in span]
            text = camt.statement(account, span, number, opening, own)
            path = f"bank/{account.number}/camt053_{account.currency}_{span.first}_{span.last}.xml"
            self._file(path, "camt053", account.number, span, len(own), text)
            opening += sum(entry.amount for entry in own)

    def readme(self) -> None:
        """The page that says all this is made up."""
        self.text("README.md", _README)

    def text(self, path: str, text: str) -> None:
        """Writes UTF-8 text with the line ends it has."""
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())

    def _fund_flow(self, wallet: Wallet, span: Period, *, overlaps: bool) -> None:
        rows = [row for row in wallet.rows if row.at.date() in span]
        if not rows:
            return
        store = wallet.store
        path = f"wechatpay/{store.external_id}/fundflow_BASIC_{span.first}_{span.last}.csv"
        text = wechatpay_files.fund_flow(rows, dialect=store.dialect)
        self._file(path, "wechat_fund_flow", store.code, span, len(rows), text, overlaps=overlaps)

    def _export(self, shop: Shop, path: str, kind: str, text: str) -> None:
        rows = text.count("\n") - 1
        self._file(path, kind, shop.store.code, self.period, rows, text)

    def _file(
        self,
        path: str,
        kind: str,
        owner: str,
        span: Period,
        rows: int,
        text: str,
        *,
        overlaps: bool = False,
    ) -> None:
        self.text(path, text)
        self.files.append(
            WorldFile(
                path=path,
                kind=kind,
                owner=owner,
                first=span.first,
                last=span.last,
                rows=rows,
                overlaps=overlaps,
            )
        )


def _handle(shop: Shop) -> str:
    return shop.store.external_id.removesuffix(".myshopify.com")
