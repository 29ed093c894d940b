"""What goes wrong on purpose: a board of switches, each counting how often it struck.

A switch is a JSON object. Common to all: `every` (strikes on each k-th occasion, 1),
`times` (at most so often, 0: for ever), `platform` ("" : all).

    storm         429 with Retry-After: `retry_after` (2)
    error         `status` (500, 502 or another)
    silence       the request is accepted, and the line closed without an answer
    truncate      the answer's body is cut in half under its full Content-Length
    late          the rows of `day` are not there until they were asked for `calls` times
                  more, or until the instant `until`
    duplicate     a row of the page before stands on the page again
    shuffle       a page's rows are out of order (its last one stays: cursors hold)
    drift         rows have one more field, which is no money
    drift_money   rows have one more field, which is money
    expire        the tokens a store has now are refused until they are renewed (strikes
                  on each refusal; `every` does not apply)
    skew          the clock that signed times are held against runs `seconds` ahead
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random
from typing import Any, TypeVar

NAMES: tuple[str, ...] = (
    *("storm", "error", "silence", "truncate", "late", "duplicate", "shuffle"),
    *("drift", "drift_money", "expire", "skew"),
)
_COMMON = {"every", "times", "platform"}
_OWN: Mapping[str, set[str]] = {
    "storm": {"retry_after"},
    "error": {"status"},
    "late": {"day", "calls", "until"},
    "skew": {"seconds"},
}
T = TypeVar("T")


class UnknownFaultError(Exception):
    """No switch has this name, or not this setting."""


@dataclass(kw_only=True)
class _Switch:
    settings: Mapping[str, Any]
    occasions: int = 0
    struck: int = 0

    def strikes(self) -> bool:
        """Counts an occasion, and says whether it strikes now."""
        self.occasions += 1
        times = int(self.settings.get("times", 0))
        if (times and self.struck >= times) or self.occasions % int(self.settings.get("every", 1)):
            return False
        self.struck += 1
        return True


@dataclass(kw_only=True)
class Faults:
    """The board of one server; safe to use from its threads."""

    seed: int
    expire_round: int = 0
    _on: dict[str, _Switch] = field(default_factory=dict)
    _struck: dict[str, int] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def turn_on(self, name: str, **settings: Any) -> None:
        """Sets a switch anew. Raises UnknownFaultError or ValueError."""
        if name not in NAMES:
            raise UnknownFaultError(f"no fault is called {name}")
        if strange := settings.keys() - _COMMON - _OWN.get(name, set()):
            raise UnknownFaultError(f"{name} has no {', '.join(sorted(strange))}")
        if int(settings.get("every", 1)) < 1:
            raise ValueError("every must be 1 at least")
        with self._lock:
            self._on[name] = _Switch(settings=settings)
            self.expire_round += name == "expire"

    def turn_off(self, *names: str) -> None:
        """Ends some faults, or all; the counts stay."""
        with self._lock:
            for name in names or tuple(self._on):
                self._on.pop(name, None)

    def counts(self) -> dict[str, int]:
        """How often each fault struck since the server began."""
        with self._lock:
            return {name: self._struck.get(name, 0) for name in NAMES}

    def strikes(self, name: str, platform: str) -> Mapping[str, Any] | None:
        """The settings of a fault, and its name, if it strikes on this occasion."""
        with self._lock:
            switch = self._switch(name, platform)
            if switch is None or not switch.strikes():
                return None
            self.count(name)
            return {"fault": name, **switch.settings}

    def expires(self, platform: str, given_out: int) -> bool:
        """Whether tokens given out in that round of `expire` are refused."""
        with self._lock:
            if self._switch("expire", platform) is None or given_out >= self.expire_round:
                return False
            self.count("expire")
            return True

    def count(self, name: str) -> None:
        """Notes that a fault struck."""
        with self._lock:
            self._struck[name] = self._struck.get(name, 0) + 1

    def seconds(self, platform: str) -> int:
        """How far ahead the clock runs."""
        settings = self.strikes("skew", platform)
        return int(settings["seconds"]) if settings else 0

    def hidden_day(self, platform: str, now: datetime) -> date | None:
        """The day whose rows are late, while they are; asking is an occasion."""
        with self._lock:
            switch = self._switch("late", platform)
            if switch is None:
                return None
            until, calls = switch.settings.get("until"), int(switch.settings.get("calls", 1))
            over = now >= datetime.fromisoformat(until) if until else switch.struck >= calls
            if over or not switch.strikes():
                return None
            self.count("late")
            return date.fromisoformat(switch.settings["day"])

    def page(self, rows: list[T], start: int, size: int, platform: str) -> list[T]:
        """The rows of a page as faults leave them; never more than `size`."""
        found = rows[start : start + size]
        if start and size > 1 and found and self.strikes("duplicate", platform):
            found = [rows[start - 1], *rows[start : start + size - 1]]
        if len(found) > 2 and self.strikes("shuffle", platform):
            head = found[:-1]
            Random(f"{self.seed}:shuffle:{start}:{len(found)}").shuffle(head)
            head = head[1:] + head[:1] if head == found[:-1] else head
            found = [*head, found[-1]]
        return found

    def drifted(self, row: dict[str, Any], platform: str, money: Any) -> dict[str, Any]:
        """A row as JSON, with the fields that drifted in; `money` is 1.23 as written here."""
        extra: dict[str, Any] = {}
        if self.strikes("drift", platform):
            extra["simulated_note"] = "a field of a later version"
        if self.strikes("drift_money", platform):
            extra["simulated_levy_amount"] = money
        return {**row, **extra}

    def _switch(self, name: str, platform: str) -> _Switch | None:
        switch = self._on.get(name)
        if switch is None or switch.settings.get("platform", platform) not in ("", platform):
            return None
        return switch
