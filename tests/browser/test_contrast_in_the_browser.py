"""All text can be read in both themes: on every page, in dialogs, popovers and menus, and on what is touched."""

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
from settings import Settings
from tests.browser.conftest import PATIENCE_MS
from tests.browser.contrast import pale
from tests.fakes import FakePool, FakeRouter
from tests.seed import seed

PAGES = ("Search", "Feedback", "Usage", "Models", "People", "Storage", "Audit")
OPENERS = '[data-testid="stPopover"] button:visible, [data-testid="stMenuButton"] button:visible'
QUIET = ":is([data-testid=stMain], [data-testid=stSidebar]) button[kind=tertiary]:not([disabled]):visible"
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


def look(page: Page, where: str, found: dict[str, list[str]]) -> None:
    page.wait_for_timeout(SETTLE_MS)
    if too_pale := pale(page):
        found[where] = too_pale


def sign_in(page: Page) -> None:
    page.get_by_label("User name").fill("mei")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("Ask anything").wait_for()
    page.locator(".st-key-empty").wait_for()


def test_text_is_legible_everywhere(page: Page, portal: Measured) -> None:
    found: dict[str, list[str]] = {}
    look(page, "sign in", found)
    sign_in(page)
    look(page, "chat", found)
    scheme = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == page.evaluate("getComputedStyle(document.querySelector('.stApp')).colorScheme"), "dialogs lie outside .stApp"
    for name in PAGES:
        page.get_by_role("link", name=name, exact=True).click()
        expect(page).to_have_title(re.compile(name))
        page.get_by_test_id("stMain").get_by_role("button").first.wait_for()
        page.wait_for_load_state("networkidle")
        look(page, name, found)
        for opener in page.locator(OPENERS).all()[:2]:
            opener.click()
            look(page, f"{name}, opened", found)
            page.keyboard.press("Escape")
        for button in page.locator(QUIET).all()[:3]:
            button.hover()
            look(page, f"{name}, under the pointer", found)
            page.mouse.down()
            look(page, f"{name}, pressed", found)
            page.mouse.move(5, 5)
            page.mouse.up()
    assert not found, found


def test_dialogs_are_legible(page: Page, portal: Measured) -> None:
    found: dict[str, list[str]] = {}
    sign_in(page)
    page.goto(f"{portal.url}/store")
    page.get_by_role("button", name="Create a backup").click()
    page.get_by_role("dialog").wait_for()
    look(page, "a dialog with a form", found)
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
