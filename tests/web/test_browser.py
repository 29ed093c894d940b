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
from accounts.models import Store
from settlement.models import DocumentState, ReconRun, SourceDocument
from settlement.money_in import ingest
from tests.settlement.sheets import fifty, filled
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
PATHS = [
    "/", "/stores/", "/stores/link/", "/payouts/", "/bank/", "/exceptions/", "/documents/",
    "/profile/",
]  # fmt: skip

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
    for path in (
        "/",
        "/stores/",
        "/stores/link/",
        "/payouts/",
        "/bank/",
        "/exceptions/",
        "/documents/",
        "/profile/",
    ):
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


@pytest.mark.parametrize(
    ("width", "language", "words"),
    [
        (
            1280,
            "en-GB",
            ("Neverland", "1 row has an error", "50 stores are linked", "No file yet"),
        ),
        (390, "zh-CN", ("Neverland", "有 1 行出错", "已关联 50 家店铺", "尚无文件")),
    ],
)
def test_fifty_stores_are_linked_by_the_template(
    width: int, language: str, words: tuple[str, ...], browser: object, server: str, tmp_path: Path
) -> None:
    """Download, fill in with one mistake, look over, correct, confirm, and find them listed."""
    unheard_of, error, linked, no_file = words
    shop = an_empty_shop(name="云溪家居有限公司")
    visit = Visit(browser, server, width=width, language=language)
    visit.sign_in(shop)
    visit.page.click("main a[href='/stores/link/']")
    assert visit.fits()
    with visit.page.expect_download() as download:
        visit.page.click("a[download]")
    empty = Path(download.value.path()).read_bytes()

    rows = fifty("微信支付")
    rows[30][0] = unheard_of
    _look_over(visit, tmp_path / "wrong.xlsx", filled(empty, rows))
    visit.sees(error)
    first = visit.page.locator("#preview tbody tr").first
    first.get_by_text(f"“{unheard_of}”").wait_for()
    assert "32" in first.inner_text()  # the row as the spreadsheet numbers it
    assert visit.page.locator("form[action$='/confirm/']").count() == 0
    assert visit.fits()

    rows[30][0] = "WeChat Pay"
    _look_over(visit, tmp_path / "right.xlsx", filled(empty, rows))
    assert visit.page.locator("#preview tbody tr").count() == 50
    visit.page.click("form[action$='/confirm/'] button")
    visit.page.wait_for_url("**/stores/?health=new")
    visit.sees(linked)
    assert visit.page.locator(".as-cards tbody tr").count() == 50
    visit.page.locator("tbody tr").first.get_by_text(no_file).wait_for()
    assert visit.fits()
    with acting_for(shop.merchant_id):
        named = Store.objects.values_list("name", "external_id", "platform")
        assert set(named) == {(name, number, "wechatpay") for _p, name, number, _a in rows}
    assert visit.complaints == []


def _look_over(visit: Visit, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    visit.page.set_input_files("input[name=sheet]", str(file))
    visit.page.click("#by-sheet button[type=submit]")
    visit.page.locator("#preview").get_by_text(file.name).wait_for()
