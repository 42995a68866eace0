"""Behaviour that only a browser can show: focus, keys, accessible names, a phone's menu, and what stays in view."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile

from playwright.sync_api import Page, TimeoutError, expect

from bench.portal_parts.portal import PASSWORD, Measured
from core.chat.pending_deletions import UNDO_S
from samples.chromium import stop
from tests.browser.conftest import Person
from tests.browser.settled import settle
from tests.browser.test_chat_in_the_browser import chats, until, wait_for_end

FOCUSED = """() => {
  let held = document.activeElement;
  while (held?.shadowRoot?.activeElement) held = held.shadowRoot.activeElement;
  return [held.tagName, held.getAttribute('aria-label') || held.placeholder || held.innerText || ''].join(' ');
}"""


BUTTONS = """() => {
  const roots = [document], found = [];
  for (const root of roots) for (const each of root.querySelectorAll('*')) {
    if (each.shadowRoot) roots.push(each.shadowRoot);
    if (each.matches('button, [role=button]') && each.checkVisibility({visibilityProperty: true})) found.push(each);
  }
  const nameless = found.filter(each => !(each.getAttribute('aria-label') || each.textContent.trim()));
  return [found.length, nameless.map(each => each.outerHTML.slice(0, 300))];
}"""
"""How many buttons are seen, and those without a name."""


def ask_and_stop(person: Person, page: Page, text: str) -> None:
    person.ask(text, page)
    stop(page)
    wait_for_end(page)


def rated(person: Person, portal: Measured, number: int) -> None:
    """So many chats of ana, each with an answer that she rated poor."""
    with portal.sign_in("ana") as client:
        for n in range(number):
            chat = client.post("/api/v1/conversations", json={"title": f"Case {n}"}).raise_for_status().json()["id"]
            body = {"text": f"Question number {n} of many", "max_tokens": 2}
            turn = client.post(f"/api/v1/conversations/{chat}/messages", json=body).raise_for_status().json()
            client.put(f"/api/v1/messages/{turn['answer']['id']}/feedback", json={"rating": -1}).raise_for_status()


def test_the_composer_has_the_focus_and_the_list_of_chats_is_one_tab_stop(person: Person) -> None:
    page = person.open("ana")
    until(lambda: "Ask anything" in page.evaluate(FOCUSED))
    ask_and_stop(person, page, "First chat of the list")
    page.get_by_role("button", name="New chat").first.click()
    expect(page.get_by_role("heading", name="What are we working on?")).to_be_visible()
    ask_and_stop(person, page, "Second chat of the list")
    newest = page.locator('.list a[href^="/?c="]').first  # folders of other tests may stand above
    expect(newest).to_have_text("Second chat of the list")
    newest.focus()
    page.keyboard.press("ArrowDown")
    until(lambda: page.evaluate(FOCUSED) == "A First chat of the list")
    page.keyboard.press("ArrowRight")
    until(lambda: page.evaluate(FOCUSED) == "BUTTON More: First chat of the list")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    until(lambda: page.evaluate(FOCUSED) == "A Second chat of the list")
    stops = page.locator(".list a, .list button")
    until(lambda: stops.evaluate_all("all => all.filter(each => each.tabIndex === 0).length") == 1)


def test_a_new_chat_has_a_name_and_a_key(person: Person) -> None:
    page = person.open("ana")
    ask_and_stop(person, page, "Leave me by the keyboard")
    expect(page).to_have_url(re.compile(r"\?c="))
    page.keyboard.press("Control+Shift+O")
    expect(page.get_by_role("heading", name="What are we working on?")).to_be_visible()
    expect(page.locator(".st-key-new").get_by_role("button", name="New chat")).to_be_visible()


def test_no_icon_is_read_aloud_and_every_button_says_what_it_does(person: Person) -> None:
    page = person.open("admin")
    for path in ("", "cases", "models", "usage"):
        page.goto(f"{person.portal.url}/{path}")
        settle(page)
        until(lambda: page.evaluate(BUTTONS)[0] > 3)
        # A button may be drawn by a script that is still being loaded.
        with contextlib.suppress(AssertionError):
            until(lambda: not page.evaluate(BUTTONS)[1], 10)
        assert page.evaluate(BUTTONS)[1] == []
        expect(page.get_by_role("button", name="icon")).to_have_count(0)
    # Streamlit names a menu after its label in Markdown.
    page.evaluate(r"document.body.append(Object.assign(document.createElement('button'), {ariaLabel: 'glm\\-4\\.7'}))")
    expect(page.get_by_role("button", name="glm-4.7", exact=True)).to_be_attached()


def test_the_skip_link_leads_to_the_composer_and_the_question_mark_lists_the_keys(person: Person) -> None:
    page = person.open("ana")
    until(lambda: "Ask anything" in page.evaluate(FOCUSED))
    page.get_by_role("link", name="Skip to the content").focus()
    page.keyboard.press("Enter")
    until(lambda: "Ask anything" in page.evaluate(FOCUSED))
    page.keyboard.type("Why?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Start a new chat")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_page_opened_before_the_sign_in_is_there_after_it(person: Person, portal: Measured) -> None:
    page = person.page
    page.goto(f"{portal.url}/search/below")
    expect(page).to_have_url(f"{portal.url}/search")
    page.get_by_label("User name").fill("ana")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("combobox", name="Search chats").wait_for()
    page.goto(f"{portal.url}/nonsense")
    page.get_by_role("heading", name="There is nothing here").wait_for()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Back to chat").click()
    person.composer().wait_for()


def test_on_a_phone_the_menu_closes_by_itself_and_a_new_chat_is_in_the_header(person: Person) -> None:
    person.page.set_viewport_size({"width": 390, "height": 844})
    page = person.open("ana")
    ask_and_stop(person, page, "Hello from a phone")
    settle(page)
    bell, new = (page.locator(each).bounding_box() for each in (".st-key-bell", ".stMain .st-key-icon-newhead"))
    assert bell and new and new["x"] + new["width"] <= bell["x"], "the two icons stand beside each other"
    page.locator(".st-key-icon-newhead button").click()
    expect(page.get_by_role("heading", name="What are we working on?")).to_be_visible()
    page.get_by_role("button", name="Open the menu").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Search").click()
    expect(page.get_by_test_id("stSidebarNavLink").first).not_to_be_in_viewport()
    wide = "Math.max(document.documentElement.scrollWidth, document.querySelector('.stMain').scrollWidth)"
    until(lambda: page.evaluate(wide) <= 390)


def test_slides_are_refused_in_words_which_go_when_they_are_dismissed(person: Person) -> None:
    page = person.open("ana")
    sheet = io.BytesIO()
    with zipfile.ZipFile(sheet, "w") as archive:
        archive.writestr("ppt/presentation.xml", "<presentation/>")
    person.attach({"name": "q3.pptx", "mimeType": "application/octet-stream", "buffer": sheet.getvalue()})
    person.ask("What is in it?")
    expect(page.get_by_text("q3.pptx is a presentation")).to_be_visible()
    expect(page.get_by_placeholder("Ask anything")).to_have_value("What is in it?")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("q3.pptx is a presentation")).to_have_count(0)


def test_a_deleted_chat_can_be_taken_back(person: Person, portal: Measured) -> None:
    page = person.open("bo")
    for _ in range(3):
        ask_and_stop(person, page, "Do not lose me")
        page.get_by_role("button", name="More: Do not lose me").click()
        page.get_by_role("menuitem", name="Delete").click()
        delete = page.get_by_role("dialog").get_by_role("button", name="Delete")
        expect(delete).to_have_css("background-color", "rgb(179, 38, 30)")
        delete.click()
        expect(page.get_by_role("link", name="Do not lose me")).to_have_count(0)
        with contextlib.suppress(TimeoutError):
            page.get_by_role("button", name="Undo").click(timeout=UNDO_S * 1000)
            break
        page.goto(portal.url)  # The machine is so busy that the button has come and gone.
    expect(page.get_by_role("link", name="Do not lose me")).to_have_count(1)
    assert "Do not lose me" in {each["title"] for each in chats(portal, "bo")}


def test_a_code_fence_in_a_question_is_drawn_as_code_and_the_pencil_stands_beside_the_bubble(person: Person) -> None:
    page = person.open("bo")
    person.attach(*({"name": f"a-rather-long-name-{n}.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2"} for n in range(2)))
    person.ask("Fix:\n```python\nprint(1)\n```\nnow")
    stop(page)
    wait_for_end(page)
    bubble = page.locator(".bubble").last
    expect(bubble.locator("pre code")).to_have_text("print(1)")
    settle(page)
    assert "```" not in bubble.inner_text() and bubble.inner_text().startswith("Fix:")
    pencil, box = page.get_by_role("button", name="Edit the question").last.bounding_box(), bubble.bounding_box()
    assert pencil is not None and box is not None
    assert 0 <= box["x"] - (pencil["x"] + pencil["width"]) <= 12


def test_the_list_of_cases_stays_where_it_is_and_follows_the_keys(person: Person, portal: Measured) -> None:
    rated(person, portal, 16)
    page = person.open("admin")
    page.goto(f"{portal.url}/cases")
    rows = page.locator('[class*="st-key-rrow-"] button')
    rows.nth(15).wait_for()
    settle(page)
    pane = page.locator(".st-key-rvlist")
    rows.nth(12).scroll_into_view_if_needed()
    before = pane.evaluate("each => each.scrollTop")
    assert before > 0

    def shown(number: int) -> None:
        expect(rows.nth(number)).to_have_css("font-weight", "500")
        settle(page)

    rows.nth(12).click()
    shown(12)
    expect(page.get_by_role("button", name="Next case")).to_be_enabled()
    assert pane.evaluate("each => each.scrollTop") == before
    page.keyboard.press("j")
    shown(13)
    page.keyboard.press("j")
    shown(14)
    expect(rows.nth(14)).to_be_in_viewport()
