"""Prompts in the composer: "/" lists them, Enter inserts one, Tab goes from blank to blank."""

from __future__ import annotations

from playwright.sync_api import expect

from bench.portal_parts.portal import Measured
from samples.chromium import open_page
from tests.browser.conftest import Person


def test_a_slash_lists_prompts_enter_inserts_one_and_tab_goes_to_the_next_blank(person: Person, portal: Measured) -> None:
    with portal.sign_in("ana") as ana:
        for title, text in (
            ("Meeting", "Summarize the meeting with [client] about {{topic}} in [number] points."),
            ("Weekly report", "Write my weekly report."),
        ):
            ana.post("/api/v1/prompts", json={"title": title, "text": text}).raise_for_status()
    page = person.open("ana")
    field = person.composer()
    field.press_sequentially("/")
    rows = page.get_by_role("option")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="Meeting")).to_contain_text("you")
    field.press_sequentially("meet")
    expect(rows).to_have_count(1)
    field.press("Enter")
    expect(rows).to_have_count(0)
    expect(field).to_have_value("Summarize the meeting with [client] about {{topic}} in [number] points.")
    page.keyboard.type("Acme")
    page.keyboard.press("Tab")
    page.keyboard.type("prices")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(field).to_have_value("Summarize the meeting with Acme about prices in [number] points.")
    field.press("Enter")
    expect(page.locator(".st-key-transcript")).to_contain_text("with Acme about prices in [number] points.")
    field.press_sequentially("/week")
    expect(rows).to_have_count(1)
    field.press("Escape")
    expect(rows).to_have_count(0)
    expect(field).to_have_value("/week")
    # A prompt is put into the composer from the Prompts page, too, where there is none yet.
    open_page(page, "Prompts")
    page.get_by_role("button", name="Weekly report").click()
    page.get_by_role("button", name="Use in a chat").click()
    expect(field).to_have_value("Write my weekly report.")
