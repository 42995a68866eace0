"""An answer from a collection by a model on another server, over REST: what the model read, what is stored, and who sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from samples.servers.models.model_server import DONE, ModelServer, chunk, stream
from tests.unit.api.portal.test_collections import added, until_read

SignIn = Callable[[str], httpx.Client]
CONTRACT = b"# Notice\n\nNotice is given in writing, thirty days before the end.\n\n# Rent\n\nRent is due on the first of each month.\n"
ANSWER = ["In writing ", "[1]", ". Nobody says ", "by whom [9]."]


@pytest.fixture
def model_server(ann: httpx.Client, signed_in: SignIn) -> Iterator[ModelServer]:
    """Yield a server of another company whose model cites a source that exists and one that does not."""

    def says() -> Iterator[bytes]:
        yield chunk({"role": "assistant", "content": ""})
        for piece in ANSWER:
            yield chunk({"content": piece})
        yield chunk({}, "stop")
        yield chunk(None, usage={"prompt_tokens": 90, "completion_tokens": 12})
        yield DONE

    server = ModelServer(models=("citer",))
    server.behave = stream(says)
    text = f"platforms: [{{name: elsewhere, type: openai, base_url: '{server.url}'}}]"
    assert signed_in("ada").put("/api/v1/platforms", json={"text": text}).is_success
    until = time.monotonic() + 60
    while "citer" not in ann.get("/v1/models").text:
        assert time.monotonic() < until
        time.sleep(0.02)
    yield server
    server.close()


def put_contract(client: httpx.Client) -> tuple[str, str]:
    """Return the ids of a collection and of its document, which was read."""
    collection = client.post("/api/v1/collections", json={"name": "Contracts"}).json()["id"]
    document = str(added(client, collection, "contract.md", CONTRACT).json()["id"])
    assert until_read(client, document)["state"] == "ready"
    return collection, document


def test_a_cited_answer_is_stored_with_its_sources_and_exported_with_them(ann: httpx.Client, model_server: ModelServer) -> None:
    collection, document = put_contract(ann)
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    asked = {"text": "How is notice given?", "collections": [collection], "model": "citer"}
    said = ann.post(f"/api/v1/conversations/{chat}/messages", json=asked)
    assert said.status_code < 300, said.text

    read = "\n".join(str(each["content"]) for each in model_server.chats[-1]["messages"])
    assert "[1] contract.md, Notice\n" in read and "Notice is given in writing" in read and "How is notice given?" in read
    assert "such as [1]" in read and read.index("[1] contract.md") < read.index("How is notice given?")

    here = f"/api/v1/conversations/{chat}"
    answer = ann.get(f"{here}/messages").json()["items"][-1]
    assert answer["text"] == "".join(ANSWER) and answer["context"] == said.json()["answer"]["context"]
    assert answer["context"]["searched"] == ["Contracts"]
    first = answer["context"]["sources"][0]
    assert (first["number"], first["document"], first["heading"], first["document_id"]) == (1, "contract.md", "Notice", document)

    formats = ("markdown", "html", "json")
    exported = {each: ann.get("/api/v1/conversations/export", params={"id": chat, "format": each}).text for each in formats}
    assert "Sources:\n\n1. contract.md" in exported["markdown"] and "class='sources'" in exported["html"]
    assert '"number": 1' in exported["json"] and document in exported["json"]
    assert all("[9]" in each for each in exported.values()), "what the model wrote stays"


def test_who_lost_a_collection_gets_no_passage_of_it(
    signed_in: SignIn, model_server: ModelServer
) -> None:
    ada, bob = signed_in("ada"), signed_in("bob")
    collection, document = put_contract(ada)
    assert ada.patch(f"/api/v1/collections/{collection}", json={"share": "everyone"}).is_success
    chat = bob.post("/api/v1/conversations", json={}).json()["id"]
    asked = {"text": "How is notice given?", "collections": [collection], "model": "citer"}
    said = bob.post(f"/api/v1/conversations/{chat}/messages", json=asked).json()["answer"]
    assert said["context"]["sources"]
    assert bob.get(f"/api/v1/documents/{document}").is_success

    assert ada.patch(f"/api/v1/collections/{collection}", json={"share": "own"}).is_success
    refused = bob.post(f"/api/v1/conversations/{chat}/messages", json={**asked, "text": "And when is notice given?"})
    assert refused.status_code == 404 and len(model_server.chats) == 1, "a question that names it is not asked"
    again = bob.post(f"/api/v1/messages/{said['id']}/regenerate", json={"model": "citer"})
    assert again.is_success and len(model_server.chats) == 2, again.text
    assert "thirty days" in str(model_server.chats[0]["messages"]) and "thirty days" not in str(model_server.chats[1]["messages"])
    assert not (again.json()["answer"]["context"] or {}).get("sources")
    assert bob.get(f"/api/v1/documents/{document}").status_code == 404
