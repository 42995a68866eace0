"""How benches, the demo and the browser tests run Chromium."""

from __future__ import annotations

import contextlib
import time

from playwright.sync_api import Locator, Page, TimeoutError, expect

from pages.shell.navigation import ENTRIES

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 60_000
"""How long anything may take that must come. A wait ends when it is there: only a busy machine needs so long."""


def open_page(page: Page, title: str) -> None:
    """Open a page of the portal from the bar at the top, through its menu if it stands in one."""
    entry = next(each for each in ENTRIES if each.title == title)
    if not entry.menu:
        page.get_by_role("link", name=title, exact=True).click()
        return
    page.get_by_test_id("stTopNavSection").filter(has_text=entry.menu).click()
    page.get_by_role("menuitem", name=entry.short or title, exact=True).click()


def stop(page: Page) -> None:
    """Press Stop until it is gone, unless the answer of a new chat ends first.

    While an answer grows, the button moves and is drawn again. So on a busy machine one click may wait for ever for it to stand still.
    """
    button, ended = page.locator(".st-key-stop button"), time.monotonic() + PATIENCE_MS / 1000
    button.or_(page.get_by_role("button", name="Regenerate")).first.wait_for()
    while button.count():
        assert time.monotonic() < ended, "Stop is still there"
        with contextlib.suppress(TimeoutError):
            button.first.click(force=True, timeout=1000)
        with contextlib.suppress(AssertionError):
            expect(button).to_have_count(0, timeout=1000)


def show_earlier_messages(page: Page, drawn: Locator, count: int) -> None:
    """Draw more of a long chat, which opens with its last messages, until it shows `count` of `drawn`."""
    earlier, ended = page.get_by_role("button", name="Show earlier messages"), time.monotonic() + PATIENCE_MS / 1000
    while drawn.count() < count:
        assert time.monotonic() < ended, f"{drawn.count()} of {count} were drawn"
        if earlier.count():
            # It may leave between the two calls, as soon as everything is drawn.
            with contextlib.suppress(TimeoutError):
                earlier.click(timeout=2000)
        page.wait_for_timeout(200)
