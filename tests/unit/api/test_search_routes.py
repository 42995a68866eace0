from __future__ import annotations

from collections.abc import Callable

import httpx

from bootstrap import Portal


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


def test_what_cannot_be_asked_is_refused(ann: httpx.Client) -> None:
    for query in ("", "?q=x&kind=password", "?q=x&limit=0", "?q=x&since=yesterday", "?q=x&cursor=nonsense", "?q=x&rating=5"):
        answer = ann.get(f"/api/v1/search{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")
