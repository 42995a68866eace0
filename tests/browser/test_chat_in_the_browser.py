"""What people do with a chat, in a real browser, while the model is still writing."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from bench.portal_parts.portal import PASSWORD, Measured
from samples.chromium import PATIENCE_MS, open_page, stop
from tests.browser.conftest import Person
from tests.browser.settled import press_until, settle, until

STOP = re.compile(r"\bStop\b")
"""The button, and not the line of figures of an answer that was stopped, which is a button, too."""


_LETTERS = re.compile(r"[^A-Za-z0-9]")
WHILE_OFFLINE = re.compile(r"ERR_INTERNET_DISCONNECTED|Failed to fetch dynamically imported module")


def written(page: Page) -> str:
    """Return the text of the transcript's last answer so far."""
    return page.locator(".st-key-transcript").inner_text()


def letters(text: str) -> str:
    """Return the letters alone. The model writes at random, so other characters may be Markdown, or not be drawn."""
    return re.sub(r"[\W\d_]+", "", text)


def last_answer(portal: Measured, name: str) -> dict[str, Any]:
    """Return the newest stored answer of this person's newest conversation."""
    chat = portal.get("/api/v1/conversations", name)["items"][0]["id"]
    found: dict[str, Any] = portal.get(f"/api/v1/conversations/{chat}/messages", name)["items"][-1]
    return found


