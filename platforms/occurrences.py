"""Which occurrence of an equal row this is, in little memory.

Rows of some exports (Shopify's, Pinduoduo's) have no id, so equal rows are told
apart by their ordinal. The key of every row must be remembered to the end of the
file: a `dict` would take some 150 bytes a row, this table takes 8 to 16.
"""

from __future__ import annotations

from array import array


class Occurrences:
    """Counts equal 64-bit keys in an open table of integers.

    Two different rows with one key are as likely as 1 in 10 million for a file
    of two million rows; the second would get another ordinal, nothing worse.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * 1024))
        self._used = 0
        self._again: dict[int, int] = {}

    def nth(self, key: int) -> int:
        """The ordinal of this key's occurrence: 1 the first time."""
        key = key or 1  # 0 marks a free slot.
        if self._place(self._slots, key):
            self._used += 1
            if self._used * 2 > len(self._slots):
                self._grow()
            return 1
        again = self._again[key] = self._again.get(key, 1) + 1
        return again

    @staticmethod
    def _place(slots: array[int], key: int) -> bool:
        """Put the key into its slot; False if it is there already."""
        mask = len(slots) - 1
        slot = key & mask
        while (found := slots[slot]) != key:
            if not found:
                slots[slot] = key
                return True
            slot = (slot + 1) & mask
        return False

    def _grow(self) -> None:
        wider = array("Q", bytes(16 * len(self._slots)))
        for key in self._slots:
            if key:
                self._place(wider, key)
        self._slots = wider
