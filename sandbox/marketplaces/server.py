"""The one HTTP server of all simulated marketplaces: it routes by the real Host header.

A browser that cannot be told a Host reaches any of them under `/_host/NAME/…`.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.marketplaces import control, directory
from sandbox.marketplaces.desk import Clock, Desk, real_time
from sandbox.marketplaces.faults import Faults
from sandbox.marketplaces.model import Store, World
from sandbox.marketplaces.wire import Answer, Call, Marketplace, Message, reply

LARGEST_BODY = 1_000_000
_BY_PATH = "/_host/"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server that listens at `address`, and its state for tests in the same process."""

    address: str
    desk: Desk

    @property
    def world(self) -> World:
        """What there is."""
        return self.desk.world

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self.desk.faults

    def hook(self, store: Store, event: str) -> Message:
        """A signed message of the store's platform. Raises UnknownEventError."""
        return directory.of(store.platform).hook(store, event, self.desk)


@contextmanager
def serve(
    world: World, *, port: int = 0, host: str = "127.0.0.1", now: Clock = real_time
) -> Iterator[Running]:
    """Serves a world for as long as the block lasts; `now` is the marketplaces' clock."""
    desk = Desk(world=world, faults=Faults(seed=world.seed), now=now)
    with _Server((host, port), desk) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield Running(address=f"http://{host}:{server.server_address[1]}", desk=desk)
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], desk: Desk) -> None:
        super().__init__(address, _Handler)
        self.desk = desk

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no error of ours; anything else is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "SimulatedMarketplaces"
    sys_version = ""
    timeout = 30
    # Headers and body leave together: apart, each answer waits 40 ms for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Any method is answered alike."""
        self._answer()

    def do_POST(self) -> None:
        """Any method is answered alike."""
        self._answer()

    def do_DELETE(self) -> None:
        """Any method is answered alike."""
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the calls hold keys."""

    def _answer(self) -> None:
        call = self._call()
        if call.host == control.HOST:
            return self._send(control.answer(call, self.server.desk))
        platform = platform_of(call.host)
        if platform is None:
            return self._send(reply(404, {"simulated": True, "error": f"no host {call.host}"}))
        return self._answer_as(platform, call)

    def _answer_as(self, platform: Marketplace, call: Call) -> None:
        """The platform's answer, or what the faults make of it."""
        faults, code = self.server.desk.faults, platform.code
        if faults.strikes("silence", code):
            self.close_connection = True
            return
        if storm := faults.strikes("storm", code):
            self._send(platform.busy(int(storm.get("retry_after", 2))))
        elif error := faults.strikes("error", code):
            status = int(error.get("status", 500))
            body = f"<html><body>{status} (simulated)</body></html>".encode()
            self._send(Answer(status=status, body=body, headers={"Content-Type": "text/html"}))
        else:
            answer = _whole(platform, call, self.server.desk)
            cut = len(answer.body) > 1 and bool(faults.strikes("truncate", code))
            self._send(answer, cut=cut)

    def _call(self) -> Call:
        host = self.headers.get("Host", "").partition(":")[0].lower()
        target = self.path
        if target.startswith(_BY_PATH):
            host, _, rest = target.removeprefix(_BY_PATH).partition("/")
            target = f"/{rest}"
        length = min(int(self.headers.get("Content-Length") or 0), LARGEST_BODY)
        return Call(
            method=self.command,
            host=host,
            target=target,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )

    def _send(self, answer: Answer, *, cut: bool = False) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("X-Simulated", "true")
        self.send_header("Content-Length", str(len(answer.body)))
        if cut:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)


def _whole(platform: Marketplace, call: Call, desk: Desk) -> Answer:
    """The answer; a fault of the simulation itself is told, never taken for one on purpose."""
    try:
        return platform.answer(call, desk)
    except Exception as error:  # noqa: BLE001  it is answered and printed
        traceback.print_exc()
        return reply(599, {"simulated": True, "bug": f"{type(error).__name__}: {error}"})


def platform_of(host: str) -> Marketplace | None:
    """The platform that answers to a host name."""
    for platform in directory.PLATFORMS.values():
        if any(fnmatchcase(host, pattern) for pattern in platform.hosts):
            return platform
    return None
