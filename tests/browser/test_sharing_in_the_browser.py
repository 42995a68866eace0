"""A chat shared from its header, read by another person, and revoked, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from bench.portal_parts.portal import Measured
from samples.chromium import PATIENCE_MS
from tests.browser.conftest import Person
from tests.browser.settled import until


def test_a_shared_chat_is_read_by_another_person_until_it_is_revoked(person: Person, portal: Measured, chromium: Browser) -> None:
    with portal.sign_in("ana") as ana:
        chat = ana.post("/api/v1/conversations", json={"title": "Bond prices"}).json()["id"]
        ana.post(f"/api/v1/conversations/{chat}/messages", json={"text": "What is a bond?", "max_tokens": 3}).raise_for_status()
    page = person.open("ana")
    page.goto(f"{portal.url}/?c={chat}")
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Create link").click()
    expect(dialog.get_by_role("button", name="Copy link")).to_be_visible()
    with portal.sign_in("ana") as ana:
        [link] = ana.get(f"/api/v1/conversations/{chat}/shares").json()["items"]

    reader = Person(chromium.new_context(viewport={"width": 390, "height": 844}, locale="en-GB"), portal)
    reader.context.set_default_timeout(PATIENCE_MS)
    reader.open("bo")
    reader.page.goto(portal.url + link["path"])
    expect(reader.page.get_by_role("heading", name="Bond prices")).to_be_visible()
    expect(reader.page.get_by_text("What is a bond?")).to_be_visible()
    until(lambda: reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
    dialog.get_by_role("button", name="Revoke").click()
    expect(dialog.get_by_role("button", name="Copy link")).to_have_count(0)
    reader.page.reload()
    expect(reader.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(reader.page.get_by_text(re.compile("What is a bond"))).to_have_count(0)
    assert person.strangers + reader.strangers + person.errors + reader.errors == []
    reader.context.close()
