"""Whether statements follow one another without a gap, at the bank and at the platforms."""

from __future__ import annotations

from accounts.models import SettlementAccount
from settlement.models import BankStatement, Reason, WalletStatement
from settlement.proof.exceptions_desk import Leftover


def gaps(account: SettlementAccount) -> list[Leftover]:
    """Statements that do not begin with what the one before ended with.

    Overlapping ones are not compared: where they disagree, their lines do.
    """
    return [*_bank_gaps(account), *_wallet_gaps(account)]


def _bank_gaps(account: SettlementAccount) -> list[Leftover]:
    rows = (
        BankStatement.objects.filter(
            bank_account__settlement_account=account, live=True, books=True
        )
        .exclude(opening=None)
        .exclude(closing=None)
        .order_by("bank_account_id", "period_from", "period_to", "id")
    )
    found = []
    before: BankStatement | None = None
    for statement in rows:
        if (
            before is not None
            and before.bank_account_id == statement.bank_account_id
            and before.period_to < statement.period_from
            and before.closing != statement.opening
        ):
            found.append(
                Leftover(
                    reason=Reason.STATEMENT_GAP,
                    subject=statement.id,
                    statement_id=statement.id,
                    difference=statement.opening - before.closing,
                )
            )
        if (
            before is None
            or before.bank_account_id != statement.bank_account_id
            or statement.period_to >= before.period_to
        ):
            before = statement
    return found


def _wallet_gaps(account: SettlementAccount) -> list[Leftover]:
    rows = WalletStatement.objects.filter(store__settlement_account=account, live=True).order_by(
        "store_id", "cash_account", "opening_currency", "first_at", "last_at", "id"
    )
    found = []
    before: WalletStatement | None = None
    for wallet in rows:
        if (
            before is not None
            and _place(before) == _place(wallet)
            and before.last_at < wallet.first_at
            and before.closing != wallet.opening
        ):
            found.append(
                Leftover(
                    reason=Reason.STATEMENT_GAP,
                    subject=wallet.id,
                    document_id=wallet.document_id,
                    difference=wallet.opening - before.closing,
                )
            )
        if before is None or _place(before) != _place(wallet) or wallet.last_at >= before.last_at:
            before = wallet
    return found


def _place(wallet: WalletStatement) -> tuple[object, str, str]:
    return wallet.store_id, wallet.cash_account, wallet.opening_currency
