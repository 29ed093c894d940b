"""What the consent pages share: they say SIMULATED, offer the shops, and send the browser back."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from sandbox.marketplaces.model import Store
from sandbox.marketplaces.wire import Answer


def page(heading: str, buttons: Sequence[tuple[str, str, str]], told: str = "") -> Answer:
    """A page with a button (name, value, words) for each yes.

    Its form goes back to the very address it stands at, under whatever host that is.
    """
    made = "".join(
        f'<p><button name="{name}" value="{html.escape(value)}">{html.escape(words)}</button></p>'
        for name, value, words in buttons
    )
    text = (
        '<!doctype html><html><meta charset="utf-8"><title>SIMULATED</title>'
        f"<h1>SIMULATED: {html.escape(heading)}</h1><p>{html.escape(told)}</p>"
        f'<form method="post">{made}</form></html>'
    )
    kind = {"Content-Type": "text/html; charset=utf-8"}
    return Answer(status=200, body=text.encode(), headers=kind)


def chooser(heading: str, field: str, stores: Sequence[Store]) -> Answer:
    """A page on which the merchant says which of the stores is its own."""
    return page(heading, [(field, store.external_id, store.name) for store in stores])


def chosen(stores: Sequence[Store], external_id: str | None) -> Store | None:
    """The store that was chosen."""
    return next((store for store in stores if store.external_id == external_id), None)


def back(address: str, answer: Mapping[str, str]) -> Answer:
    """The browser goes to an address, with the answer in its query."""
    sign = "&" if "?" in address else "?"
    return Answer(status=302, headers={"Location": f"{address}{sign}{urlencode(answer)}"})
