"""Orders the release report and the settlement report of a window and fetches them.

`POST /v1/account/{report}` orders, `GET …/list` says when it is made, `GET …/{file_name}` gives
it. A report that the list has for exactly this time, made after it had ended, is taken instead
of ordering another one; a cursor that says "ordered" never orders. Source: platforms-global.md
§6 and mercadopago.com developers (reports, generation by API; at most 60 days a report).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from platforms.adapters._rest import file, text_of
from platforms.adapters._spans import stamp
from platforms.adapters.mercadopago.calls import FAULTS, request
from platforms.contract import Document, Link, ReadError, UnavailableError
from platforms.pulling import (
    Download,
    Http,
    NotYetError,
    Rate,
    RefusedCallError,
    Response,
    Terms,
    Window,
)
from platforms.reading import json_value, shown

TERMS: Final = Terms(
    rates={"": Rate(calls=30, seconds=60, per="access_token", source="assumed")},
    # How late a movement may enter is not published.
    ready=timedelta(hours=6),
    # Nor how far back a report may be ordered.
    reach=timedelta(days=365),
)
# The release report is the money, the settlement report the evidence for it.
REPORTS: Final = ("release_report", "settlement_report")

_LONGEST: Final = timedelta(days=60)
_SECOND: Final = timedelta(seconds=1)
_WAIT: Final = 120
_MADE: Final = 202
_OTHER_DAYS: Final = 203
_NOT_FOUND: Final = 404
# "deleted" and "pending" are the vendor's; a report without a status is made when it has a file.
_GONE: Final = frozenset({"deleted"})
_MAKING: Final = frozenset({"pending", "processing", "in_progress"})
_CSV: Final = re.compile(r"[A-Za-z0-9._-]{1,200}\.csv", re.ASCII)
# The currency of a report is that of the account's country. Mercado Libre's sites.
CURRENCIES: Final[Mapping[str, str]] = {
    "MLA": "ARS",
    "MLB": "BRL",
    "MLC": "CLP",
    "MCO": "COP",
    "MLM": "MXN",
    "MPE": "PEN",
    "MLU": "UYU",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One report over one span; `end` is not in it."""

    report: str
    begin: datetime
    end: datetime

    @property
    def last(self) -> datetime:
        """The last second: the vendor's own reports end with one, so they count it in."""
        return self.end - _SECOND

    def cursor(self, state: str) -> str:
        return f"{self.report}/{stamp(self.begin)}/{state}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A report of the list; `name` is "" as long as it has no file."""

    id: str
    name: str
    begin: datetime
    last: datetime
    at: datetime | None

    def fits(self, step: _Step, ordered: str | None) -> bool:
        """Whether it is the one that was ordered, or one made of the same time after it ended."""
        if ordered and self.id == ordered:
            return True
        whole = ordered is not None if self.at is None else self.at >= step.end
        return whole and self.begin == step.begin and self.last == step.last


