"""Named errors of the ledger, and which broken database constraint means which of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import IntegrityError


class LedgerError(Exception):
    """Base of the errors below; the message is plain words."""


class BookNotOpenError(LedgerError):
    """The transaction does not act for this book: `tributary.tenant` is unset or another book's."""


class InvalidDraftError(LedgerError):
    """A draft or an account is malformed: empty or endless text, a naive time, an unknown side."""


class InvalidAmountError(InvalidDraftError):
    """An amount is no whole number of minor units between 1 and 10^15 - 1."""


class IncompleteEntryError(LedgerError):
    """An entry has fewer than two postings, too many, or not all it states."""


class UnbalancedError(LedgerError):
    """Debits and credits of an entry differ in some currency."""


class UnknownAccountError(LedgerError):
    """No account of this book has the code."""


class CurrencyMismatchError(LedgerError):
    """A movement's or hold's currency is not its account's."""


class AccountConflictError(LedgerError):
    """An account of this code is open already and differs in currency, normal side or floor."""


class DuplicateReferenceError(LedgerError):
    """The reference is taken by an entry or a hold of other content, or posts another hold."""


class UnknownEntryError(LedgerError):
    """No entry of this book has the reference."""


class InsufficientFundsError(LedgerError):
    """A guarded account would fall below its floor, or a hold find less than it is to keep."""


class UnguardedAccountError(LedgerError):
    """The account has no floor, so its balance is not kept and nothing of it can be held."""


class UnknownHoldError(LedgerError):
    """No hold of this book has the reference."""


class HoldSettledError(LedgerError):
    """The hold was posted, released or has expired, and cannot be settled otherwise."""


class HoldMismatchError(LedgerError):
    """The entry does not take from the hold's account what is left of the hold, or takes more."""


class PeriodClosedError(LedgerError):
    """The entry's `booked_on` lies in a period that is closed."""


class InvalidPeriodError(LedgerError):
    """A period ends before it begins."""


class PeriodOrderError(LedgerError):
    """A closing goes forward from what is closed already, and a reopening back from there."""


class InvalidClosingError(LedgerError):
    """A closing lacks a name or a reason, is of days to come, or has one person for two."""


class BookBusyError(LedgerError):
    """Somebody who is writing to the book has not come to an end; nothing was changed."""


class InvalidLinkError(LedgerError):
    """A link leads nowhere, or claims more of an entry's money than that entry brought."""


class MissingPartitionError(LedgerError):
    """No partition takes postings of this month: `ledger.partitions.ensure` was not called."""


class NoSealKeyError(LedgerError):
    """No key to sign heads with, or none to prove their signatures by."""


class HeadsMissingError(LedgerError):
    """There is no directory of exported heads."""


MEANING: dict[str, type[LedgerError]] = {
    "posting_amount_is_positive": InvalidAmountError,
    "posting_amount_is_below_a_quadrillion": InvalidAmountError,
    "entry_is_balanced": UnbalancedError,
    "entry_has_all_its_postings": IncompleteEntryError,
    "entry_has_at_least_two_postings": IncompleteEntryError,
    "entry_is_not_empty": IncompleteEntryError,
    "posting_has_an_account_of_its_book": UnknownAccountError,
    "posting_has_the_currency_of_its_account": CurrencyMismatchError,
    "one_entry_per_reference": DuplicateReferenceError,
    "one_reversal_per_entry": DuplicateReferenceError,
    "available_is_never_below_its_floor": InsufficientFundsError,
    "hold_needs_money_that_is_there": InsufficientFundsError,
    "hold_amount_is_positive": InvalidAmountError,
    "hold_amount_is_below_a_quadrillion": InvalidAmountError,
    "hold_has_an_account_of_its_book": UnknownAccountError,
    "hold_has_the_currency_of_its_account": CurrencyMismatchError,
    "hold_has_a_guarded_account": UnguardedAccountError,
    "one_hold_per_reference": DuplicateReferenceError,
    "entry_posts_a_hold_of_its_book": UnknownHoldError,
    "entry_takes_from_the_hold_it_posts": HoldMismatchError,
    "no_more_is_taken_than_was_held": HoldMismatchError,
    "posted_hold_is_live": HoldSettledError,
    "entry_is_booked_in_an_open_period": PeriodClosedError,
    "closing_goes_forward": PeriodOrderError,
    "reopening_goes_back": PeriodOrderError,
    "closing_is_of_the_open_book": BookNotOpenError,
    "closing_has_a_name": InvalidClosingError,
    "approval_has_a_name": InvalidClosingError,
    "reopening_takes_two_persons": InvalidClosingError,
    "reopening_has_a_reason": InvalidClosingError,
    "closing_reason_is_not_endless": InvalidClosingError,
    "closing_is_of_days_that_have_begun": InvalidClosingError,
    "entry_has_all_its_links": InvalidLinkError,
    "link_leads_to_another_entry": InvalidLinkError,
    "link_comes_with_its_entry": InvalidLinkError,
    "lineage_has_a_guarded_account": UnguardedAccountError,
    "entry_funds_no_more_than_it_brought": InvalidLinkError,
    "entry_has_no_more_origins_than_it_took": InvalidLinkError,
    "overdraft_is_not_beyond_the_floor": InvalidDraftError,
    # PostgreSQL reports a row without a partition as a check violation without a name.
    "23514": MissingPartitionError,
}


@contextmanager
def named_errors() -> Iterator[None]:
    """Turn a broken constraint into the error that names it; anything else passes unchanged."""
    try:
        yield
    except IntegrityError as error:
        if not isinstance(error.__cause__, psycopg.Error):
            raise
        diagnosis = error.__cause__.diag
        broken = diagnosis.constraint_name or diagnosis.sqlstate or ""
        if broken not in MEANING:
            raise
        raise named(broken, str(error).splitlines()[0]) from error


def named(broken: str, message: str) -> LedgerError | IntegrityError:
    """The error that names a broken constraint, or PostgreSQL's code of what has no name."""
    meaning = MEANING.get(broken)
    return IntegrityError(message) if meaning is None else meaning(f"{meaning.__doc__} ({message})")
