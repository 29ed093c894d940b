"""Money of the simulated world: whole cents (fen) inside, decimal text outside."""

from __future__ import annotations


def text(cents: int) -> str:
    """Cents as the decimal text every format here uses: `-1204` is `-12.04`."""
    sign = "-" if cents < 0 else ""
    whole, part = divmod(abs(cents), 100)
    return f"{sign}{whole}.{part:02d}"


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
