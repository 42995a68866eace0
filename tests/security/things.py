"""Create one record of each kind that belongs to a single person, over REST."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import httpx

from samples.fakes import FakeRouter
from samples.image_files import picture, written
from samples.servers.models.detector_server import DetectorServer

MARK = "Marigold"
"""Stands in every text of these things, so that no answer to someone else may hold it."""
WAIT_S = 60.0
PICTURE = written(picture(60, 40))
OCTETS = {"Content-Type": "application/octet-stream"}


def done(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json() if response.content else None


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def use_detector(admin: httpx.Client, server: DetectorServer) -> None:
    platforms = f"platforms: [{{name: local}}, {{name: boxes, type: detector, base_url: '{server.url}'}}]"
    done(admin.put("/api/v1/platforms", json={"text": platforms}))
    until(lambda: admin.get("/api/v1/ground/models").json()["items"])


def make_things(client: httpx.Client, name: str, admin: httpx.Client, router: FakeRouter) -> dict[str, str]:
    """Make them for the person of `client`; returns their ids by the names that paths and fields give them."""
    group = done(admin.post("/api/v1/groups", json={"name": f"{MARK} {name}"}))["id"]
    done(admin.patch(f"/api/v1/groups/{group}", json={"managers": [name]}))
    done(admin.patch(f"/api/v1/people/{name}", json={"group": f"{MARK} {name}"}))
    file = done(client.post("/api/v1/files", params={"name": f"{MARK}.txt"}, content=MARK.encode(), headers=OCTETS))["id"]
    folder = done(client.post("/api/v1/folders", json={"name": MARK}))["id"]
    chat = done(client.post("/api/v1/conversations", json={"title": MARK, "folder_id": folder}))["id"]
    here = f"/api/v1/conversations/{chat}"
    asked = done(client.post(f"{here}/messages", json={"text": MARK, "files": [file], "request_id": f"once-{name}"}))
    until(lambda: client.get(f"{here}/messages").json()["items"][-1]["status"] != "streaming")
    two = done(client.post("/api/v1/conversations", json={"title": MARK}))["id"]
    compared = done(client.post(f"/api/v1/conversations/{two}/side-by-side", json={"text": MARK, "models": ["fake", "fake"]}))
    until(lambda: client.get(f"/api/v1/conversations/{two}/messages").json()["items"][-1]["status"] != "streaming")
    found = done(client.post("/api/v1/ground", json={"image": base64.b64encode(PICTURE).decode(), "name": MARK, "phrases": [MARK]}))
    collection = done(client.post("/api/v1/collections", json={"name": MARK}))["id"]
    documents = f"/api/v1/collections/{collection}/documents"
    document = done(client.post(documents, params={"name": f"{MARK}.txt"}, content=MARK.encode(), headers=OCTETS))["id"]
    until(lambda: done(client.get(f"/api/v1/documents/{document}"))["state"] == "ready")
    export = json.dumps({"conversationId": "1", "title": MARK, "messages": []})
    line = {"custom_id": "1", "method": "POST", "url": "/v1/embeddings", "body": {"input": MARK}}
    wanted = {"input_file_id": _program_file(client, json.dumps(line)), "endpoint": "/v1/embeddings", "completion_window": "24h"}
    done(admin.put("/api/v1/presets/formal", json={"model": "fake", "published": True}))  # The second one of a match.
    made = {
        "match_id": done(client.post("/api/v1/arena/matches", json={"text": MARK}))["id"],
        "group_id": group, "file_id": file, "folder_id": folder, "conversation_id": chat, "message_id": asked["answer"]["id"],
        "replaces_id": asked["question"]["id"], "answer_id": asked["answer"]["id"],
        "request_id": f"once-{name}", "question_id": compared["question_id"], "preferred_id": compared["lanes"][0]["answer_id"],
        "share_id": done(client.post(f"{here}/shares", json={"group_id": group}))["id"],
        "prompt_id": done(client.post("/api/v1/prompts", json={"title": MARK, "text": MARK}))["id"],
        "collection_id": collection, "document_id": document,
        "memory_id": done(client.post("/api/v1/memories", json={"text": MARK}))["id"],
        "run_id": found["id"], "image_id": found["image"]["id"],
        "batch_id": done(client.post("/api/v1/ground-batches", params={"phrase": MARK}, content=_images()))["id"],
        "session_id": done(client.get("/api/v1/sessions"))["items"][0]["id"],
        "key_id": done(client.post("/api/v1/keys", json={"name": MARK, "scopes": ["chat"]}))["key"]["id"],
        "job_id": done(client.post("/api/v1/chat-imports", json={"file_id": _program_file(client, export)}))["id"],
        "response_id": done(client.post("/v1/responses", json={"model": "fake", "input": MARK}))["id"],
        "/v1 file_id": _program_file(client, export), "/v1 batch_id": done(client.post("/v1/batches", json=wanted))["id"],
    }  # fmt: skip
    steps = [{"id": id, "kind": kind, "title": MARK, "text": MARK} for id, kind in (("s1", "search"), ("s2", "ask"))]
    made["task_id"] = done(client.post("/api/v1/tasks", json={"request": MARK, "steps": steps}))["id"]
    made["task_run_id"] = done(client.post(f"/api/v1/tasks/{made['task_id']}/runs", json={"version": 1}))["id"]
    until(lambda: done(client.get(f"/api/v1/task-runs/{made['task_run_id']}"))["state"] == "asking")
    made["template_id"] = done(client.post("/api/v1/task-templates", json={"task_id": made["task_id"]}))["id"]
    schedule = {"version": 1, "every": "month"}
    done(client.put(f"/api/v1/task-templates/{made['template_id']}/schedule", json=schedule))
    until(lambda: done(client.get("/api/v1/notices"))["items"])  # That the import has ended.
    made["notice_id"] = done(client.get("/api/v1/notices"))["items"][0]["id"]
    # A question that waits for an answer under way: queued questions and streams have ids of their own.
    router.hold()
    busy = done(client.post("/api/v1/conversations", json={"title": MARK}))["id"]
    done(client.post(f"/api/v1/conversations/{busy}/side-by-side", json={"text": MARK, "models": ["fake", "fake"]}))
    done(client.put(f"/api/v1/conversations/{busy}/follow-up", json={"text": MARK}))
    return {**made, "busy_id": busy}


def _program_file(client: httpx.Client, content: str) -> str:
    sent = client.post("/v1/files", data={"purpose": "batch"}, files={"file": (f"{MARK}.jsonl", content.encode())})
    return str(done(sent)["id"])


def _images() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("a.png", PICTURE)
    return archive.getvalue()
