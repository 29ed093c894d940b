"""What a store's wallet held before and after a document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from accounts.models import Store
from settlement import bookings
from settlement.models import SourceDocument, WalletStatement
from settlement.money_in.sections import Section


def store_wallets(
    document: SourceDocument, *, store: Store, sections: Iterable[Section], now: datetime
) -> None:
    """Keep the balances a document states, and book the earliest opening of each wallet.

    Inside the document's transaction, the store locked.
    """
    stated = [wallet for section in sections if (wallet := _row(document, store, section))]
    first = {_key(wallet): opening_wallets(store.id).get(_key(wallet)) for wallet in stated}
    WalletStatement.objects.bulk_create(stated)
    for wallet in sorted(stated, key=lambda w: w.first_at):
        before = first[_key(wallet)]
        if before is None or wallet.first_at < before.first_at:
            bookings.wallet_opened(wallet, before=before, store=store, now=now)
            first[_key(wallet)] = wallet


def take_back_wallets(document: SourceDocument, *, store: Store, now: datetime) -> None:
    """A document is withdrawn: another one may now state the earliest opening."""
    before = opening_wallets(store.id)
    WalletStatement.objects.filter(document=document).update(live=False)
    after = opening_wallets(store.id)
    for key, wallet in before.items():
        follows = after.get(key)
        if follows is None:
            bookings.wallet_withdrawn(wallet, now=now)
        elif follows.id != wallet.id:
            bookings.wallet_opened(follows, before=wallet, store=store, now=now)


def opening_wallets(store_id: UUID) -> dict[tuple[str, str], WalletStatement]:
    """By (cash account, currency), the statement whose opening balance stands in the books."""
    rows = (
        WalletStatement.objects.filter(store_id=store_id, live=True)
        .order_by("cash_account", "opening_currency", "first_at", "id")
        .distinct("cash_account", "opening_currency")
    )
    return {_key(wallet): wallet for wallet in rows}


def _key(wallet: WalletStatement) -> tuple[str, str]:
    return wallet.cash_account, wallet.opening_currency


def _row(document: SourceDocument, store: Store, section: Section) -> WalletStatement | None:
    statement, totals = section.statement, section.totals
    if totals is None or totals.opening is None or totals.closing is None:
        return None
    if not statement.books or section.first_at is None or section.last_at is None:
        return None
    return WalletStatement(
        merchant_id=document.merchant_id,
        store=store,
        document=document,
        cash_account=statement.cash_account,
        opening=totals.opening,
        opening_currency=statement.currency,
        closing=totals.closing,
        closing_currency=statement.currency,
        first_at=section.first_at,
        last_at=section.last_at,
        known_at=document.known_at,
    )
