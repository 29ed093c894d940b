"""What travels: a call that came in, the answer to it, a message to send, and who answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from random import Random

    from sandbox.days import Period
    from sandbox.marketplaces.desk import Desk
    from sandbox.marketplaces.model import Life, Store


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request as it came; header names lower-case, `target` is path and query unchanged."""

    method: str
    host: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's values, the last one of each name."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def form(self) -> dict[str, str]:
        """A form or a JSON object in the body, {} for anything else."""
        text = self.body.decode("utf-8", "replace")
        if "json" in self.headers.get("content-type", ""):
            try:
                found = json.loads(text or "{}")
            except ValueError:
                return {}
            return {k: str(v) for k, v in found.items()} if isinstance(found, dict) else {}
        return dict(parse_qsl(text, keep_blank_values=True))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status, a body and headers besides Content-Length."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A hook as the platform would post it. `signature` names the header that proves it.

    Where the signature stands in the form body, `signature` is "" and `signed_field` its name.
    """

    headers: Mapping[str, str]
    body: bytes
    signature: str = ""
    signed_field: str = ""


class Marketplace(Protocol):
    """One simulated platform."""

    code: str
    hosts: Sequence[str]
    """Host names; `*.` stands for any one label before the rest."""
    events: Sequence[str]
    """What `hook` sends as long as the store has sold something; none of it ends the link."""

    def store(self, seed: int, index: int, rng: Random) -> Store:
        """The `index`-th store, with all its keys."""
        ...

    def live(self, store: Store, period: Period, rng: Random) -> Life:
        """What happens to it."""
        ...

    def answer(self, call: Call, desk: Desk) -> Answer:
        """The answer to a call, which shows by its credentials whose store it is about."""
        ...

    def busy(self, retry_after: int) -> Answer:
        """429 in the platform's own words."""
        ...

    def hook(self, store: Store, event: str, desk: Desk) -> Message:
        """A signed message about the store's last payout (or order).

        Raises UnknownEventError.
        """
        ...


class UnknownEventError(Exception):
    """The platform sends no such message, or has nothing to tell."""


def reply(status: int, value: object, **headers: str) -> Answer:
    """A JSON answer; underscores in header names become hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    body = compact(value).encode()
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status=status, body=body, headers=kind | named)


def compact(value: object) -> str:
    """JSON without spaces, other scripts unescaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
