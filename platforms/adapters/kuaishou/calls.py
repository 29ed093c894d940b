"""What every answer of Kuaishou says of itself, and its error codes.

Source: platforms-cn.md §7.1; copies of the developer pages 401716 (authorisation, codes of nine
digits) and of one SDK (the short codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms.adapters._fetch import Refusals, text
from platforms.contract import Link
from platforms.pulling import Response

HOST: Final = "https://openapi.kwaixiaodian.com"

_REFUSALS: Final = Refusals(
    platform="Kuaishou",
    # 21, 24: the token; 27, 28: the signature; 100200101: the app; 100200102: any token;
    # 100200105: the code.
    unauthorised=frozenset({"21", "24", "27", "28", "100200101", "100200102", "100200105"}),
    unavailable=frozenset({"100200500"}),
    # 802006: the app's calls of the day are used up.
    slower={
        **dict.fromkeys(("15", "16", "17", "1016", "1017", "802000"), 60),
        "802006": 3600,
    },
)


def succeeded(response: Response, link: Link) -> Mapping[str, object]:
    """The answer, if it says `result` 1. Raises the errors of `pulling.Pulls`."""
    answer = _REFUSALS.answer(response)
    if text(answer, "result") != "1":
        codes = [text(answer, name) for name in ("sub_code", "result", "code")]
        said = " ".join(text(answer, name) for name in ("error", "error_msg", "msg", "sub_msg"))
        raise _REFUSALS.error(link, said.strip(), *codes)
    return answer
