"""The only caller of banks that pay: orders go out as files, answers and statements come back.

The bank is asked over HTTP, always outside a transaction. What a try is about to do is written
down and committed before it is done: after a crash, a time-out or a lost answer the withdrawal's
outcome is unknown, and only the bank, asked by the same number, can say it. No order is ever
sent under a second number.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from django.conf import settings
from django.utils import timezone

from accounts.access import acting_for
from accounts.models import BankAccount, new_id
from accounts.queries import number_of, number_of_payee
from platforms import registry
from platforms.contract import (
    Document,
    OrderError,
    PaymentOrder,
    PaymentOutcome,
    PaymentStatus,
    ReadError,
)
from settlement.errors import AlreadyStoredError, NoGatewayError
from settlement.models import PaymentAttempt, SourceDocument, Withdrawal, WithdrawalState
from settlement.money_in import ingest, originals
from settlement.money_out import withdrawals
from settlement.states import check_step
from settlement.work import PAYMENT, Lease, claim, kept_alive

log = logging.getLogger(__name__)
FORM = "pain001"
SECONDS = 20.0
"""How long the bank may take to answer one request."""
ORIGIN = "bank"
NEVER_RECEIVED = "never_received"
DUPLICATES = {"AM05", "DU01", "DU02", "DU03", "DU04", "DU05"}
"""Reasons of refusal that say the bank has had the order already (ISO external code list)."""
STATE_OF = {
    PaymentOutcome.RECEIVED: WithdrawalState.OUTCOME_UNKNOWN,
    PaymentOutcome.PENDING: WithdrawalState.OUTCOME_UNKNOWN,
    PaymentOutcome.ACCEPTED: WithdrawalState.ACCEPTED,
    # Booked is what the statement shows, not what an answer says.
    PaymentOutcome.BOOKED: WithdrawalState.ACCEPTED,
    PaymentOutcome.REJECTED: WithdrawalState.REJECTED,
}
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)


class SilentBankError(Exception):
    """The bank gave no answer that says what it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an order, as far as the bank says: the withdrawal's next state."""

    state: WithdrawalState
    outcome: str = ""
    code: str = ""
    reason: str = ""


UNKNOWN = Answer(state=WithdrawalState.OUTCOME_UNKNOWN)


def connected() -> bool:
    """Whether a bank is connected that takes orders."""
    return bool(settings.BANK_URL)


def require_connected() -> None:
    """Raise NoGatewayError unless a bank is connected."""
    if not connected():
        raise NoGatewayError("no bank is connected")


def pay(*, merchant_id: UUID, withdrawal_id: UUID) -> None:
    """Bring a withdrawal to the bank, or ask what became of it; safe to call twice.

    Does nothing when it is settled already, another worker is at it, or no bank is connected.
    """
    if not connected():
        log.warning("withdrawal %s waits: no bank is connected", withdrawal_id)
        return
    lease = claim(PAYMENT, merchant_id=merchant_id, id=withdrawal_id)
    if lease is None:
        return
    with kept_alive(lease):
        try:
            attempt, sent = _attempt(lease)
        except OrderError as error:
            _refuse(lease, error)
            return
        try:
            answer = _ask(lease, attempt) if sent else _send(lease, attempt)
        except SilentBankError as error:
            log.warning("withdrawal %s: %s", withdrawal_id, error)
            answer = UNKNOWN
        _conclude(lease, attempt, answer)


def _attempt(lease: Lease) -> tuple[PaymentAttempt, bool]:
    """The live try and whether it may have reached the bank; a first one is made, file and all."""
    with acting_for(lease.merchant_id):
        lease.still_held()
        attempt = PaymentAttempt.objects.filter(withdrawal_id=lease.id, live=True).first()
        if attempt is not None:
            return attempt, attempt.sent_at is not None
        withdrawal = Withdrawal.objects.select_related("merchant", "bank_account", "payee").get(
            id=lease.id
        )
        id, now = new_id(), timezone.now()
        file = registry.pays(FORM).instruct(
            [_order(withdrawal, now)], message_id=id.hex, made_at=now
        )
        with file.open() as stream:
            kept = originals.keep(
                stream, merchant_id=lease.merchant_id, limit=settings.DOCUMENT_MAX_BYTES
            )
        return PaymentAttempt.objects.create(
            id=id,
            merchant_id=lease.merchant_id,
            withdrawal=withdrawal,
            message_id=id.hex,
            sha256=kept.sha256,
            made_at=now,
        ), False


