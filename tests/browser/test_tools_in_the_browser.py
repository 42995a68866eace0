"""A model calls a tool of the portal and answers with its result: the whole way, with the real engine, over REST and in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bench.portal_parts.portal import Measured, running_portal
from tests.browser.conftest import Person
from tests.tool_caller import REPLY, booked, caller_model, install_rooms


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rooms")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, rooms: Path) -> Iterator[Measured]:
    """Run a portal whose model calls a tool for each question, and answers after the result."""
    model = caller_model(tmp_path_factory.mktemp("models"))
    with running_portal(PORTAL_MODEL=str(model), PORTAL_SLOTS="2", PORTAL_CONTEXT="8192", **install_rooms(rooms)) as running:
        running.add_people(["ana", "bo"])
        with running.sign_in() as admin:
            for plugin in ("own-chats", "rooms"):
                admin.put(f"/api/v1/plugins/{plugin}", json={"everyone": True}).raise_for_status()
        yield running


def test_a_posted_question_shows_the_step_and_the_answer(portal: Measured) -> None:
    with portal.sign_in("bo") as bo:
        chat = bo.post("/api/v1/conversations", json={"title": "Suppliers"}).json()["id"]
        asked = {"text": "Who has it?"}
        answer = bo.post(f"/api/v1/conversations/{chat}/messages", json=asked).raise_for_status().json()["answer"]
        assert answer["text"] == REPLY and answer["status"] == "done", answer
        [step] = answer["steps"]
        assert (step["name"], step["arguments"], step["error"]) == ("search_chats", '{"words": "zebra contract"}', None)
        assert step["result"] == "Nothing contains: zebra contract"
        without = {**asked, "tools_off": ["search_chats", "read_chat", "book", "count"]}
        off = bo.post(f"/api/v1/conversations/{chat}/messages", json=without).json()
        assert off["answer"]["steps"] == []


def test_the_step_stands_folded_above_the_answer_and_stays_after_a_reload(person: Person, portal: Measured) -> None:
    with portal.sign_in("ana") as ana:
        chat = ana.post("/api/v1/conversations", json={"title": "Old notes", "tools_off": ["search_chats"]}).json()["id"]
        ana.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Note: zebra contract is with Meyer"}).raise_for_status()
    page = person.open("ana")
    page.locator(".st-key-toolsmenu button").first.click()
    expect(page.get_by_label("Search my chats")).to_be_checked()
    page.keyboard.press("Escape")
    person.ask("Who has the zebra contract?")
    expect(page.get_by_text(REPLY)).to_be_visible()
    for _ in range(2):
        line = page.get_by_text(re.compile("1 tool call"))
        expect(line).to_be_visible()
        expect(page.get_by_text("is with Meyer").first).to_be_hidden()
        line.click()
        expect(page.get_by_text("is with Meyer").first).to_be_visible()
        page.reload()
        expect(page.get_by_text(REPLY)).to_be_visible()


def test_a_step_that_changes_something_asks_first_in_every_tab(person: Person, portal: Measured, rooms: Path) -> None:
    page = person.open("bo")
    person.ask("Book a room")
    allow = page.get_by_role("button", name="Allow", exact=True)
    expect(page.get_by_text("The model wants to use “Book a room”")).to_be_visible()
    expect(page.get_by_text("room: Blue room")).to_be_visible()
    page.reload()
    expect(allow).to_be_visible()
    other = person.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("button", name="Refuse")).to_be_visible()
    assert booked(rooms) == ""
    other.get_by_role("button", name="Refuse").click()
    expect(page.get_by_text(REPLY)).to_be_visible()
    expect(allow).to_be_hidden()
    assert booked(rooms) == ""
    other.close()
    person.ask("Book it after all")
    page.get_by_role("button", name="Allow for this chat").click()
    expect(page.get_by_text(REPLY)).to_have_count(2)
    person.ask("Book another")
    expect(page.get_by_text(REPLY)).to_have_count(3)
    assert booked(rooms) == "Blue room" * 2
    menu = page.locator(".st-key-toolsmenu button").first
    menu.click()
    expect(page.get_by_text("Allowed in this chat")).to_be_visible()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("Asks you before each call")).to_be_visible()
    page.get_by_test_id("stPopoverBody").get_by_text("Read one of my chats").click()
    expect(menu).to_contain_text("3 of 4 tools")
    page.keyboard.press("Escape")
    person.ask("Book one more")
    expect(allow).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(allow).to_be_hidden()
    assert booked(rooms) == "Blue room" * 2
