"""The steps each kind of thing may take; anything else raises."""

from __future__ import annotations

from collections.abc import Mapping

from settlement.errors import IllegalTransitionError
from settlement.models import DocumentState as D
from settlement.models import ExceptionState as E
from settlement.models import MatchState as M
from settlement.models import PayoutState as P
from settlement.models import QuotaState as Q
from settlement.models import RuleState as R
from settlement.models import WithdrawalState as W

TRANSITIONS: Mapping[type, Mapping[str, frozenset[str]]] = {
    D: {
        D.STORED: frozenset({D.READING, D.WITHDRAWN}),
        D.READING: frozenset({D.LOADED, D.REFUSED, D.STORED, D.READING}),
        D.LOADED: frozenset({D.WITHDRAWN, D.STORED}),
        D.REFUSED: frozenset({D.STORED, D.WITHDRAWN}),
        D.WITHDRAWN: frozenset(),
    },
    P: {
        P.EXPECTED: frozenset({P.ANNOUNCED, P.RESTATED}),
        P.ANNOUNCED: frozenset({P.IN_TRANSIT, P.RECONCILED, P.MISSING, P.LATE, P.SHORT, P.OVER,
                                P.HELD, P.RETURNED, P.RESTATED}),
        P.IN_TRANSIT: frozenset({P.CREDITED, P.RECONCILED, P.LATE, P.MISSING, P.SHORT, P.OVER,
                                 P.HELD, P.RETURNED, P.RESTATED}),
        P.CREDITED: frozenset({P.RECONCILED, P.IN_TRANSIT, P.RETURNED, P.RESTATED}),
        P.RECONCILED: frozenset({P.IN_TRANSIT, P.RETURNED, P.RESTATED}),
        P.LATE: frozenset({P.MISSING, P.RECONCILED, P.SHORT, P.OVER, P.IN_TRANSIT, P.RESTATED}),
        P.MISSING: frozenset({P.RECONCILED, P.SHORT, P.OVER, P.IN_TRANSIT, P.LATE, P.RESTATED}),
        P.HELD: frozenset({P.IN_TRANSIT, P.RESTATED}),
        P.SHORT: frozenset({P.RECONCILED, P.IN_TRANSIT, P.LATE, P.MISSING, P.OVER, P.RESTATED}),
        P.OVER: frozenset({P.RECONCILED, P.IN_TRANSIT, P.LATE, P.MISSING, P.SHORT, P.RESTATED}),
        P.RETURNED: frozenset({P.RESTATED}),
        P.RESTATED: frozenset(),
    },
    M: {
        M.PROPOSED: frozenset({M.CONFIRMED, M.REJECTED}),
        M.CONFIRMED: frozenset({M.REVOKED}),
        M.REVOKED: frozenset(),
        M.REJECTED: frozenset(),
    },
    E: {
        E.OPEN: frozenset({E.ASSIGNED, E.PENDING_APPROVAL, E.RESOLVED}),
        E.ASSIGNED: frozenset({E.OPEN, E.PENDING_APPROVAL, E.RESOLVED}),
        E.PENDING_APPROVAL: frozenset({E.ASSIGNED, E.RESOLVED, E.WRITTEN_OFF}),
        E.RESOLVED: frozenset({E.REOPENED}),
        E.WRITTEN_OFF: frozenset({E.REOPENED}),
        E.REOPENED: frozenset({E.ASSIGNED, E.PENDING_APPROVAL, E.RESOLVED}),
    },
    # The bank's statement is stronger than its answer: a debit ends any doubt.
    W: {
        W.RESERVED: frozenset({W.SUBMITTED, W.CANCELLED, W.SUCCEEDED, W.REJECTED}),
        W.SUBMITTED: frozenset({W.ACCEPTED, W.REJECTED, W.SUCCEEDED, W.OUTCOME_UNKNOWN,
                                W.RESERVED}),
        W.OUTCOME_UNKNOWN: frozenset({W.ACCEPTED, W.REJECTED, W.SUCCEEDED, W.RESERVED,
                                      W.SUBMITTED}),
        W.ACCEPTED: frozenset({W.SUCCEEDED, W.REJECTED}),
        W.SUCCEEDED: frozenset({W.RETURNED}),
        W.RETURNED: frozenset(),
        W.REJECTED: frozenset(),
        W.CANCELLED: frozenset(),
    },
    Q: {
        Q.RESERVED: frozenset({Q.CONFIRMED, Q.RELEASED}),
        Q.CONFIRMED: frozenset({Q.RESTORED}),
        Q.RESTORED: frozenset(),
        Q.RELEASED: frozenset(),
    },
    R: {
        R.ACTIVE: frozenset({R.SUSPENDED, R.RETIRED}),
        R.SUSPENDED: frozenset({R.ACTIVE, R.RETIRED}),
        R.RETIRED: frozenset(),
    },
}  # fmt: skip


def check_step(before: str, after: str) -> None:
    """Return if the step is in the table; else IllegalTransitionError.

    `before` and `after` are members of one of the state enumerations.
    """
    if after not in TRANSITIONS[type(after)][before]:
        raise IllegalTransitionError(f"{before} cannot become {after}")
