"""Which of TikTok Shop's answers are read, known by the names of their fields.

Source: platforms-global.md §9.
"""

from __future__ import annotations

from typing import Final

from platforms.adapters._json import Answer, Item, NoRows, answer_of
from platforms.adapters.tiktok_shop import payments, transactions
from platforms.contract import Document, ReadError
from platforms.reading import shown


def _opened(document: Document) -> Item:
    """What the answer is about, unless it is an error."""
    answer = answer_of(document)
    if answer.id("code") != "0":
        said = f"{answer.id('code')} {answer.said('message')}"
        raise ReadError(f"TikTok Shop answered an error: {shown(said)}", row=1)
    return answer.child("data")


READERS: Final = (
    NoRows(
        ("transactions", "est_settlement_amount", "est_revenue_amount"),
        "unsettled transactions are estimates, not money",
    ),
    Answer(transactions.BY_ORDER_MARKS, _opened, transactions.read_order),
    Answer(transactions.BY_STATEMENT_MARKS, _opened, transactions.read_statement),
    Answer(payments.STATEMENTS_MARKS, _opened, payments.read_statements),
    Answer(payments.PAYMENTS_MARKS, _opened, payments.read_payments),
    Answer(payments.WITHDRAWALS_MARKS, _opened, payments.read_withdrawals),
)