def _refuse(lease: Lease, error: OrderError) -> None:
    """The form cannot carry the order: nothing was sent, and nothing will be."""
    with acting_for(lease.merchant_id):
        lease.still_held()
        withdrawal = Withdrawal.objects.get(id=lease.id)
        withdrawals.reject(withdrawal, code="", reason=str(error), now=timezone.now())


def _order(withdrawal: Withdrawal, now: datetime) -> PaymentOrder:
    account, payee = withdrawal.bank_account, withdrawal.payee
    return PaymentOrder(
        number=withdrawal.number,
        amount=withdrawal.amount.amount,
        currency=withdrawal.amount_currency,
        debtor_name=account.holder,
        debtor_account=number_of(account),
        creditor_name=payee.holder,
        creditor_account=number_of_payee(payee),
        creditor_bank=payee.bank,
        creditor_agent=payee.agent,
        remittance=withdrawal.text,
        execute_on=now.astimezone(ZoneInfo(withdrawal.merchant.zone)).date(),
    )


def _send(lease: Lease, attempt: PaymentAttempt) -> Answer:
    """Send the file once. From here on only the bank knows."""
    with acting_for(lease.merchant_id):
        lease.still_held()
        attempt.sent_at = timezone.now()
        attempt.save(update_fields=["sent_at"])
    with originals.open_original(merchant_id=lease.merchant_id, sha256=attempt.sha256) as stream:
        answer = _request("POST", "/payments", content=stream.read())
    return _answer(lease, answer)


def _ask(lease: Lease, attempt: PaymentAttempt) -> Answer:
    """What the bank knows of the withdrawal's number."""
    assert attempt.sent_at is not None
    answer = _request("GET", f"/payments/{_number(lease)}")
    if answer.status_code != httpx.codes.NOT_FOUND:
        return _answer(lease, answer)
    if timezone.now() < attempt.sent_at + timedelta(seconds=settings.BANK_GRACE_SECONDS):
        raise SilentBankError("the bank does not know it yet")
    return Answer(state=WithdrawalState.RESERVED, outcome=NEVER_RECEIVED)


def _answer(lease: Lease, answer: httpx.Response) -> Answer:
    """What a pain.002 says of the withdrawal's number."""
    _check_answered(answer)
    body = answer.content
    document = Document(name="answer", head=body[:65536], open=lambda: io.BytesIO(body))
    number = _number(lease)
    try:
        # What is said of the whole message or block comes first, of the order itself last.
        statuses = [
            status
            for status in registry.pays(FORM).read_status(document)
            if status.number in {number, ""} and status.block in {number, ""}
        ]
    except ReadError as error:
        raise SilentBankError(f"the bank's answer cannot be read: {error}") from error
    if not statuses:
        raise SilentBankError("the bank's answer does not name it")
    return _meaning(statuses[-1])


def _meaning(status: PaymentStatus) -> Answer:
    if status.outcome is PaymentOutcome.REJECTED and status.code in DUPLICATES:
        raise SilentBankError("the bank has had this number before")
    return Answer(
        state=STATE_OF[status.outcome],
        outcome=status.outcome.value,
        code=status.code,
        reason=status.reason,
    )


