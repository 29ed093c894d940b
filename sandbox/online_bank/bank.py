"""The bank behind its counter: one method for each thing a caller may ask."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.online_bank import booking, clock, orders, receiving, statements, switches
from sandbox.online_bank.statements import NewAccount
from sandbox.online_bank.store import Store


class OutOfServiceError(Exception):
    """A switch says: not now (503)."""


class NoAnswerError(Exception):
    """A switch says: the line breaks, whatever was done or not done."""


class Bank:
    """A simulated bank; everything it answered is on disk before it is answered."""

    def __init__(self, directory: Path, *, books_after: timedelta) -> None:
        self._store = Store(directory)
        self._delay = books_after

    def open_account(self, account: NewAccount) -> bool:
        """Opens an account; False if exactly this one exists. Raises DifferentAccountError."""
        with self._store.transaction() as connection:
            return statements.open_account(connection, account)

    def serve(self) -> None:
        """Raises OutOfServiceError as often as the switch says."""
        with self._store.transaction() as connection:
            refused = switches.take(connection, "refuse_service")
        if refused:
            raise OutOfServiceError

    def pay(self, body: bytes) -> bytes:
        """Takes a payment file and answers its pain.002.

        Raises UnreadableOrderError, or NoAnswerError before (`ignore`) or after
        (`lose_answers`) the file has had its effect.
        """
        with self._store.transaction() as connection:
            ignored = switches.take(connection, "ignore")
        if ignored:
            raise NoAnswerError
        message = orders.read(body)
        with self._store.transaction() as connection:
            answer = receiving.answer(connection, message, body, now=clock.now(), delay=self._delay)
            lost = switches.take(connection, "lose_answers")
        if lost:
            raise NoAnswerError
        return answer

    def payment(self, end_to_end_id: str) -> bytes:
        """A pain.002 about one order; raises UnknownPaymentError."""
        with self._store.transaction() as connection:
            now = clock.now()
            booking.book_due(connection, now)
            return receiving.state_of(connection, end_to_end_id, now)

    def close(self) -> list[str]:
        """Issues what is to be issued; answers the names of the new statements."""
        with self._store.transaction() as connection:
            return statements.close(connection, clock.now())

    def statements(self, account: str, after: str) -> list[dict[str, Any]]:
        """An account's statements after one of them, oldest first.

        Raises UnknownAccountError or UnknownStatementError.
        """
        with self._store.transaction() as connection:
            return statements.listed(connection, account, after)

    def statement(self, name: str) -> bytes:
        """The bytes of a statement; raises UnknownStatementError."""
        with self._store.transaction() as connection:
            return statements.body_of(connection, name)

    def control(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Turns one switch; raises what `switches.turn` raises."""
        with self._store.transaction() as connection:
            return switches.turn(connection, wish, clock.now())

    def truth(self) -> dict[str, Any]:
        """Everything the bank knows, in minor units."""
        with self._store.transaction() as connection:
            booking.book_due(connection, clock.now())
            return statements.truth(connection)

    def leave(self) -> None:
        """Lets the state go after the transaction under way."""
        self._store.close()


def close_regularly(bank: Bank, every: timedelta, stopping: threading.Event) -> None:
    """Issues statements every so often until it is told to stop."""
    while not stopping.wait(every.total_seconds()):
        bank.close()
