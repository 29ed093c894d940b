"""The drift of tables: a bill with one column more, as a later version of it would be."""

from __future__ import annotations

from sandbox.marketplaces.faults import Faults


def table(
    text: str, faults: Faults, platform: str, rows: int, *, tick: str = "", head: int = 0
) -> str:
    """The text with the columns that drifted in, on its header at `head` and the rows below."""
    if faults.strikes("drift", platform):
        text = _widened(text, head, rows, "模拟备注", f"{tick}later version")
    if faults.strikes("drift_money", platform):
        text = _widened(text, head, rows, "模拟附加费(元)", f"{tick}1.23")
    return text


def _widened(text: str, head: int, rows: int, name: str, value: str) -> str:
    lines = text.splitlines(keepends=True)
    for index in range(head, head + rows + 1):
        line = lines[index].rstrip("\r\n")
        end = lines[index][len(line) :]
        lines[index] = f"{line},{name if index == head else value}{end}"
    return "".join(lines)
