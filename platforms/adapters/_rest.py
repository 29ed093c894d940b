"""What adapters share that fetch from REST APIs with tokens: answers, refusals, documents.

Every platform says "no" in its own words. One table a platform (`Faults.codes`) says what they
mean; what stands in no table is a refused call, with the platform's words. None of the link's
secrets ever stands in an error.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from platforms.contract import (
    Document,
    Link,
    RateLimitedError,
    ReadError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Download, RefusedCallError, Response
from platforms.reading import json_document, json_value

HEAD: Final = 64 * 1024
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

Fault = (
    type[UnauthorisedError]
    | type[UnavailableError]
    | type[RefusedCallError]
    | type[RateLimitedError]
)

# How long to wait where a platform asks to slow down without saying for how long.
_PAUSE: Final = 60
_LONGEST: Final = 300
# A secret shorter than this could be a part of any word: masking it would hide nothing.
_SHORTEST: Final = 4
_WORTH_HIDING: Final = frozenset(
    {"secret", "app_secret", "token", "access_token", "refresh_token", "aes_key", "private_key"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How one platform refuses.

    `fields` are the names under which its words stand, at any depth of the answer. `codes` maps
    those words, or the HTTP status as text, to the error they mean.
    """

    platform: str
    fields: frozenset[str]
    codes: Mapping[str, Fault]

    def answer(
        self, response: Response, link: Link, *, hidden: Iterable[str] = ()
    ) -> Mapping[str, object]:
        """The JSON object of an answer. Raises the error that a refusal means.

        `hidden` are secrets that are not the link's: a token that was just granted.
        """
        self.require(response, link, hidden=hidden)
        try:
            return json_document(io.BytesIO(response.body))
        except ReadError as error:
            raise UnavailableError(f"{self.platform} answered no JSON object") from error

    def require(
        self, response: Response | Download, link: Link, *, hidden: Iterable[str] = ()
    ) -> None:
        """Return if it succeeded. Raises the error that a refusal means."""
        if not 200 <= response.status < 300:
            raise self.error(response, link, hidden=hidden)

    def error(
        self, response: Response | Download, link: Link, *, hidden: Iterable[str] = ()
    ) -> Exception:
        """What a refusal means, with the platform's own words and none of the secrets."""
        said = self.words(response)
        kind: Fault = next(
            (self.codes[word] for word in (*said, str(response.status)) if word in self.codes),
            RefusedCallError,
        )
        words = _without_secrets(": ".join(dict.fromkeys(said)), link, hidden)[:_LONGEST]
        text = f"{self.platform} answered {response.status}" + (f": {words}" if words else "")
        if issubclass(kind, RateLimitedError):
            return kind(text, retry_after=_PAUSE)
        return kind(text)

    def words(self, response: Response | Download) -> list[str]:
        """The texts under the fields that hold its words, in the answer's order."""
        try:
            return list(self._texts(json_value(_body(response)), named=False))
        except ReadError:
            return []

    def _texts(self, value: object, *, named: bool) -> Iterator[str]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from self._texts(inner, named=name in self.fields)
        elif isinstance(value, list):
            for inner in value:
                yield from self._texts(inner, named=named)
        elif named and isinstance(value, str) and value:
            yield value


def needed(link: Link, name: str) -> str:
    """A secret that calls need. Raises UnauthorisedError where the link has none."""
    value = link.secrets.get(name, "").strip()
    if not value:
        raise UnauthorisedError(f"the link has no {name}")
    return value


def basic(user: str, password: str) -> str:
    """The header Authorization with a name and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def form(**fields: str) -> bytes:
    """A body as HTML forms send it."""
    return urlencode(fields).encode()


def text_of(answer: Mapping[str, object], name: str) -> str:
    """A text or whole number of an answer as text, "" where it is neither or left out."""
    value = answer.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def granted(answer: Mapping[str, object], name: str, *, platform: str) -> str:
    """What a token answer must state. Raises UnavailableError where it does not."""
    value = text_of(answer, name)
    if not value:
        raise UnavailableError(f"{platform} granted no {name}")
    return value


def seconds(answer: Mapping[str, object], name: str, *, otherwise: int) -> int:
    """A duration in seconds, `otherwise` where the answer states none."""
    value = text_of(answer, name)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else otherwise


def document(
    name: str, body: bytes, *, cursor: str, context: Mapping[str, str] | None = None
) -> Document:
    """The bytes of an answer as a document."""
    return Document(
        name=name,
        head=body[:HEAD],
        open=lambda: io.BytesIO(body),
        origin="pull",
        context=context or {},
        cursor=cursor,
    )


def file(
    name: str, download: Download, *, cursor: str, context: Mapping[str, str] | None = None
) -> Document:
    """A downloaded file as a document."""
    with download.open() as stream:
        head = stream.read(HEAD)
    return Document(
        name=name,
        head=head,
        open=download.open,
        origin="pull",
        context=context or {},
        cursor=cursor,
    )


def _body(response: Response | Download) -> bytes:
    if isinstance(response, Response):
        return response.body
    with response.open() as stream:
        return stream.read(HEAD)


def _without_secrets(text: str, link: Link, hidden: Iterable[str]) -> str:
    kept = (value for name, value in link.secrets.items() if name in _WORTH_HIDING)
    for value in (*kept, *hidden):
        for line in value.splitlines():
            if len(line.strip()) >= _SHORTEST:
                text = text.replace(line.strip(), "…")
    return text
