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
from settlement.models.fees import (
    FeeQuote,
    FeeSchedule,
    FeeTier,
    QuotaState,
    QuotaUse,
    RuleState,
    WaiverProgram,
    WaiverRule,
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
from settlement.models.pulling import Hook, HookState, PullDay, PullState
from settlement.models.withdrawals import (
    HOLDING,
    PaymentAttempt,
    Withdrawal,
    WithdrawalState,
)

__all__ = [
    "HOLDING",
    "OPEN_STATES",
    "BankLine",
    "BankStatement",
    "ColumnProfile",
    "DocumentState",
    "ExceptionState",
    "FeeQuote",
    "FeeSchedule",
    "FeeTier",
    "Hook",
    "HookState",
    "Line",
    "Match",
    "MatchItem",
    "MatchRule",
    "MatchState",
    "PaymentAttempt",
    "Payout",
    "PayoutState",
    "PullDay",
    "PullState",
    "QuotaState",
    "QuotaUse",
    "Reason",
    "ReconException",
    "ReconRun",
    "RuleState",
    "RunState",
    "SourceDocument",
    "WaiverProgram",
    "WaiverRule",
    "WalletStatement",
    "Withdrawal",
    "WithdrawalState",
]
