"""Rows of a spreadsheet on their way through the browser, from the preview to its confirmation.

They travel signed in a hidden field: nothing stays on the server that would have to be swept, two
previews in two windows do not mix, and what is confirmed is what was shown. The seal names the
user and the settlement account, so that it opens for nobody and nowhere else. What it holds is
judged anew when it comes back (see linking.link): the signature is no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.core import signing

from accounts.models import SettlementAccount, User
from settlement.money_in.linking import Column, SheetRow

KEPT: Final = timedelta(hours=2)


class LostRowsError(Exception):
    """What came back is not what was sent to this user for this account, or is too old."""


def sealed(rows: Iterable[SheetRow], *, account: SettlementAccount, user: User) -> str:
    """The rows as text for a hidden field."""
    plain = [
        [row.row, row.platform, row.name, row.number, row.account, sorted(row.damaged)]
        for row in rows
    ]
    return signing.dumps(plain, salt=_salt(account, user), compress=True)


def opened(text: str, *, account: SettlementAccount, user: User) -> list[SheetRow]:
    """The rows that were sealed. Raises LostRowsError."""
    try:
        plain = signing.loads(text, salt=_salt(account, user), max_age=KEPT)
    except signing.BadSignature as error:
        raise LostRowsError(str(error)) from error
    return [
        SheetRow(
            row=row,
            platform=platform,
            name=name,
            number=number,
            account=account_name,
            damaged=frozenset(map(Column, damaged)),
        )
        for row, platform, name, number, account_name, damaged in plain
    ]


def _salt(account: SettlementAccount, user: User) -> str:
    return f"stores to link:{account.id}:{user.pk}"
