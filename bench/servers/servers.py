"""Measure the cost of user servers, and what people keep when servers die. `./portal bench servers [--only PART ...] [--minutes N]`

The two sides of a run take turns: a page of the admin server itself, as with profile `all`, and the same page of a user server in front of
it. On a busy machine wall-clock times mean little, so the processor time of all processes that draw a page is reported too.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import ssl
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil

from bench.portal_parts import server_kills
from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import percentile, table
from bench.portal_parts.servers import Server, site_of, user_server
from core.people.records import SessionKind
from core.people.sessions import Proof, Sessions
from data.database import open_database
from data.unit_of_work import SqlUnitOfWork
from samples.servers.nginx import Nginx

PARTS = ("size", "page", "token", "nginx", "idle", "kills")
ROUNDS = 100
QUESTION = "What can this portal do?"
IDLE_SESSIONS, IDLE_PEOPLE, IDLE_S = 500, 20, 20.0
Row = Sequence[str]


def processor_s(servers: Sequence[Server]) -> float:
    """Return the processor time that these servers have used so far."""
    times = [psutil.Process(server.process.pid).cpu_times() for server in servers]
    return float(sum(each.user + each.system for each in times))


def memory_mb(server: Server) -> float:
    return float(psutil.Process(server.process.pid).memory_info().rss) / 1e6


def token(server: Server, name: str = "admin") -> str:
    with server.measured.sign_in(name) as client:
        return client.headers["Authorization"].removeprefix("Bearer ")


def size(user: Server) -> list[Row]:
    """Measure the start times of a user server, and its memory with a page drawn."""
    took, worked = [], []
    for _ in range(4):
        user.stop()
        took.append(user.start())
        worked.append(processor_s([user]))
    before = memory_mb(user)
    with PageSocket(user.address, token(user)) as tab:
        tab.run(), tab.run(page="search"), tab.run(page="chat")
        after = memory_mb(user)
    return [
        ["start of a user server, median of the later three", f"{statistics.median(took[1:]):.1f} s", "3 s"],
        ["its processor time until it is ready", f"{statistics.median(worked[1:]):.1f} s", ""],
        ["memory when ready; with pages drawn", f"{before:.0f}, {after:.0f} MB", "200 MB"],
    ]


def page(admin: Server, user: Server, rounds: int) -> list[Row]:
    """Measure reruns of the chat page, in turns from the admin server itself and from the user server."""
    sides = {"all": (admin, [admin]), "user": (user, [user, admin])}
    times: dict[str, list[float]] = {name: [] for name in sides}
    worked = dict.fromkeys(sides, 0.0)
    with contextlib.ExitStack() as stack:
        tabs = {name: stack.enter_context(PageSocket(server.address, token(server))) for name, (server, _) in sides.items()}
        for number in range(-5, rounds):
            for name, (_, working) in sides.items():
                began, used = time.perf_counter(), processor_s(working)
                tabs[name].run()
                if number >= 0:
                    times[name].append(1000 * (time.perf_counter() - began))
                    worked[name] += 1000 * (processor_s(working) - used)
    p50, p95 = ({name: percentile(found, share) for name, found in times.items()} for share in (0.5, 0.95))
    return [
        ["a page of profile all; of a user server: p50", f"{p50['all']:.1f}, {p50['user']:.1f} ms", ""],
        ["the same, p95", f"{p95['all']:.1f}, {p95['user']:.1f} ms", ""],
        ["added by the user server: p50, p95", f"{p50['user'] - p50['all']:.1f}, {p95['user'] - p95['all']:.1f} ms", "10 ms p95"],
        ["processor time of a page, all processes", f"{worked['all'] / rounds:.1f}, {worked['user'] / rounds:.1f} ms", ""],
    ]


def first_token(admin: Server, user: Server, rounds: int) -> list[Row]:
    """Measure the time from sending a question to the first words of the answer on the page, in turns."""
    times: dict[str, list[float]] = {"all": [], "user": []}
    with contextlib.ExitStack() as stack:
        tabs = {}
        for name, server in (("all", admin), ("user", user)):
            tabs[name] = stack.enter_context(PageSocket(server.address, token(server)))
            tabs[name].run()
        for number in range(-2, rounds):
            for name, tab in tabs.items():
                tab.query = ""
                tab.run()
                took = _until_words(tab, f"{QUESTION} {number}")
                if number >= 0:
                    times[name].append(1000 * took)
                time.sleep(0.3)  # Wait for the answer to end.
    differences = [theirs - ours for ours, theirs in zip(times["all"], times["user"], strict=True)]
    p50 = {name: statistics.median(found) for name, found in times.items()}
    return [
        ["a question to its first words on the page: all, user server, p50", f"{p50['all']:.0f}, {p50['user']:.0f} ms", ""],
        ["added by the user server: median of the pairs", f"{statistics.median(differences):.1f} ms", "5 ms"],
    ]


def _until_words(tab: PageSocket, question: str) -> float:
    began, took = time.perf_counter(), 0.0
    tab.ask(question)
    for message in tab.messages():
        element = message.delta.new_element
        if not took and element.WhichOneof("type") == "markdown" and tab.query and element.markdown.body.strip(" ▍"):
            took = time.perf_counter() - began
    return took or time.perf_counter() - began


def through_nginx(nginx: Nginx, user: Server, rounds: int) -> list[Row]:
    """Measure a small request to the user server directly and through nginx, in turns, each over one open connection."""
    times: dict[str, list[float]] = {"directly": [], "nginx": []}
    trusted = ssl.create_default_context(cafile=nginx.certificate)
    with httpx.Client(base_url=user.url) as direct, httpx.Client(base_url=nginx.url, verify=trusted) as proxied:
        for number in range(-20, rounds):
            for name, client in (("directly", direct), ("nginx", proxied)):
                began = time.perf_counter()
                client.get("/healthz").raise_for_status()
                if number >= 0:
                    times[name].append(1000 * (time.perf_counter() - began))
    differences = [theirs - ours for ours, theirs in zip(times["directly"], times["nginx"], strict=True)]
    p95 = {name: percentile(found, 0.95) for name, found in times.items()}
    added = f"{statistics.median(differences):.1f}, {p95['nginx'] - p95['directly']:.1f} ms"
    return [
        ["a request directly; through nginx: p95", f"{p95['directly']:.1f}, {p95['nginx']:.1f} ms", ""],
        ["added by nginx: median of the pairs; p95", added, "2 ms p95"],
    ]


def idle(admin: Server, user: Server, sessions: int) -> list[Row]:
    """Measure many people with the chat page open who do nothing, on one user server."""
    names = [f"idle{number}" for number in range(IDLE_PEOPLE)]
    admin.measured.add_people(names)
    tokens = open_sessions(admin, names, sessions)
    before = memory_mb(user)
    with contextlib.ExitStack() as stack:
        for each in tokens:
            stack.enter_context(PageSocket(user.address, each)).run()
        time.sleep(5)  # Wait for the work that the pages left behind.
        used = [processor_s([server]) for server in (user, admin)]
        time.sleep(IDLE_S)
        shares = [100 * (processor_s([server]) - was) / IDLE_S for server, was in zip((user, admin), used, strict=True)]
        held = memory_mb(user)
        with PageSocket(user.address, token(user)) as tab:
            times = []
            for _ in range(20):
                began = time.perf_counter()
                tab.run()
                times.append(1000 * (time.perf_counter() - began))
    return [
        [f"memory with {sessions} idle sessions", f"{held:.0f} MB, {1000 * (held - before) / sessions:.0f} kB each", ""],
        ["a core that they keep busy: user server, admin server", f"{shares[0]:.1f}, {shares[1]:.1f} %", ""],
        ["a page of somebody else meanwhile, p50", f"{statistics.median(times[1:]):.0f} ms", ""],
    ]


def open_sessions(admin: Server, names: Sequence[str], count: int) -> list[str]:
    """Open sessions in the admin server's database: checking so many passwords would take minutes. Return their tokens."""
    database = open_database(f"sqlite:///{admin.home / 'portal.db'}")
    try:
        sessions = Sessions(lambda: SqlUnitOfWork(database), lambda: datetime.now(UTC), timedelta(hours=1))
        with SqlUnitOfWork(database) as work:
            people = [user for user in work.users.all() if user.name in names]
        return [sessions.open(Proof(people[number % len(people)]), SessionKind.BROWSER) for number in range(count)]
    finally:
        database.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench servers")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--minutes", type=float, default=3.0, help="how long servers are killed and started again")
    parser.add_argument("--users", type=int, default=3, help="user servers while they are killed; at least 2")
    parser.add_argument("--admins", type=int, default=2, help="admin servers while they are killed; more than one share a PostgreSQL")
    parser.add_argument("--seed", type=int, default=None, help="repeats the order of an earlier run's kills")
    parser.add_argument("--sessions", type=int, default=IDLE_SESSIONS, help="idle sessions on one user server")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    rows: list[Row] = []
    if set(chosen.only) != {"kills"}:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
            admin = stack.enter_context(Server(folder / "admin", PORTAL_PROFILE="all"))
            user = stack.enter_context(user_server(folder / "user", admin, PORTAL_CONNECTIONS_PER_ADDRESS="2000"))
            if "size" in chosen.only:
                rows += size(user)
            if "page" in chosen.only:
                rows += page(admin, user, chosen.rounds)
            if "token" in chosen.only:
                rows += first_token(admin, user, chosen.rounds // 2)
            if "nginx" in chosen.only:
                (folder / "nginx").mkdir()
                nginx = Nginx(folder / "nginx", *site_of(admin, [user, user]))
                stack.callback(nginx.close)
                rows += through_nginx(nginx, user, 3 * chosen.rounds)
            if "idle" in chosen.only:
                rows += idle(admin, user, chosen.sessions)
        table(f"What a user server costs, on {psutil.cpu_count()} cores that other programs may share", ["measure", "value", "goal"], rows)
    if "kills" in chosen.only:
        seed = random.randrange(10**6) if chosen.seed is None else chosen.seed
        server_kills.main(chosen.minutes, chosen.users, chosen.admins, seed)


if __name__ == "__main__":
    main()
