"""A complaint, from the rater to a reviewer and back."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from bench.portal_parts.portal import Measured
from samples.chromium import PATIENCE_MS
from tests.browser.conftest import Person
from tests.browser.settled import until
from tests.browser.test_keyboard_and_phone import rated


def test_a_complaint_is_resolved_by_keyboard_and_its_rater_reads_the_reply(person: Person, portal: Measured, chromium: Browser) -> None:
    rated(person, portal, 1)
    page = person.open("admin")
    page.goto(f"{portal.url}/cases")
    page.get_by_role("button", name="Next case").wait_for()
    page.keyboard.press("t")
    page.get_by_role("dialog").get_by_role("combobox").fill("Wrong number")
    page.keyboard.press("Enter")
    page.locator(".st-key-rvtags-go button").click()  # The open list hides it from roles.
    expect(page.locator(".st-key-rvtags").get_by_text("Wrong number")).to_be_visible()
    judgement = page.locator(".st-key-rvjudge")
    for number, digit in enumerate("23", 1):
        page.keyboard.press(digit)
        expect(judgement.locator("[aria-checked=true]")).to_have_count(number)
    page.keyboard.press("s")
    expect(judgement.get_by_text("You judged it.")).to_be_visible()
    expect(judgement.get_by_text("Did not follow the question")).to_be_visible()
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Fixed").click()
    dialog.get_by_role("combobox").fill("Rates v4")
    page.keyboard.press("Enter")
    reply = dialog.get_by_role("textbox", name="Reply to")
    reply.fill("Thank you, the rates are new now.")
    reply.press("Control+Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("1 closed")).to_be_visible()
    page.get_by_role("button", name="Progress").click()
    expect(page.get_by_role("heading", name="Review progress")).to_be_visible()
    expect(page.locator(".st-key-narrow .js-plotly-plot").first).to_be_visible()

    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    rater = Person(context, portal)
    own = rater.open("ana")
    own.locator(".st-key-bell button").first.click()
    own.get_by_role("button", name="Your feedback was resolved").first.click()
    expect(own.get_by_text("Fixed in Rates v4").first).to_be_visible()
    expect(own.get_by_text("Thank you, the rates are new now.").first).to_be_visible()
    until(lambda: own.evaluate("document.documentElement.scrollWidth <= innerWidth"))
    context.close()
    assert rater.strangers == rater.errors == []
