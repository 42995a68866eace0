"""The bell, and notices of the browser, in a real browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

from bench.portal_parts.portal import Measured
from core.notices.service import GRACE
from tests.browser.conftest import Person
from tests.browser.settled import settle, until

_KEEPS = """
window.Notification = class {
  static permission = 'granted';
  constructor(title, options) { localStorage.setItem('told', (localStorage.getItem('told') ?? '') + options.body + '|'); }
  close() {}
};
"""
"""In place of the desktop, which a browser without a screen has not."""


def test_an_answer_is_announced_on_another_page_and_leads_to_its_chat(person: Person, portal: Measured) -> None:
    with portal.sign_in("ana") as ana:
        ana.post("/api/v1/notices/read")
        ana.put("/api/v1/notices/settings", json={"browser": True, "titles": True}).raise_for_status()
        chat = ana.post("/api/v1/conversations", json={"title": "Bond prices"}).json()["id"]
        ana.post(f"/api/v1/conversations/{chat}/messages", json={"text": "What is a bond?", "max_tokens": 3, "stream": True}).read()
        [notice] = [each for each in ana.get("/api/v1/notices").json()["items"] if each["target"] == chat]
    until(lambda: datetime.now(UTC) > datetime.fromisoformat(notice["created_at"]) + GRACE)
    person.page.add_init_script(_KEEPS)
    page = person.open("ana")
    page.goto(f"{portal.url}/account")
    bell = page.get_by_role("button", name=re.compile(r"Notices, 1 unread"))
    expect(bell).to_be_visible()
    until(lambda: page.evaluate("localStorage.getItem('told')"))
    assert page.evaluate("localStorage.getItem('told')") == "Answer ready: Bond prices|", "once, on whichever page came first"
    bell.click()
    page.get_by_role("button", name=re.compile("Answer ready: Bond prices")).click()
    expect(page).to_have_url(re.compile(f"c={chat}"))
    expect(page.get_by_text("What is a bond?")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(r"unread"))).to_have_count(0)
    with portal.sign_in("ana") as ana:
        assert ana.get("/api/v1/notices").json()["unread"] == 0
        ana.put("/api/v1/notices/settings", json={"browser": False}).raise_for_status()
    assert person.strangers + person.errors == []


def test_a_hidden_page_asks_for_nothing_and_a_page_that_is_seen_again_asks_at_once(person: Person, portal: Measured) -> None:
    page = person.page
    page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => window.away === true})")
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    with portal.sign_in("bo") as bo:
        bo.post("/api/v1/notices/read")
        page = person.open("bo")
        page.goto(f"{portal.url}/account")
        expect(page.get_by_role("button", name="Notices", exact=True)).to_be_visible()
        chat = bo.post("/api/v1/conversations", json={"title": "Margins"}).json()["id"]
        bo.post(f"/api/v1/conversations/{chat}/messages", json={"text": "What is a margin?", "max_tokens": 3, "stream": True}).read()
    page.evaluate("window.away = true; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(6000)  # An answer becomes a notice after five seconds; a check is not repeated within two.
    settle(page)
    sent.clear()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(500)
    assert sent == []
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("button", name=re.compile("Notices, 1 unread"))).to_be_visible()
    assert sent
