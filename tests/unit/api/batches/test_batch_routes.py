"""Files and batches over REST on a fake model; every answer is read by the official client's own types."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from openai.types import Batch, Completion, CreateEmbeddingResponse, FileObject
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from pydantic import BaseModel

from bootstrap.portal import Portal
from core.errors import ModelFailed, PromptTooLong
from core.inference.requests import Delta
from samples.fakes import FakeRouter

WAIT_S = 60.0
HELLO = [{"role": "user", "content": "Hi"}]


def upload(client: httpx.Client, *lines: dict[str, Any] | str, **form: str) -> httpx.Response:
    content = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    return client.post("/v1/files", data={"purpose": "batch", **form}, files={"file": ("requests.jsonl", content.encode())})


def line(name: str, route: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": route, "body": body}


def start(client: httpx.Client, route: str, *bodies: dict[str, Any]) -> dict[str, Any]:
    file = upload(client, *(line(str(number), route, body) for number, body in enumerate(bodies))).json()
    FileObject.model_validate(file)
    sent = {"input_file_id": file["id"], "endpoint": route, "completion_window": "24h", "metadata": {"a": "b"}}
    response = client.post("/v1/batches", json=sent)
    assert response.status_code == 200, response.text
    return response.json()  # type: ignore[no-any-return]


def ended(client: httpx.Client, batch: dict[str, Any]) -> dict[str, Any]:
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        found = client.get(f"/v1/batches/{batch['id']}").json()
        Batch.model_validate(found)
        if found["status"] in ("completed", "failed", "cancelled", "expired"):
            return found  # type: ignore[no-any-return]
        time.sleep(0.02)
    raise AssertionError(found)


def lines(client: httpx.Client, file_id: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in client.get(f"/v1/files/{file_id}/content").text.splitlines()]


@pytest.mark.parametrize(
    ("route", "body", "shape"),
    [
        ("/v1/chat/completions", {"messages": HELLO, "n": 2, "seed": 1}, ChatCompletion),
        ("/v1/completions", {"prompt": ["a", "b"], "echo": True}, Completion),
        ("/v1/responses", {"input": "Hi"}, Response),
        ("/v1/embeddings", {"input": "Hi", "dimensions": 1}, CreateEmbeddingResponse),
    ],
)
def test_each_route_is_answered_in_its_shape(
    ann: httpx.Client, router: FakeRouter, route: str, body: dict[str, Any], shape: type[BaseModel]
) -> None:
    done = ended(ann, start(ann, route, body))
    assert (done["status"], done["metadata"]) == ("completed", {"a": "b"})
    assert done["request_counts"] == {"total": 1, "completed": 1, "failed": 0}
    assert all(request.batch for request in router.requests)
    [result] = lines(ann, done["output_file_id"])
    assert (result["custom_id"], result["response"]["status_code"], result["error"]) == ("0", 200, None)
    alone = ann.post(route, json={**body, "store": False} if route == "/v1/responses" else body).json()
    answered = shape.model_validate(result["response"]["body"])
    assert _without_names(answered) == _without_names(shape.model_validate(alone))
    assert done["error_file_id"] is None


def _without_names(answer: BaseModel) -> str:
    """Return the answer without its ids and times."""
    return json.dumps(_plain(answer.model_dump()))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name not in ("id", "created", "created_at", "completed_at")}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def test_refusals_and_failures_are_lines_with_openais_errors(ann: httpx.Client, router: FakeRouter) -> None:
    router.next_answers.put([Delta("One", tokens=1), ModelFailed("The model failed.")])
    chat = "/v1/chat/completions"
    failing = ended(ann, start(ann, chat, {"messages": HELLO}))
    router.refuse.append(PromptTooLong(900, 511))
    long = ended(ann, start(ann, chat, {"messages": HELLO}))
    odd = ({"stream": True}, {"messages": [{"role": "user"}]}, {"model": "gpt-9"}, {"messages": "x"})
    refused = ended(ann, start(ann, chat, *({"messages": HELLO, **each} for each in odd)))
    told = [result["response"] for done in (failing, long, refused) for result in lines(ann, done["error_file_id"])]
    assert [(each["status_code"], each["body"]["error"]["param"]) for each in told] == [
        (502, None), (400, "messages"), (400, "stream"), (400, "messages.0.content"), (404, "model"), (400, "messages"),
    ]  # fmt: skip
    assert all(each["body"]["error"].keys() == {"message", "type", "code", "param"} for each in told)
    assert refused["output_file_id"] is None and refused["request_counts"] == {"total": 4, "completed": 0, "failed": 4}


def test_a_batch_is_cancelled_while_it_runs(ann: httpx.Client, router: FakeRouter) -> None:
    router.hold()
    batch = start(ann, "/v1/chat/completions", *({"messages": HELLO} for _ in range(5)))
    ends = time.monotonic() + WAIT_S
    while not router.generations and time.monotonic() < ends:
        time.sleep(0.01)
    assert ann.post(f"/v1/batches/{batch['id']}/cancel").json()["status"] in ("cancelling", "cancelled")
    assert ended(ann, batch)["status"] == "cancelled"
    assert all(generation.cancelled.wait(WAIT_S) for generation in router.generations)
    assert ann.post(f"/v1/batches/{batch['id']}/cancel").status_code == 409


def test_files_and_batches_are_listed_in_pages(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    names = [upload(ann, "x").json()["id"] for _ in range(3)][::-1]
    first = ann.get("/v1/files?limit=2").json()
    assert ([each["id"] for each in first["data"]], first["has_more"], first["last_id"]) == (names[:2], True, names[1])
    assert [each["id"] for each in ann.get(f"/v1/files?limit=2&after={names[1]}").json()["data"]] == names[2:]
    batches = [start(ann, "/v1/embeddings", {"input": "x"})["id"] for _ in range(3)][::-1]
    assert [each["id"] for each in ann.get("/v1/batches?limit=2").json()["data"]] == batches[:2]
    assert [each["id"] for each in ann.get(f"/v1/batches?after={batches[1]}").json()["data"]] == batches[2:]
    bob = signed_in("bob")
    assert bob.get("/v1/files").json()["data"] == bob.get("/v1/batches").json()["data"] == []
    assert bob.get(f"/v1/files/{names[0]}/content").status_code == bob.delete(f"/v1/files/{names[0]}").status_code == 404
    assert bob.get(f"/v1/batches/{batches[0]}").status_code == bob.post(f"/v1/batches/{batches[0]}/cancel").status_code == 404
    assert ann.delete(f"/v1/files/{names[0]}").json() == {"id": names[0], "object": "file", "deleted": True}


@pytest.mark.parametrize(
    ("form", "param"), [({"purpose": "assistants"}, "purpose"), ({"expires_after[seconds]": "soon"}, "expires_after.seconds")]
)
def test_what_cannot_be_uploaded_is_refused_and_named(ann: httpx.Client, form: dict[str, str], param: str) -> None:
    response = upload(ann, "x", **form)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert ann.post("/v1/files", data={"purpose": "batch"}, files={"other": ("a", b"x")}).json()["error"]["param"] == "file"
    assert upload(ann, "").status_code == 400
    assert ann.get("/v1/files").json()["data"] == []


def test_a_file_that_is_too_large_is_refused(ann: httpx.Client, portal: Portal) -> None:
    portal.program_files.max_bytes = 1_000_000
    assert upload(ann, "x" * 1_050_000).status_code == 400
    assert upload(ann, "x" * 1_200_000).status_code == 413


def test_a_batch_of_a_missing_file_names_the_field(ann: httpx.Client) -> None:
    response = ann.post("/v1/batches", json={"input_file_id": "file-1", "endpoint": "/v1/responses", "completion_window": "24h"})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (404, "not_found", "input_file_id")


def test_a_legal_hold_keeps_files(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    file = upload(ann, "x").json()
    signed_in("ada").put("/api/v1/retention/holds/ann", json={"reason": "case"}).raise_for_status()
    assert ann.delete(f"/v1/files/{file['id']}").status_code == 409
