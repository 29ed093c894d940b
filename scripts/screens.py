"""Take the pictures of docs/screens/ from a running demonstration (`make demo` elsewhere).

    python scripts/screens.py [http://127.0.0.1:8000]

Needs Chromium at /usr/bin/chromium, or where CHROMIUM says. The signed-in password is that of the
demonstration in TRIBUTARY_HOME.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCREENS = ROOT / "docs" / "screens"
FLAGS = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@dataclass(frozen=True)
class Window:
    """How wide the reader's window is, and in which language he reads."""

    name: str
    width: int
    height: int
    language: str


DESK = Window("desk-en", 1280, 900, "en-GB")
PHONE = Window("phone-zh", 390, 844, "zh-CN")
PAGES = {
    "overview": "/",
    "flow": "/#flow",
    "stores": "/stores/",
    "withdraw": "/withdraw/",
}
WITHDRAWALS = "a[href^='/withdrawals/']"


def main(address: str) -> None:
    """Take every page in both windows, and one receipt."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from playwright.sync_api import sync_playwright

    from config import demo

    login = demo.login()
    SCREENS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            chromium_sandbox=False,
            args=FLAGS,
        )
        for window in (DESK, PHONE):
            context = browser.new_context(
                viewport={"width": window.width, "height": window.height},
                locale=window.language,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(address)
            page.fill("input[name=login]", login.email)
            page.fill("input[name=password]", login.password)
            page.click("main button[type=submit].button")
            page.wait_for_url(f"{address}/")
            for name, path in PAGES.items():
                page.goto(address + path)
                page.screenshot(path=SCREENS / f"{name}-{window.name}.png")
            page.goto(f"{address}/withdrawals/")
            page.locator(f"main table {WITHDRAWALS}").first.click()
            page.wait_for_load_state()
            page.screenshot(path=SCREENS / f"receipt-{window.name}.png")
        browser.close()


if __name__ == "__main__":
    main((sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000").rstrip("/"))
