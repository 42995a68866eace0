"""Two replicas of the admin server and a worker, as processes on one PostgreSQL: followed answers, kill -9, a rolling restart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import PASSWORD, ROOT
from bench.portal_parts.tls import TLS
from core.clock import Clock
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobState, Json
from data.database import open_database
from data.migrate import migrate
from data.unit_of_work import SqlUnitOfWork
from samples.servers.models.model_server import Handler, ModelServer, chunk
from samples.servers.ports import free_port
from samples.servers.postgresql import PostgresServer
from tests.store.things import NOW

KEY = "a-service-key-of-the-tests-0123456789"
LONG_S = 180.0
"""These processes may start on a machine that is busy with others."""
WORDS = [f"word{number} " for number in range(10)]
TEXT = "".join(WORDS)
MODEL = "slow"
OURS = "guide@peer"
PLATFORMS = """
platforms:
  - name: local
  - name: elsewhere
    type: openai
    base_url: {url}
    models: {{llm: [slow]}}
    limits: {{timeout_s: 600, first_token_s: 300, idle_s: 300}}
"""
PEER = """
  - name: peer
    type: openai
    base_url: {peer}/v1
    api_key_file: {key}
    models: {{llm: [guide]}}
"""


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LONG_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
    return found


class Model:
    """Writes the ten words of each answer with a short break, and stops after three while the gate is closed."""

    def __init__(self) -> None:
        self.server = ModelServer((MODEL,))
        self.gate = threading.Event()
        self.gate.set()
        self.server.behave = self._behave

    def _behave(self, handler: Handler) -> None:
        handler.begin()
        handler.part(chunk({"role": "assistant", "content": ""}))
        for number, word in enumerate(WORDS):
            while number == 3 and not self.gate.wait(0.1):
                handler.part(b": still here\n\n")
            # A word that comes more than a second after the last save is saved at once.
            time.sleep(2.0 if number == 2 and not self.gate.is_set() else 0.03)
            handler.part(chunk({"content": word}))
        handler.part(chunk({}, "stop"))
        handler.part(b"data: [DONE]\n\n")
        handler.wfile.write(b"0\r\n\r\n")


class Process:
    """A process of the portal with a home and a port of its own."""

    def __init__(self, home: Path, module: list[str], settings: dict[str, str]) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._module = module
        own = {"PORTAL_HOME": str(home), "PORTAL_PORT": str(self.port), "PORTAL_ADMIN_PASSWORD": PASSWORD, "PORTAL_MODEL_TITLES": "false"}
        self._environment = {**os.environ, **own, **settings}
        self.running: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        self.home.mkdir(exist_ok=True)
        with (self.home / "process.log").open("ab") as log:
            command = [sys.executable, "-m", *self._module, *arguments]
            self.running = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=subprocess.STDOUT)

    def is_ready(self) -> bool:
        assert self.running is not None and self.running.poll() is None, self.said()
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def said(self) -> str:
        return (self.home / "process.log").read_text("utf-8", "replace")[-3000:]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and wait for the end; returns the exit code."""
        assert self.running is not None
        self.running.send_signal(number)
        code = self.running.wait(LONG_S)
        self.running = None
        return code

    def client(self, token: str) -> httpx.Client:
        return httpx.Client(verify=TLS, base_url=self.url, timeout=LONG_S, headers={"Authorization": f"Bearer {token}"})


class House:
    """Replicas A and B, the model that both ask, and the token of a session that holds on both."""

    def __init__(self, a: Process, b: Process, model: Model, url: str) -> None:
        self.a, self.b, self.model, self.database_url = a, b, model, url
        with httpx.Client(verify=TLS, base_url=a.url, timeout=LONG_S) as channel:
            answer = channel.post("/api/v1/session", json={"username": "admin", "password": PASSWORD})
        self.token = str(answer.raise_for_status().json()["token"])

    def new_chat(self) -> str:
        with self.a.client(self.token) as client:
            return str(client.post("/api/v1/conversations", json={}).raise_for_status().json()["id"])

    def answer(self, replica: Process, chat: str) -> dict[str, Any]:
        with replica.client(self.token) as client:
            items = client.get(f"/api/v1/conversations/{chat}/messages").raise_for_status().json()["items"]
        return dict(items[-1]) if items else {}


