"""What :86: says, by the dialect it is written in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from platforms.banks.mt940.tokens import Field

# The German DFÜ agreement: business code, then ?00 text, ?20-29 and ?60-63 purpose, ?31 account,
# ?32 and ?33 name. The purpose holds SEPA's fields behind their keys. Triodos writes > for ?.
_GERMAN: Final = re.compile(r"\s*[0-9]{3}([?>])[0-9]{2}")
_GERMAN_FIELD: Final = {mark: re.compile(rf"[{mark}]([0-9]{{2}})") for mark in "?>"}
_PURPOSE: Final = frozenset(f"{number}" for number in (*range(20, 30), *range(60, 64)))
_GERMAN_KEY: Final = re.compile(
    r"((?:EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE)(?=\+)|MTLG(?=:))[+:]"
)

# The Dutch banks' keys; a slash inside a value is text.
_DUTCH_KEY: Final = re.compile(
    r"/(TRTP|IBAN|BBAN|BIC|NAME|REMI|EREF|PREF|MARF|CSID|BENM|ORDP|ADDR|ACCW|ISDT|RTRN|PURP|ID)/"
)

_FULL_LINE: Final = 64
"""Banks break texts at 65 characters, some a little before: such a line's end is no space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an entry's texts say; "" for what they do not."""

    counterparty: str = ""
    remittance: str = ""
    end_to_end_id: str = ""


def said(texts: list[Field]) -> Said:
    """Read the :86: (or :NS:) fields of one entry: the first decides the dialect."""
    if not texts:
        return Said()
    joined = "".join(texts[0].lines)
    more = [_free(text.lines) for text in texts[1:]]
    if german := _GERMAN.match(joined):
        return _german(_by_key(_GERMAN_FIELD[german[1]], joined), more)
    if _DUTCH_KEY.match(joined):
        return _dutch(joined, more)
    return Said(remittance=_plain([_free(texts[0].lines), *more]))


def _german(parts: list[tuple[str, str]], more: list[str]) -> Said:
    purpose = "".join(value for key, value in parts if key in _PURPOSE)
    found = dict(reversed(_by_key(_GERMAN_KEY, purpose)))
    fields = dict(reversed(parts))
    name = "".join(value for key, value in parts if key in ("32", "33"))
    text = found.get("SVWZ", "").strip() or purpose or fields.get("00", "")
    return Said(
        counterparty=_plain([name]) or fields.get("31", "").strip(),
        remittance=_plain([text, *more]),
        end_to_end_id=_plain([found.get("EREF", "")]),
    )


def _dutch(text: str, more: list[str]) -> Said:
    found = dict(reversed(_by_key(_DUTCH_KEY, text)))
    return Said(
        counterparty=_plain([found.get("NAME", "")]) or found.get("IBAN", "").strip(),
        remittance=_plain([found.get("REMI", "").strip() or text, *more]),
        end_to_end_id=_plain([found.get("EREF", "")]),
    )


def _by_key(form: re.Pattern[str], text: str) -> list[tuple[str, str]]:
    """The values behind their keys, in order; text before the first key is left out."""
    keys = list(form.finditer(text))
    if not keys:
        return []
    ends = [*(key.start() for key in keys[1:]), len(text)]
    return [(key[1], text[key.end() : end]) for key, end in zip(keys, ends, strict=True)]


def _free(lines: list[str]) -> str:
    """Lines of free text as one; only a full line runs on into the next."""
    parts = [line.rstrip() for line in lines]
    ends = ["" if len(before) >= _FULL_LINE else " " for before, _ in pairwise(parts)]
    return "".join(part + end for part, end in zip(parts, [*ends, ""], strict=True))


def _plain(texts: list[str]) -> str:
    return " ".join(" ".join(texts).split())
