"""Hooks sent over kept connections: as fast as they are answered, or at a given rate.

`python -m bench.hook_load ADDRESS` reads tasks as JSON lines and answers each with one: `path`,
`count`, `connections`, and `rate` (0: the next one when one is answered). Latencies count from when
a hook was due, so that waiting for a free connection is part of them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

SECRET = b"hush"


@dataclass
class Result:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    taken: list[float] = field(default_factory=list)
    """Seconds until each 200."""
    acknowledged: list[str] = field(default_factory=list)
    retry_after: int = 0
    """How many 503 said when to come again."""


def request(path: str, host: str) -> tuple[str, bytes]:
    """One signed hook of a Shopify payout and its number."""
    number = str(uuid.uuid4())
    body = json.dumps({"id": number, "status": "paid", "amount": "41.90"}).encode()
    mac = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"X-Shopify-Hmac-Sha256: {mac}\r\nX-Shopify-Webhook-Id: {number}\r\n"
        f"X-Shopify-Topic: payouts/paid\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return number, head.encode() + body


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> Any:
    """Send one request; its status and headers."""
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    first, *lines = head.strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    if length := int(headers.get("content-length", 0)):
        await reader.readexactly(length)
    return int(first.split()[1]), headers


async def load(address: str, task: dict[str, Any]) -> Result:
    """Send them all."""
    place = urlsplit(address)
    result = Result()
    waiting: asyncio.Queue[tuple[float, str, bytes]] = asyncio.Queue()
    made = [request(task["path"], place.netloc) for _ in range(task["count"])]

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while True:
            due, number, sent = await waiting.get()
            begun = due or time.perf_counter()
            status, headers = await exchange(reader, writer, sent)
            result.statuses[status] += 1
            if status == 200:
                result.taken.append(time.perf_counter() - begun)
                result.acknowledged.append(number)
            result.retry_after += "retry-after" in headers
            waiting.task_done()

    connections = [asyncio.create_task(connection()) for _ in range(task["connections"])]
    begun = time.perf_counter()
    for n, (number, sent) in enumerate(made):
        due = begun + n / task["rate"] if task["rate"] else 0.0
        if due and (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        waiting.put_nowait((due, number, sent))
    await waiting.join()
    result.taken.append(time.perf_counter() - begun)
    for each in connections:
        each.cancel()
    return result


def main(address: str) -> None:
    """Do tasks until the input ends."""
    for line in sys.stdin:
        result = asyncio.run(load(address, json.loads(line)))
        *taken, seconds = result.taken
        ordered = sorted(taken) or [0.0]
        answer = {
            "seconds": seconds,
            "statuses": {str(status): n for status, n in result.statuses.items()},
            "p99": ordered[int(len(ordered) * 0.99)],
            "slowest": ordered[-1],
            "acknowledged": result.acknowledged,
            "retry_after": result.retry_after,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
