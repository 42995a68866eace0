"""Everybody can read and use every page, in both themes: axe-core finds nothing serious, and no text is too pale.

axe-core checks a page in its initial state. The contrast of open, hovered and pressed elements is measured here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.portal_parts.portal import PASSWORD, Measured
from pages.shell.navigation import ENTRIES
from samples.chromium import PATIENCE_MS, open_page
from tests.browser.axe import OF_COLOURS, findings
from tests.browser.contrast import pale
from tests.browser.settled import settle

PAGES = [entry for entry in ENTRIES[1:] if not entry.hidden]
BY_ADDRESS = [entry.path for entry in ENTRIES if entry.hidden] + ["account", "help", "keyboard"]
OPENERS = '[data-testid="stPopover"] button:visible, [data-testid="stMenuButton"] button:visible'
POPOVER = "[data-testid=stPopoverBody]:visible, [data-testid=stMenuButtonBody]:visible"
CLOSING_TRIES = 10
QUIET = ":is([data-testid=stMain], [data-testid=stSidebar]) button[kind=tertiary]:not([disabled]):visible"
DRAWN = "[data-testid=stMain] :is(p, h1, h2):visible"
LOOK_S = 20
"""On a busy machine a colour may still be changing, or a button wait for its script."""
AGAIN_MS = 200
OPENING_MS = 100
"""How long a popover may take to ask for its content."""


@pytest.fixture(scope="module")
def portal(company: Measured) -> Measured:
    return company


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
    """Note what is wrong in `found` and stays so. whole: let axe-core judge it too; in the dark, only what depends on the theme."""
    rules = OF_COLOURS if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else ()
    ended = time.monotonic() + LOOK_S
    while True:
        settle(page)
        if not (wrong := pale(page) or (findings(page, rules) if whole else [])):
            return
        if time.monotonic() > ended:
            found[where] = wrong
            return
        page.wait_for_timeout(AGAIN_MS)


def sign_in(page: Page) -> None:
    page.get_by_label("User name").fill("mei")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("Ask anything").wait_for()
    page.locator(".st-key-empty").wait_for()


def close_popover(page: Page) -> None:
    """Press Escape until no popover is open. One press is lost where the popover is drawn again at that moment."""
    page.keyboard.press("Escape")
    for _ in range(CLOSING_TRIES):
        try:
            expect(page.locator(POPOVER)).to_have_count(0, timeout=2_000)
            return
        except AssertionError:
            page.locator(POPOVER).first.press("Escape")
    expect(page.locator(POPOVER)).to_have_count(0)


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
        look(page, name, found, whole=True)
        for opener in page.locator(OPENERS).all()[:2]:
            opener.click()
            page.locator(POPOVER).first.wait_for()
            page.wait_for_timeout(OPENING_MS)
            look(page, f"{name}, opened", found)
            close_popover(page)
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
    page.goto(f"{portal.url}/cases")
    page.get_by_role("button", name="Next case").wait_for()
    page.keyboard.press("n")
    page.get_by_role("dialog").wait_for()
    look(page, "a note", found)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter").click()
    page.locator('.stButtonGroup [role="radio"]').nth(1).click()
    look(page, "a chosen pill", found)
    page.locator('.stButtonGroup [role="radio"]').nth(1).hover()
    look(page, "a chosen pill under the pointer", found)
    assert not found, found
