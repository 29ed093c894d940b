"""The words of the simulated world: who there is, what was paid out, what arrived.

Amounts are whole cents (fen) of the currency named beside them. These words are
the sandbox's own on purpose: nothing of the hub is imported here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime


class Platform(enum.StrEnum):
    """The simulated marketplaces' wallets."""

    WECHATPAY = "wechatpay"
    ALIPAY = "alipay"
    PINDUODUO = "pinduoduo"
    SHOPIFY = "shopify"


class Outcome(enum.StrEnum):
    """What a right hub must conclude about a payout at the end of the period."""

    MATCHED_BY_REFERENCE = "matched_by_reference"
    MATCHED_BY_AMOUNT = "matched_by_amount"
    MERGED = "merged"
    LATE_MATCHED = "late_matched"
    SHORT = "short"
    MISSING = "missing"
    IN_TRANSIT = "in_transit"
    AMBIGUOUS = "ambiguous"


class Trouble(enum.StrEnum):
    """What was done to a payout on purpose."""

    NONE = ""
    LATE = "late"
    MISSING = "missing"
    SHORT = "short"
    MERGED = "merged"
    CUT_REFERENCE = "cut_reference"
    SPACED_REFERENCE = "spaced_reference"
    SPLIT_REFERENCE = "split_reference"
    TWIN_AMOUNT = "twin_amount"
    LAST_DAY = "last_day"


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """The one legal person everything belongs to."""

    name: str
    name_en: str


@dataclass(frozen=True, kw_only=True)
class BankAccount:
    """One currency pocket of an account at the simulated bank; `format` is what it reports in.

    The pockets of a multi-currency account share its number: a pocket is named by
    number and currency.
    """

    number: str
    currency: str
    holder: str
    format: str
    opening: int

    def holds(self, entry: Entry) -> bool:
        """Whether a bank line is one of this pocket."""
        return (entry.account, entry.currency) == (self.number, self.currency)


@dataclass(frozen=True, kw_only=True)
class Store:
    """One shop. `trouble` is what its payouts suffer; `payday` None means daily payouts.

    `names_payouts` says whether the bank's text of a deposit holds the payout's number.
    """

    code: str
    platform: Platform
    external_id: str
    name: str
    name_en: str
    currency: str
    zone: str
    bank_account: str
    orders_a_day: int
    median: int
    payday: int | None
    trouble: Trouble
    dialect: str
    opening: int = 0
    names_payouts: bool = True


@dataclass(frozen=True, kw_only=True)
class Payout:
    """One transfer platform → bank as the platform announces it.

    `reference` is unique in the world. Where `numbered` is false the platform gives the
    payout no number and the reference is the sandbox's own, found in no file.
    `flow_no` is WeChat's and Alipay's second number of the row; `due_on` is stated by
    Shopify only.
    """

    store: str
    reference: str
    currency: str
    amount: int
    announced_at: datetime
    due_on: date | None = None
    flow_no: str = ""
    numbered: bool = True

    @property
    def announced_on(self) -> date:
        """The day of the announcement where the shop is."""
        return self.announced_at.date()


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of a payout: when and how much arrived (None: nothing yet)."""

    payout: Payout
    outcome: Outcome
    trouble: Trouble = Trouble.NONE
    arrived_on: date | None = None
    received: int | None = None


@dataclass(frozen=True, kw_only=True)
class Returned:
    """Why a transfer came back: a code of ISO 20022's return reasons and words."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One transaction under a booked bank entry; `texts` are its Ustrd elements.

    `account` is the other side's; `instruction` and `reference` (the bank's own)
    are known for the transfers this bank was ordered to make.
    """

    amount: int
    counterparty: str
    end_to_end_id: str
    texts: tuple[str, ...]
    account: str = ""
    instruction: str = ""
    reference: str = ""
    returned: Returned | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One booked bank line; amount signed, credit positive.

    `reference` (AcctSvcrRef) is given when the account's lines are put in order.
    `batch` is the PmtInfId of the orders that were booked as one line.
    `payouts` is the truth: the references of the payouts whose money this is.
    """

    account: str
    currency: str
    kind: str
    amount: int
    booked_on: date
    value_on: date
    bank_code: tuple[str, str, str]
    details: tuple[Detail, ...] = ()
    info: str = ""
    batch: str = ""
    payouts: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class WorldFile:
    """One file of the world; `owner` is a store code, or with a `currency` an account number."""

    path: str
    kind: str
    owner: str
    first: date
    last: date
    rows: int
    overlaps: bool = False
    currency: str = ""
