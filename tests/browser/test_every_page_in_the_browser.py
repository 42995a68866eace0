"""Everybody can read and use every page, in both themes: axe-core finds nothing serious, and no text is too pale.

axe-core checks a page in its initial state. The contrast of open, hovered and pressed elements is measured here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.portal_parts.portal import PASSWORD, Measured, running_portal
from bootstrap.portal import build_portal
from data.passwords import Argon2Hasher
from data.unit_of_work import SqlUnitOfWork
from pages.shell.navigation import ENTRIES
from settings import Settings
from tests.browser.axe import OF_COLOURS, findings
from tests.browser.conftest import PATIENCE_MS, open_page
from tests.browser.contrast import pale
from tests.fakes import FakePool, FakeRouter
from tests.seed import seed

PAGES = [entry for entry in ENTRIES[1:] if not entry.hidden]
BY_ADDRESS = [entry.path for entry in ENTRIES if entry.hidden] + ["account", "keyboard"]
OPENERS = '[data-testid="stPopover"] button:visible, [data-testid="stMenuButton"] button:visible'
QUIET = ":is([data-testid=stMain], [data-testid=stSidebar]) button[kind=tertiary]:not([disabled]):visible"
DRAWN = "[data-testid=stMain] :is(p, h1, h2):visible"
SETTLE_MS = 400
"""How long colours take to change."""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """A fortnight of a company's use, so that every list and chart has something to show."""
    home = tmp_path_factory.mktemp("home")
    built = build_portal(Settings(home=home), pool=FakePool(), router=FakeRouter())
    seed(lambda: SqlUnitOfWork(built.database), datetime.now(UTC), Argon2Hasher().hash(PASSWORD), days=10, per_day=12)
    built.close()
    with running_portal(home, start_s=180) as running:
        yield running


@pytest.fixture(params=["light", "dark"])
def page(chromium: Browser, portal: Measured, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme=request.param, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    page.goto(portal.url)
    page.get_by_label("User name").wait_for()
    yield page
    context.close()


def look(page: Page, where: str, found: dict[str, list[str]], *, whole: bool = False) -> None:
    """Note what is wrong in `found`. whole: let axe-core judge it too; in the dark, only what depends on the theme."""
    page.wait_for_timeout(SETTLE_MS)
    wrong = pale(page)
    if whole:
        wrong += findings(page, OF_COLOURS if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else ())
    if wrong:
        found[where] = wrong


def sign_in(page: Page) -> None:
    page.get_by_label("User name").fill("mei")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("Ask anything").wait_for()
    page.locator(".st-key-empty").wait_for()


def test_everybody_can_use_every_page(page: Page, portal: Measured) -> None:
    found: dict[str, list[str]] = {}
    look(page, "sign in", found, whole=True)
    sign_in(page)
    look(page, "an empty chat", found, whole=True)
    scheme = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == page.evaluate("getComputedStyle(document.querySelector('.stApp')).colorScheme"), "dialogs lie outside .stApp"
    marked = page.locator('[data-testid="stTopNavSection"][aria-current="true"]')
    for entry in PAGES:
        name = entry.title
        open_page(page, name)
        expect(page).to_have_title(re.compile(name))
        expect(marked).to_have_text([entry.menu] if entry.menu else [])
        page.locator(DRAWN).first.wait_for()
        page.wait_for_load_state("networkidle")
        look(page, name, found, whole=True)
        for opener in page.locator(OPENERS).all()[:2]:
            opener.click()
            look(page, f"{name}, opened", found)
            page.keyboard.press("Escape")
        for button in page.locator(QUIET).all()[:2]:
            button.hover()
            look(page, f"{name}, under the pointer", found)
            page.mouse.down()
            look(page, f"{name}, pressed", found)
            page.mouse.move(5, 5)
            page.mouse.up()
    chat = portal.get("/api/v1/conversations", "mei")["items"][0]["id"]
    for address in (f"?c={chat}", *BY_ADDRESS):
        page.goto(f"{portal.url}/{address}")
        page.locator(DRAWN).first.wait_for()
        page.wait_for_load_state("networkidle")
        look(page, address, found, whole=True)
    assert not found, found


def test_everybody_can_use_dialogs(page: Page, portal: Measured) -> None:
    found: dict[str, list[str]] = {}
    sign_in(page)
    page.goto(f"{portal.url}/store")
    page.get_by_role("button", name="Create a backup").click()
    page.get_by_role("dialog").wait_for()
    look(page, "a dialog with a form", found, whole=True)
    page.get_by_role("dialog").get_by_role("textbox").first.click()
    look(page, "a field of a dialog", found)
    page.goto(f"{portal.url}/models")
    page.get_by_role("button", name="Load by path").click()
    page.get_by_role("dialog").wait_for()
    look(page, "a dialog with an example", found)
    page.goto(f"{portal.url}/feedback")
    page.locator(".st-key-rvnote button").click()
    page.get_by_role("dialog").wait_for()
    look(page, "a note", found)
    page.keyboard.press("Escape")
    page.locator('.stButtonGroup [role="radio"]').nth(1).click()
    look(page, "a chosen pill", found)
    page.locator('.stButtonGroup [role="radio"]').nth(1).hover()
    look(page, "a chosen pill under the pointer", found)
    assert not found, found
