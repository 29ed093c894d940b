"""Chinese is as complete as English, and what is compiled is what is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils import translation

from accounts.models import PayeeState
from platforms.contract import LineKind
from settlement.models import MatchRule, PayoutState, Reason, WithdrawalState
from web.dashboard import labels, withdrawal_words, wording

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "locale/zh_Hans/LC_MESSAGES/django.po"
PLACE = re.compile(r"%\([a-z_]+\)[sd]|%[sd]|</?strong>")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with SOURCE.open("rb") as stream:
        return read_po(stream)


def _messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def _texts(message: Message) -> list[str]:
    strings = message.string
    return [strings] if isinstance(strings, str) else list(strings)


def _source(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def test_every_message_is_translated(catalog: Catalog) -> None:
    missing = [m.id for m in _messages(catalog) if not all(_texts(m)) or m.fuzzy]
    assert missing == []
    assert len(_messages(catalog)) > 400


def test_no_placeholder_is_lost_or_invented(catalog: Catalog) -> None:
    for message in _messages(catalog):
        source = message.id if isinstance(message.id, str) else message.id[-1]
        for text in _texts(message):
            assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(source)), source


def test_what_is_compiled_is_what_is_written(catalog: Catalog) -> None:
    with SOURCE.with_suffix(".mo").open("rb") as stream:
        compiled = {_source(m): _texts(m) for m in _messages(read_mo(stream))}
    assert compiled == {_source(m): _texts(m) for m in _messages(catalog)}


def test_every_string_of_the_templates_is_in_the_catalog(catalog: Catalog) -> None:
    known = {_source(message) for message in _messages(catalog)}
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for found in re.findall(r"""{%\s*translate\s+(["'])(.*?)\1""", text):
            assert found[1] in known, f"{path.name}: {found[1]}"


def test_no_template_speaks_without_translation() -> None:
    """Between tags stand only translations, marks and names that are the same everywhere."""
    names = {
        "Tributary",
        "English",
        "中文",
        "SHA-256",
        "·",
        "–",
        "—",
        "%",
        ":",
        "→",
        "/",
        "…",
        "()",
    }
    for path in (ROOT / "templates").rglob("*.html"):
        if path.name == "500.html" or "admin" in path.parts:
            continue  # bilingual by itself; the back-office is not ours
        text = path.read_text(encoding="utf-8")
        text = re.sub(
            r"{%\s*blocktrans(late)?\b.*?{%\s*endblocktrans(late)?\s*%}", "", text, flags=re.S
        )
        text = re.sub(r"{%.*?%}|{{.*?}}|<!--.*?-->", "", text, flags=re.S)
        text = re.sub(r"<[^>]*>", "\n", text)
        words = {word.strip() for word in text.split() if word.strip()}
        spoken = {w for w in words if re.search(r"[A-Za-z\u4e00-\u9fff]", w)} - names
        assert not spoken, f"{path.name}: {spoken}"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_state_kind_and_reason_has_words(language: str) -> None:
    with translation.override(language):
        for kind in LineKind:
            assert labels.kind(kind.value) != kind.value
        assert set(labels.RULES) == set(MatchRule)
        assert set(wording.ADVICE) == set(Reason)
        for state in PayoutState:
            assert str(labels.badge(PayoutState, state).text)
        for withdrawal in WithdrawalState:
            assert str(withdrawal_words.badge_of(withdrawal).text)
        for payee in PayeeState:
            assert str(withdrawal_words.payee_badge(payee).text)
    with translation.override("zh-hans"):
        assert str(labels.platform("wechatpay")) == "微信支付"
        assert str(labels.kind("sale")) == "销售"


def test_a_platform_nobody_translated_is_called_what_it_calls_itself() -> None:
    assert labels.platform("no_such_platform") == "no_such_platform"
