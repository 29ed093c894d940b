"""Money of the simulated world: whole minor units (cents, fen) inside, decimal text outside."""

from __future__ import annotations

_NO_DECIMALS = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"}
_NO_DECIMALS |= {"PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
_THREE_DECIMALS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}


def exponent(currency: str) -> int:
    """Decimals of the currency (ISO 4217): 2 unless it is known to have 0 or 3."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def text(minor: int, decimals: int = 2) -> str:
    """Minor units as the decimal text every format here uses: `-1204` is `-12.04`."""
    sign = "-" if minor < 0 else ""
    if decimals == 0:
        return f"{minor}"
    whole, part = divmod(abs(minor), 10**decimals)
    return f"{sign}{whole}.{part:0{decimals}d}"


def per_mille(cents: int, rate: int) -> int:
    """A share of a positive amount, rounded half up to the cent."""
    return (cents * rate + 500) // 1000


class Taken:
    """Amounts already in use, so that no two movements are alike by accident."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, int]] = set()

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._taken

    def add(self, currency: str, cents: int) -> None:
        """Marks an amount as used."""
        self._taken.add((currency, cents))

    def below(self, currency: str, cents: int) -> int:
        """Takes the largest free amount that is not above `cents`."""
        while (currency, cents) in self._taken:
            cents -= 1
        self.add(currency, cents)
        return cents
