"""The life of a folder in a real browser: created, filled, opened, left with the back button, and deleted."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from bench.portal_parts.portal import Measured
from samples.chromium import stop
from tests.browser.conftest import Person
from tests.browser.settled import until


def focused(page: Page) -> str:
    """Return what the keyboard is on, in the component, too."""
    found: str = page.evaluate(
        "() => { let at = document.activeElement; while (at?.shadowRoot) at = at.shadowRoot.activeElement; return at?.textContent ?? ''; }"
    )
    return found


def test_a_chat_moves_into_a_new_folder_which_is_opened_left_and_deleted(person: Person, portal: Measured) -> None:
    with portal.sign_in("ana") as ana:
        for title in ("Loose one", "Bond prices"):
            ana.post("/api/v1/conversations", json={"title": title}).raise_for_status()
    page = person.open("ana")
    rows = page.locator(".list")
    expect(rows.get_by_text("Folders")).to_have_count(0)

    page.get_by_role("button", name="More: Bond prices").click()
    page.get_by_role("menuitem", name="Move to folder").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New folder").fill("Bonds <b>&")
    dialog.get_by_role("button", name="Create and move").click()
    expect(dialog).to_have_count(0)
    folder = rows.get_by_role("link", name="Bonds <b>&")
    expect(folder).to_be_visible()
    expect(rows.get_by_role("link", name="Bond prices")).to_have_count(0)
    expect(rows.get_by_role("link", name="Loose one")).to_be_visible()

    folder.focus()
    page.keyboard.press("Enter")
    expect(rows.get_by_role("link", name="Bond prices")).to_be_visible()
    expect(rows.get_by_role("link", name="Loose one")).to_have_count(0)
    until(lambda: "All chats" in focused(page))
    expect(page).to_have_url(re.compile(r"\?f="))
    page.go_back()
    expect(rows.get_by_role("link", name="Loose one")).to_be_visible()
    page.go_forward()
    expect(rows.get_by_role("link", name="Bond prices")).to_be_visible()
    page.reload()
    expect(rows.get_by_role("link", name="Bond prices")).to_be_visible()

    person.ask("Asked in the folder")
    stop(page)
    expect(rows.get_by_role("link", name="Asked in the folder")).to_have_attribute("aria-current", "page")
    rows.get_by_role("link", name="All chats").focus()
    page.keyboard.press("Enter")
    expect(rows.get_by_role("link", name="Loose one")).to_be_visible()
    expect(folder).to_have_attribute("aria-current", "true")
    until(lambda: "Bonds" in focused(page))
    expect(page.get_by_text("Asked in the folder").last).to_be_visible()

    page.get_by_role("button", name="New folder").click()
    rows.get_by_label("Folder name").fill("Empty")
    page.keyboard.press("Enter")
    rows.get_by_role("link", name="Empty").click()
    expect(rows.get_by_text("No chats here yet.")).to_be_visible()
    rows.get_by_role("link", name="All chats").click()

    page.get_by_role("button", name="More: Bonds").click()
    page.get_by_role("menuitem", name="Delete folder").click()
    expect(dialog.get_by_text("Its chats stay, without a folder.")).to_be_visible()
    dialog.get_by_role("button", name="Delete").click()
    expect(folder).to_have_count(0)
    for title in ("Asked in the folder", "Bond prices", "Loose one"):
        expect(rows.get_by_role("link", name=title)).to_be_visible()
    with portal.sign_in("ana") as ana:
        assert [each["name"] for each in ana.get("/api/v1/folders").json()["items"]] == ["Empty"]


def test_on_a_phone_a_folder_shows_its_chats_in_place_and_a_found_chat_names_its_folder(person: Person, portal: Measured) -> None:
    with portal.sign_in("bo") as bo:
        folder = bo.post("/api/v1/folders", json={"name": "Bonds <b>&"}).raise_for_status().json()["id"]
        for title, place in (("Bond prices", folder), ("Bond yields", None)):
            bo.post("/api/v1/conversations", json={"title": title, "folder_id": place}).raise_for_status()
    person.page.set_viewport_size({"width": 390, "height": 844})
    page = person.open("bo")
    rows, way_in = page.locator(".list"), page.get_by_test_id("stExpandSidebarButton")
    way_in.click()
    rows.get_by_role("link", name="Bonds <b>&").click()
    expect(rows.get_by_role("link", name="Bond prices")).to_be_in_viewport()
    rows.get_by_role("link", name="All chats").click()
    expect(rows.get_by_role("link", name="Bond yields")).to_be_in_viewport()

    page.get_by_placeholder("Search chats").fill("Bond")
    expect(rows.get_by_text("Results")).to_be_visible()
    expect(rows.get_by_role("link", name=re.compile(r"^Bond prices \d\d:\d\d · Folder Bonds <b>&$"))).to_be_in_viewport()
    rows.get_by_role("link", name=re.compile(r"^Bond yields \d\d:\d\d$")).click()
    expect(rows.get_by_role("link", name="Bond yields")).not_to_be_in_viewport()