def chats(portal: Measured, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = portal.get("/api/v1/conversations", name)["items"]
    return found


def slots_busy(portal: Measured) -> int:
    return sum(model["slots_busy"] for model in portal.get("/api/v1/models")["loaded"])


def wait_for_end(page: Page) -> None:
    page.get_by_role("button", name="Regenerate").last.wait_for(timeout=2 * PATIENCE_MS)
    expect(page.get_by_role("button", name=STOP)).to_have_count(0)


def test_a_wrong_password_is_reported_and_the_right_one_opens_the_chat(person: Person) -> None:
    person.sign_in("ana", "not the password")
    expect(person.page.get_by_text("do not match")).to_be_visible()
    person.open("ana")
    cookies = {each["name"]: each for each in person.context.cookies()}
    session = cookies["glm_portal_session"]
    assert session["httpOnly"] and session["sameSite"] == "Strict"
    assert "session" not in str(person.page.evaluate("document.cookie"))


def test_an_answer_streams_and_stop_keeps_its_text_and_frees_the_engine(person: Person, portal: Measured) -> None:
    page = person.open("ana")
    person.ask("Tell me something long")
    until(lambda: len(written(page)) > 60)
    first = len(written(page))
    until(lambda: len(written(page)) > first)
    stop(page)
    until(lambda: slots_busy(portal) == 0)
    expect(page.get_by_text("Stopped")).to_be_visible()
    answer = last_answer(portal, "ana")
    assert answer["status"] == "stopped" and len(str(answer["text"]) + str(answer["reasoning"])) > 20


def test_escape_stops_too(person: Person, portal: Measured) -> None:
    page = person.open("ana")
    person.ask("Tell me something long")
    until(lambda: len(written(page)) > 60)
    press_until(page, "Escape", lambda: page.get_by_role("button", name=STOP).count() == 0)
    until(lambda: last_answer(portal, "ana")["status"] == "stopped")


def test_an_answer_goes_on_through_a_reload_another_page_and_a_second_tab_and_is_whole(person: Person, portal: Measured) -> None:
    page = person.open("bo")
    person.ask("Tell me something long")
    until(lambda: len(written(page)) > 80)
    page.reload()
    second = person.context.new_page()
    second.goto(page.url)
    for each in (page, second):  # A quick machine may have ended the answer by now.
        # By its key: until the style has come, Streamlit's own Stop may show in the header.
        running = each.locator(".st-key-stop button")
        expect(running.or_(each.get_by_role("button", name="Regenerate")).first).to_be_visible()
    page.get_by_role("button", name="bo", exact=True).click()
    page.get_by_text("Account", exact=True).click()
    expect(page.get_by_role("heading", name="Account")).to_be_visible()
    page.get_by_role("link", name="Chat").click()
    page.get_by_text("Tell me something long").last.wait_for()
    for each in (page, second):
        wait_for_end(each)
    answer = last_answer(portal, "bo")
    assert answer["status"] == "done"
    whole = letters(str(answer["text"]))
    assert len(whole) > 200
    for each in (page, second):
        until(lambda each=each: whole in letters(written(each)))


def test_a_dropped_socket_changes_nothing(person: Person, portal: Measured) -> None:
    page = person.open("bo")
    person.ask("Tell me something long")
    until(lambda: len(written(page)) > 60)
    person.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    time.sleep(1.5)
    person.context.set_offline(False)
    wait_for_end(page)
    answer = last_answer(portal, "bo")
    assert answer["status"] == "done"
    end = _LETTERS.sub("", answer["text"])[-4:]  # Markdown may change all but letters and digits.
    until(lambda: end in _LETTERS.sub("", written(page)))
    # A part of the page that was drawn while the network was away may have asked for its script.
    person.errors[:] = [error for error in person.errors if not WHILE_OFFLINE.search(error)]


def test_a_rating_with_a_comment_reaches_the_feedback_page_and_its_tokens_the_usage_page(person: Person, portal: Measured) -> None:
    page = person.open("ana")
    person.ask("Rate me, question 4711")
    until(lambda: len(written(page)) > 60)
    stop(page)
    page.get_by_role("button", name="Poor answer").last.click()
    form = page.locator(".st-key-rateform")
    form.get_by_role("button", name="Too long").click()
    expect(form.get_by_role("button", name="Too long")).to_have_attribute("aria-pressed", "true")
    comment = form.get_by_label("What should a reviewer know?")
    comment.fill("Only letters, number 0815")
    comment.press("Control+Enter")
    expect(form).to_have_count(0)
    expect(page.get_by_role("button", name="Poor answer").last).to_have_attribute("aria-pressed", "true")

    admin_context = person.context.browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")  # type: ignore[union-attr]
    admin_context.set_default_timeout(PATIENCE_MS)
    admin = Person(admin_context, portal)
    desk = admin.open("admin")
    open_page(desk, "Cases")
    expect(desk.get_by_text("Only letters, number 0815").first).to_be_visible()
    expect(desk.get_by_text("Rate me, question 4711").first).to_be_visible()
    desk.goto(f"{portal.url}/usage?tab=report")
    desk.get_by_text("More metrics").click()
    tokens = portal.get("/api/v1/usage")["total"]
    assert tokens["completion_tokens"] > 0 and tokens["rated"] >= 1
    shown = desk.locator(".stMain").get_by_text(f"{tokens['completion_tokens']:,}")
    expect(shown.first).to_be_visible()
    admin_context.close()
    assert admin.strangers == []


def test_a_question_that_cannot_be_asked_is_reported_and_stays_for_correction(person: Person, portal: Measured) -> None:
    page = person.open("ana")
    before = len(chats(portal, "ana"))
    field = page.get_by_placeholder("Ask anything")
    field.fill("x" * 40_000)
    field.press("Enter")
    expect(page.get_by_text("40,000 characters")).to_be_visible()
    assert len(chats(portal, "ana")) == before


def test_a_chat_is_renamed_and_deleted_from_its_row(person: Person, portal: Measured) -> None:
    page = person.open("bo")
    person.ask("Name me")
    stop(page)
    page.get_by_role("button", name="Regenerate").wait_for()
    chat = chats(portal, "bo")[0]
    assert chat["title"] == "Name me"
    page.get_by_role("button", name="More: Name me").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.locator(".list input").fill("Named")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Named", exact=True)).to_be_visible()
    assert chats(portal, "bo")[0]["title"] == "Named"
    page.get_by_role("button", name="More: Named").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="Named", exact=True)).to_have_count(0)
    assert chat["id"] not in {each["id"] for each in chats(portal, "bo")}


