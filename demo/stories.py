"""What each role does in the browser: short steps, each of which waits for what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from bench.portal_parts.portal import PASSWORD
from samples.chromium import open_page
from samples.talks import TALKS

Step = Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class Story:
    """Someone's steps. The first one shows that the role works."""

    person: str
    steps: Sequence[Step]


def sign_in(page: Page, url: str, person: str) -> None:
    page.context.clear_cookies()
    page.goto(url)
    page.get_by_label("User name").fill(person)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("Ask anything").wait_for()


def ask_for_a_table(page: Page) -> None:
    field = page.get_by_placeholder("Ask anything")
    field.fill(TALKS[0].question)
    field.press("Enter")
    expect(page.locator(".st-key-transcript table")).to_be_visible()
    page.get_by_role("button", name="CSV", exact=True).wait_for()


def sort_it_and_rate_it(page: Page) -> None:
    page.locator(".st-key-transcript table").get_by_role("button", name="EUR m").click()
    page.get_by_role("button", name="Good answer").last.click()


def look_at_the_prompts(page: Page) -> None:
    open_page(page, "Prompts")
    page.get_by_text("Reconciliation note").first.wait_for()


def search_the_chats(page: Page) -> None:
    open_page(page, "Search")
    field = page.get_by_role("combobox", name="Search chats")
    field.fill("clause")
    field.press("Enter")
    page.get_by_test_id("stMain").get_by_text("clause").first.wait_for()


def open_a_complaint(page: Page) -> None:
    open_page(page, "Cases")
    page.locator('[class*="st-key-rrow-"] button').filter(has_text="Normal").first.click()
    page.get_by_role("button", name="Resolve").wait_for()


def read_the_usage(page: Page) -> None:
    open_page(page, "Usage")
    page.get_by_role("radio", name="Report").click()
    page.locator(".st-key-charts").wait_for()
    page.mouse.wheel(0, 500)


def look_at_the_models(page: Page) -> None:
    open_page(page, "Models")
    page.locator(".st-key-card-plan").wait_for()


def look_at_the_platforms(page: Page) -> None:
    open_page(page, "Platforms")
    page.get_by_text("gateway").first.wait_for()


def look_at_the_people(page: Page) -> None:
    open_page(page, "People")
    page.get_by_text("Ana Costa").first.wait_for()


STORIES = {
    "analyst": Story("ana", (ask_for_a_table, sort_it_and_rate_it, look_at_the_prompts, search_the_chats)),
    "reviewer": Story("ines", (open_a_complaint,)),
    "manager": Story("jonas", (read_the_usage,)),
    "admin": Story("mei", (look_at_the_people, look_at_the_platforms, look_at_the_models)),
}
