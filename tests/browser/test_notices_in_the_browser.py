"""The bell, and notices of the browser, in a real browser."""

from __future__ import annotations

import re
import time

from playwright.sync_api import expect

from bench.portal_parts.portal import Measured
from tests.browser.conftest import PATIENCE_MS, Person

_KEEPS = """
window.Notification = class {
  static permission = 'granted';
  constructor(title, options) { localStorage.setItem('told', (localStorage.getItem('told') ?? '') + options.body + '|'); }
  close() {}
};
"""
"""In place of the desktop, which a browser without a screen has not."""


def test_an_answer_is_told_of_on_another_page_and_leads_to_its_chat(person: Person, portal: Measured) -> None:
    with portal.sign_in("ana") as ana:
        ana.post("/api/v1/notices/read")
        ana.put("/api/v1/notices/settings", json={"browser": True, "titles": True}).raise_for_status()
        chat = ana.post("/api/v1/conversations", json={"title": "Bond prices"}).json()["id"]
        ana.post(f"/api/v1/conversations/{chat}/messages", json={"text": "What is a bond?", "max_tokens": 3, "stream": True}).read()
    person.page.add_init_script(_KEEPS)
    page = person.open("ana")
    page.goto(f"{portal.url}/account")
    bell = page.get_by_role("button", name=re.compile(r"Notices, 1 unread"))
    expect(bell).to_be_visible()
    until = time.monotonic() + PATIENCE_MS / 1000
    # The page's policy lets no script of a string wait in it.
    while not page.evaluate("localStorage.getItem('told')") and time.monotonic() < until:
        page.wait_for_timeout(100)
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
