"""The words of the simulated marketplaces: stores, what moved their balance, what was paid out.

Amounts are signed decimals in the currency's major unit; positive increases what the
store owns. These words are the sandbox's own: nothing of the hub is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox import money

NOTHING = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Store:
    """One shop on one marketplace; `secrets` are named as a link names them.

    `kept` is what only the marketplace knows: its own private keys, a merchant's public one.
    """

    code: str
    platform: str
    external_id: str
    name: str
    currency: str
    zone: str
    secrets: Mapping[str, str]
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One row of a store's balance: `amount` less `fee` (positive where it is taken).

    `id` is the platform's own ("" if it numbers none), `reference` a second number of the
    row. `payout` is the one whose money this is ("" while it is not paid out), also where
    the platform does not say so. `detail` refines the kind in the platform's words.
    """

    id: str
    kind: str
    amount: Decimal
    currency: str
    at: datetime
    order: str = ""
    payout: str = ""
    fee: Decimal = NOTHING
    reference: str = ""
    detail: str = ""

    @property
    def net(self) -> Decimal:
        """What the row adds to the balance."""
        return self.amount - self.fee

    def lines(self) -> Iterator[dict[str, str]]:
        """What a right hub must book: the amount, and the fee as a line of its own.

        Only the first has the platform's number; the fee's `of` names the row it stands in.
        """
        common = {
            "currency": self.currency,
            "at": self.at.isoformat(),
            "order": self.order,
            "payout": self.payout,
        }
        yield {"id": self.id, "kind": self.kind, "amount": f"{self.amount}", **common}
        if self.fee:
            taken = {"id": "", "of": self.id, "kind": "commission", "amount": f"{-self.fee}"}
            yield taken | common


@dataclass(frozen=True, kw_only=True)
class Payout:
    """One transfer to the bank; `status` is paid, in_transit or failed.

    `reference` is a second number the platform gives it, `row` the id of its own movement.
    """

    id: str
    amount: Decimal
    currency: str
    status: str
    at: datetime
    arrives_on: date
    reference: str = ""
    row: str = ""

    def told(self) -> dict[str, str]:
        """The payout as JSON."""
        return {
            "id": self.id,
            "amount": f"{self.amount}",
            "currency": self.currency,
            "status": self.status,
            "at": self.at.isoformat(),
            "day": self.at.date().isoformat(),
            "arrives_on": self.arrives_on.isoformat(),
            "reference": self.reference,
        }


@dataclass(frozen=True, kw_only=True)
class Life:
    """What happened to one store, oldest first."""

    movements: Sequence[Movement]
    payouts: Sequence[Payout]


@dataclass(frozen=True, kw_only=True)
class World:
    """Every store and its life; the same seed gives the same world."""

    seed: int
    ends_on: date
    stores: Sequence[Store]
    lives: Mapping[str, Life]

    def of(self, platform: str) -> list[Store]:
        """A platform's stores, in order."""
        return [store for store in self.stores if store.platform == platform]

    def truth(self) -> dict[str, Any]:
        """What a right hub must end with, by store: lines and payouts, amounts as text."""
        return {
            "simulated": True,
            "seed": self.seed,
            "ends_on": self.ends_on.isoformat(),
            "stores": [self._told(store) for store in self.stores],
        }

    def _told(self, store: Store) -> dict[str, Any]:
        life = self.lives[store.code]
        return {
            "code": store.code,
            "platform": store.platform,
            "external_id": store.external_id,
            "lines": [line for movement in life.movements for line in movement.lines()],
            "payouts": [payout.told() for payout in life.payouts],
        }


def minor(amount: Decimal, currency: str) -> int:
    """An amount in whole minor units; raises ValueError where it has a part of one."""
    scaled = amount.scaleb(money.exponent(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} {currency} is no whole number of minor units")
    return int(scaled)


def major(units: int, currency: str) -> Decimal:
    """Minor units as an amount with all its decimals."""
    return Decimal(units).scaleb(-money.exponent(currency))