def test_an_answer_is_regenerated_and_its_versions_are_kept(person: Person, portal: Measured) -> None:
    page = person.open("bo")
    person.ask("Again, please")
    until(lambda: len(written(page)) > 40)
    stop(page)
    page.get_by_role("button", name="Regenerate").click()
    until(lambda: (answer := last_answer(portal, "bo"))["text"] and len(answer["versions"]) == 2)
    stop(page)
    expect(page.get_by_text("2 of 2")).to_be_visible()
    page.get_by_role("button", name="Earlier version").click()
    expect(page.get_by_text("1 of 2")).to_be_visible()
    assert len(portal.get(f"/api/v1/conversations/{chats(portal, 'bo')[0]['id']}/messages", "bo")["items"]) == 2


def test_each_role_sees_its_pages_and_no_more(person: Person) -> None:
    page = person.open("ana")
    for name in ("Cases", "Usage", "Models", "People"):
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    page.goto(f"{person.portal.url}/models")
    expect(page.get_by_text(re.compile("analyst|role", re.IGNORECASE)).first).to_be_visible()
    expect(page.get_by_text("slow.gguf")).to_have_count(0)


def test_signing_out_ends_the_session_in_every_tab(person: Person) -> None:
    page = person.open("bo")
    second = person.context.new_page()
    second.goto(person.portal.url)
    second.get_by_placeholder("Ask anything").wait_for()
    token = next(each["value"] for each in person.context.cookies() if each["name"] == "glm_portal_session")
    page.get_by_role("button", name="bo", exact=True).click()
    page.get_by_text("Sign out", exact=True).click()
    page.get_by_label("User name").wait_for()
    answer = httpx.get(f"{person.portal.url}/api/v1/conversations", cookies={"glm_portal_session": token}, timeout=60)
    assert answer.status_code == 401
    second.reload()
    second.get_by_label("User name").wait_for()


def test_the_interface_speaks_chinese_when_the_browser_does(person: Person) -> None:
    browser = person.context.browser
    assert browser is not None
    context = browser.new_context(locale="zh-CN")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(person.portal.url)
    page.get_by_label("用户名").fill("ana")
    page.get_by_label("密码").first.fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_placeholder("输入问题").wait_for()
    # Streamlit's own menu has English words only.
    page.get_by_role("button", name="设置").click()
    expect(page.get_by_test_id("stMainMenuPopover")).to_contain_text("跟随系统")
    context.close()


def test_a_phone_shows_the_chat_without_sideways_scrolling(person: Person) -> None:
    person.page.set_viewport_size({"width": 390, "height": 844})
    page = person.open("ana")
    person.ask("Hello from a phone")
    until(lambda: len(written(page)) > 30)
    stop(page)
    until(lambda: page.evaluate("document.documentElement.scrollWidth") <= 390)


def test_scrolling_to_the_top_loads_earlier_messages_and_keeps_the_position(person: Person, portal: Measured) -> None:
    with portal.sign_in("ana") as ana:
        chat = ana.post("/api/v1/conversations", json={"title": "Long"}).json()["id"]
        for number in range(16):
            body = {"text": f"Question {number:02}\n" + "more\n" * 6, "max_tokens": 2}
            ana.post(f"/api/v1/conversations/{chat}/messages", json=body).raise_for_status()
    page = person.open("ana")
    page.goto(f"{portal.url}/?c={chat}")
    top, last = page.get_by_text("Question 04"), page.get_by_text("Question 15")
    expect(last).to_be_in_viewport()
    page.mouse.move(700, 400)

    settle(page)
    # One turn of the wheel, to the top: a second one could go on to the messages that have arrived.
    page.mouse.wheel(0, -20_000)
    expect(page.get_by_text("Question 00")).to_be_attached()
    expect(page.get_by_role("button", name="Show earlier messages")).to_be_hidden()
    settle(page)
    expect(top).to_be_in_viewport()
