"""A mixed load that leaves nothing behind: each round deletes everything that it creates, so that only the process can grow, not its data.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import httpx

from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import PASSWORD, Measured

PEOPLE = ("ana", "ben", "cho")
QUESTION = "What can this portal do?"
PAGES = ("", "search", "prompts", "usage", "models", "people", "access", "store", "jobs", "audit")
OCTETS = {"Content-Type": "application/octet-stream"}
WAIT_S = 120.0
EXPECTED = {200, 201, 202, 204, 429}
"""Accepted status codes. 429: a busy portal may refuse."""


@dataclass
class Tally:
    """Counts of what was done, and of what went wrong."""

    rounds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, kind: str, fault: str = "") -> None:
        with self.lock:
            self.rounds[kind] += 1
            if fault:
                self.faults[f"{kind}: {fault}"] += 1


class Fault(Exception):
    """A response that a healthy portal does not give."""


def checked(response: httpx.Response, *also: int) -> httpx.Response:
    if response.status_code not in EXPECTED | set(also):
        raise Fault(f"{response.request.method} {response.request.url.path} {response.status_code}")
    return response


def chat(client: httpx.Client, _number: int) -> None:
    """Ask in a chat, read the answer, delete the chat."""
    path = f"/api/v1/conversations/{checked(client.post('/api/v1/conversations', json={})).json()['id']}"
    checked(client.post(f"{path}/messages", json={"text": QUESTION}))
    deadline = time.monotonic() + WAIT_S
    while (messages := checked(client.get(f"{path}/messages")).json()["items"]) and messages[-1]["status"] == "streaming":
        if time.monotonic() > deadline:
            raise Fault("an answer did not end")
        time.sleep(0.1)
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


def search(client: httpx.Client, number: int) -> None:
    checked(client.get("/api/v1/search", params={"q": ("portal", "bond", "folder 1", "找不到")[number % 4]}))


class Load:
    """Runs each kind of load on a separate thread until it is stopped."""

    def __init__(self, portal: Measured) -> None:
        self.tally = Tally()
        self._portal = portal
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._clients: list[httpx.Client] = []
        portal.add_people(PEOPLE)

    def start(self) -> None:
        kinds: Sequence[tuple[str, Callable[[httpx.Client, int], None], str, float]] = [
            ("chat", chat, "ana", 0.5), ("program", program, "ben", 0.5), ("files", files, "cho", 0.3), ("lists", lists, "ana", 0.3),
            ("search", search, "ben", 0.3),
        ]  # fmt: skip
        for kind, round_, name, pause in kinds:
            client = self._portal.sign_in(name)
            self._clients.append(client)
            self._run(kind, partial(round_, client), pause)
        self._run("sign-in", self._sign_in, 1.0)
        self._run("pages", self._page, 0.5)

    def stop(self) -> Tally:
        self._ended.set()
        for thread in self._threads:
            thread.join(WAIT_S)
        for client in self._clients:
            client.close()
        return self.tally

    def _run(self, kind: str, once: Callable[[int], None], pause: float) -> None:
        def loop() -> None:
            for number in itertools.count():
                if self._ended.is_set():
                    return
                try:
                    once(number)
                    self.tally.count(kind)
                except (Fault, httpx.HTTPError, OSError, TimeoutError) as problem:
                    self.tally.count(kind, f"{type(problem).__name__} {problem}"[:200])
                self._ended.wait(pause)

        self._threads.append(threading.Thread(target=loop, name=kind, daemon=True))
        self._threads[-1].start()

    def _sign_in(self, number: int) -> None:
        """Sign in and out; each fourth time with a wrong password or name, from a different address."""
        where = {"X-Forwarded-For": f"10.{number // 62_500 % 250}.{number // 250 % 250}.{number % 250}"}
        with httpx.Client(base_url=self._portal.url, timeout=WAIT_S, headers=where) as client:
            if number % 4 == 3:
                body = {"username": f"nobody{number}", "password": "wrong horse"}
                checked(client.post("/api/v1/session", json=body), 401)
                return
            found = checked(client.post("/api/v1/session", json={"username": PEOPLE[number % 3], "password": PASSWORD}))
            if found.status_code == 200:
                checked(client.delete("/api/v1/session"))

    def _page(self, number: int) -> None:
        """Open one of the pages as an admin's browser does, draw it twice and close it."""
        with closing(self._portal.sign_in()) as admin:
            token = admin.headers["Authorization"].removeprefix("Bearer ")
            with PageSocket(self._portal.url.removeprefix("http://"), token) as tab:
                messages = [*tab.run(PAGES[number % len(PAGES)]), *tab.run()]
            checked(admin.delete("/api/v1/session"))
        if any(message.delta.new_element.WhichOneof("type") == "exception" for message in messages):
            raise Fault(f"the page {PAGES[number % len(PAGES)] or 'chat'} shows an exception")
