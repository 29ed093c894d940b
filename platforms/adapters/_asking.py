"""What adapters that fetch JSON pages share: runs of pages, the cursor after each, refusals.

A pull is a list of runs, asked one after another. A run is asked page by page from a place the
platform names. A page may have parts: runs that only this page makes known (a list of statements
and the transactions of each). Parts come before their page, so that a page that was kept is
never asked for again, while the cursor of a part leads back to the page it hangs on.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from platforms import signing
from platforms.contract import (
    AdapterError,
    Document,
    Link,
    RateLimitedError,
    ReadError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Response
from platforms.reading import json_value, shown

HEAD: Final = 64 * 1024
# Where a platform asks to slow down and does not say for how long.
PAUSE: Final = 60

END_OF_ALL: Final = '["end"]'
"""The cursor after the last document."""

_END: Final = ["end"]
_PARTS_KEPT: Final = ["kept"]
# What may be told of a link; every other secret is taken out of a platform's words.
_TOLD: Final = frozenset({"app_id", "app_key", "shop", "region"})
_SHORTEST_SECRET: Final = 4
_LONGEST_WORDS: Final = 300
_BAN: Final = re.compile(r"\blast (\d{1,5}) second", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer. `rows` is how many it holds, `after` where the next begins ("" : the last)."""

    body: bytes
    rows: int
    after: str = ""
    parts: Sequence[Run] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Pages of one kind. `key` is unique among its neighbours, `ask` takes a place ("" first)."""

    key: str
    name: str
    ask: Callable[[str], Page]
    context: Mapping[str, str] = field(default_factory=dict)


def walk(runs: Sequence[Run], cursor: str) -> Iterator[Document]:
    """Yield every page that has rows, each with the cursor that follows it.

    A cursor that leads nowhere (made by another version) begins anew: what comes twice is
    known by its ids, what is left out would be lost. Raises what the runs raise.
    """
    path = _path(cursor)
    if path != _END:
        for found, after in _documents(runs, path):
            yield replace(
                found, cursor=json.dumps(after, separators=(",", ":")) if after else END_OF_ALL
            )


def pieces(begin: datetime, end: datetime, longest: timedelta) -> list[tuple[datetime, datetime]]:
    """A window in parts that are not longer than `longest`, in order of time."""
    found = []
    while begin < end:
        found.append((begin, min(begin + longest, end)))
        begin += longest
    return found


def _documents(runs: Sequence[Run], path: list[str]) -> Iterator[tuple[Document, list[str]]]:
    """Each document, and the path to what follows it ([] where nothing does)."""
    keys = [run.key for run in runs]
    first = keys.index(path[0]) if path[:1] and path[0] in keys else 0
    number, place, rest = 1, "", list[str]()
    if path and path[0] in keys:
        number, place, rest = int(path[1]), path[2], path[3:]
    for ordinal, run in enumerate(runs[first:], first):
        following = [keys[ordinal + 1], "1", ""] if ordinal + 1 < len(runs) else []
        for count, where, page in _pages(run, number, place):
            if rest != _PARTS_KEPT:
                for part, inside in _documents(page.parts, rest):
                    yield part, [run.key, str(count), where, *(inside or _PARTS_KEPT)]
            rest = []
            if page.rows:
                after = [run.key, str(count + 1), page.after] if page.after else following
                yield _document(run, count, page.body), after
        number, place = 1, ""


def _pages(run: Run, number: int, place: str) -> Iterator[tuple[int, str, Page]]:
    """Ask page after page. Raises UnavailableError for one that leads back to itself."""
    while True:
        page = run.ask(place)
        yield number, place, page
        if not page.after:
            return
        if page.after == place:
            raise UnavailableError(f"{run.name}: the platform answers with the same page again")
        number, place = number + 1, page.after


def _document(run: Run, number: int, body: bytes) -> Document:
    return Document(
        name=f"{run.name}-{number}.json",
        head=body[:HEAD],
        open=lambda: io.BytesIO(body),
        origin="pull",
        context=run.context,
    )


def _path(cursor: str) -> list[str]:
    try:
        path = json.loads(cursor or "[]")
    except ValueError:
        return []
    if not isinstance(path, list) or not all(isinstance(step, str) for step in path):
        return []
    steps = path[: len(path) // 3 * 3]
    whole = path in ([], _END) or path[len(steps) :] in ([], _PARTS_KEPT)
    return path if whole and all(map(_is_count, steps[1::3])) else []


def counted(place: str, first: int) -> int:
    """A place that is a number; `first` where it is none (the beginning, or another version's)."""
    return int(place) if _is_count(place) else first


def _is_count(number: str) -> bool:
    return number.isascii() and number.isdecimal() and len(number) < 12


# --- answers ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """How a platform says no: the field of its code, and which code is which error.

    A key of `errors` is a code, or a code with the words it is followed by. A code that is not
    in the table refuses the call.
    """

    platform: str
    field: str
    success: frozenset[str]
    errors: Mapping[str, type[AdapterError]]

    def answer(
        self,
        response: Response,
        link: Link,
        *,
        otherwise: type[AdapterError] = RefusedCallError,
        hidden: Sequence[str] = (),
    ) -> Mapping[str, object]:
        """The JSON object of an answer that grants what was asked.

        `otherwise` is the error of codes that the table has not; `hidden` are further texts no
        error may repeat. Raises the errors of `Pulls.pull`.
        """
        if response.status in (401, 403):
            otherwise = UnauthorisedError
        source = self._object(response)
        code, words = text(source, self.field), text(source, "message")
        if code not in self.success:
            raise self._error(f"{code} {words}".strip(), code, link, otherwise, hidden)
        if response.status != 200:
            raise otherwise(f"{self.platform}: status {response.status}")
        return source

    def _object(self, response: Response) -> dict[str, object]:
        """Raises UnavailableError for what is no object: the page of something in between."""
        try:
            value = json_value(response.body)
        except ReadError:
            value = None
        if isinstance(value, dict):
            return value
        said = f"{self.platform}: status {response.status}, and no JSON object"
        if response.status in (401, 403):
            raise UnauthorisedError(said)
        raise UnavailableError(said)

    def _error(
        self,
        said: str,
        code: str,
        link: Link,
        otherwise: type[AdapterError],
        hidden: Sequence[str],
    ) -> AdapterError:
        # Shopee sets the service before some codes: common.error_auth.
        codes = (code, code.rpartition(".")[2])
        begins = [f"{known} {said.removeprefix(code).strip()}" for known in codes]
        fitting = [
            key
            for key in self.errors
            if key in codes or (" " in key and any(text.startswith(key) for text in begins))
        ]
        kind = self.errors[max(fitting, key=len)] if fitting else otherwise
        reason = f"{self.platform}: {_without_secrets(said, link, hidden)}"
        if kind is RateLimitedError:
            ban = _BAN.search(said)
            return RateLimitedError(reason, retry_after=int(ban[1]) if ban else PAUSE)
        return kind(reason)


def _without_secrets(said: str, link: Link, hidden: Sequence[str]) -> str:
    values = {*hidden}
    for name, secret in link.secrets.items():
        if name not in _TOLD:
            values.update((secret, *signing.values(secret)))
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST_SECRET:
            said = said.replace(value, "…")
    return " ".join(said.split())[:_LONGEST_WORDS]


def needed(link: Link, name: str) -> str:
    """The first value of a secret of the link. Raises UnauthorisedError if it has none."""
    values = signing.values(link.secrets.get(name, ""))
    if not values:
        raise UnauthorisedError(f"the link has no {name}")
    return values[0]


def number_of(link: Link, name: str) -> int:
    """A secret that is a number (of an application or shop). Raises UnauthorisedError."""
    value = needed(link, name)
    if not (value.isascii() and value.isdecimal()):
        raise UnauthorisedError(f"the link's {name} is no number")
    return int(value)


def text(source: Mapping[str, object], name: str) -> str:
    """A field as text; "" where it is null, left out or no text or number."""
    value = source.get(name)
    return "" if value is None or isinstance(value, bool | dict | list) else str(value)


def required(source: Mapping[str, object], name: str) -> str:
    """A field that is there. Raises UnavailableError."""
    value = text(source, name)
    if not value:
        raise UnavailableError(f"the answer has no {name}")
    return value


def seconds(source: Mapping[str, object], name: str) -> int:
    """A whole number of seconds, as a number or text. Raises UnavailableError."""
    value = required(source, name)
    if not re.fullmatch(r"[0-9]{1,11}", value, re.ASCII):
        raise UnavailableError(f"{name} of the answer is no number of seconds: {shown(value)}")
    return int(value)


def inside(source: Mapping[str, object], name: str) -> Mapping[str, object]:
    """An object, empty where it is null or left out. Raises UnavailableError for anything else."""
    value = source.get(name)
    if not isinstance(value, dict | None):
        raise UnavailableError(f"{name} of the answer is no object")
    return value or {}


def rows(source: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """A list of objects, empty where it is null or left out. Raises UnavailableError."""
    value = source.get(name)
    if not isinstance(value, list | None):
        raise UnavailableError(f"{name} of the answer is no list")
    found: list[Mapping[str, object]] = [row for row in value or [] if isinstance(row, dict)]
    if len(found) < len(value or []):
        raise UnavailableError(f"{name} of the answer holds something that is no object")
    return found
