"""The bank's HTTP counter: who is asking, what for, and the answer's status."""

from __future__ import annotations

import hmac
import json
import re
import socketserver
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sandbox.online_bank import switches
from sandbox.online_bank.bank import Bank, NoAnswerError, OutOfServiceError
from sandbox.online_bank.booking import NotReturnableError, UnknownPaymentError
from sandbox.online_bank.orders import UnreadableOrderError
from sandbox.online_bank.statements import (
    DifferentAccountError,
    UnknownAccountError,
    UnknownStatementError,
)
from sandbox.online_bank.switches import UnreadableRequestError

LARGEST_BODY = 5_000_000
_DRAINED = 20_000_000
_PIECE = 65_536


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked, after the key was found right."""

    path: str
    query: dict[str, list[str]]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A status and a body with its type."""

    status: int
    body: bytes
    kind: str
    headers: dict[str, str] = field(default_factory=dict)


class _CutOffError(Exception):
    """The caller went away in the middle of its request, which is then not done."""


class Counter(socketserver.ThreadingTCPServer):
    """Serves a bank to everybody who knows the key, one thread a connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], *, bank: Bank, key: str) -> None:
        super().__init__(address, _Handler)
        self.bank = bank
        self.authorization = f"Bearer {key}".encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no error of ours; anything else is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Counter
    protocol_version = "HTTP/1.1"
    server_version = "SandboxBank"
    timeout = 60
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Lets a waiting caller go on at once, though answers are buffered."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def do_GET(self) -> None:
        """GET of anything."""
        self._serve()

    def do_POST(self) -> None:
        """POST to anything."""
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: `/truth` tells what happened."""

    def _serve(self) -> None:
        try:
            reply = self._reply()
        except (NoAnswerError, _CutOffError):
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _reply(self) -> Reply:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"[0-9]{1,12}", length):
            return self._last(problem(411, "a Content-Length is wanted"))
        if not self._knows_the_key():
            self._drain(int(length))
            told = problem(401, "Authorization: Bearer with the right key is wanted")
            told.headers["WWW-Authenticate"] = "Bearer"
            return self._last(told)
        if int(length) > LARGEST_BODY:
            self._drain(int(length))
            return self._last(problem(413, f"more than {LARGEST_BODY} bytes"))
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise _CutOffError
        asked = urlsplit(self.path)
        query = parse_qs(asked.query)
        return handled(
            self.server.bank, self.command, Request(path=asked.path, query=query, body=body)
        )

    def _knows_the_key(self) -> bool:
        given = self.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self.server.authorization)

    def _drain(self, length: int) -> None:
        """Reads on for a while, else the caller's system may throw our answer away."""
        left = min(length, _DRAINED)
        while left > 0 and (piece := self.rfile.read(min(left, _PIECE))):
            left -= len(piece)

    def _last(self, reply: Reply) -> Reply:
        """A reply after which the connection is closed: the request was not read."""
        self.close_connection = True
        reply.headers["Connection"] = "close"
        return reply


def handled(bank: Bank, method: str, request: Request) -> Reply:
    """The reply to a request, refusals included; raises NoAnswerError."""
    for wanted, pattern, answer in _ROUTES:
        found = re.fullmatch(pattern, request.path)
        if found and wanted == method:
            try:
                return answer(bank, request, *(unquote(part) for part in found.groups()))
            except tuple(_REFUSALS) as error:
                return _refusal(error)
    return problem(404, f"nothing here to {method}")


def problem(status: int, text: str) -> Reply:
    """A refusal in words."""
    return Reply(status=status, body=f"{text}\n".encode(), kind="text/plain; charset=utf-8")


def _refusal(error: Exception) -> Reply:
    status, words = _REFUSALS[type(error)]
    reply = problem(status, words or str(error))
    if status == 503:
        reply.headers["Retry-After"] = "1"
    return reply


def _pay(bank: Bank, request: Request) -> Reply:
    bank.serve()
    return _xml(bank.pay(request.body))


def _payment(bank: Bank, request: Request, end_to_end_id: str) -> Reply:
    bank.serve()
    return _xml(bank.payment(end_to_end_id))


def _statements(bank: Bank, request: Request) -> Reply:
    bank.serve()
    account, after = (request.query.get(name, [""])[-1] for name in ("account", "after"))
    return _json(bank.statements(account, after))


def _statement(bank: Bank, request: Request, name: str) -> Reply:
    bank.serve()
    return _xml(bank.statement(name))


def _account(bank: Bank, request: Request) -> Reply:
    account = switches.account_of(_object(request.body))
    opened = bank.open_account(account)
    return _json({"number": account.number, "opened": opened}, status=201 if opened else 200)


def _control(bank: Bank, request: Request) -> Reply:
    return _json(bank.control(_object(request.body)))


def _close(bank: Bank, request: Request) -> Reply:
    return _json(bank.close())


def _truth(bank: Bank, request: Request) -> Reply:
    return _json(bank.truth())


_ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("POST", "/payments", _pay),
    ("GET", "/payments/([^/]+)", _payment),
    ("GET", "/statements", _statements),
    ("GET", "/statements/([^/]+)", _statement),
    ("POST", "/accounts", _account),
    ("POST", "/control", _control),
    ("POST", "/control/close", _close),
    ("GET", "/truth", _truth),
)

_REFUSALS: dict[type[Exception], tuple[int, str]] = {
    UnreadableOrderError: (400, ""),
    UnreadableRequestError: (400, ""),
    UnknownPaymentError: (404, "no such payment was ever received"),
    UnknownAccountError: (404, "no such account"),
    UnknownStatementError: (404, "no such statement"),
    DifferentAccountError: (409, ""),
    NotReturnableError: (409, ""),
    OutOfServiceError: (503, "out of service for the moment"),
}


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError as error:
        raise UnreadableRequestError("no JSON") from error
    if not isinstance(told, dict):
        raise UnreadableRequestError("a JSON object is wanted")
    return told


def _json(told: Any, *, status: int = 200) -> Reply:
    body = json.dumps(told, ensure_ascii=False).encode()
    return Reply(status=status, body=body, kind="application/json")


def _xml(body: bytes) -> Reply:
    return Reply(status=200, body=body, kind="application/xml; charset=utf-8")
