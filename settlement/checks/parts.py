"""What the queries of all checks share."""

from __future__ import annotations


def of(column: str) -> str:
    """That a row is the merchant's the checks are asked of, or anybody's."""
    return f"(%(merchant)s::uuid IS NULL OR {column} = %(merchant)s)"
