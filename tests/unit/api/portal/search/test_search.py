from __future__ import annotations

from collections.abc import Callable

import httpx

from bootstrap.portal import Portal


def ask(client: httpx.Client, text: str) -> tuple[str, str]:
    """Ask in a new conversation; returns the ids of conversation and question."""
    chat = client.post("/api/v1/conversations", json={}).json()["id"]
    turn = client.post(f"/api/v1/conversations/{chat}/messages", json={"text": text}).json()
    return chat, turn["question"]["id"]


def test_own_messages_are_found_with_marked_and_escaped_snippets(ann: httpx.Client, portal: Portal) -> None:
    chat, question = ask(ann, 'what is a <script>alert("bond")</script>?')
    portal.index_worker.drain(10)
    answer = ann.get("/api/v1/search", params={"q": "bond", "kind": "message"}).json()
    assert set(answer) == {"items", "total", "total_is_at_least", "engine", "behind_seconds", "next_cursor"}
    found = next(item for item in answer["items"] if item["message_id"] == question)
    assert (found["kind"], found["conversation_id"]) == ("message", chat)
    assert found["snippet"] == "what is a &lt;script&gt;alert(&quot;<mark>bond</mark>&quot;)&lt;/script&gt;?"
    assert (answer["engine"], answer["behind_seconds"], answer["next_cursor"]) == ("sqlite", 0, None)


def test_nobody_finds_what_somebody_else_asked(ann: httpx.Client, signed_in: Callable[[str], httpx.Client], portal: Portal) -> None:
    ask(ann, "what is a bond?")
    portal.index_worker.drain(10)
    for name in ("bob", "ada"):
        assert signed_in(name).get("/api/v1/search?q=bond").json()["items"] == []


def test_a_listing_is_read_page_by_page(ann: httpx.Client, portal: Portal) -> None:
    asked = {ask(ann, f"unusualword {number}")[1] for number in range(5)}
    portal.index_worker.drain(10)
    query: dict[str, str | int] = {"q": "unusualword", "kind": "message", "limit": 2}
    found: list[str] = []
    while True:
        page = ann.get("/api/v1/search", params=query).json()
        found += [item["message_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(found) == len(set(found)) == page["total"]
    assert asked <= set(found)


def test_chats_in_a_folder_and_questions_with_files_are_found(
    ann: httpx.Client, signed_in: Callable[[str], httpx.Client], portal: Portal
) -> None:
    bob = signed_in("bob")
    file = ann.post("/api/v1/files", params={"name": "<b>rates.csv"}, content=b"1;2").json()
    chat, _ = ask(ann, "what is a bond?")
    turn = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "and this bond?", "files": [file["id"]]}).json()
    ask(ann, "another bond")
    folder = ann.post("/api/v1/folders", json={"name": "Plans"}).json()["id"]
    ann.patch(f"/api/v1/conversations/{chat}", json={"folder_id": folder})
    portal.index_worker.drain(10)

    def found(client: httpx.Client, words: str = "bond", **query: str) -> list[str]:
        return [each["snippet"] for each in client.get("/api/v1/search", params={"q": words, "kind": "message", **query}).json()["items"]]

    assert found(ann, folder=folder) == ["and this <mark>bond</mark>?", "what is a <mark>bond</mark>?"]
    assert found(ann, has_file="true", folder=folder) == found(ann, has_file="true") == ["and this <mark>bond</mark>?"]
    assert len(found(ann, has_file="false")) == 3
    [item] = ann.get("/api/v1/search", params={"q": "rates.csv"}).json()["items"]
    assert (item["message_id"], item["files"]) == (turn["question"]["id"], ["<b>rates.csv"])
    assert "<b>" not in item["snippet"]
    assert found(bob, folder=folder) == found(bob, has_file="true") == found(bob, "rates") == []
    assert found(ann, conversation=chat, kind="message") == ["and this <mark>bond</mark>?", "what is a <mark>bond</mark>?"]
    assert found(bob, conversation=chat) == found(ann, conversation="0" * 32) == []
    ann.delete(f"/api/v1/folders/{folder}")
    portal.index_worker.drain(10)
    assert found(ann, folder=folder) == []
    assert len(found(ann)) == 3


def test_what_cannot_be_asked_is_refused(ann: httpx.Client) -> None:
    wrong = ("kind=password", "limit=0", "since=yesterday", "since=5", "until=-1.5", "cursor=nonsense", "rating=5")
    queries = ["", *(f"?q=x&{each}" for each in wrong)]
    queries += [f"?q=x&{each}" for each in ("folder=", "folder=Plans", "folder=%22%20OR%20%22kmessage", "folder=%00", "has_file=perhaps")]
    queries += ["?q=x&conversation=", "?q=x&conversation=x'"]
    for query in queries:
        answer = ann.get(f"/api/v1/search{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")