def _conclude(lease: Lease, attempt: PaymentAttempt, answer: Answer) -> None:
    """Write down what the bank said; its statement may have said more in between."""
    now = timezone.now()
    with acting_for(lease.merchant_id):
        lease.still_held()
        withdrawal = Withdrawal.objects.get(id=lease.id)
        attempt.answered_at, attempt.outcome = now, answer.outcome
        attempt.code, attempt.reason = answer.code[:35], answer.reason[:2000]
        attempt.live = answer.state not in {WithdrawalState.RESERVED, WithdrawalState.REJECTED}
        attempt.save(update_fields=["answered_at", "outcome", "code", "reason", "live"])
        if withdrawal.state != WithdrawalState.SUBMITTED:
            _let_go(withdrawal, until=None)
        elif answer.state == WithdrawalState.REJECTED:
            withdrawals.reject(withdrawal, code=answer.code, reason=answer.reason, now=now)
        else:
            check_step(WithdrawalState(withdrawal.state), answer.state)
            withdrawal.state = answer.state
            unknown = answer.state == WithdrawalState.OUTCOME_UNKNOWN
            _let_go(withdrawal, until=now + _pause(withdrawal) if unknown else None)
            if answer.state == WithdrawalState.RESERVED:
                withdrawals.pay_after_commit(withdrawal)


def _let_go(withdrawal: Withdrawal, *, until: datetime | None) -> None:
    """Give the lease back; nobody takes the work up before `until`."""
    withdrawal.lease_until, withdrawal.lease_token = until, None
    withdrawal.save(update_fields=["state", "lease_until", "lease_token"])


def _pause(withdrawal: Withdrawal) -> timedelta:
    """Ask again soon, then less and less often."""
    times: int = 2 ** min(withdrawal.attempts, 16)
    return min(FIRST_PAUSE * times, LONGEST_PAUSE)


def _number(lease: Lease) -> str:
    with acting_for(lease.merchant_id):
        return Withdrawal.objects.get(id=lease.id).number


# --- statements ---------------------------------------------------------------------------


def collect(*, merchant_id: UUID, bank_account_id: UUID) -> int:
    """Fetch the account's statements that are not here yet; returns how many came.

    They are kept and read like an upload. A silent bank is asked again the next time.
    """
    require_connected()
    with acting_for(merchant_id):
        account = BankAccount.objects.get(id=bank_account_id)
    try:
        return _collect(account)
    except SilentBankError as error:
        log.warning("no statements of bank account %s: %s", account.id, error)
        return 0


def _collect(account: BankAccount) -> int:
    number = number_of(account)
    listed = _request("GET", "/statements", params={"account": number})
    if listed.status_code == httpx.codes.NOT_FOUND:
        # This bank does not keep the account: its statements are uploaded.
        return 0
    _check_answered(listed)
    names = {
        # Banks put the number into the name; ours shows its tail only.
        item["name"].replace(number, account.number_tail): item["name"]
        for item in listed.json()
        if item["currency"] == account.currency
    }
    return sum(
        _keep(account, name, _answered(f"/statements/{names[name]}").content)
        for name in _not_here(account, list(names))
    )


def _not_here(account: BankAccount, names: list[str]) -> list[str]:
    """Those of the names that have not been collected yet, in their order."""
    with acting_for(account.merchant_id):
        kept = SourceDocument.objects.filter(bank_account=account, origin=ORIGIN, name__in=names)
        here = set(kept.values_list("name", flat=True))
    return [name for name in names if name not in here]


def _keep(account: BankAccount, name: str, body: bytes) -> int:
    try:
        ingest.receive(
            merchant_id=account.merchant_id,
            stream=io.BytesIO(body),
            name=name,
            store=None,
            bank_account=account,
            origin=ORIGIN,
        )
    except AlreadyStoredError:
        # Somebody uploaded the same file by hand.
        return 0
    return 1


def _answered(path: str) -> httpx.Response:
    answer = _request("GET", path)
    _check_answered(answer)
    return answer


def _check_answered(answer: httpx.Response) -> None:
    if answer.status_code != httpx.codes.OK:
        raise SilentBankError(f"the bank answered {answer.status_code}")


# --- the wire -----------------------------------------------------------------------------


def _request(method: str, path: str, **more: Any) -> httpx.Response:
    """One request to the bank; raises SilentBankError if no whole answer comes."""
    try:
        with httpx.Client(
            base_url=settings.BANK_URL,
            headers={"Authorization": f"Bearer {settings.BANK_KEY}"},
            timeout=SECONDS,
        ) as client:
            return client.request(method, path, **more)
    except httpx.HTTPError as error:
        raise SilentBankError(f"{type(error).__name__}: no answer from the bank") from error
