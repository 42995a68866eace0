"""Kill user servers behind nginx and their admin servers at random, and restart them, while people chat; count what people lose.

People use pages as a browser does: over nginx, with the cookies of their session and of their user server; a tab that lost its websocket
opens another and shows the same address. The questions that the portal confirmed are looked up at the end.
"""

from __future__ import annotations

import contextlib
import random
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import WebSocketException

from bench.engine_parts import synthetic
from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import PASSWORD, percentile, table
from bench.portal_parts.servers import Server, site_of, user_server
from samples.servers.nginx import Nginx
from samples.servers.postgresql import PostgresServer

PEOPLE = 6
BETWEEN_KILLS_S, DOWN_S = (3.0, 8.0), (0.2, 3.0)
ANSWER_S = 180.0
"""Seconds after its question at which an answer that has not ended counts as lost."""
QUESTIONS_PER_CHAT = 3
POLL_S = 0.5
SMALL_CONTEXT = "700"
"""Answers continue until the context is full: some seconds at the clock's speed."""


@dataclass
class Experience:
    """The questions of one person, and what happened to them."""

    asked: dict[str, str] = field(default_factory=dict)
    """Questions that the page showed as asked, with their conversations."""
    sign_outs: int = 0
    typed_again: int = 0
    """Questions that were not yet asked when their user server died."""
    reconnected_s: list[float] = field(default_factory=list)
    """Seconds from a lost websocket until the page was drawn again."""
    problems: list[str] = field(default_factory=list)


