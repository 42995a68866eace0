"""Collections over REST."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from samples.fakes import FakeRouter, answer

OCTETS = {"Content-Type": "application/octet-stream"}


def added(client: httpx.Client, collection_id: str, name: str, content: bytes) -> httpx.Response:
    return client.post(f"/api/v1/collections/{collection_id}/documents", params={"name": name}, content=content, headers=OCTETS)


def until_read(client: httpx.Client, document_id: str) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while (found := client.get(f"/api/v1/documents/{document_id}").json())["state"] in ("waiting", "reading"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return dict(found)


def test_documents_are_added_read_asked_and_removed(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    made = ann.post("/api/v1/collections", json={"name": "Contracts"})
    assert made.status_code == 201, made.text
    collection_id = made.json()["id"]
    document = added(ann, collection_id, "contract.md", b"# Notice\n\nNotice is given in writing.")
    assert document.status_code == 201, document.text
    id = document.json()["id"]
    read = until_read(ann, id)
    assert (read["state"], read["passages"], read["pages"], read["error"]) == ("ready", 1, None, None)
    asked = {"question": "How is notice given?", "collections": [collection_id]}
    found = ann.post("/api/v1/collections/passages", json=asked).json()
    assert [(each["document"], each["heading"]) for each in found["passages"]] == [("contract.md", "Notice")]
    assert found["best_score"] == found["passages"][0]["score"] == 1.0
    nothing = ann.post("/api/v1/collections/passages", json={**asked, "question": "Photosynthesis?"}).json()
    assert nothing["passages"] == [] and nothing["best_score"] < nothing["limit"]
    assert ann.get(f"/api/v1/documents/{id}/content").content.startswith(b"# Notice")
    bob = signed_in("bob")
    assert bob.post("/api/v1/collections/passages", json=asked).status_code == 404
    assert bob.get("/api/v1/collections").json()["items"] == []
    assert ann.patch(f"/api/v1/collections/{collection_id}", json={"name": "Agreements"}).json()["name"] == "Agreements"
    assert ann.patch(f"/api/v1/collections/{collection_id}", json={"share": "everyone"}).status_code == 403
    assert ann.get("/api/v1/collections").json()["items"][0]["passages"] == 1
    assert ann.delete(f"/api/v1/documents/{id}").status_code == 204
    assert ann.post("/api/v1/collections/passages", json=asked).json()["passages"] == []
    assert ann.delete(f"/api/v1/collections/{collection_id}").status_code == 204
    assert ann.get(f"/api/v1/collections/{collection_id}").status_code == 404


def test_a_document_may_be_larger_than_other_bodies_and_says_why_it_is_not_read(ann: httpx.Client) -> None:
    collection_id = ann.post("/api/v1/collections", json={"name": "Large"}).json()["id"]
    large = added(ann, collection_id, "large.txt", b"one line of text\n" * 100_000)
    assert large.status_code == 201, large.text
    failed = until_read(ann, added(ann, collection_id, "photo.bin", bytes(range(256)) * 20).json()["id"])
    assert failed["state"] == "failed" and "photo.bin cannot be read" in str(failed["error"])
    again = ann.post(f"/api/v1/documents/{failed['id']}/read")
    assert again.status_code == 200 and until_read(ann, str(failed["id"]))["state"] == "failed"
    assert until_read(ann, large.json()["id"])["state"] == "ready"


def test_a_question_is_answered_from_a_collection(ann: httpx.Client, router: FakeRouter) -> None:
    collection_id = ann.post("/api/v1/collections", json={"name": "Contracts"}).json()["id"]
    until_read(ann, added(ann, collection_id, "contract.md", b"# Notice\n\nNotice is given in writing.").json()["id"])
    router.always = answer("In writing [1].")
    here = ann.post("/api/v1/conversations", json={}).json()["id"]
    asked = {"text": "How is notice given?", "collections": [collection_id]}
    said = ann.post(f"/api/v1/conversations/{here}/messages", json=asked).json()["answer"]
    assert said["context"]["searched"] == ["Contracts"]
    assert [(each["number"], each["document"], each["heading"]) for each in said["context"]["sources"]] == [(1, "contract.md", "Notice")]
    assert ann.get(f"/api/v1/conversations/{here}/messages").json()["items"][-1]["context"] == said["context"], "it survives"
