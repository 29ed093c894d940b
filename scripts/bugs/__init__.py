"""The bugs that `scripts/planted_bugs.py` plants in the ledger, one at a time."""

from bugs.ledger_code import CODE
from bugs.ledger_sql import SQL
from bugs.plant import Bug

__all__ = ["BUGS", "Bug"]

BUGS: tuple[Bug, ...] = (*CODE, *SQL)
