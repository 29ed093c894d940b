"""The bugs that `scripts/planted_bugs.py` plants in the ledger, one at a time."""

from bugs import guards, posting, reading, writing
from bugs.plant import Bug

__all__ = ["BUGS", "Bug"]

BUGS: tuple[Bug, ...] = (*reading.CODE, *writing.CODE, *posting.SQL, *guards.SQL)
