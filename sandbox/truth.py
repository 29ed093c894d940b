"""truth.json: what is really so in a world, beside the files a hub is given.

Amounts are decimal strings, days ISO dates, instants ISO with their offset. A payout's
`key` names it in this file; `external_id` is the number the platform gives it, null
where it gives none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandbox import money, names
from sandbox.ledgers import StoreBalance
from sandbox.model import BankAccount, Entry, Fate, Outcome, Store, Trouble, WorldFile

if TYPE_CHECKING:
    from sandbox.world import World

# Outcomes that leave an open exception, and the reason it must carry.
_REASONS = {
    Outcome.SHORT: "SHORT",
    Outcome.MISSING: "MISSING",
    Outcome.AMBIGUOUS: "AMBIGUOUS",
}

# What no source says and the files show all the same.
_ASSUMED = (
    "the payer's name and the words of Alipay's and Pinduoduo's deposits at the bank",
    "both numbers of an Alipay withdrawal stand in the bank's text, 账务流水号 first",
    "a Pinduoduo withdrawal has no number, so nothing at the bank names it",
    "the deposits of some Shopify stores carry the payout's id",
    "withdrawals at Alipay and Pinduoduo arrive after one or two business days, without a fee",
    "业务类型 of Alipay's commission, affiliate, insurance and deposit rows (备注 tells them)",
    "支出 is positive in Alipay's 12 columns and negative in its 16",
    "业务描述 is filled for Alipay's sales only, and 业务账单来源 says 支付宝",
    "Pinduoduo counts a zero-amount row on the income side and lists the oldest row first",
    "the shape of WeChat Pay's 提现 number and of Alipay's 账务流水号",
)


def truth(world: World) -> dict[str, Any]:
    """The truth of a world as plain JSON values."""
    return {
        "simulated": True,
        "seed": world.seed,
        "starts_on": world.period.first.isoformat(),
        "as_of": world.period.last.isoformat(),
        "merchant": {"name": world.merchant.name, "name_en": world.merchant.name_en},
        "bank": names.BANK_NAME,
        "rows": world.rows,
        "bank_accounts": [_account(account, world.entries) for account in world.accounts],
        "stores": [_store(store) for store in world.stores],
        "assumed": list(_ASSUMED),
        "files": [_file(file) for file in world.files],
        "payouts": _payouts(world.fates, world.entries),
        "unrelated_bank_lines": [_line(entry) for entry in world.entries if not entry.payouts],
        "balances": [_balance(balance) for balance in world.balances],
        "outcomes": dict(sorted(Counter(fate.outcome for fate in world.fates).items())),
        "exceptions": _exceptions(world.fates),
        "late_recorded": sum(f.outcome is Outcome.LATE_MATCHED for f in world.fates),
        "troubles": _troubles(world.fates),
    }


def _account(account: BankAccount, entries: Sequence[Entry]) -> dict[str, Any]:
    own = [entry for entry in entries if account.holds(entry)]
    return {
        "number": account.number,
        "currency": account.currency,
        "holder": account.holder,
        "format": account.format,
        "lines": len(own),
        "opening": money.text(account.opening),
        "closing": money.text(account.opening + sum(entry.amount for entry in own)),
    }


def _store(store: Store) -> dict[str, Any]:
    return {
        "code": store.code,
        "platform": store.platform.value,
        "external_id": store.external_id,
        "name": store.name,
        "name_en": store.name_en,
        "currency": store.currency,
        "zone": store.zone,
        "bank_account": store.bank_account,
        "dialect": store.dialect,
        "trouble": store.trouble.value or None,
    }


def _file(file: WorldFile) -> dict[str, Any]:
    pocket = {"bank_account": file.owner, "currency": file.currency}
    return {
        "path": file.path,
        "kind": file.kind,
        **(pocket if file.currency else {"store": file.owner}),
        "from": file.first.isoformat(),
        "to": file.last.isoformat(),
        "rows": file.rows,
        "overlaps": file.overlaps,
    }


def _payouts(fates: Sequence[Fate], entries: Sequence[Entry]) -> list[dict[str, Any]]:
    lines = {reference: entry for entry in entries for reference in entry.payouts}
    return [_payout(fate, lines.get(fate.payout.reference), fates, lines) for fate in fates]


def _payout(
    fate: Fate, line: Entry | None, fates: Sequence[Fate], lines: dict[str, Entry]
) -> dict[str, Any]:
    payout = fate.payout
    return {
        "store": payout.store,
        "key": payout.reference,
        "external_id": payout.reference if payout.numbered else None,
        "flow_no": payout.flow_no or None,
        "amount": money.text(payout.amount),
        "currency": payout.currency,
        "announced_at": payout.announced_at.isoformat(),
        "arrives_on": payout.due_on.isoformat() if payout.due_on else None,
        "outcome": fate.outcome.value,
        "trouble": fate.trouble.value or None,
        "bank_lines": [line.reference] if line else [],
        "booked_on": line.booked_on.isoformat() if line else None,
        "received": money.text(fate.received) if fate.received is not None else None,
        "candidate_bank_lines": _candidates(fate, fates, lines),
    }


def _candidates(fate: Fate, fates: Sequence[Fate], lines: dict[str, Entry]) -> list[str]:
    """The lines an ambiguous payout could be: nobody can tell from the files."""
    if fate.outcome is not Outcome.AMBIGUOUS:
        return []
    alike = (fate.payout.currency, fate.payout.amount)
    twins = [o.payout for o in fates if (o.payout.currency, o.payout.amount) == alike]
    return sorted(lines[twin.reference].reference for twin in twins)


def _line(entry: Entry) -> dict[str, Any]:
    return {
        "bank_account": entry.account,
        "reference": entry.reference,
        "booked_on": entry.booked_on.isoformat(),
        "amount": money.text(entry.amount),
        "currency": entry.currency,
        "kind": entry.kind,
    }


def _balance(balance: StoreBalance) -> dict[str, Any]:
    return {
        "store": balance.store.code,
        "currency": balance.store.currency,
        "opening": money.text(balance.opening),
        "earned": money.text(balance.earned),
        "owed": money.text(balance.owed),
        "in_transit": money.text(balance.in_transit),
        "arrived": money.text(balance.arrived),
        "missing": money.text(balance.missing),
        "ambiguous": money.text(balance.ambiguous),
        "short": money.text(balance.short),
        "short_received": money.text(balance.short_received),
    }


def _exceptions(fates: Sequence[Fate]) -> dict[str, int]:
    """Open exceptions at the end by reason; a late payout that came is not one."""
    found = Counter(_REASONS[fate.outcome] for fate in fates if fate.outcome in _REASONS)
    return {reason: found[reason] for reason in _REASONS.values()}


def _troubles(fates: Sequence[Fate]) -> dict[str, list[str]]:
    return {
        trouble.value: [f.payout.reference for f in fates if f.trouble is trouble]
        for trouble in Trouble
        if trouble is not Trouble.NONE
    }
