"""Do one round of each kind of load. A round deletes everything that it creates, so that only the process can grow, not its data."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx

from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import PASSWORD, Measured

PEOPLE = ("ana", "ben", "cho")
QUESTION = "What can this portal do?"
PAGES = (
    *("", "search", "tasks", "shared", "documents", "images", "prompts", "cases", "review_progress", "arena", "leaderboard", "experiments"),
    *("datasets", "usage", "reports", "alerts", "models", "get_model", "compare", "presets", "platforms", "people", "access", "audit"),
    *("logs", "store", "jobs", "plugins"),
)
"""Every page of the navigation, the start page as the address without a path."""
OCTETS = {"Content-Type": "application/octet-stream"}
FORMATS = ("markdown", "html", "json")
WAIT_S = 120.0
EXPECTED = {200, 201, 202, 204, 429}
"""Accepted status codes. 429: a busy portal may refuse."""


class Fault(Exception):
    """A response that a healthy portal does not give."""


def checked(response: httpx.Response, *also: int) -> httpx.Response:
    if response.status_code not in EXPECTED | set(also):
        raise Fault(f"{response.request.method} {response.request.url.path} {response.status_code}")
    return response


def chat(client: httpx.Client, number: int) -> None:
    """Ask in a chat, read the answer, rate it, export the chat, delete it."""
    conversation = checked(client.post("/api/v1/conversations", json={})).json()["id"]
    path = f"/api/v1/conversations/{conversation}"
    checked(client.post(f"{path}/messages", json={"text": QUESTION}))
    deadline = time.monotonic() + WAIT_S
    while (messages := checked(client.get(f"{path}/messages")).json()["items"]) and messages[-1]["status"] == "streaming":
        if time.monotonic() > deadline:
            raise Fault("an answer did not end")
        time.sleep(0.1)
    if messages:
        checked(client.put(f"/api/v1/messages/{messages[-1]['id']}/feedback", json={"rating": 1, "comment": f"Round {number}"}))
        asked = {"id": conversation, "format": FORMATS[number % len(FORMATS)]}
        checked(client.get("/api/v1/conversations/export", params=asked))
    checked(client.delete(path))


def program(client: httpx.Client, number: int) -> None:
    """Ask as a program does, alternately with a stream and without."""
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": number % 2 == 0}
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        response.read()
    checked(response)


def files(client: httpx.Client, number: int) -> None:
    """Upload a file, read it, delete it."""
    content = f"Row {number}\n".encode() * 20_000
    made = checked(client.post("/api/v1/files", params={"name": f"file{number}.txt"}, content=content, headers=OCTETS))
    if made.status_code == 201:
        path = f"/api/v1/files/{made.json()['id']}"
        checked(client.get(f"{path}/content"))
        checked(client.delete(path))


def lists(client: httpx.Client, number: int) -> None:
    """Read lists, and create, change and delete a folder and a prompt."""
    for path in ("session", "conversations", "folders", "prompts", "jobs", "keys", "limits/own"):
        checked(client.get(f"/api/v1/{path}"))
    folder = f"/api/v1/folders/{checked(client.post('/api/v1/folders', json={'name': f'Folder {number}'})).json()['id']}"
    checked(client.patch(folder, json={"name": "Renamed"}))
    checked(client.delete(folder))
    prompt = f"/api/v1/prompts/{checked(client.post('/api/v1/prompts', json={'title': f'Prompt {number}', 'text': 'x'})).json()['id']}"
    checked(client.delete(prompt))


def documents(client: httpx.Client, number: int) -> None:
    """Add a document to a collection, find the passages that answer a question, delete both."""
    collection = f"/api/v1/collections/{checked(client.post('/api/v1/collections', json={'name': f'Collection {number}'})).json()['id']}"
    content = f"The rate of desk {number} is {number % 90} percent.\n".encode() * 200
    added = client.post(f"{collection}/documents", params={"name": f"rates{number}.txt"}, content=content, headers=OCTETS)
    if checked(added).status_code == 201:
        document = f"/api/v1/documents/{added.json()['id']}"
        _until(client, document, lambda found: found["state"] in ("ready", "failed"))
        asked = {"question": f"What is the rate of desk {number}?", "collections": [collection.rpartition("/")[2]]}
        checked(client.post("/api/v1/collections/passages", json=asked))
    checked(client.delete(collection))


def tasks(client: httpx.Client, number: int) -> None:
    """Run a task that searches chats and asks its person, answer it, read and delete the task."""
    steps = [{"id": "s1", "kind": "search", "title": "Search", "text": "bond"}, {"id": "s2", "kind": "ask", "title": "Ask", "text": "Why?"}]
    made = checked(client.post("/api/v1/tasks", json={"request": f"Search {number}", "steps": steps})).json()
    started = client.post(f"/api/v1/tasks/{made['id']}/runs", json={"version": made["version"]})
    if checked(started).status_code == 202:
        run = f"/api/v1/task-runs/{started.json()['id']}"
        _until(client, run, lambda found: found["state"] == "asking")
        checked(client.post(f"{run}/answer", json={"text": "Because."}))
        _until(client, run, lambda found: found["ended_at"])
        checked(client.get(f"{run}/result"))
        checked(client.get(f"{run}/export", params={"format": "markdown"}))
    checked(client.delete(f"/api/v1/tasks/{made['id']}"))


def boards(client: httpx.Client, number: int) -> None:
    """Read boards, the leaderboard and experiments, try an alert rule, and add and delete the plan of a report."""
    board = ("overview", "adoption", "quality", "speed", "capacity", "money")[number % 6]
    for path in (f"usage/boards/{board}", "usage/costs", "arena/leaderboard", "experiments"):
        checked(client.get(f"/api/v1/{path}"))
    checked(client.post("/api/v1/alert-rules/preview", json={"rule": {"name": "Errors", "measure": "errors", "threshold": 5}}))
    body = {"plan": {"name": f"Report {number}", "cards": ["overview.figures"], "every": "never"}}
    plan = f"/api/v1/usage/report-plans/{checked(client.post('/api/v1/usage/report-plans', json=body)).json()['id']}"
    checked(client.delete(plan))


def _until(client: httpx.Client, path: str, holds: Callable[[Any], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds(checked(client.get(path)).json()):
        if time.monotonic() > deadline:
            raise Fault(f"{path.split('/')[3]} did not end")
        time.sleep(0.1)


def search(client: httpx.Client, number: int) -> None:
    checked(client.get("/api/v1/search", params={"q": ("portal", "bond", "folder 1", "找不到")[number % 4]}))


def ratings(client: httpx.Client, _number: int) -> None:
    """Read the ratings and their export as an admin."""
    checked(client.get("/api/v1/feedback"))
    checked(client.get("/api/v1/feedback.csv"))


def sign_in(portal: Measured, number: int) -> None:
    """Sign in and out; each fourth time with a wrong password or name, from a different address."""
    where = {"X-Forwarded-For": f"10.{number // 62_500 % 250}.{number // 250 % 250}.{number % 250}"}
    with httpx.Client(base_url=portal.url, timeout=WAIT_S, headers=where) as client:
        if number % 4 == 3:
            body = {"username": f"nobody{number}", "password": "wrong horse"}
            checked(client.post("/api/v1/session", json=body), 401)
            return
        found = checked(client.post("/api/v1/session", json={"username": PEOPLE[number % 3], "password": PASSWORD}))
        if found.status_code == 200:
            checked(client.delete("/api/v1/session"))


def page(portal: Measured, number: int) -> None:
    """Open one of the pages as an admin's browser does, draw it twice and close it."""
    with closing(portal.sign_in()) as admin:
        token = admin.headers["Authorization"].removeprefix("Bearer ")
        with PageSocket(portal.url.removeprefix("http://"), token) as tab:
            messages = [*tab.run(PAGES[number % len(PAGES)]), *tab.run()]
        checked(admin.delete("/api/v1/session"))
    if any(message.delta.new_element.WhichOneof("type") == "exception" for message in messages):
        raise Fault(f"the page {PAGES[number % len(PAGES)] or 'chat'} shows an exception")
