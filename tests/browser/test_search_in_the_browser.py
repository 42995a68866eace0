"""From a search to the message that it finds, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from pages.widgets.chat.flow.earlier import LATEST
from samples.chromium import stop
from tests.browser.conftest import Person
from tests.browser.test_chat_in_the_browser import until, wait_for_end, written

REMEMBER_MARKS = """() => {
  const animate = Element.prototype.animate;
  window.marked = [];
  Element.prototype.animate = function(...how) { window.marked.push(this.textContent); return animate.apply(this, how); };
}"""
"""On a busy machine a mark has come and gone before anyone looks."""

MARKED = "[...(CSS.highlights.get('portal-find') ?? [])].map(each => each.startContainer.data.slice(each.startOffset, each.endOffset))"
"""The words that the browser highlights in the transcript."""


def test_a_found_question_shows_its_files_and_filters_lead_to_it(person: Person) -> None:
    with person.portal.sign_in("ana") as client:
        folder = client.post("/api/v1/folders", json={"name": "Sundials"}).json()["id"]
        for text, names in (("a gnomon?", ["<i>shadows.csv", "noon.md"]), ("another gnomon", [])):
            chat = client.post("/api/v1/conversations", json={"folder_id": folder if names else None}).json()["id"]
            files = [client.post("/api/v1/files", params={"name": each}, content=b"1;2").json()["id"] for each in names]
            asked = {"text": text, "files": files, "max_tokens": 2}
            client.post(f"/api/v1/conversations/{chat}/messages", json=asked).raise_for_status()
    page = person.open("ana")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search chats")
    field.fill("gnomon")
    field.press("Enter")
    hits = page.get_by_role("link").filter(has_text="Question")
    expect(hits).to_have_count(2)
    page.get_by_text("With files").click()
    expect(hits).to_have_count(1)
    expect(hits).to_contain_text("<i>shadows.csv, noon.md")
    expect(hits.get_by_role("img", name="Attached files")).to_be_visible()
    page.get_by_role("button", name="Clear filter").click()
    expect(hits).to_have_count(2)
    page.get_by_role("combobox", name=re.compile("Folder")).click()
    page.get_by_role("option", name="Sundials").click()
    expect(hits).to_have_count(1)


def test_somebody_types_filters_and_jumps_to_the_message_which_is_marked(person: Person) -> None:
    page = person.open("ana")
    person.ask("Is <b>heliotrope</b> a colour or a plant?")
    until(lambda: len(written(page)) > 40)
    stop(page)
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
    page.evaluate(REMEMBER_MARKS)
    hit.click()
    page.locator(".st-key-transcript").wait_for()
    expect(page).to_have_url(re.compile(r"\?c=\w+&m=\w+"))
    bubble = page.locator(".bubble").filter(has_text="heliotrope")
    expect(bubble).to_be_in_viewport()
    until(lambda: "heliotrope" in "".join(page.evaluate("marked")))
    until(lambda: not bubble.evaluate("each => each.getAnimations().length"))


def test_somebody_searches_in_a_long_chat_and_walks_through_its_versions(person: Person) -> None:
    with person.portal.sign_in("ana") as client:
        chat = client.post("/api/v1/conversations", json={}).json()["id"]

        for text in ("Where does a <b>clepsydra</b> stand?", *(f"Question {n}" for n in range(LATEST // 2)), "An old clepsydra"):
            client.post(f"/api/v1/conversations/{chat}/messages", json={"text": text, "max_tokens": 1}).raise_for_status()
        page = person.open("ana")
        page.goto(f"{person.portal.url}/?c={chat}")
        page.get_by_role("button", name="Edit the question").last.click()
        editor = page.get_by_role("textbox", name="Edit the question")
        editor.fill("A new clepsydra")
        editor.press("Enter")
        bubbles = page.locator(".bubble")
        expect(bubbles.filter(has_text="A new clepsydra")).to_be_visible()
        stop(page)
        wait_for_end(page)
        until(lambda: client.get("/api/v1/search", params={"q": "clepsydra", "kind": "message"}).json()["total"] == 3)
    expect(bubbles.filter(has_text="Where does")).to_have_count(0)

    page.keyboard.press("Control+Shift+F")
    field, count = page.get_by_role("searchbox", name="Search this chat"), page.get_by_role("status").filter(has_text="of 3")
    expect(field).to_be_focused()
    field.fill("clepsydra")
    field.press("Enter")
    expect(count).to_have_text("1 of 3")
    expect(bubbles.filter(has_text="Where does a <b>clepsydra</b> stand?")).to_be_in_viewport()
    until(lambda: "clepsydra" in page.evaluate(MARKED))
    assert page.url == f"{person.portal.url}/?c={chat}", "the browser's Back leads to the page before"

    field.press("Enter")
    expect(count).to_have_text("2 of 3")
    expect(bubbles.filter(has_text="An old clepsydra")).to_be_in_viewport()
    page.get_by_role("button", name="Next result").click()
    expect(count).to_have_text("3 of 3")
    expect(bubbles.filter(has_text="A new clepsydra")).to_be_in_viewport()
    expect(bubbles.filter(has_text="An old clepsydra")).to_have_count(0)
    field.press("Shift+Enter")
    expect(count).to_have_text("2 of 3")

    field.fill("nowhere to be found")
    field.press("Enter")
    expect(page.get_by_role("status").filter(has_text="No results")).to_be_visible()
    expect(page.get_by_role("button", name="Next result")).to_be_disabled()
    field.press("Escape")
    expect(field).to_have_count(0)
    until(lambda: page.evaluate(MARKED) == [])
    expect(page.get_by_role("button", name="Search this chat")).to_be_visible()
