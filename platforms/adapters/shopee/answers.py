"""Which of Shopee's answers are read, known by the names of their fields.

Source: platforms-global.md §10.
"""

from __future__ import annotations

from typing import Final

from platforms.adapters._json import Answer, Item, NoRows, answer_of
from platforms.adapters.shopee import escrow, payouts, wallet
from platforms.contract import Document, ReadError
from platforms.reading import shown

_NO_ERROR: Final = frozenset({"", "-"})


def _opened(document: Document) -> Item:
    """The answer, unless it is an error."""
    answer = answer_of(document)
    if answer.said("error") not in _NO_ERROR:
        said = f"{answer.said('error')} {answer.said('message')}"
        raise ReadError(f"Shopee answered an error: {shown(said)}", row=1)
    return answer


READERS: Final = (
    NoRows(
        ("total_income", "pending_amount", "released_amount"),
        "the income overview states two sums and no rows; give the income detail",
    ),
    NoRows(
        ("file_link", "file_name", "generated_time"),
        "this answer only says where an income statement lies, and that is a PDF; "
        "give the wallet transactions or the income detail",
    ),
    Answer(wallet.MARKS, _opened, wallet.read),
    # The details of a payout hold a list of escrows too: they are asked first.
    Answer(payouts.DETAIL_MARKS, _opened, payouts.read_detail),
    Answer(payouts.INFO_MARKS, _opened, payouts.read_info),
    Answer(payouts.BILLING_MARKS, _opened, payouts.read_billing),
    Answer(payouts.INCOME_MARKS, _opened, payouts.read_income),
    Answer(escrow.DETAIL_MARKS, _opened, escrow.read_detail),
    Answer(escrow.LIST_MARKS, _opened, escrow.read_list),
)
