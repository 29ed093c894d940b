"""What a person sees in a real browser, on a desk in English and on a phone in Chinese."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread

from accounts.access import acting_for
from settlement.models import DocumentState, ReconRun, SourceDocument
from settlement.money_in import ingest
from tests.web.shop import Shop, a_shop, an_empty_shop

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS = 15_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not shutil.which(CHROMIUM), reason="chromium is not installed"),
    pytest.mark.usefixtures("database"),
]
api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture
def server(database: None) -> Iterator[str]:
    """Our pages on a port of their own, in threads of this process."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={})
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    assert thread.error is None
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    # Playwright runs an event loop in this thread; our questions to the database block it.
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, chromium_sandbox=False, args=FLAGS
        )
        yield chromium
        chromium.close()


class Visit:
    """A page in a window, and everything it complained of."""

    def __init__(self, browser: object, server: str, *, width: int, language: str) -> None:
        self.context = browser.new_context(  # type: ignore[attr-defined]
            viewport={"width": width, "height": 800}, locale=language, reduced_motion="reduce"
        )
        self.context.set_default_timeout(SECONDS)
        self.page = self.context.new_page()
        self.server = server
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def open(self, path: str) -> None:
        self.page.goto(self.server + path)

    def sign_in(self, shop: Shop) -> None:
        self.open("/")
        self.page.fill("input[name=login]", shop.owner.email)
        self.page.fill("input[name=password]", "a long password")
        self.page.click("main button[type=submit].button")
        self.page.wait_for_url(self.server + "/")

    def fits(self) -> bool:
        """Whether the page is no wider than its window."""
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        return wide

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for(state="visible")


@pytest.mark.parametrize(
    ("width", "language", "words"),
    [
        (1280, "en-GB", ("Owed", "In transit", "Where the money is", "They differ by")),
        (390, "zh-CN", ("应收", "在途", "钱在哪里", "相差")),
        (360, "en-GB", ("Owed", "In transit", "Where the money is", "They differ by")),
    ],
)
def test_signing_in_leads_to_the_overview(
    width: int, language: str, words: tuple[str, ...], browser: object, server: str
) -> None:
    shop = a_shop(stores=12, name="云溪家居有限公司")
    visit = Visit(browser, server, width=width, language=language)
    visit.sign_in(shop)
    for word in words:
        visit.sees(word)
    for path in ("/", "/payouts/", "/bank/", "/exceptions/", "/documents/", "/profile/"):
        visit.open(path)
        assert visit.fits(), path
    for payout in shop.payouts.values():
        visit.open(f"/payouts/{payout.id}/")
        assert visit.fits()
    visit.open(f"/documents/{shop.documents['loaded'].id}/rows/3/")
    visit.sees("row 3,sale,3.00")
    assert visit.fits()
    assert visit.complaints == []


def test_a_keyboard_reaches_the_content_first(browser: object, server: str) -> None:
    visit = Visit(browser, server, width=1280, language="en-GB")
    visit.sign_in(an_empty_shop(stores=1))
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize(
    ("width", "language", "waiting", "refused"),
    [(1280, "en-GB", "Waiting", "Refused"), (390, "zh-CN", "等待中", "已拒绝")],
)
def test_an_uploaded_file_is_followed_to_its_fate(
    width: int,
    language: str,
    waiting: str,
    refused: str,
    browser: object,
    server: str,
    tmp_path: Path,
) -> None:
    shop = an_empty_shop(stores=1)
    visit = Visit(browser, server, width=width, language=language)
    visit.sign_in(shop)
    file = tmp_path / "export.csv"
    file.write_bytes(b"not,an,export\n1,2,3\n")
    visit.open("/documents/")
    visit.page.select_option("select[name=belongs_to]", str(shop.stores[0].id))
    visit.page.set_input_files("input[name=originals]", str(file))
    visit.page.click("#upload button[type=submit]")
    badge = visit.page.locator("#document-list .badge").first
    badge.get_by_text(waiting).wait_for()
    visit.page.locator("#work").wait_for()

    with acting_for(shop.merchant_id):
        document = SourceDocument.objects.get()
        SourceDocument.objects.filter(id=document.id).update(
            state=DocumentState.READING, bytes_read=document.size // 2
        )
    visit.page.locator("#document-list progress[value='50']").wait_for()
    ingest.read(merchant_id=shop.merchant_id, document_id=document.id)
    visit.page.locator("#document-list .badge").first.get_by_text(refused).wait_for()
    visit.page.locator("#work").wait_for(state="detached")
    with acting_for(shop.merchant_id):
        assert not ReconRun.objects.exists()
    assert visit.fits()
    assert visit.complaints == []