class Stream:
    """The events of a question that is asked with stream: true, read on a thread."""

    def __init__(self, house: House, replica: Process, chat: str, request_id: str) -> None:
        self._question = {"text": "Go on", "request_id": request_id, "stream": True, "model": MODEL}
        self.text, self.last, self.cut = "", {}, False
        self._thread = threading.Thread(target=self._read, args=(house, replica, chat), daemon=True)
        self._thread.start()

    def _read(self, house: House, replica: Process, chat: str) -> None:
        try:
            with (
                replica.client(house.token) as client,
                client.stream("POST", f"/api/v1/conversations/{chat}/messages", json=self._question) as response,
            ):
                event = ""
                for line in response.iter_lines():
                    if line.startswith("event: "):
                        event = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        self._take(event, json.loads(line.removeprefix("data: ")))
        except httpx.TransportError:
            self.cut = True

    def _take(self, event: str, data: dict[str, Any]) -> None:
        if event == "delta":
            self.text += data["text"]
        elif event in ("done", "error"):
            self.last = data

    def end(self) -> dict[str, Any]:
        self._thread.join(LONG_S)
        assert not self._thread.is_alive()
        return self.last


@pytest.fixture(scope="module")
def house(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    url, model, folder = postgres_server.new_database(), Model(), tmp_path_factory.mktemp("replicas")
    shared = {
        "PORTAL_DATABASE_URL": url, "PORTAL_PLATFORMS": str(folder / "platforms.yaml"), "PORTAL_OFFLOAD_DISK_MB": "0",
        "PORTAL_SERVICE_KEYS": KEY,
    }  # fmt: skip
    a, b = (Process(folder / name, ["cli.serving.serve"], shared) for name in "ab")
    (folder / "platforms.yaml").write_text(PLATFORMS.format(url=model.server.url))
    try:
        a.start(), b.start()
        until(a.is_ready), until(b.is_ready)
        yield House(a, b, model, url)
    finally:
        for each in (a, b):
            if each.running is not None:
                each.end(signal.SIGKILL)
        model.server.close()


@pytest.fixture(autouse=True)
def open_gate(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "house" in request.fixturenames:
        request.getfixturevalue("house").model.gate.set()


def test_an_answer_of_one_replica_is_followed_guarded_and_stopped_on_the_other(house: House) -> None:
    chat = house.new_chat()
    house.model.gate.clear()
    first = Stream(house, house.a, chat, "followed")
    until(lambda: first.text)
    second = Stream(house, house.b, chat, "followed")
    until(lambda: second.text)
    assert TEXT.startswith(second.text)
    with house.b.client(house.token) as client:
        where = f"/api/v1/conversations/{chat}"
        asked = client.post(f"{where}/messages", json={"text": "And?", "request_id": "another", "model": MODEL})
        assert (asked.status_code, asked.json()["error"]["code"]) == (409, "conflict")
        answer = house.answer(house.b, chat)["id"]
        assert client.post(f"/api/v1/messages/{answer}/regenerate", json={"model": MODEL}).status_code == 409
        assert client.delete(where).status_code == 409
        assert client.post(f"{where}/stop").json() == {"stopped": True}
        ends = [stream.end() for stream in (first, second)]
        assert [(end["status"], end["answer"]["text"].strip()) for end in ends] == [("stopped", "".join(WORDS[:3]).strip())] * 2
        assert client.post(f"{where}/stop").json() == {"stopped": False}


def test_a_killed_replica_leaves_the_text_and_one_that_starts_leaves_running_answers_alone(house: House) -> None:
    chat, other = house.new_chat(), house.new_chat()
    house.model.gate.clear()
    cut = Stream(house, house.a, chat, "cut")
    until(lambda: cut.text)
    watched = Stream(house, house.b, chat, "cut")
    until(lambda: watched.text)
    house.a.end(signal.SIGKILL)
    running = Stream(house, house.b, other, "running")
    until(lambda: running.text)
    end = watched.end()
    assert (end["status"], end["answer"]["text"]) == ("interrupted", watched.text) and watched.text
    cut.end()
    assert cut.cut
    house.a.start()
    until(house.a.is_ready)
    assert house.answer(house.a, other)["status"] == "streaming"
    house.model.gate.set()
    assert (running.end()["status"], running.text) == ("done", TEXT)
    again = Stream(house, house.a, chat, "again")
    assert (again.end()["status"], again.text) == ("done", TEXT)
    with psycopg.connect(house.database_url) as connection:
        held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND l.granted "
        assert connection.execute(held + "AND d.datname = current_database()").fetchone() == (1,), "one replica leads"
        doubled = "SELECT kind FROM jobs WHERE state IN ('waiting', 'running') AND key = kind GROUP BY kind HAVING count(*) > 1"
        assert connection.execute(doubled).fetchall() == []


@pytest.fixture
def user_server(house: House, tmp_path: Path) -> Iterator[Process]:
    """It knows both replicas and uses A."""
    both = {"PORTAL_PROFILE": "user", "PORTAL_SERVER": f"{house.a.url},{house.b.url}", "PORTAL_SERVICE_KEYS": KEY}
    server = Process(tmp_path / "user", ["cli.serving.serve"], both)
    server.start()
    try:
        until(server.is_ready)
        yield server
    finally:
        if server.running is not None:
            server.end()


def shown(tab: PageSocket, chat: str) -> str:
    """Draw the page of a chat; return its text. The sign-in form has a password field."""
    drawn = [each.delta for each in tab.run(query=f"c={chat}", timeout=LONG_S) if each.WhichOneof("type") == "delta"]
    assert not any("type: PASSWORD" in str(each) for each in drawn), "signed out"
    return " ".join(each.new_element.markdown.body for each in drawn)


def test_a_page_of_a_user_server_goes_on_with_the_other_replica(house: House, user_server: Process) -> None:
    """The replica that it uses is killed during two answers: one that runs on the other replica, and one that dies with it."""
    there, here = house.new_chat(), house.new_chat()
    house.model.gate.clear()
    whole, cut = Stream(house, house.b, there, "on-the-other"), Stream(house, house.a, here, "on-the-killed")
    until(lambda: whole.text and cut.text)
    begun = "".join(WORDS[:3]).strip()
    with PageSocket(user_server.url.removeprefix("http://"), house.token) as tab:
        for chat in (there, here):
            until(lambda chat=chat: begun in shown(tab, chat))  # type: ignore[misc]
        house.a.end(signal.SIGKILL)
        assert begun in shown(tab, there), "the text so far stays"
        until(lambda: house.answer(house.b, here)["status"] == "interrupted")
        assert begun in shown(tab, here) and user_server.is_ready()
        house.model.gate.set()
        until(lambda: TEXT.strip() in shown(tab, there))
        assert (whole.end()["status"], whole.text) == ("done", TEXT)
        tab.run(query="")
        tab.ask("Is anyone there?")
        until(lambda: list(tab.messages(LONG_S)) and "c=" in tab.query)
    with house.b.client(house.token) as client:
        asked = client.get(f"/api/v1/conversations/{tab.query.removeprefix('c=')}/messages").raise_for_status().json()["items"]
    assert asked[0]["text"] == "Is anyone there?", "questions go to the other replica"
    house.a.start()
    until(house.a.is_ready)


def test_a_replica_asks_the_model_of_another_over_v1(house: House) -> None:
    with house.a.client(house.token) as client:
        key = client.post("/api/v1/keys", json={"name": "peer", "scopes": ["chat"]}).raise_for_status().json()["token"]
    folder = house.a.home.parent
    (folder / "key").write_text(key)
    with (folder / "platforms.yaml").open("a") as file:  # Running replicas notice.
        file.write(PEER.format(peer=house.a.url, key=folder / "key"))
    body = {"text": "What can you do?", "model": OURS, "max_tokens": 8, "thinking": False}

    def answered() -> dict[str, Any] | None:
        with house.b.client(house.token) as client:
            reply = client.post(f"/api/v1/conversations/{house.new_chat()}/messages", json=body | {"request_id": f"peer-{time.time()}"})
        return dict(reply.json()) if reply.status_code == 200 and reply.json()["status"] == "done" else None

    found = until(answered)
    assert found["answer"]["text"]
    with psycopg.connect(house.database_url) as connection:
        rows = connection.execute("SELECT platform, source FROM generations WHERE model LIKE '%guide%'").fetchall()
    assert {platform for platform, _ in rows} >= {"peer", "local"}, rows


def test_a_running_replica_survives_the_migration_of_a_newer_release(house: House) -> None:
    """As a revision may: a nullable column, one with a default, and a table more."""
    with psycopg.connect(house.database_url) as connection:
        [revision] = connection.execute("SELECT version_num FROM alembic_version").fetchone() or [""]
    tables = ("conversations", "messages", "turns", "generations", "sessions", "users", "jobs", "index_jobs")
    changes = [f"ALTER TABLE {table} ADD COLUMN newer text, ADD COLUMN newest integer NOT NULL DEFAULT 7" for table in tables]
    back = [f"ALTER TABLE {table} DROP COLUMN newer, DROP COLUMN newest" for table in tables]
    chat = house.new_chat()
    house.model.gate.clear()
    during = Stream(house, house.a, chat, "during-a-migration")
    until(lambda: during.text)
    with psycopg.connect(house.database_url) as connection:
        for statement in (*changes, "CREATE TABLE newer (id text PRIMARY KEY)", "UPDATE alembic_version SET version_num = '9999'"):
            connection.execute(statement.encode())
    house.model.gate.set()
    assert (during.end()["status"], during.text) == ("done", TEXT)
    for replica in (house.a, house.b):
        after = Stream(house, replica, chat, f"after-it-{replica.port}")
        assert (after.end()["status"], after.text) == ("done", TEXT)
        assert replica.is_ready()
    with psycopg.connect(house.database_url) as connection:
        for statement in (*back, "DROP TABLE newer", f"UPDATE alembic_version SET version_num = '{revision}'"):
            connection.execute(statement.encode())


class Balancer:
    """Sends each request to one replica, and to the other where that refuses or cannot be reached, as nginx does."""

    def __init__(self, house: House) -> None:
        self._urls = [house.a.url, house.b.url]
        self._headers = {"Authorization": f"Bearer {house.token}"}
        self.retried = 0

    def send(self, first: int, method: str, path: str, body: object = None) -> httpx.Response:
        for number in (first, first + 1):
            try:
                with httpx.Client(verify=TLS, base_url=self._urls[number % 2], timeout=LONG_S, headers=self._headers) as client:
                    answer = client.request(method, path, json=body)
                if answer.status_code != 503:
                    return answer
            except httpx.TransportError as problem:
                answer = httpx.Response(502, text=repr(problem))
            self.retried += 1
        return answer


def test_a_rolling_restart_under_load_fails_no_request(house: House) -> None:
    balancer, over = Balancer(house), threading.Event()
    failed: list[str] = []
    asked: dict[str, int] = {}

    def people(number: int) -> None:
        chat = balancer.send(number, "POST", "/api/v1/conversations", {}).json()["id"]
        turn = 0
        while not over.is_set():
            question = {"text": f"Question {turn}", "request_id": f"rolling-{number}-{turn}", "model": MODEL}
            replies = [
                balancer.send(number, "POST", f"/api/v1/conversations/{chat}/messages", question),
                balancer.send(number, "GET", "/api/v1/conversations"),
            ]
            failed.extend(f"{each.status_code} {each.text[:200]}" for each in replies if each.status_code != 200)
            if replies[0].status_code == 200 and (replies[0].json()["status"], replies[0].json()["answer"]["text"]) != ("done", TEXT):
                failed.append(f"cut: {replies[0].text[:300]}")
            turn += 1
            asked[chat] = turn
            time.sleep(0.1)

    threads = [threading.Thread(target=people, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for replica in (house.a, house.b):
        time.sleep(1)
        assert replica.end() == 0, replica.said()
        replica.start()
        until(replica.is_ready)
    over.set()
    for thread in threads:
        thread.join(LONG_S)
    assert failed == []
    assert balancer.retried > 0 and len(asked) == 4
    for chat, turns in asked.items():
        with house.a.client(house.token) as client:
            items = client.get(f"/api/v1/conversations/{chat}/messages").raise_for_status().json()["items"]
        assert len(items) == 2 * turns, "no answer was doubled or lost"


def test_a_stopping_replica_is_not_ready_and_sends_new_requests_away(house: House) -> None:
    chat = house.new_chat()
    house.model.gate.clear()
    answering = Stream(house, house.a, chat, "drained")
    until(lambda: answering.text)
    assert house.a.running is not None
    house.a.running.send_signal(signal.SIGTERM)
    until(lambda: httpx.get(f"{house.a.url}/readyz", timeout=LONG_S).status_code == 503)
    refused = until(lambda: (r := httpx.get(f"{house.a.url}/api/v1/session", timeout=LONG_S)).status_code == 503 and r)
    assert refused.headers["Retry-After"] == "1"
    assert httpx.get(f"{house.a.url}/healthz", timeout=LONG_S).status_code == 200
    house.model.gate.set()
    assert (answering.end()["status"], answering.text) == ("done", TEXT)
    assert house.a.running.wait(LONG_S) == 0
    house.a.running = None


# The worker


class Desk:
    """Adds jobs as a portal would, and looks at them."""

    def __init__(self, url: str) -> None:
        self._database = open_database(url)
        migrate(self._database)
        now: Clock = lambda: NOW  # noqa: E731
        self._jobs = Jobs(self.work, now)

    def work(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self._database)

    def add(self, kind: str, **payload: Json) -> Job:
        with self.work() as work:
            job = self._jobs.add(work, kind, payload)
            work.commit()
        return job

    def state(self, job: Job) -> JobState:
        with self.work() as work:
            found = work.jobs.get(job.id)
        assert found is not None
        return found.state

    def close(self) -> None:
        self._database.close()


@contextmanager
def desk(url: str) -> Iterator[Desk]:
    opened = Desk(url)
    try:
        yield opened
    finally:
        opened.close()


def test_a_worker_runs_jobs_serves_only_its_health_and_ends_in_order(postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = postgres_server.new_database()
    worker = Process(tmp_path / "worker", ["cli.serving.worker"], {"PORTAL_DATABASE_URL": url})
    with desk(url) as here:
        name = "portal-20261129-120000.backup"
        done, needs_model = here.add("backup.make", name=name, passphrase_given=False), here.add("conversation.title")
        worker.start("--port", str(worker.port))
        try:
            until(worker.is_ready)
            until(lambda: here.state(done) is JobState.DONE)
            assert here.state(needs_model) is JobState.WAITING, "no model is there, and none is loaded for it"
            with httpx.Client(verify=TLS, base_url=worker.url, timeout=LONG_S) as client:
                assert client.get("/healthz").json() == {"status": "ok"}
                assert [client.get(path).status_code for path in ("/", "/api/v1/session", "/v1/models")] == [404] * 3
        finally:
            code = worker.end()
    assert code == 0, worker.said()
    assert list((worker.home / "backups").glob("*.backup"))
