"""The process is killed while a tool runs, and while a step waits for the person: both answers are kept and shown as interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bench.portal_parts.portal import running_portal
from tests.tool_caller import booked, caller_model, install_rooms


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def last(client: httpx.Client, chat: str) -> dict[str, object]:
    found: dict[str, object] = client.get(f"/api/v1/conversations/{chat}/messages").raise_for_status().json()["items"][-1]
    return found


def test_a_killed_portal_keeps_the_steps_and_runs_none_again(tmp_path: Path) -> None:
    home, rooms = tmp_path / "home", tmp_path / "rooms"
    home.mkdir()
    rooms.mkdir()
    settings = {
        "PORTAL_MODEL": str(caller_model(tmp_path)), "PORTAL_SLOTS": "2", "PORTAL_CONTEXT": "8192", **install_rooms(rooms),
    }  # fmt: skip
    with running_portal(home, **settings) as portal, portal.sign_in() as client:
        client.put("/api/v1/plugins/rooms", json={"everyone": True}).raise_for_status()
        runs, waits = (client.post("/api/v1/conversations").json()["id"] for _ in range(2))
        client.put(f"/api/v1/conversations/{runs}/follow-up", json={"text": "Count"}).raise_for_status()
        asked = {"text": "Book a room", "request_id": "book"}
        turn = client.post(f"/api/v1/conversations/{waits}/messages", json=asked).raise_for_status().json()
        step = turn["answer"]["steps"][0]
        assert step["approval"] == "waiting"
        until((rooms / "counting").exists)
        portal.process.kill()
        portal.process.wait(60)
    with running_portal(home, **settings) as portal, portal.sign_in() as client:
        for chat, approval in ((runs, None), (waits, "waiting")):
            answer = last(client, chat)
            [kept] = answer["steps"]  # type: ignore[misc]
            assert (answer["status"], kept["approval"], kept["seconds"], kept["error"]) == ("interrupted", approval, None, None)
        body = {"step": step["id"], "decision": "allow"}
        assert client.post(f"/api/v1/messages/{turn['answer']['id']}/decide", json=body).status_code == 409
        assert client.post(f"/api/v1/conversations/{waits}/messages", json=asked).json()["status"] == "interrupted"
        again = client.post(f"/api/v1/messages/{last(client, waits)['id']}/regenerate").raise_for_status().json()
        assert again["answer"]["steps"][0]["approval"] == "waiting"
        client.post(f"/api/v1/messages/{again['answer']['id']}/decide", json={**body, "step": again["answer"]["steps"][0]["id"]})
        until(lambda: last(client, waits)["status"] == "done")
        assert booked(rooms) == "Blue room"
