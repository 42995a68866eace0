"""Files in the chat: chosen, sent with a question, refused, saved again."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from bench.portal_parts.portal import Measured
from samples.chromium import stop
from samples.image_files import picture, written
from tests.browser.conftest import Person
from tests.browser.test_chat_in_the_browser import chats, until, wait_for_end


def test_a_file_goes_with_its_question_and_can_be_saved_again(person: Person, portal: Measured, tmp_path: Path) -> None:
    table = tmp_path / "Q3 Zahlen.csv"
    table.write_bytes("Größe;1\r\n".encode("cp1252"))
    page = person.open("ana")
    person.attach(table)
    person.ask("What does it say about the size?")
    stop(page)
    wait_for_end(page)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Q3 Zahlen.csv").click()
    assert saved.value.suggested_filename == "Q3 Zahlen.csv" and Path(saved.value.path()).read_bytes() == table.read_bytes()
    chat = chats(portal, "ana")[0]["id"]
    question = portal.get(f"/api/v1/conversations/{chat}/messages", "ana")["items"][0]
    assert [(file["name"], file["conversation_id"]) for file in question["files"]] == [("Q3 Zahlen.csv", chat)]


def test_a_guessed_encoding_is_shown_and_can_be_changed(person: Person, portal: Measured, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_bytes("이름,도시\n김철수,서울\n박영희,부산\n".encode("euc-kr"))
    page = person.open("ana")
    person.attach(table)
    person.ask("Who is in it?")
    stop(page)
    wait_for_end(page)
    choice = page.get_by_label("Read as: list.csv")
    expect(choice).to_have_value("EUC-KR")
    choice.select_option("Big5")
    expect(page.get_by_text("list.csv is read as Big5 now.")).to_be_visible()
    expect(choice).to_have_value("Big5")
    choice.select_option("UTF-8")
    expect(page.get_by_text("list.csv cannot be read as UTF-8.")).to_be_visible()
    expect(choice).to_have_value("Big5")
    chat = chats(portal, "ana")[0]["id"]
    question = portal.get(f"/api/v1/conversations/{chat}/messages", "ana")["items"][0]
    assert question["files"][0]["encoding"] == "Big5"


def test_what_cannot_be_read_is_named_and_the_rest_is_kept_for_the_next_try(person: Person, portal: Measured, tmp_path: Path) -> None:
    good, bad, other = tmp_path / "notes.txt", tmp_path / "photo.txt", tmp_path / "other.txt"
    good.write_text("Notes")
    other.write_text("Other notes")
    bad.write_bytes(b"\x89PNG\x00\x01")
    page = person.open("bo")
    before = chats(portal, "bo")
    person.attach(good, bad, other)
    person.ask("Sum them up")
    expect(page.get_by_text("photo.txt is an image")).to_be_visible()
    expect(person.composer()).to_have_value("Sum them up")
    for name in ("notes.txt", "other.txt"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    assert chats(portal, "bo") == before
    person.composer().press("Enter")
    stop(page)
    wait_for_end(page)
    expect(page.get_by_role("link", name="notes.txt")).to_be_visible()
    expect(page.get_by_role("link", name="other.txt")).to_be_visible()
    expect(page.get_by_role("button", name="notes.txt")).to_have_count(0)


def test_a_kept_file_can_be_left_out(person: Person, portal: Measured, tmp_path: Path) -> None:
    good, bad = tmp_path / "keep.txt", tmp_path / "photo.txt"
    good.write_text("Keep")
    bad.write_bytes(b"\x00")
    page = person.open("ana")
    before = len(chats(portal, "ana"))
    person.attach(good, bad)
    person.ask("Without it")
    page.get_by_role("button", name="keep.txt").click()
    expect(page.get_by_role("button", name="keep.txt")).to_have_count(0)
    person.composer().fill("Without any")
    person.composer().press("Enter")
    until(lambda: len(chats(portal, "ana")) == before + 1)
    stop(page)
    wait_for_end(page)
    chat = chats(portal, "ana")[0]["id"]
    assert portal.get(f"/api/v1/conversations/{chat}/messages", "ana")["items"][0]["files"] == []


def test_an_image_is_shown_in_its_question_and_a_model_that_cannot_see_says_so(person: Person, portal: Measured, tmp_path: Path) -> None:
    photo = tmp_path / "Holiday.webp"
    photo.write_bytes(written(picture(320, 200), "WEBP"))
    page = person.open("ana")
    person.attach(photo)
    person.ask("What is in it?")
    shown = page.get_by_role("img", name="Holiday.")
    expect(shown).to_be_visible()
    until(lambda: shown.evaluate("image => image.naturalWidth") == 320)
    expect(page.get_by_text("cannot see images")).to_be_visible()
    with page.expect_download() as saved:
        shown.click()
    assert saved.value.suggested_filename.startswith("Holiday.")