def probe(http: Http, link: Link) -> str:
    """The seller's number. Raises the errors of `pull`."""
    seller = _seller(http, link)
    return text_of(seller, "id")


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the reports of the window. Raises NotYetError while one is being made."""
    steps, ordered = _left(window)
    context = _context(http, link) if steps else {}
    for step in steps:
        made = _find(http, link, step, ordered)
        download = http.download(request(link, _path(step, quote(made.name, safe=""))))
        if download.status == _NOT_FOUND:
            raise _not_yet(step, made.id)
        FAULTS.require(download, link)
        if _has_rows(download):
            yield file(_title(step), download, cursor=step.cursor("kept"), context=context)
        ordered = None


def _left(window: Window) -> tuple[list[_Step], str | None]:
    """The steps that are left, and the id ("" if it is not known) if the first is ordered."""
    steps = list(_steps(window))
    if not window.cursor:
        return steps, None
    report, _, rest = window.cursor.partition("/")
    begin, _, state = rest.partition("/")
    for place, step in enumerate(steps):
        if (step.report, stamp(step.begin)) == (report, begin):
            if state == "kept":
                return steps[place + 1 :], None
            if state.startswith("report:"):
                return steps[place:], state.removeprefix("report:")
    raise RefusedCallError("the cursor is not one of this window")


def _steps(window: Window) -> Iterator[_Step]:
    for report in REPORTS:
        begin = window.begin.astimezone(UTC)
        while begin < window.end:
            end = min(begin + _LONGEST, window.end.astimezone(UTC))
            yield _Step(report=report, begin=begin, end=end)
            begin = end


def _context(http: Http, link: Link) -> Mapping[str, str]:
    """The currency, for a report whose column CURRENCY was not chosen."""
    unit = CURRENCIES.get(text_of(_seller(http, link), "site_id"))
    return {"currency": unit} if unit else {}


def _seller(http: Http, link: Link) -> Mapping[str, object]:
    return FAULTS.answer(http.send(request(link, "/users/me")), link)


def _find(http: Http, link: Link, step: _Step, ordered: str | None) -> _Made:
    """The report with its file. Orders it unless it is ordered; raises NotYetError."""
    found = [made for made in _list(http, link, step) if made.fits(step, ordered)]
    ready = [made for made in found if made.name]
    if ready:
        return _csv(
            min(ready, key=lambda made: (made.id != ordered, made.at or step.end, made.name))
        )
    if found:
        raise _not_yet(step, found[0].id)
    raise _not_yet(step, _order(http, link, step) if ordered is None else ordered)


def _csv(made: _Made) -> _Made:
    if not _CSV.fullmatch(made.name):
        raise RefusedCallError(
            f"{shown(made.name)} is no CSV: choose that format in the report's configuration"
        )
    return made


def _list(http: Http, link: Link, step: _Step) -> list[_Made]:
    response = http.send(request(link, _path(step, "list")))
    FAULTS.require(response, link)
    try:
        rows = json_value(response.body)
    except ReadError as error:
        raise UnavailableError("Mercado Pago's list of reports is no JSON") from error
    if not isinstance(rows, list):
        raise UnavailableError("Mercado Pago's list of reports is no list")
    return [_made(row) for row in rows if isinstance(row, dict) and row.get("status") not in _GONE]


def _made(row: Mapping[str, object]) -> _Made:
    begin, last = (_time(text_of(row, f"{name}_date")) for name in ("begin", "end"))
    if begin is None or last is None:
        raise UnavailableError("Mercado Pago lists a report without its days")
    return _Made(
        id=text_of(row, "id"),
        name="" if text_of(row, "status") in _MAKING else text_of(row, "file_name"),
        begin=begin,
        last=last,
        at=_time(text_of(row, "date_created")),
    )


def _time(text: str) -> datetime | None:
    """A time in whole seconds: the list writes fractions where the order had none."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnavailableError("Mercado Pago lists a report with no time") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def _order(http: Http, link: Link, step: _Step) -> str:
    """Order a report; its id, "" if the answer names none."""
    days = {"begin_date": stamp(step.begin), "end_date": stamp(step.last)}
    body = json.dumps(days).encode()
    response = http.send(request(link, _path(step), method="POST", body=body))
    FAULTS.require(response, link)
    if response.status == _OTHER_DAYS:
        raise RefusedCallError(
            "Mercado Pago makes no report of these days (203); it wants other ones: "
            + ": ".join(FAULTS.words(response))
        )
    return _id(response)


def _id(response: Response) -> str:
    """The order stands whatever the answer's form: to fail here would be to order it again."""
    try:
        answer = json_value(response.body)
    except ReadError:
        return ""
    return text_of(answer, "id") if isinstance(answer, dict) else ""


def _not_yet(step: _Step, number: str) -> NotYetError:
    return NotYetError(
        f"Mercado Pago is making the {step.report} from {stamp(step.begin)}",
        retry_after=_WAIT,
        cursor=step.cursor(f"report:{number}"),
    )


def _path(step: _Step, *rest: str) -> str:
    return "/".join(("/v1/account", step.report, *rest))


def _title(step: _Step) -> str:
    report = step.report.replace("_", "-")
    return f"mercadopago-{report}-{step.begin:%Y-%m-%d}-{step.last:%Y-%m-%d}.csv"


def _has_rows(download: Download) -> bool:
    """Whether anything follows the header: accounts without movements get a header alone."""
    with download.open() as stream:
        stream.readline()
        return bool(stream.readline().strip())