class Person:
    """A person with one tab."""

    def __init__(self, name: str, nginx: Nginx, admins: Sequence[Server], stop: threading.Event) -> None:
        self.experience = Experience()
        self._name = name
        self._host = nginx.url.removeprefix("https://")
        self._tls = ssl.create_default_context(cafile=nginx.certificate)
        self._stop = stop
        with httpx.Client(base_url=nginx.url, verify=self._tls, timeout=60) as channel:
            signed_in = channel.post("/api/v1/session", json={"username": name, "password": PASSWORD}).raise_for_status()
        self.token = str(signed_in.json()["token"])
        headers = {"Authorization": f"Bearer {self.token}"}
        self._rest = [httpx.Client(base_url=admin.url, timeout=20, headers=headers) for admin in admins]
        self._tab: PageSocket | None = None
        self._server = self._query = ""

    def chat(self) -> None:
        """Ask one question after the other until `stop` is set."""
        number = 0
        while not self._stop.is_set():
            if number % QUESTIONS_PER_CHAT == 0:
                self._query = ""
            number += 1
            question = f"Question {number} of {self._name}: what can this portal do?"
            with contextlib.suppress(TimeoutError):
                self._ask(question)
                self._wait_for_answer(question)
        self._leave()

    def _ask(self, question: str) -> None:
        """Send the question until the page shows that it has been asked. Raises TimeoutError."""
        until = time.monotonic() + ANSWER_S
        sent = False
        while time.monotonic() < until:
            try:
                tab = self._page()
                if sent:
                    time.sleep(1.0)  # Messages that the dead server had sent have arrived by now.
                    if chat := self._chat_of(question):
                        self.experience.asked[question], self._query = chat, f"c={chat}"
                        return
                    self.experience.typed_again += 1
                    sent = False
                tab.ask(question)
                sent = True
                for _ in tab.messages(timeout=30):
                    if "c=" in tab.query and self._chat_of(question):
                        self.experience.asked[question] = self._query = tab.query
                        return
            except (WebSocketException, OSError, TimeoutError, httpx.HTTPError, EOFError):
                self._leave()
        self.experience.problems.append(f"not asked within {ANSWER_S:.0f} s: {question}")
        raise TimeoutError(question)

    def _wait_for_answer(self, question: str) -> None:
        """Watch the page until the answer has ended."""
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            try:
                self._page(again=True)
                if all(each["status"] != "streaming" for each in self._messages(self._query.removeprefix("c="))):
                    return
            except (WebSocketException, OSError, TimeoutError, httpx.HTTPError, EOFError):
                self._leave()
            time.sleep(POLL_S)
        self.experience.problems.append(f"not answered within {ANSWER_S:.0f} s: {question}")

    def _page(self, *, again: bool = False) -> PageSocket:
        """Return the tab with the page drawn; reconnect if the websocket is gone. again: draw it in any case."""
        began, lost = time.monotonic(), self._tab is None
        if self._tab is None:
            opened = PageSocket(self._host, self.token, tls=self._tls, server=self._server)
            self._tab = opened.__enter__()
            self._server = opened.server or self._server
        if lost or again or self._tab.query != self._query:
            self._tab.query = self._query
            drawn = self._tab.run(query=self._query, timeout=30)
            if any("type: PASSWORD" in str(each.delta) for each in drawn if each.WhichOneof("type") == "delta"):
                self.experience.sign_outs += 1
            if not any(each.delta.new_element.WhichOneof("type") == "chat_input" for each in drawn):
                raise TimeoutError("the page waits for the admin server")
        if lost:
            self.experience.reconnected_s.append(time.monotonic() - began)
        return self._tab

    def _leave(self) -> None:
        if self._tab is not None:
            with contextlib.suppress(Exception):
                self._tab.__exit__(None, None, None)
            self._tab = None

    def _chat_of(self, question: str) -> str:
        """Return the conversation in which this question is stored; "" if none has it."""
        for chat in self._get("/api/v1/conversations?limit=3")["items"]:
            if any(each["text"] == question for each in self._messages(chat["id"])):
                return str(chat["id"])
        return ""

    def _messages(self, chat: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(f"/api/v1/conversations/{chat}/messages")["items"]
        return found

    def _get(self, path: str) -> Any:
        """Ask the first admin server that responds. Raises httpx.HTTPError."""
        for client in self._rest[:-1]:
            with contextlib.suppress(httpx.HTTPError):
                return client.get(path).raise_for_status().json()
        return self._rest[-1].get(path).raise_for_status().json()

    def everything(self) -> Iterator[dict[str, Any]]:
        """Yield all messages of this person, as they are stored."""
        before = ""
        while True:
            page = self._get(f"/api/v1/conversations?limit=100{before}")
            for chat in page["items"]:
                yield from self._messages(chat["id"])
            if not page["next_before"]:
                return
            before = f"&before={page['next_before']}"


@dataclass
class Result:
    killed: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    whole: int = 0
    cut: int = 0
    """Answers that were interrupted when the admin server whose model wrote them died; their text is kept."""
    lost: int = 0
    doubled: int = 0


def count(people: list[Person], result: Result) -> None:
    """Compare what the portal confirmed to people with what is stored."""
    for person in people:
        stored = list(person.everything())
        questions = Counter(each["text"] for each in stored if each["author"] == "user")
        answers = {each["parent_id"]: each for each in stored if each["author"] == "assistant"}
        by_text = {each["text"]: each for each in stored if each["author"] == "user"}
        result.doubled += sum(n - 1 for n in questions.values()) + sum(len(each["versions"]) - 1 for each in stored)
        for question in person.experience.asked:
            result.asked += 1
            answer = answers.get(by_text[question]["id"]) if question in by_text else None
            status = answer["status"] if answer else "missing"
            result.whole += status == "done"
            result.cut += status == "interrupted"
            if status not in ("done", "interrupted"):
                result.lost += 1
                person.experience.problems.append(f"{status}: {question}")


def kill_for(minutes: float, users: int, admins: int, rng: random.Random) -> tuple[Result, list[Experience]]:
    """Kill and restart servers for some minutes while people chat; return the counts and each person's experience."""
    result = Result()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        model = synthetic.make(folder, synthetic.WIDE)
        settings = {"PORTAL_MODEL": str(model), "PORTAL_SLOTS": str(PEOPLE), "PORTAL_CONTEXT": SMALL_CONTEXT, "PORTAL_PROFILE": "admin"}
        if admins > 1:
            database = PostgresServer()
            stack.callback(database.close)
            database.start()
            settings["PORTAL_DATABASE_URL"] = database.new_database()
        module = ("bench.clock_parts.server", "glm-4-9b")
        replicas = [stack.enter_context(Server(folder / f"admin{n}", module=module, port=0, **settings)) for n in range(1, admins + 1)]
        names = [f"person{number}" for number in range(PEOPLE)]
        replicas[0].measured.add_people(names)
        servers = [stack.enter_context(user_server(folder / f"user{number}", *replicas)) for number in range(1, users + 1)]
        (folder / "nginx").mkdir()
        nginx = Nginx(folder / "nginx", *site_of(replicas[0], servers))
        stack.callback(nginx.close)
        stop = threading.Event()
        people = [Person(name, nginx, replicas, stop) for name in names]
        threads = [threading.Thread(target=person.chat, name=name) for person, name in zip(people, names, strict=True)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60 * minutes
        while time.monotonic() < until:
            time.sleep(rng.uniform(*BETWEEN_KILLS_S))
            server = rng.choice([*servers, *replicas])
            server.kill()
            result.killed["admin servers" if server in replicas else "user servers"] += 1
            time.sleep(rng.uniform(*DOWN_S))
            server.start()
        stop.set()
        for thread in threads:
            thread.join()
        count(people, result)
    return result, [person.experience for person in people]


def main(minutes: float, users: int, admins: int, seed: int) -> None:
    result, experiences = kill_for(minutes, users, admins, random.Random(seed))
    again = [seconds for each in experiences for seconds in each.reconnected_s]
    for problem in [problem for each in experiences for problem in each.problems][:10]:
        print(f"  {problem}")
    table(
        f"{users} user servers behind nginx and {admins} admin servers, killed at random for {minutes:g} min while {PEOPLE} people chat "
        f"(seed {seed})",
        ["measure", "value", "goal"],
        [
            ["kills of user servers; of admin servers", f"{result.killed['user servers']}, {result.killed['admin servers']}", ""],
            ["questions that were asked", str(result.asked), ""],
            ["turns lost", str(result.lost), "0"],
            ["people signed out", str(sum(each.sign_outs for each in experiences)), "0"],
            ["questions or answers doubled", str(result.doubled), "0"],
            ["answers that ended whole", str(result.whole), ""],
            ["answers cut because their admin server died, text kept", str(result.cut), ""],
            [
                "questions typed again: their user server died before they were asked",
                str(sum(each.typed_again for each in experiences)),
                "",
            ],
            ["a lost page until it is drawn again: p50, p95", f"{percentile(again, 0.5):.1f}, {percentile(again, 0.95):.1f} s", ""],
        ],
    )
