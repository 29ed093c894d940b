"""Business facts become journal entries. The only room that writes to the ledger.

Per settlement account and currency (house of accounts: docs/ledger.md):

    store:S:receivable   asset      what the platform owes
    store:S:in_transit   asset      announced, not yet at the bank; per payout it ends at zero
    bank:B               asset      what the bank holds, equal to its statement at all times
    bank:B:unrelated     liability  bank entries that are no payout (or not yet known as one)
    merchant:A:pending   liability  the merchant's, still on its way
    merchant:A:available liability  the merchant's, arrived and proven; withdrawals hold it
    fee:income           income     what withdrawals cost, gross
    waiver:P             contra     what programme P has forgiven of it
    opening:B            equity     what the bank held before the first statement
    suspense:A           liability  lines whose meaning is not known
"""

from settlement.bookings.codes import (
    available,
    bank,
    fee_income,
    major,
    minor,
    pending,
    receivable,
    suspense,
    unrelated,
    waiver,
)
from settlement.bookings.incoming import (
    DaysMovement,
    Proven,
    bank_lines_booked,
    bank_lines_withdrawn,
    document_withdrawn,
    lines_loaded,
    match_revoked,
    matches_confirmed,
    opening_withdrawn,
    payouts_announced,
    payouts_retired,
    statement_opened,
    wallet_opened,
    wallet_withdrawn,
)
from settlement.bookings.origins import PAID_FROM, Origins, paid_reference
from settlement.bookings.outgoing import (
    books_with_due_promises,
    promises_expired,
    withdrawal_paid,
    withdrawal_released,
    withdrawal_reserved,
    withdrawal_returned,
)

__all__ = [
    "PAID_FROM",
    "DaysMovement",
    "Origins",
    "Proven",
    "available",
    "bank",
    "bank_lines_booked",
    "bank_lines_withdrawn",
    "books_with_due_promises",
    "document_withdrawn",
    "fee_income",
    "lines_loaded",
    "major",
    "match_revoked",
    "matches_confirmed",
    "minor",
    "opening_withdrawn",
    "paid_reference",
    "payouts_announced",
    "payouts_retired",
    "pending",
    "promises_expired",
    "receivable",
    "statement_opened",
    "suspense",
    "unrelated",
    "waiver",
    "wallet_opened",
    "wallet_withdrawn",
    "withdrawal_paid",
    "withdrawal_released",
    "withdrawal_reserved",
    "withdrawal_returned",
]
