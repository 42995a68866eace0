"""A task over REST, with a model on another server that first plans wrongly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from samples.servers.models.model_server import DONE, Handler, ModelServer, chunk, stream

SignIn = Callable[[str], httpx.Client]
WAIT_S = 60.0
OCTETS = {"Content-Type": "application/octet-stream"}
SALES = b"month,desk,usd\n2026-10,Rates,381\n2026-10,Credit,192\n2026-11,Rates,370\n"
QUERY = 'SELECT "desk", sum("usd") AS "usd" FROM "sales" GROUP BY 1 ORDER BY 2 DESC'
ASK = {"id": "s1", "kind": "ask", "title": "Ask", "text": "Which quarter?"}


def plan(column: str) -> str:
    steps = [
        {"id": "s1", "kind": "query", "title": "Sales by desk", "inputs": ["file1"], "text": QUERY.replace("usd", column)},
        {"id": "s2", "kind": "chart", "title": "Draw them", "inputs": ["s1"], "text": "", "chart": "bar", "x": "desk", "y": ["usd"]},
        {"id": "s3", "kind": "write", "title": "Say it", "inputs": ["s1"], "text": "One sentence."},
    ]
    return json.dumps({"title": "Sales by desk", "steps": steps})


class Script:
    """Gives these answers in turn."""

    def __init__(self, *texts: str) -> None:
        self._texts = list(texts)

    def __call__(self, handler: Handler) -> None:
        text = self._texts.pop(0)

        def events() -> Iterator[bytes]:
            yield chunk({"role": "assistant", "content": text})
            yield chunk({}, "stop")
            yield chunk(None, usage={"prompt_tokens": 11, "completion_tokens": 4})
            yield DONE

        stream(events)(handler)


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    server = ModelServer(models=("planner",))
    yield server
    server.close()


def until(read: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    ends = time.monotonic() + WAIT_S
    while not holds(found := read()):
        assert time.monotonic() < ends, f"it never came true: {found}"
        time.sleep(0.02)
    return found


def test_a_task_is_planned_corrected_approved_run_and_exported(ann: httpx.Client, signed_in: SignIn, model_server: ModelServer) -> None:
    text = f"platforms: [{{name: elsewhere, type: openai, base_url: '{model_server.url}'}}]"
    assert signed_in("ada").put("/api/v1/platforms", json={"text": text}).is_success
    until(lambda: ann.get("/v1/models").text, lambda found: "planner" in found)
    model_server.behave = Script(plan("dollars"), plan("usd"), "Rates sold most.")
    file = ann.post("/api/v1/files", params={"name": "sales.csv"}, content=SALES, headers=OCTETS).json()["id"]
    made = ann.post("/api/v1/tasks", json={"request": "Which desk sold most?", "files": [file], "model": "planner"})
    assert made.status_code == 201, made.text
    here = f"/api/v1/tasks/{made.json()['id']}"
    assert ann.post(f"{here}/plan").json()["planning"]
    task = until(lambda: ann.get(here).json(), lambda found: not found["planning"])
    assert task["problem"] is None and task["planned_by"] == "planner"
    assert [each["kind"] for each in task["steps"]] == ["query", "chart", "write"]
    assert "dollars" in model_server.chats[1]["messages"][-1]["content"]
    stale = ann.post(f"{here}/runs", json={"version": 1})
    assert stale.status_code == 409 and "changed meanwhile" in stale.text
    run = ann.post(f"{here}/runs", json={"version": task["version"], "waits": True}).json()
    run_here = f"/api/v1/task-runs/{run['id']}"
    waits = until(lambda: ann.get(run_here).json(), lambda found: found["state"] not in ("waiting", "running"))
    assert waits["state"] == "asking" and waits["steps"][2]["asked"] == "planner@elsewhere" and len(model_server.chats) == 2, waits
    assert ann.post(f"{run_here}/answer", json={"text": "Yes."}).status_code == 409
    assert ann.post(f"{run_here}/let-leave").status_code == 200
    done = until(lambda: ann.get(run_here).json(), lambda found: found["state"] not in ("waiting", "running"))
    assert done["state"] == "done", done
    assert done["steps"][0]["output"]["rows"]["rows"] == [["Rates", 751], ["Credit", 192]] and done["steps"][1]["output"]["y"] == ["usd"]
    assert done["steps"][2]["model"] == "planner" and done["steps"][2]["completion_tokens"] == 4
    result = ann.get(f"{run_here}/result").json()
    assert [each["id"] for each in result["steps"]] == ["s2", "s3"]
    markdown = ann.get(f"{run_here}/export", params={"format": "markdown"}).text
    assert "| Rates | 751 |" in markdown and "Rates sold most." in markdown
    chat = ann.post(f"{run_here}/chat").json()["conversation_id"]
    assert "Rates sold most." in ann.get(f"/api/v1/conversations/{chat}/messages").text
    [listed] = ann.get("/api/v1/tasks").json()["items"]
    assert listed["last_run"]["state"] == "done"
    assert ann.delete(here).status_code == 204 and ann.get(run_here).status_code == 404


def test_a_run_asks_and_goes_on_with_the_answer(ann: httpx.Client) -> None:
    task = ann.post("/api/v1/tasks", json={"request": "Ask me", "steps": [ASK]}).json()
    run = ann.post(f"/api/v1/tasks/{task['id']}/runs", json={"version": 1}).json()
    here = f"/api/v1/task-runs/{run['id']}"
    until(lambda: ann.get(here).json(), lambda found: found["state"] == "asking")
    assert ann.post(f"{here}/answer", json={"text": "The fourth."}).status_code == 200
    done = until(lambda: ann.get(here).json(), lambda found: found["state"] == "done")
    assert done["steps"][0]["output"]["text"] == "The fourth."
    assert ann.post(f"{here}/cancel").status_code == 409


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "request"),
        ({"request": " "}, "Describe what should be done"),
        ({"request": "x", "steps": [{**ASK, "kind": "email"}]}, "kind"),
        ({"request": "x", "steps": [ASK, ASK]}, "same id"),
        ({"request": "x", "steps": [{**ASK, "kind": "write", "inputs": ["file1"]}]}, "no file of that number"),
        ({"request": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_task_that_cannot_be_meant_is_refused(ann: httpx.Client, body: dict[str, Any], says: str) -> None:
    refused = ann.post("/api/v1/tasks", json=body)
    assert refused.status_code == 422 and says in refused.text, refused.text


def test_a_template_is_saved_changed_shared_run_and_removed(ann: httpx.Client, signed_in: SignIn) -> None:
    task = ann.post("/api/v1/tasks", json={"request": "Ask [who]", "steps": [ASK]}).json()
    made = ann.post("/api/v1/task-templates", json={"task_id": task["id"]})
    assert made.status_code == 201 and made.json()["blanks"] == ["who"], made.text
    here = f"/api/v1/task-templates/{made.json()['id']}"
    assert ann.post("/api/v1/task-templates", json={"task_id": task["id"], "title": "x"}).status_code == 422
    assert ann.patch(here, json={}).status_code == 422
    changed = ann.patch(here, json={"version": 1, "title": "Ask about [month]"}).json()
    assert changed["version"] == 2 and changed["blanks"] == ["month", "who"]
    assert ann.patch(here, json={"share": "everyone"}).status_code == 403
    bob = signed_in("bob")
    assert bob.get(here).status_code == 404 and bob.get("/api/v1/task-templates").json() == {"items": []}
    refused = ann.post(f"{here}/runs", json={"version": 2, "values": {"who": "me"}})
    assert refused.status_code == 422 and "Fill in month" in refused.text
    assert ann.post(f"{here}/runs", json={"version": 1, "values": {"who": "me", "month": "May"}}).status_code == 409
    run = ann.post(f"{here}/runs", json={"version": 2, "values": {"who": "me", "month": "May"}})
    assert run.status_code == 202 and run.json()["title"] == "Ask about May"
    until(lambda: ann.get(f"/api/v1/task-runs/{run.json()['id']}").json(), lambda found: found["state"] == "asking")
    schedule = f"{here}/schedule"
    assert ann.get(schedule).status_code == 404 and ann.put(schedule, json={"version": 2, "every": "never"}).status_code == 422
    wanted = {"version": 2, "every": "month", "day": 3, "hour": 9, "values": {"who": "me"}, "rules": {"month": "month_before"}}
    put = ann.put(schedule, json=wanted)
    assert put.status_code == 200 and put.json()["waits"] and "-03T09:00:00" in put.json()["next"], put.text
    assert ann.patch(schedule, json={"enabled": False}).json()["next"] is None
    assert ann.get(schedule).json()["rules"] == {"month": "month_before"} and bob.get(schedule).status_code == 404
    assert ann.delete(schedule).status_code == 204 and ann.delete(schedule).status_code == 404
    assert ann.delete(here).status_code == 204 and ann.get(here).status_code == 404
    assert ann.get(f"/api/v1/tasks/{run.json()['task_id']}").status_code == 200
