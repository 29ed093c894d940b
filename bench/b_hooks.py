"""Hooks through the real server, against a bare Django view on the same server that does an INSERT.

Both are asked over the same few kept connections, in turns; medians count. Then hooks come at 80 %
of the rate that was sustained, whoever is ready or not: each must be acknowledged within 500 ms,
the shortest time a platform gives (Lazada). At last many more come than can be served: those that
are not kept are asked to come again, and all that were acknowledged are in the table.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.request import urlopen

import psycopg
from django.utils import timezone

from accounts import permissions
from accounts.access import acting_for
from accounts.models import LinkMethod, StoreLink, User
from accounts.onboarding import add_store, open_settlement_account, register_merchant
from bench.hook_load import SECRET
from bench.hook_site import TABLE
from bench.measure import in_turns
from settlement.models import Hook

COUNT, RUNS, CONNECTIONS = 2000, 5, 3
STEADY_SECONDS, STEADY_CONNECTIONS = 15, 32
STORM, STORM_CONNECTIONS = 6000, 64
DEADLINE = 0.5
READY_SECONDS = 60.0
THREADS = "16"


def run() -> Iterator[dict[str, Any]]:
    """Yield accepted hooks a second, the slowest at a steady rate, and what a storm leaves."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute(TABLE)
    link = _link()
    path = f"/hooks/shopify/{link.id}/"
    with _server() as address, _client(address) as send:
        flat = {"count": COUNT, "connections": CONNECTIONS, "rate": 0}
        answers: list[dict[str, Any]] = []

        def ours() -> float:
            answers.append(_all_well(send(path=path, **flat)))
            return float(answers[-1]["seconds"])

        pace = in_turns(
            {
                "ours": ours,
                "bare": lambda: float(_all_well(send(path="/bare/", **flat))["seconds"]),
            },
            runs=RUNS,
        )
        yield _accepted(pace, max(answer["p99"] for answer in answers))
        rate = COUNT / pace["ours"] * 0.8
        yield _steady(send(path=path, count=int(rate * STEADY_SECONDS), rate=rate,
                           connections=STEADY_CONNECTIONS), rate)  # fmt: skip
        yield _storm(link, send(path=path, count=STORM, rate=0, connections=STORM_CONNECTIONS))


def _accepted(pace: dict[str, float], p99: float) -> dict[str, Any]:
    ours, bare = COUNT / pace["ours"], COUNT / pace["bare"]
    return {
        "case": f"accepted, {CONNECTIONS} connections, p99 {p99 * 1000:.1f} ms",
        "ours": round(ours),
        "against": "a bare Django view on the same server, one INSERT",
        "reference": round(bare),
        "target": 0.7,
        "ok": ours / bare >= 0.7,
        "unit": "hooks/s",
        "rows": COUNT,
        "runs": RUNS,
    }


def _steady(answer: dict[str, Any], rate: float) -> dict[str, Any]:
    _all_well(answer)
    return {
        "case": f"{rate:.0f}/s offered (80 %), p99 {answer['p99'] * 1000:.1f} ms; the slowest",
        "ours": round(1 / answer["slowest"], 1),
        "against": f"the shortest deadline of a platform, {DEADLINE * 1000:.0f} ms",
        "reference": round(1 / DEADLINE, 1),
        "target": 1,
        "ok": answer["slowest"] <= DEADLINE,
        "unit": "1/s",
        "rows": sum(answer["statuses"].values()),
        "runs": 1,
    }


def _storm(link: StoreLink, answer: dict[str, Any]) -> dict[str, Any]:
    """What was acknowledged is kept; what was not was asked to come again."""
    statuses, acknowledged = answer["statuses"], answer["acknowledged"]
    with acting_for(link.merchant_id):
        kept = Hook.objects.filter(link=link, delivery_id__in=acknowledged).count()
    busy = statuses.get("503", 0)
    well = set(statuses) <= {"200", "503"} and answer["retry_after"] == busy
    return {
        "case": f"{STORM:,} at once over {STORM_CONNECTIONS} connections: {busy:,} told to come "
        "again; kept of those acknowledged",
        "ours": kept,
        "against": "hooks acknowledged",
        "reference": len(acknowledged),
        "target": 1,
        "ok": well and kept == len(acknowledged) > 0,
        "unit": "hooks",
        "rows": STORM,
        "runs": 1,
    }


def _all_well(answer: dict[str, Any]) -> dict[str, Any]:
    if set(answer["statuses"]) != {"200"}:
        raise RuntimeError(f"not all hooks were accepted: {answer['statuses']}")
    return answer


def _link() -> StoreLink:
    owner = User.objects.create_user("bench@example.com", "a long password")
    merchant = register_merchant(name="bench", owner=owner)
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        store = add_store(account, platform="shopify", name="shop")
        link = StoreLink.objects.select_related("store").get(store=store)
        permissions.grant(
            link,
            method=LinkMethod.KEYS,
            secrets={"secret": SECRET.decode()},
            fetch_from=None,
            by=owner,
            now=timezone.now(),
        )
    return link


@contextmanager
def _server() -> Iterator[str]:
    """The server as `make up` starts it, with one address more."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--no-ws",
            "--log-level",
            "error",
        ),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--blocking-threads", THREADS, "bench.hook_site:application"),
    ]
    quiet = {**os.environ, "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(command, env=quiet)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), urlopen(url) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("the server does not answer")


@contextmanager
def _client(address: str) -> Iterator[Any]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.hook_load", address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def send(**task: Any) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None
        print(json.dumps(task), file=process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    try:
        yield send
    finally:
        process.communicate()
