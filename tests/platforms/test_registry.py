"""Adapters are found, checked and told apart."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar

import pytest

from platforms import registry
from platforms.contract import Adapter, Document, LineKind, Record, UnrecognisedError
from platforms.registry import UnknownAdapterError, UnsoundAdapterError
from tests.platforms.cases import document


class Sound:
    code: ClassVar[str] = "example"
    name: ClassVar[str] = "Example"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ()
    credentials: ClassVar[tuple[str, ...]] = ("secret",)
    kinds: ClassVar[dict[str, LineKind]] = {"sale": LineKind.SALE}
    unverified: ClassVar[dict[str, str]] = {}

    def recognises(self, document: Document) -> bool:
        return document.head.startswith(b"example")

    def read(self, document: Document) -> Iterator[Record]:
        return iter(())


def module(adapter: object, name: str = "example") -> tuple[str, ModuleType]:
    made = ModuleType(name)
    if adapter is not None:
        made.ADAPTER = adapter  # type: ignore[attr-defined]
    return "platform", made


def test_what_is_there_is_found() -> None:
    assert {"alipay", "camt", "pinduoduo", "shopify", "wechatpay"} <= set(registry.codes())
    assert [adapter.code for adapter in registry.all()] == sorted(registry.codes())
    assert registry.get("camt").family == "bank"
    with pytest.raises(UnknownAdapterError, match="'nobody'"):
        registry.get("nobody")


def test_a_sound_module_is_collected() -> None:
    assert list(registry.collect([module(Sound())])) == ["example"]


def test_two_adapters_with_one_code_are_refused() -> None:
    with pytest.raises(UnsoundAdapterError, match="other: the code example is taken"):
        registry.collect([module(Sound()), module(Sound(), "other")])


def test_a_module_without_an_adapter_is_refused() -> None:
    with pytest.raises(UnsoundAdapterError, match="offers no ADAPTER"):
        registry.collect([module(None)])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code": "Not A Word"}, "lower-case word"),
        ({"name": ""}, "name is empty"),
        ({"family": "bank"}, "family is not platform"),
        ({"zone": "Mars/Olympus"}, "not an IANA time zone"),
        ({"zone": "../etc/passwd"}, "not an IANA time zone"),
        ({"credentials": ("password",)}, "no common name"),
        ({"kinds": {"sale": "income"}}, "no LineKind"),
        ({"verify": lambda self, hook, link, now: None}, "of the hook it has only verify"),
    ],
)
def test_an_unsound_adapter_is_refused(change: dict[str, Any], reason: str) -> None:
    adapter = type("Unsound", (Sound,), change)()
    with pytest.raises(UnsoundAdapterError, match=reason):
        registry.collect([module(adapter)])


def test_an_adapter_that_only_inherits_the_contract_is_refused() -> None:
    class Empty(Adapter):
        def recognises(self, document: Document) -> bool:
            return True

        def read(self, document: Document) -> Iterator[Record]:
            return iter(())

    with pytest.raises(UnsoundAdapterError, match="lacks code, name"):
        registry.collect([module(Empty())])  # type: ignore[abstract]


def test_what_nobody_knows_is_said_plainly() -> None:
    with pytest.raises(UnrecognisedError, match="no format the hub knows"):
        registry.recognise(document(b"hello,world\n"))
    with pytest.raises(UnrecognisedError, match="the file is empty"):
        registry.recognise(document(b""))


def test_what_two_claim_is_given_to_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    other = type("Other", (Sound,), {"code": "other"})()
    found = registry.collect([module(Sound()), module(other, "other")])
    monkeypatch.setattr(registry, "_by_code", lambda: found)
    with pytest.raises(UnrecognisedError, match=r"more than one .* example, other"):
        registry.recognise(document(b"example"))


def test_a_bank_format_receives_no_hooks() -> None:
    with pytest.raises(UnknownAdapterError, match="camt receives no hooks"):
        registry.pushes(registry.get("camt"))
