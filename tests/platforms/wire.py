"""A wire in memory: what an adapter sends is kept, what a test says is answered.

For the form of requests and the order of pages. That a platform would accept the signature is
shown by published vectors, independent peers and the simulated marketplaces, not here.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from platforms.pulling import Download, Request, Response


@dataclass(kw_only=True)
class Wire:
    """Answers each request by `answer`; `sent` are all of them, in order."""

    answer: Callable[[Request], Response]
    at: datetime = datetime(2026, 3, 15, 4, 0, tzinfo=UTC)
    sent: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        """Keep the request and answer it."""
        self.sent.append(request)
        return self.answer(request)

    def download(self, request: Request) -> Download:
        """The same, as a file."""
        answer = self.send(request)
        return Download(
            status=answer.status,
            headers=answer.headers,
            size=len(answer.body),
            open=lambda: io.BytesIO(answer.body),
        )

    def now(self) -> datetime:
        """Always the same instant."""
        return self.at

    def nonce(self) -> str:
        """Another one for every request that was sent."""
        return f"{len(self.sent):032x}"
