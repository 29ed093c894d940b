"""Named errors of the settlement floor; messages are plain words for the user."""

from uuid import UUID


class SettlementError(Exception):
    """Base of the errors below."""


class RefusedError(SettlementError):
    """A document cannot be taken. `row` is the source row, if one is to blame."""

    def __init__(self, reason: str, *, row: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.row = row


class AlreadyStoredError(SettlementError):
    """The same bytes are here already; `document_id` says where."""

    def __init__(self, document_id: UUID) -> None:
        super().__init__("this file is here already")
        self.document_id = document_id


class LeaseLostError(SettlementError):
    """Another worker has taken the work over; what this one did is rolled back."""


class IllegalTransitionError(SettlementError):
    """The state table has no such step."""


class FractionError(SettlementError):
    """An amount is not whole minor units and cannot stand in the books."""


class WithdrawalError(SettlementError):
    """A withdrawal cannot be had; the message says why and what to do."""


class AmountError(WithdrawalError):
    """The amount cannot be paid."""


class NoTariffError(WithdrawalError):
    """The operator has set no fee for this."""


class QuoteExpiredError(WithdrawalError):
    """The quote is no longer honoured, or was used; ask for a new one."""


class QuotaExhaustedError(WithdrawalError):
    """The free withdrawal the quote named has been given to another; ask for a new quote."""


class NotEnoughError(WithdrawalError):
    """The available balance, or what the bank holds, does not cover it."""


class NoGatewayError(WithdrawalError):
    """No bank is connected, so nothing can be sent."""


class KeyConflictError(WithdrawalError):
    """The same idempotency key came with another request."""


class SettledError(SettlementError):
    """A statement that proves a withdrawal cannot be withdrawn."""


class ConsentError(SettlementError):
    """A store could not be linked to its platform; the message says why."""
