"""The tables of the settlement floor, by subject."""

from settlement.models.banking import BankLine, BankStatement
from settlement.models.control import ReconRun, RunState
from settlement.models.documents import (
    ColumnProfile,
    DocumentState,
    Line,
    SourceDocument,
    WalletStatement,
)
from settlement.models.matching import (
    OPEN_STATES,
    ExceptionState,
    Match,
    MatchItem,
    MatchRule,
    MatchState,
    Reason,
    ReconException,
)
from settlement.models.payouts import Payout, PayoutState

__all__ = [
    "OPEN_STATES",
    "BankLine",
    "BankStatement",
    "ColumnProfile",
    "DocumentState",
    "ExceptionState",
    "Line",
    "Match",
    "MatchItem",
    "MatchRule",
    "MatchState",
    "Payout",
    "PayoutState",
    "Reason",
    "ReconException",
    "ReconRun",
    "RunState",
    "SourceDocument",
    "WalletStatement",
]
