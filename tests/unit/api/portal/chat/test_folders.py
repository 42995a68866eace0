from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bootstrap.portal import Portal
from tests.unit.api.portal.chat.test_conversations import NOBODYS, ask, new

SignIn = Callable[[str], httpx.Client]


def make(client: httpx.Client, name: str) -> str:
    response = client.post("/api/v1/folders", json={"name": name})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def titles(client: httpx.Client, **query: str) -> list[str]:
    return [each["title"] for each in client.get("/api/v1/conversations", params=query).json()["items"]]


def put(client: httpx.Client, conversation: str, folder: str) -> Any:
    return client.patch(f"/api/v1/conversations/{conversation}", json={"folder_id": folder}).json()


def test_a_folder_is_made_listed_by_name_renamed_and_deleted(ann: httpx.Client) -> None:
    plans, bonds = make(ann, "Plans"), make(ann, "bonds")
    assert [each["name"] for each in ann.get("/api/v1/folders").json()["items"]] == ["bonds", "Plans"]
    renamed = ann.patch(f"/api/v1/folders/{plans}", json={"name": "  Better   plans"}).json()
    assert (renamed["id"], renamed["name"]) == (plans, "Better plans")
    assert ann.delete(f"/api/v1/folders/{plans}").status_code == 204
    assert [each["id"] for each in ann.get("/api/v1/folders").json()["items"]] == [bonds]
    assert ann.delete(f"/api/v1/folders/{plans}").status_code == 404


def test_conversations_are_begun_in_a_folder_moved_and_listed_by_it(ann: httpx.Client) -> None:
    plans = make(ann, "Plans")
    begun = ann.post("/api/v1/conversations", json={"title": "In plans", "folder_id": plans}).json()
    assert begun["folder_id"] == plans
    loose = new(ann, "Loose")
    assert (titles(ann, folder=plans), titles(ann, folder="none"), titles(ann)) == (["In plans"], ["Loose"], ["Loose", "In plans"])
    before = ann.get(f"/api/v1/conversations/{loose}").json()
    assert put(ann, loose, plans) == before | {"folder_id": plans}
    assert ann.get(f"/api/v1/conversations/{loose}").json() == before | {"folder_id": plans}
    assert put(ann, begun["id"], "")["folder_id"] is None
    assert (titles(ann, folder=plans), titles(ann, folder="none")) == (["Loose"], ["In plans"])


def test_title_and_folder_change_together_or_not_at_all(ann: httpx.Client) -> None:
    plans, talk = make(ann, "Plans"), new(ann, "Old")
    here = f"/api/v1/conversations/{talk}"
    assert ann.patch(here, json={"title": "New", "folder_id": NOBODYS}).status_code == 404
    assert ann.get(here).json()["title"] == "Old"
    both = ann.patch(here, json={"title": "New", "folder_id": plans}).json()
    assert (both["title"], both["folder_id"]) == ("New", plans)
    fields = "title, folder_id, pinned, archived, unread, instructions, memory, tools_off, tools_allowed"
    sentence = f"The request changes nothing. Send at least one of {fields}."
    assert ann.patch(here, json={}).json()["error"]["message"] == sentence


def test_an_answer_stays_in_the_folder_of_its_conversation(ann: httpx.Client) -> None:
    plans = make(ann, "Plans")
    talk = ann.post("/api/v1/conversations", json={"folder_id": plans}).json()["id"]
    assert ask(ann, talk).status_code == 200
    assert titles(ann, folder=plans) == ["What is GLM?"]


def test_a_deleted_folder_leaves_its_conversations(ann: httpx.Client, portal: Portal) -> None:
    plans, talk = make(ann, "Plans"), new(ann, "Kept words")
    put(ann, talk, plans)
    ann.delete(f"/api/v1/folders/{plans}")
    assert titles(ann, folder="none") == ["Kept words"]
    assert ann.get("/api/v1/conversations", params={"folder": plans}).status_code == 404
    assert portal.index_worker.drain(5)
    assert titles(ann, q="kept") == ["Kept words"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_name_that_cannot_be_used_is_refused(ann: httpx.Client, name: str) -> None:
    refused = ann.post("/api/v1/folders", json={"name": name})
    assert (refused.status_code, refused.json()["error"]["message"]) == (422, "A folder name must have 1 to 60 characters.")


def test_a_taken_name_is_a_conflict(ann: httpx.Client) -> None:
    make(ann, "Plans")
    other = make(ann, "Other")
    for refused in (ann.post("/api/v1/folders", json={"name": "PLANS"}), ann.patch(f"/api/v1/folders/{other}", json={"name": "plans"})):
        assert (refused.status_code, refused.json()["error"]["message"]) == (409, "You already have a folder named Plans.")


def test_somebody_elses_folder_is_not_found(signed_in: SignIn) -> None:
    ann, bob, ada = signed_in("ann"), signed_in("bob"), signed_in("ada")
    plans = make(ann, "Private plans")
    for other in (bob, ada):
        own = new(other, "Own")
        tries: list[Callable[[str], httpx.Response]] = [
            lambda id, other=other: other.patch(f"/api/v1/folders/{id}", json={"name": "Mine"}),
            lambda id, other=other: other.delete(f"/api/v1/folders/{id}"),
            lambda id, other=other: other.get("/api/v1/conversations", params={"folder": id}),
            lambda id, other=other: other.post("/api/v1/conversations", json={"folder_id": id}),
            lambda id, other=other, own=own: other.patch(f"/api/v1/conversations/{own}", json={"folder_id": id}),
        ]
        for attempt in tries:
            theirs, nobodys = attempt(plans), attempt(NOBODYS)
            assert theirs.status_code == nobodys.status_code == 404
            assert theirs.json() == nobodys.json()
        assert other.get("/api/v1/folders").json()["items"] == []
        assert titles(other) == ["Own"]
    assert ann.get("/api/v1/folders").json()["items"][0]["name"] == "Private plans"


def test_the_search_follows_a_conversation_into_its_folder_and_out_again(ann: httpx.Client, portal: Portal) -> None:
    plans, talk = make(ann, "Plans"), new(ann, "Bonds")
    ask(ann, talk, text="What is a bond?")

    def found() -> list[str]:
        assert portal.index_worker.drain(5)
        answer = ann.get("/api/v1/search", params={"q": "bond", "folder": plans})
        return sorted(each["kind"] for each in answer.json()["items"])

    assert found() == []
    put(ann, talk, plans)
    whole = found()
    assert "message" in whole
    put(ann, talk, "")
    assert found() == []
    put(ann, talk, plans)
    assert found() == whole
    ann.delete(f"/api/v1/folders/{plans}")
    assert found() == []
