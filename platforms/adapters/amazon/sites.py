"""Amazon's regions and marketplaces: which host is asked, which page asks for consent.

Sources: developer-docs.amazon.com "SP-API Endpoints", "Marketplace IDs", "Seller Central URLs"
(the last one seen in three programs that quote it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from platforms.adapters._web import secret
from platforms.contract import Link
from platforms.pulling import RefusedCallError

_NA: Final = "sellingpartnerapi-na.amazon.com"
_EU: Final = "sellingpartnerapi-eu.amazon.com"
_FE: Final = "sellingpartnerapi-fe.amazon.com"
_EUROPE: Final = "sellercentral-europe.amazon.com"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a store is: `host` of the API, `central` of Seller Central, `marketplace` or ""."""

    host: str
    central: str
    marketplace: str = ""


_SITES: Final[Mapping[str, Site]] = {
    # A whole region: all marketplaces in which the seller sells there.
    "NA": Site(_NA, "sellercentral.amazon.com"),
    "EU": Site(_EU, _EUROPE),
    "FE": Site(_FE, "sellercentral.amazon.co.jp"),
    "US": Site(_NA, "sellercentral.amazon.com", "ATVPDKIKX0DER"),
    "CA": Site(_NA, "sellercentral.amazon.ca", "A2EUQ1WTGCTBG2"),
    "MX": Site(_NA, "sellercentral.amazon.com.mx", "A1AM78C64UM0Y8"),
    "BR": Site(_NA, "sellercentral.amazon.com.br", "A2Q3Y263D00KWC"),
    "UK": Site(_EU, _EUROPE, "A1F83G8C2ARO7P"),
    "DE": Site(_EU, _EUROPE, "A1PA6795UKMFR9"),
    "FR": Site(_EU, _EUROPE, "A13V1IB3VIYZZH"),
    "IT": Site(_EU, _EUROPE, "APJ6JRA9NG5V4"),
    "ES": Site(_EU, _EUROPE, "A1RKKUPIHCS9HS"),
    "NL": Site(_EU, "sellercentral.amazon.nl", "A1805IZSGTT6HS"),
    "BE": Site(_EU, "sellercentral.amazon.com.be", "AMEN7PMS3EDWL"),
    "SE": Site(_EU, "sellercentral.amazon.se", "A2NODRKZP88ZB9"),
    "PL": Site(_EU, "sellercentral.amazon.pl", "A1C3SOZRARQ6R3"),
    "IE": Site(_EU, "sellercentral.amazon.ie", "A28R8C7NBKEWEA"),
    "ZA": Site(_EU, "sellercentral.amazon.co.za", "AE08WJ6YKNBMC"),
    "EG": Site(_EU, "sellercentral.amazon.eg", "ARBP9OOSHTCHU"),
    "TR": Site(_EU, "sellercentral.amazon.com.tr", "A33AVAJ2PDY3EV"),
    "SA": Site(_EU, "sellercentral.amazon.sa", "A17E79C6D8DWNP"),
    "AE": Site(_EU, "sellercentral.amazon.ae", "A2VIGQ35RCS4UG"),
    "IN": Site(_EU, "sellercentral.amazon.in", "A21TJRUUN4KGV"),
    "SG": Site(_FE, "sellercentral.amazon.sg", "A19VAU5U5O7RUS"),
    "AU": Site(_FE, "sellercentral.amazon.com.au", "A39IBJ37TRP1C6"),
    "JP": Site(_FE, "sellercentral.amazon.co.jp", "A1VC38T7YXB528"),
}
# The model of Transfers names them; of others it only has an example.
_WITH_PAYOUTS: Final = frozenset({"DE", "FR", "IT", "ES", "SE", "NL", "PL", "BE"})


def site(link: Link) -> Site:
    """The store's site by its `region`. Raises RefusedCallError for one that is not known."""
    name = _name(link)
    if name not in _SITES:
        raise RefusedCallError(f"no such region; there are {', '.join(_SITES)}")
    return _SITES[name]


def has_payouts(link: Link) -> bool:
    """Whether Amazon says that Transfers serves the store's marketplace."""
    return _name(link) in _WITH_PAYOUTS


def _name(link: Link) -> str:
    name = secret(link, "region").upper()
    return "UK" if name == "GB" else name
