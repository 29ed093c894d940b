"""Where each file of a world goes, and what period it covers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sandbox import alipay_files, camt, mt940, pinduoduo_files, shopify_files, wechatpay_files
from sandbox.alipay import Purse
from sandbox.days import Period
from sandbox.model import BankAccount, Entry, WorldFile
from sandbox.pinduoduo import Till
from sandbox.shopify import Shop
from sandbox.wechatpay import Wallet

_TRADE_BILL_DAYS = 7
_LONG = 45
_README = """\
# SIMULATED DATA · 模拟数据

Everything in this directory was made up by `python -m sandbox`. No person, company,
store, account, order or transfer in it exists. The formats are real, the facts are not.
`truth.json` says what a right reconciliation must find.

本目录全部内容均由 `python -m sandbox` 生成，其中的公司、店铺、账户、订单和转账均为虚构；
文件格式真实，数据不真实。`truth.json` 为对账应得的结果。

- `wechatpay/<mchid>/` 资金账单 (fund flow), 交易账单 (trade bill)
- `alipay/<account>/` 账务明细 (fund bill), CSV or ZIP with its 汇总 (summary)
- `pinduoduo/<mall>/` 店铺账务明细 (store bill)
- `shopify/<shop>/` payment transactions export, payouts export
- `bank/<account>/` statements of Sandbox Bank (simulated), one account with two pockets:
  CNY as camt.053, USD as MT940

Where no source says how something looks, it is made up and listed in `truth.json`
under `assumed`. 来源未载明之处均为假定，见 `truth.json` 的 `assumed`。
"""


@dataclass(kw_only=True)
class WorldWriter:
    """Writes files under `out` and lists them in `files`.

    A world of more than 45 days is exported in larger pieces, so that the number of
    files grows slowly.
    """

    out: Path
    period: Period
    files: list[WorldFile]

    def fund_flows(self, wallet: Wallet, *, daily: bool) -> None:
        """A store's fund flow, one file a day or a week; spans without rows have no file.

        In a long world it is a week or a month instead.
        """
        for span in self._days() if daily else self._weeks():
            self._fund_flow(wallet, span, overlaps=False)

    def overlapping_fund_flow(self, wallet: Wallet) -> None:
        """One more file over seven days that other files of the store cover already."""
        self._fund_flow(wallet, self._from(4, days=7), overlaps=True)

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

    def fund_bills(self, purse: Purse) -> None:
        """An Alipay store's fund bill, one file a calendar month."""
        store = purse.store
        zipped = store.dialect.endswith(alipay_files.ZIPPED)
        for span in self.period.months():
            rows = [row for row in purse.rows if row.at.date() in span]
            if rows:
                name = f"{store.external_id}_{span.first}_{span.last}"
                path = f"alipay/{store.external_id}/{name}.{'zip' if zipped else 'csv'}"
                content = alipay_files.fund_bill(store, span, rows)
                self._file(path, "alipay_fund_bill", store.code, span, len(rows), content)

    def store_bills(self, till: Till) -> None:
        """A Pinduoduo store's bill, one file a calendar month."""
        for span in self.period.months():
            self._store_bill(till, span, overlaps=False)

    def overlapping_store_bills(self, till: Till) -> None:
        """Two more files over days that others cover already; they overlap each other too."""
        self._store_bill(till, self._from(2, days=12), overlaps=True)
        self._store_bill(till, self._from(7, days=12), overlaps=True)

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
        """A pocket's statements, one a week, each opening where the last one closed."""
        opening = account.opening
        for number, span in enumerate(self.period.weeks(), start=1):
            own = [entry for entry in entries if entry.booked_on in span]
            self._statement(account, span, number, opening, own)
            opening += sum(entry.amount for entry in own)

    def readme(self) -> None:
        """The page that says all this is made up."""
        self.text("README.md", _README)

    def text(self, path: str, text: str) -> None:
        """Writes UTF-8 text with the line ends it has."""
        self._bytes(path, text.encode())

    def _fund_flow(self, wallet: Wallet, span: Period, *, overlaps: bool) -> None:
        rows = [row for row in wallet.rows if row.at.date() in span]
        if not rows:
            return
        store = wallet.store
        path = f"wechatpay/{store.external_id}/fundflow_BASIC_{span.first}_{span.last}.csv"
        text = wechatpay_files.fund_flow(rows, dialect=store.dialect)
        self._file(path, "wechat_fund_flow", store.code, span, len(rows), text, overlaps=overlaps)

    def _store_bill(self, till: Till, span: Period, *, overlaps: bool) -> None:
        rows = [row for row in till.rows if row.at.date() in span]
        if not rows:
            return
        store = till.store
        name = f"pdd-mall-bill-detail-{span.first}_{span.last}.csv"
        path = f"pinduoduo/{store.external_id}/{name}"
        content = pinduoduo_files.store_bill(span, rows)
        self._file(path, "pdd_bill", store.code, span, len(rows), content, overlaps=overlaps)

    def _statement(
        self,
        account: BankAccount,
        span: Period,
        number: int,
        opening: int,
        entries: Sequence[Entry],
    ) -> None:
        """The bank sends the newer camt version from the middle of the period on."""
        if account.format == mt940.FORMAT:
            kind, suffix = "mt940", "sta"
            text = mt940.statement(account, span, number, opening, entries)
        else:
            kind, suffix = "camt053", "xml"
            newer = span.first - self.period.first > self.period.last - span.first
            version = camt.V08 if newer else camt.V02
            text = camt.statement(account, span, number, opening, entries, version=version)
        name = f"{kind}_{account.currency}_{span.first}_{span.last}.{suffix}"
        self._file(
            f"bank/{account.number}/{name}",
            kind,
            account.number,
            span,
            len(entries),
            text,
            currency=account.currency,
        )

    def _days(self) -> Iterator[Period]:
        if self._is_long:
            return self.period.weeks()
        return (Period(first=day, last=day) for day in self.period.days())

    def _weeks(self) -> Iterator[Period]:
        return self.period.months() if self._is_long else self.period.weeks()

    @property
    def _is_long(self) -> bool:
        return self.period.last - self.period.first >= timedelta(days=_LONG)

    def _from(self, day: int, *, days: int) -> Period:
        first: date = self.period.first + timedelta(days=day)
        return Period(first=first, last=first + timedelta(days=days - 1))

    def _bytes(self, path: str, content: bytes) -> None:
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

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
        content: str | bytes,
        *,
        overlaps: bool = False,
        currency: str = "",
    ) -> None:
        self._bytes(path, content if isinstance(content, bytes) else content.encode())
        self.files.append(
            WorldFile(
                path=path,
                kind=kind,
                owner=owner,
                first=span.first,
                last=span.last,
                rows=rows,
                overlaps=overlaps,
                currency=currency,
            )
        )


def _handle(shop: Shop) -> str:
    return shop.store.external_id.removesuffix(".myshopify.com")
