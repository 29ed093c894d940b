"""The house's rules that a linter does not know. Floors are kept by import-linter."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("accounts", "config", "ledger", "platforms", "sandbox", "settlement", "web")
MONEY = ("ledger", "platforms", "settlement")
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
ADAPTERS_ARE_CALLED_BY = {
    "settlement/money_in/consent.py",
    "settlement/money_in/inbox.py",
    "settlement/money_in/pulling.py",
    "settlement/money_in/ingest.py",
    "settlement/money_in/inspection.py",
    "settlement/money_in/linking.py",
    "settlement/money_out/gateway.py",
    "web/hooks.py",
}


def sources(*floors: str) -> list[Path]:
    return sorted(
        path
        for floor in floors
        for path in (ROOT / floor).rglob("*.py")
        if "migrations" not in path.parts
    )


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", sources(*FLOORS), ids=named)
def test_a_file_fits_a_readers_head(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    long = [
        function.name
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("path", sources(*FLOORS), ids=named)
def test_no_error_is_swallowed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            assert not all(isinstance(statement, ast.Pass) for statement in node.body)


@pytest.mark.parametrize("path", sources(*MONEY), ids=named)
def test_money_never_meets_a_float(path: Path) -> None:
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float"
    ]
    assert not calls


def test_only_a_few_rooms_talk_to_adapters() -> None:
    callers = {
        named(path)
        for path in sources("settlement", "web", "accounts", "ledger")
        if re.search(
            r"registry\.(recognise|pushes|pays)\(|adapter\.(read|verify|unwrap|pull|probe|exchange|renew|revoke|challenge)\(",
            path.read_text(encoding="utf-8"),
        )
    }
    assert callers
    assert callers <= ADAPTERS_ARE_CALLED_BY


def test_only_bookings_writes_to_the_ledger() -> None:
    writers = {
        named(path)
        for path in sources("settlement", "web", "accounts")
        if re.search(
            r"ledger\.(book|holds|periods)\b|from ledger import [^\n]*\b(book|holds|periods)\b",
            path.read_text(encoding="utf-8"),
        )
    }
    assert writers
    assert all(writer.startswith("settlement/bookings/") for writer in writers)


def test_no_committed_file_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    hosts = re.compile(r"https?://[^\s\"']*(pypi\.|npmjs\.|debian\.org|pythonhosted)")
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".lock", ".in", ".sh", ""}:
            assert not hosts.search(path.read_text(encoding="utf-8", errors="replace")), name
