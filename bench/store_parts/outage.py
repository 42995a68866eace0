"""Stop Elasticsearch while people continue to ask: measure which requests fail, what search reports, and how soon the index catches up."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

import settings
from bench.portal_parts.askers import PEOPLE, Ledger, ask, model_that_reads_files, one_chat, sign_in
from bench.portal_parts.portal import Measured, running_portal
from bench.store_parts.kills import START_S, compare, wait_until_drained
from data.database import open_database
from samples.servers.elasticsearch_node import ElasticsearchNode

BEFORE_S = 10.0
POLL_S = 5.0
PAUSE_S = 0.3
"""Seconds between a person's chats."""
CAUGHT_UP_S = 5.0
"""Seconds that the index may be behind and still count as caught up: people continue to ask, so it is never fully there."""
GIVE_UP_S = 180.0


@dataclass
class Outage:
    turns: int
    failed: int
    searches: int
    """Searches during the outage; all of them should have reported that search is not available."""
    refused: int
    lag_s: float
    """Seconds from Elasticsearch's first answer until search finds everything written before that."""
    missing: int
    phantom: int


def stop_under_load(home: Path, node: ElasticsearchNode, seconds: float) -> Outage:
    """Stop Elasticsearch for `seconds` while people ask, and start it again; return what happened."""
    extra = {"PORTAL_ELASTICSEARCH_URL": node.url, **model_that_reads_files(home)}
    chosen = settings.load({"PORTAL_HOME": str(home)} | extra)
    ledger, stop = Ledger(), threading.Event()
    with running_portal(home, start_s=START_S, **extra) as portal:
        portal.add_people(PEOPLE)
        tokens = [sign_in(portal, name) for name in PEOPLE]
        people = [threading.Thread(target=_ask_until, args=(stop, portal, token, ledger)) for token in tokens]
        for person in people:
            person.start()
        time.sleep(BEFORE_S)
        node.kill()
        away, searches, refused = time.monotonic(), 0, 0
        with portal.sign_in() as client:
            while time.monotonic() < away + seconds:
                answer = client.get("/api/v1/search", params={"q": "portal"})
                searches += 1
                refused += answer.status_code == 503 and "Elasticsearch" in answer.text
                time.sleep(POLL_S)
                if searches % 12 == 0:
                    print(f"  away for {time.monotonic() - away:.0f} s, {ledger.turns:,} turns, {len(ledger.failures)} failed", flush=True)
            chat, word = client.post("/api/v1/conversations", json={}).json()["id"], uuid4().hex
            ask(client, chat, Ledger(), set(), random.Random(1), word)
            node.start()
            lag = _caught_up(client, word)
        stop.set()
        for person in people:
            person.join()
        database = open_database(chosen.database)
        wait_until_drained(database)
    missing, phantom = compare(chosen, database)
    database.close()
    for failure in ledger.failures[:3]:
        print(f"  failed: {failure}")
    return Outage(
        turns=ledger.turns, failed=len(ledger.failures), searches=searches, refused=refused, lag_s=lag, missing=missing, phantom=phantom
    )


def _ask_until(stop: threading.Event, portal: Measured, token: str, ledger: Ledger) -> None:
    rng = random.Random(token)
    with httpx.Client(base_url=portal.url, timeout=60, headers={"Authorization": token}) as client:
        while not stop.wait(PAUSE_S):
            try:
                one_chat(client, ledger, set(), rng)
            except httpx.HTTPError as error:
                ledger.failures.append(repr(error))


def _caught_up(client: httpx.Client, word: str) -> float:
    """Return the seconds until a search finds the last text written before the return."""
    back = time.monotonic()
    while time.monotonic() < back + GIVE_UP_S:
        answer = client.get("/api/v1/search", params={"q": word})
        if answer.status_code == 200 and answer.json()["items"] and answer.json()["behind_seconds"] < CAUGHT_UP_S:
            return time.monotonic() - back
        time.sleep(0.25)
    return float("inf")
