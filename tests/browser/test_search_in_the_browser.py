"""From words to the message that holds them, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.browser.test_chat_in_the_browser import until, written


def test_somebody_types_filters_and_jumps_to_the_message_which_is_marked(person: Person) -> None:
    page = person.open("ana")
    person.ask("Is <b>heliotrope</b> a colour or a plant?")
    until(lambda: len(written(page)) > 40)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Regenerate").wait_for()

    person.composer().click()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search chats")
    expect(field).to_be_focused()
    field.press_sequentially("helio", delay=40)
    expect(page.get_by_role("option").filter(has_text="a colour or a plant?")).to_be_visible()
    field.fill("heliotrope plant")
    field.press("Enter")
    hit = page.get_by_role("link").filter(has_text="Question")
    expect(hit.locator("mark")).to_have_text(["heliotrope", "plant"])
    expect(hit).to_contain_text("<b>heliotrope</b>")

    page.get_by_role("combobox", name=re.compile("Where")).click()
    page.get_by_role("option", name="Titles").click()
    expect(hit).to_have_count(0)
    page.get_by_role("button", name="Clear filter").click()
    hit.click()
    page.locator(".st-key-transcript").wait_for()
    assert re.search(r"\?c=\w+&m=\w+", page.url)
    bubble = page.locator(".bubble").filter(has_text="heliotrope")
    expect(bubble).to_be_in_viewport()
    until(lambda: bool(bubble.evaluate("each => each.getAnimations().length")), 3)
    until(lambda: not bubble.evaluate("each => each.getAnimations().length"), 6)
