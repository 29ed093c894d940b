"""Every page of the dashboard with what its address needs, and what its HTML is read with."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser

from django.urls import reverse

from tests.web.shop import Shop
from web.dashboard.urls import urlpatterns

NAMES = [pattern.name for pattern in urlpatterns if pattern.name]

# What stands in the address of each view. A new view that names an object must be added here:
# test_strangers.py goes through urlpatterns, not through this table.
OBJECTS: dict[str, Callable[[Shop], dict[str, object]]] = {
    "store": lambda shop: {"store_id": shop.stores[0].id},
    "store_keys": lambda shop: {"store_id": shop.stores[0].id},
    "store_consent": lambda shop: {"store_id": shop.stores[0].id},
    "store_unlink": lambda shop: {"store_id": shop.stores[0].id},
    "fetch_again": lambda shop: {"store_id": shop.stores[0].id, "day": date(2026, 3, 14)},
    "payout": lambda shop: {"payout_id": shop.payouts["reconciled"].id},
    "bank_line": lambda shop: {"line_id": shop.bank_lines[0].id},
    "document": lambda shop: {"document_id": shop.documents["loaded"].id},
    "original": lambda shop: {"document_id": shop.documents["loaded"].id},
    "document_summary": lambda shop: {"document_id": shop.documents["loaded"].id},
    "source_row": lambda shop: {"document_id": shop.documents["loaded"].id, "row": 3},
    "withdraw": lambda shop: {"document_id": shop.documents["loaded"].id},
    "quote": lambda shop: {"quote_id": shop.quote.id},
    "withdrawal": lambda shop: {"withdrawal_id": shop.withdrawals["reserved"].id},
    "cancel_withdrawal": lambda shop: {"withdrawal_id": shop.withdrawals["reserved"].id},
    "act_for": lambda shop: {"merchant_id": shop.merchant_id},
    "look_at": lambda shop: {"account_id": shop.account.id},
}
# Addresses that name no object of a merchant, only a platform.
OF_ALL: dict[str, dict[str, object]] = {"consent_end": {"code": "shopify"}}
# What a page is told by its address beside the object it names.
QUERIES: dict[str, Callable[[Shop], str]] = {
    "quote": lambda shop: f"?payee={shop.payee.id}",
}
POSTED = {
    "act_for", "look_at", "cancel_withdrawal", "store_keys", "store_consent", "store_unlink",
    "fetch_again",
}  # fmt: skip
BYTES = {"original", "store_template", "withdrawals_csv"}
REDIRECTS = {"upload", "confirm_stores", "add_store", "consent_end"}


def address(name: str, shop: Shop) -> str:
    """The address of a view, about the shop's own object where it needs one."""
    path = reverse(name, kwargs=OBJECTS[name](shop) if name in OBJECTS else OF_ALL.get(name, {}))
    return path + (QUERIES[name](shop) if name in QUERIES else "")


def elsewhere() -> uuid.UUID:
    """An id that nothing has."""
    return uuid.uuid4()


VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Read:
    """What a page's HTML says."""

    language: str = ""
    ids: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    nameless: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    assets: set[str] = field(default_factory=set)
    headings: int = 0
    unclosed: list[str] = field(default_factory=list)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read = Read()
        self.open: list[str] = []
        self.labelled: set[str] = set()
        self.inputs: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._note(tag, given)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.read.unclosed.append(f"</{tag}> after <{self.open[-1] if self.open else ''}>")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.read.inline.append("style element")
        if self.open and self.open[-1] == "script" and data.strip():
            self.read.inline.append("script element")
        self.read.text += data

    def _note(self, tag: str, given: dict[str, str]) -> None:
        read = self.read
        if tag == "html":
            read.language = given.get("lang", "")
        if "id" in given:
            read.ids.append(given["id"])
        read.inline += [f"{tag} {name}" for name in given if name == "style" or name[:2] == "on"]
        if given.get("href", "").startswith("javascript:"):
            read.inline.append("javascript address")
        if tag == "h1":
            read.headings += 1
        if tag == "a":
            read.links.add(given.get("href", ""))
        read.assets |= {
            given[name].partition("#")[0]
            for name in ("src", "href")
            if given.get(name, "").startswith("/static/")
        }
        if tag == "label":
            self.labelled.add(given.get("for", ""))
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit"):
            self.inputs.append(given)
        if tag == "img" and "alt" not in given:
            read.nameless.append("img")


def read(html: str) -> Read:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    reader.read.unclosed += reader.open
    reader.read.nameless += [
        given.get("name", "?")
        for given in reader.inputs
        if given.get("id") not in reader.labelled and "aria-label" not in given
    ]
    return reader.read
