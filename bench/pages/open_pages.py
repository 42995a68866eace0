"""Measure the cost of open pages to the engine in their process: `./portal bench open_pages [--people N] [--tokens N] [--clock NAME] ...`

People ask over REST, all at once, each in a separate chat. In every other round each also has the chat page open, which follows the answer
as in a browser: it is drawn when the answer begins, and rerun as often as the page asks for. The browsers' work, reading the messages, runs
on the same machine. With --clock the model is the stand-in of bench/rest/whole_path.py, which takes a GPU's time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from bench.engine_parts import synthetic
from bench.engine_parts.gpu_clock import CLOCKS
from bench.engine_parts.results import HEAD, processor, row, show, write
from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import Measured, running_portal, table
from core.people.records import Role, Session, SessionKind, User
from core.people.sessions import token_hash
from data.database import open_database
from data.unit_of_work import SqlUnitOfWork
from settings import Settings

CONTEXT = 512


@dataclass(slots=True)
class Asked:
    """One answer. sent: bytes to its page after the first drawing."""

    tokens: int = 0
    sent: int = 0
    ended: float = 0.0


def write_people(portal: Measured, names: Sequence[str]) -> list[tuple[str, str]]:
    """Write people and their sessions into the database; return their cookies and tokens.

    Over REST each would take two computations of a password's hash, which are slow on purpose: with fifty people, minutes.
    """
    now, database = datetime.now(UTC), open_database(Settings(home=portal.home).database)
    end = now + timedelta(days=1)
    found = []
    with SqlUnitOfWork(database) as work:
        for name in names:
            user = User(id=uuid4().hex, name=name, full_name=name, role=Role.ANALYST, group="", active=True, created_at=now)
            work.users.add(user, password_hash="")
            tokens = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
            for token, kind in zip(tokens, (SessionKind.BROWSER, SessionKind.API), strict=True):
                session = Session(
                    token_hash=token_hash(token),
                    user_id=user.id,
                    kind=kind,
                    created_at=now,
                    expires_at=end,
                    used_at=now,
                )
                work.sessions.add(session)
            found.append(tokens)
        work.commit()
    database.close()
    return found


class Person:
    """Somebody with a chat page. tokens: the session cookie's value, and the token for REST."""

    def __init__(self, portal: Measured, tokens: tuple[str, str]) -> None:
        self.cookie, token = tokens
        self._client = httpx.Client(base_url=portal.url, timeout=300, headers={"Authorization": f"Bearer {token}"})
        self._host = portal.url.removeprefix("http://")

    def close(self) -> None:
        self._client.close()

    def finished_chat(self) -> str:
        """Return the id of a new chat with a short answer."""
        chat = str(self._client.post("/api/v1/conversations", json={}).raise_for_status().json()["id"])
        body = {"text": "What can this portal do?", "request_id": uuid4().hex, "max_tokens": 24, "temperature": 1}
        self._client.post(f"/api/v1/conversations/{chat}/messages", json=body).raise_for_status()
        return chat

    def ask(self, ready: threading.Barrier, tokens: int, *, open_page: bool) -> Asked:
        """Ask once all are ready, and read the whole answer."""
        asked = Asked()
        chat = self._client.post("/api/v1/conversations", json={}).raise_for_status().json()["id"]
        ended = threading.Event()
        with contextlib.ExitStack() as stack:
            tab = stack.enter_context(PageSocket(self._host, self.cookie)) if open_page else None
            if tab is not None:
                tab.run(query=f"c={chat}")
            ready.wait()
            follower = threading.Thread(target=self._follow, args=(tab, chat, asked, ended))
            body = {"text": "What can this portal do?", "request_id": uuid4().hex, "stream": True, "max_tokens": tokens, "temperature": 1}
            with self._client.stream("POST", f"/api/v1/conversations/{chat}/messages", json=body) as response:
                if response.is_error:
                    response.read()  # The sentence says why; afterwards the connection is closed.
                for line in response.raise_for_status().iter_lines():
                    if line.startswith("data:") and '"turn_id"' in line and tab is not None:
                        follower.start()
                    elif line.startswith("data:") and '"generation"' in line:
                        asked.tokens = json.loads(line[5:])["answer"]["generation"]["completion_tokens"]
            asked.ended = time.perf_counter()
            ended.set()
            if tab is not None:
                follower.join()
        return asked

    @staticmethod
    def _follow(tab: PageSocket, chat: str, asked: Asked, ended: threading.Event) -> None:
        query = f"c={chat}"
        parts = [each.auto_rerun for each in tab.run(query=query) if each.WhichOneof("type") == "auto_rerun"]
        if parts:
            asked.sent = sum(map(len, tab.follow(parts[-1], ended, query)))


def together(people: Sequence[Person], tokens: int, *, open_page: bool) -> tuple[float, float]:
    """Return (tokens/s, kB/s to the pages) of a round."""
    ready = threading.Barrier(len(people) + 1)
    found: list[Asked] = []
    threads = [threading.Thread(target=lambda one=one: found.append(one.ask(ready, tokens, open_page=open_page))) for one in people]
    for thread in threads:
        thread.start()
    ready.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = max(one.ended for one in found) - begun
    return sum(one.tokens for one in found) / seconds, sum(one.sent for one in found) / seconds / 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench open_pages")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=160, help="how long the answers are, 400 at most")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clock", choices=sorted(CLOCKS), help="the GPU whose time the model keeps; without it the processor computes")
    parser.add_argument("--out", type=Path, help="where the table goes besides")
    chosen = parser.parse_args()
    begun = time.perf_counter()
    shape = synthetic.WIDE if chosen.clock else synthetic.MIDDLE
    module = ("bench.clock_parts.server", chosen.clock) if chosen.clock else ("cli.serving.serve",)
    with contextlib.ExitStack() as stack:
        model = synthetic.make(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-"))), shape)
        slots, context = str(chosen.people), str(CONTEXT)
        portal = stack.enter_context(running_portal(module=module, PORTAL_MODEL=str(model), PORTAL_SLOTS=slots, PORTAL_CONTEXT=context))
        names = [f"person{number}" for number in range(chosen.people)]
        people = [stack.enter_context(contextlib.closing(Person(portal, tokens))) for tokens in write_people(portal, names)]
        tokens = chosen.tokens
        alone, beside, sent = [], [], []
        for repeat in range(-1, chosen.repeats):  # the first repeat warms up
            # Start with a different side each time: one that always went first would always find the machine as the other left it.
            found = {open_page: together(people, tokens, open_page=open_page) for open_page in (repeat % 2 == 0, repeat % 2 == 1)}
            if repeat >= 0:
                alone.append(found[False][0])
                beside.append(found[True][0])
                sent.append(found[True][1])
    name = chosen.clock or shape.name
    rows = [
        row(f"tok/s, {name}, {chosen.people} chats, each followed by a page", beside, "no page open", alone, ">= 0.9"),
        ["kB/s to these pages", show(sent), "", "", "", ""],
    ]
    if chosen.clock:
        allowed = chosen.people / CLOCKS[chosen.clock].seconds(chosen.people)
        rows.insert(1, row("the same, of what the clock allows", beside, "the clock", [allowed] * len(beside), ">= 0.85"))
    if chosen.out:
        facts = [f"device: {processor()}", f"answers of {tokens} tokens over REST; median of {chosen.repeats} (lowest-highest)"]
        write(chosen.out, "The engine beside open pages", "open_pages", time.perf_counter() - begun, facts, rows)
    table("The engine beside open pages", HEAD, rows)


if __name__ == "__main__":
    main()
