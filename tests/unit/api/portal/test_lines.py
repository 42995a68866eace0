"""Spaces, joiners and marks that keyboards, phones and file managers put into names, over REST."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

FAMILY = "👨\u200d👩\u200d👧"
WRITTEN = [
    ("季度\u3000报告", "季度 报告"),
    ("12\u00a0000 €", "12 000 €"),
    ("9.41.00\u202fAM", "9.41.00 AM"),
    (f"Trip {FAMILY}", f"Trip {FAMILY}"),
    ("می\u200cخواهم", "می\u200cخواهم"),
    ("\ufeffPlan\u200b", "Plan"),
    ("\U0001fae8", "\U0001fae8"),
]


@pytest.fixture
def ada(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("ada")


@pytest.mark.parametrize(("written", "kept"), WRITTEN)
def test_titles_folders_files_names_and_search_take_them(ann: httpx.Client, ada: httpx.Client, written: str, kept: str) -> None:
    chat = ann.post("/api/v1/conversations", json={"title": written})
    assert (chat.status_code, chat.json()["title"]) == (201, kept)
    renamed = ann.patch(f"/api/v1/conversations/{chat.json()['id']}", json={"title": f"New {written}"})
    assert (renamed.status_code, renamed.json()["title"]) == (200, f"New {kept}")
    folder = ann.post("/api/v1/folders", json={"name": written})
    assert (folder.status_code, folder.json()["name"]) == (201, kept)
    file = ann.post("/api/v1/files", params={"name": f"{written}.csv"}, content=b"1;2")
    assert (file.status_code, file.json()["name"]) == (201, f"{kept}.csv")
    person = ada.patch("/api/v1/people/bob", json={"full_name": f"Bob {written}", "group": written})
    assert (person.status_code, person.json()["full_name"], person.json()["group"]) == (200, f"Bob {kept}", kept)
    assert ann.get("/api/v1/search", params={"q": written}).status_code == 200
    assert ann.get("/api/v1/conversations", params={"q": written}).status_code == 200


@pytest.mark.parametrize("name", ["a\nb", "a\x00b", "a\u2028b", "\x1b[31mred"])
def test_line_breaks_and_control_characters_are_refused_there(ann: httpx.Client, name: str) -> None:
    assert ann.post("/api/v1/folders", json={"name": name}).status_code == 422


def test_a_folder_that_nobody_could_see_is_refused(ann: httpx.Client) -> None:
    assert ann.post("/api/v1/folders", json={"name": "\u200b\u200d"}).status_code == 422


@pytest.mark.parametrize("text", ["\u200b", "\ufeff \u2060", "\u3164"])
def test_a_question_that_nobody_could_see_is_refused(ann: httpx.Client, text: str) -> None:
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    refused = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": text})
    assert (refused.status_code, refused.json()["error"]["message"]) == (422, "The question is empty. Enter a question.")


def test_a_paste_of_a_terminal_is_asked_without_its_colours(ann: httpx.Client) -> None:
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    asked = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Why \x1b[31mERROR\x1b[0m?\x1a", "stream": False})
    assert (asked.status_code, asked.json()["question"]["text"]) == (200, "Why ERROR?")
