"""Create one record of each kind, so that requests of the contract also reach what lies behind a 404."""

from __future__ import annotations

import time
from typing import Any

import httpx

OCTETS = {"Content-Type": "application/octet-stream"}
WAIT_S = 60.0


def contract_things(admin: httpx.Client) -> dict[str, str]:
    """Return their ids by the names of the path parameters. The model's name is left out: it would be unloaded."""

    def made(path: str, body: Any) -> Any:
        return admin.post(f"/api/v1/{path}", json=body).raise_for_status().json()

    chat = made("conversations", {})["id"]
    turn = made(f"conversations/{chat}/messages", {"text": "What can this portal do?"})
    file = admin.post("/api/v1/files", params={"name": "a.txt"}, content=b"text", headers=OCTETS).raise_for_status().json()["id"]
    collection = made("collections", {"name": "Rates"})["id"]
    documents = f"/api/v1/collections/{collection}/documents"
    document = admin.post(documents, params={"name": "a.txt"}, content=b"The rate is 2 percent.", headers=OCTETS).raise_for_status().json()
    steps = [{"id": "s1", "kind": "search", "title": "Search", "text": "rate"}, {"id": "s2", "kind": "ask", "title": "Ask", "text": "Why?"}]
    task = made("tasks", {"request": "Search for rates", "steps": steps})
    run = made(f"tasks/{task['id']}/runs", {"version": task["version"]})
    plan = made("usage/report-plans", {"plan": {"name": "Board", "cards": ["overview.figures"], "every": "never"}})["id"]
    admin.post(f"/api/v1/usage/report-plans/{plan}/reports").raise_for_status()
    return {
        "conversation_id": chat, "message_id": turn["answer"]["id"], "file_id": file, "folder_id": made("folders", {"name": "Notes"})["id"],
        "collection_id": collection, "document_id": document["id"], "task_id": task["id"], "task_run_id": run["id"],
        "prompt_id": made("prompts", {"title": "Rates", "text": "Which rates?"})["id"],
        "memory_id": made("memories", {"text": "The user reads rates."})["id"],
        "plan_id": plan, "report_id": _report(admin), "board": "overview", "table": "answers_per_day",
        "rule_id": made("alert-rules", {"rule": {"name": "Errors", "measure": "errors", "threshold": 5}})["id"],
        "webhook_id": made("alert-webhooks", {"name": "Pager", "address": "https://pager.example/x"})["id"],
        "dataset_id": made("datasets", {"name": "Good", "settings": {"format": "sft", "sources": ["good"]}})["id"],
        "canary_id": made("canary-questions", {"question": "Which rate?"})["id"],
    }  # fmt: skip


def _report(admin: httpx.Client) -> str:
    """Wait until the report of the plan is made."""
    ends = time.monotonic() + WAIT_S
    while not (reports := admin.get("/api/v1/usage/reports").raise_for_status().json()["items"]):
        if time.monotonic() > ends:
            raise TimeoutError("the report was not made")
        time.sleep(0.05)
    return str(reports[0]["id"])
