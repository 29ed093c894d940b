"""A platform calls: what is genuine is kept and then acknowledged; what is not leaves no row."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import permissions
from accounts.access import acting_for
from accounts.models import LinkMethod, StoreLink
from accounts.onboarding import add_store, open_settlement_account
from settlement import control
from settlement.models import Hook, HookState, SourceDocument
from settlement.money_in import inbox
from tests.build import a_merchant
from web import hooks

pytestmark = pytest.mark.usefixtures("database")

BODY = json.dumps({"id": 623721858, "status": "paid"}).encode()


def linked(secrets: dict[str, str] | None = None) -> StoreLink:
    """A store linked by keys of which nothing is fetched."""
    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name=uuid4().hex)
        store = add_store(account, platform="shopify", name="shop")
        link = StoreLink.objects.select_related("store").get(store=store)
        permissions.grant(
            link,
            method=LinkMethod.KEYS,
            secrets=secrets or {"secret": "hush"},
            fetch_from=None,
            by=None,
            now=timezone.now(),
        )
    return link


def signed(body: bytes, *, key: str = "hush", number: str = "w-1") -> dict[str, str]:
    mac = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return {
        "X-Shopify-Hmac-Sha256": base64.b64encode(mac).decode(),
        "X-Shopify-Webhook-Id": number,
        "X-Shopify-Topic": "payouts/paid",
    }


def call(
    link: StoreLink | UUID, body: bytes = BODY, *, code: str = "shopify", **headers: str
) -> Any:
    id = link if isinstance(link, UUID) else link.id
    return Client().post(
        f"/hooks/{code}/{id}/", body, content_type="application/json", headers=headers
    )


def kept(link: StoreLink) -> list[Hook]:
    with acting_for(link.merchant_id):
        return list(Hook.objects.filter(link=link).order_by("id"))


def test_a_genuine_hook_is_kept_as_it_came_and_answered_with_no_byte_more() -> None:
    link = linked()
    answer = call(link, **signed(BODY))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Content-Type" not in answer.headers
    [hook] = kept(link)
    assert (bytes(hook.body), hook.delivery_id, hook.state) == (BODY, "w-1", HookState.WAITING)
    assert hook.headers["x-shopify-topic"] == "payouts/paid"


@pytest.mark.parametrize("at", [0, len(BODY) // 2, len(BODY) - 1])
def test_one_byte_changed_is_refused_and_leaves_no_row(at: int) -> None:
    link = linked()
    changed = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
    assert call(link, changed, **signed(BODY)).status_code == 401
    assert kept(link) == []


def test_another_stores_key_is_refused() -> None:
    link = linked()
    assert call(link, **signed(BODY, key="another")).status_code == 401
    assert kept(link) == []


def test_the_same_delivery_is_acknowledged_again_and_kept_once() -> None:
    link = linked()
    for _ in range(3):
        assert call(link, **signed(BODY)).status_code == 200
    assert len(kept(link)) == 1


def test_other_bytes_under_a_known_number_are_kept_beside_it_for_a_person() -> None:
    link, other = linked(), b'{"id": 1}'
    call(link, **signed(BODY))
    for _ in range(2):
        assert call(link, other, **signed(other)).status_code == 200
    first, second = kept(link)
    assert (first.state, bytes(first.body)) == (HookState.WAITING, BODY)
    assert (second.state, bytes(second.body)) == (HookState.DEAD, other)
    assert second.error_reason == inbox.ANOTHER_BODY


def test_two_deliveries_at_once_leave_one_row() -> None:
    link = linked()
    answers: list[int] = []

    def deliver() -> None:
        try:
            answers.append(call(link, **signed(BODY)).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) == 3 and len(kept(link)) == 1


def test_nobodys_address_and_another_platforms_are_not_found() -> None:
    link = linked()
    assert call(uuid4(), **signed(BODY)).status_code == 404
    assert call(link, code="stripe", **signed(BODY)).status_code == 404
    assert call(link, code="nonsense", **signed(BODY)).status_code == 404
    assert Client().get(f"/hooks/shopify/{link.id}/").status_code == 405


def test_an_address_is_one_merchants_alone() -> None:
    mine, yours = linked(), linked(secrets={"secret": "yours"})
    assert call(mine, **signed(BODY, key="yours")).status_code == 401
    assert call(yours, **signed(BODY, key="yours")).status_code == 200
    assert (len(kept(mine)), len(kept(yours))) == (0, 1)


def test_a_key_taken_away_serves_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    link = linked()
    assert call(link, **signed(BODY)).status_code == 200
    with acting_for(link.merchant_id):
        permissions.revoke(link)
    monkeypatch.setattr(inbox, "KEPT_SECONDS", 0.0)
    assert call(link, **signed(BODY, number="w-2")).status_code == 404


def test_who_comes_when_all_are_busy_is_asked_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = linked()
    crowd = hooks.Crowd(1)
    monkeypatch.setattr(hooks, "_crowd", crowd)
    monkeypatch.setattr(hooks, "PATIENCE", 0.0)
    answer: HttpResponse = call(link, **signed(BODY))
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert kept(link) == [] and (crowd.here, crowd.since) == (0, None)
    monkeypatch.setattr(hooks, "PATIENCE", 60.0)
    assert call(link, **signed(BODY)).status_code == 200


def test_a_short_stall_is_no_crowd_and_a_long_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 0.0
    monkeypatch.setattr(hooks.time, "monotonic", lambda: clock)
    crowd = hooks.Crowd(2)
    assert crowd.enter() and crowd.enter()
    clock = hooks.PATIENCE - 0.01
    assert crowd.enter()
    clock = hooks.PATIENCE
    assert not crowd.enter()
    for _ in range(3):
        crowd.leave()
    assert crowd.enter()


def test_nothing_is_acknowledged_that_was_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    link = linked()
    call(link, **signed(BODY))
    monkeypatch.setattr(inbox, "KEEP", inbox.KEEP.replace("settlement_hook", "settlement_nowhere"))
    answer = call(link, **signed(BODY, number="w-2"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert len(kept(link)) == 1


def test_a_body_too_large_is_refused_before_it_is_read() -> None:
    link = linked()
    body = b" " * (hooks.MOST_BYTES + 1)
    assert call(link, body, **signed(body)).status_code == 413


def test_a_hook_is_handled_once_by_a_worker() -> None:
    link = linked()
    call(link, **signed(BODY))
    assert control.sweep_hooks(now=timezone.now()) >= 1
    [hook] = kept(link)
    for _ in range(2):
        inbox.handle(merchant_id=link.merchant_id, hook_id=hook.id)
    [hook] = kept(link)
    assert hook.state == HookState.HANDLED and hook.handled_at is not None
    with acting_for(link.merchant_id):
        # A payout's hook is a hint, not a document the hub reads.
        assert not SourceDocument.objects.exists()


def test_a_hook_that_fails_again_and_again_is_given_up_and_can_be_replayed() -> None:
    link = linked()
    call(link, **signed(BODY))
    [hook] = kept(link)
    with acting_for(link.merchant_id):
        Hook.objects.filter(id=hook.id).update(attempts=5)
    inbox.handle(merchant_id=link.merchant_id, hook_id=hook.id)
    [hook] = kept(link)
    assert hook.state == HookState.DEAD and "again" in hook.error_reason
    with acting_for(link.merchant_id):
        inbox.replay(hook)
    inbox.handle(merchant_id=link.merchant_id, hook_id=hook.id)
    assert kept(link)[0].state == HookState.HANDLED


def test_secrets_are_sealed_in_the_row() -> None:
    link = linked(secrets={"secret": "quite-secret"})
    with connection.cursor() as cursor, acting_for(link.merchant_id):
        cursor.execute("SELECT l::text FROM accounts_storelink l WHERE id = %s", [link.id])
        [text] = cursor.fetchone()
    assert "quite-secret" not in text
    assert b"quite-secret".hex() not in text
