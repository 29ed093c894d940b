"""Postings lie in one partition per month (UTC) of the moment the ledger learnt them."""

from __future__ import annotations

from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, connections

from ledger.drafts import check_instant


def ensure(now: datetime, *, months: int = 4, using: str = DEFAULT_DB_ALIAS) -> int:
    """Make the partitions of this month and the `months - 1` after it; returns how many were new.

    Safe to repeat and to run at once from several places. `months` is 1 to 60.
    """
    check_instant("now", now)
    with connections[using].cursor() as cursor:
        sql = "SELECT ledger_ensure_partitions((%s AT TIME ZONE 'UTC')::date, %s)"
        cursor.execute(sql, [now, months])
        [(made,)] = cursor.fetchall()
    return int(made)
