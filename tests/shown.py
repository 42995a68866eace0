"""What only the pictures of the documentation need: votes, an experiment, a collection, a task, and two models to compare."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from core.arena.records import ArenaVote, Choice, Contender
from core.experiments.records import Design, Experiment, Guard, Guardrail, State
from data.tables import GenerationTable
from samples.servers.models.model_server import DONE, Handler, ModelServer, chunk, stream
from samples.talks import TALKS
from tests.seed import MODELS

SERVED = ("glm-4.7", "glm-4.5-air")
ASKED = "Why does the 99 % VaR jump when one day leaves the window?"
"""A question whose answer samples/talks.py has."""
DOCUMENTS = {
    "Framework agreement.md": """# Framework agreement

## 1 Term

This agreement begins on 1 January 2026 and runs for three years.

## 2 Ending it early

Either party may end this agreement early with ninety days' notice in writing. No reason is needed.
Fees that were paid in advance are returned for the months that remain.

## 3 Liability

Liability is limited to the fees of twelve months.
""",
    "Data annex.md": """# Data annex

## Where data is kept

All data stays in the European Union. Backups are deleted after 35 days.

## When the agreement ends

The supplier returns all data within thirty days, and confirms in writing that no copy is left.
""",
    "Price list 2026.csv": "service,unit,eur\nSettlement,trade,0.42\nReporting,report,15\nCustody,account a month,3.20\n",
}
SALES = "month,desk,usd_million\n" + "".join(
    f"2026-{month:02},{desk},{base + step * month}\n"
    for desk, base, step in (("Rates", 31, 2), ("Credit", 22, -1), ("FX options", 12, 1)) for month in range(1, 12)
)  # fmt: skip
STEPS = [
    {"id": "s1", "kind": "query", "title": "Add up each desk", "inputs": ["file1"],
     "text": 'SELECT "desk", sum("usd_million") AS "usd_million"\nFROM "sales" GROUP BY "desk" ORDER BY 2 DESC'},
    {"id": "s2", "kind": "chart", "title": "Draw the desks", "inputs": ["s1"], "chart": "bar"},
    {"id": "s3", "kind": "query", "title": "Find months that fell", "inputs": ["file1"],
     "text": 'SELECT "month", sum("usd_million") AS "usd_million"\nFROM "sales" GROUP BY "month" ORDER BY "month"'},
]  # fmt: skip


def votes(people: list[str]) -> list[ArenaVote]:
    """Return votes on the seeded models, of whom the second is the best."""
    dice, models = random.Random(5), [Contender(name, version) for name, version, *_ in MODELS]
    strength, found = dict(zip(models, (1.0, 2.6, 1.6), strict=True)), []
    for number in range(160):
        left, right = dice.sample(models, 2)
        first = strength[left] / (strength[left] + strength[right])
        choice = Choice.ALIKE if dice.random() < 0.12 else Choice.LEFT if dice.random() < first else Choice.RIGHT
        at = datetime.now(UTC) - timedelta(hours=3 * number)
        found.append(ArenaVote(id=uuid4().hex, user_id=dice.choice(people), left=left, right=right, choice=choice, voted_at=at))
    return found


def experiment(started_by: str) -> Experiment:
    """Return an experiment that has run for ten days."""
    guards = (Guardrail(guard=Guard.ERRORS, limit=0.03), Guardrail(guard=Guard.FIRST_TOKEN_P95, limit=4.0))
    design = Design(
        name="GLM-4.5-Air for everyone", question="Do people rate answers of GLM-4.5-Air better?", subject=MODELS[2][0], other=MODELS[1][0],
        guardrails=guards,
    )  # fmt: skip
    begun = datetime.now(UTC) - timedelta(days=10)
    return Experiment(
        id=uuid4().hex, design=design, salt="salt", planned=400, state=State.RUNNING, started_at=begun, started_by=started_by,
        ends_at=begun + timedelta(days=14),
    )  # fmt: skip


def split(engine: Engine, made: Experiment, people: list[str]) -> None:
    """Give the answers of each person since the experiment began to one of its variants."""
    row = GenerationTable
    with Session(engine) as session:
        for side, mine in (("a", people[::2]), ("b", people[1::2])):
            chosen = update(row).where(row.user_id.in_(mine), row.created_at >= made.started_at)
            session.execute(chosen.values(variant=made.tag(side)))
        session.commit()


def two_models() -> ModelServer:
    """Start a server of two models; the caller closes it. They answer what samples/talks.py prepared, the second one in short."""
    server = ModelServer(SERVED)

    def behave(handler: Handler) -> None:
        asked = str(handler.body["messages"][-1]["content"])
        text = next((talk.answer for talk in TALKS if talk.question in asked), "Tell me which figures you need, and for which day.")
        stream(lambda: _said(text if handler.body["model"] == SERVED[0] else text.partition("\n\n")[0]))(handler)

    server.behave = behave
    return server


def write_platforms(file: Path, address: str) -> None:
    """Write a platforms file that lists the two models."""
    file.write_text(
        f"platforms:\n  - name: gateway\n    type: openai\n    base_url: {address}\n    models: {{llm: [{', '.join(SERVED)}]}}\n", "utf-8"
    )


def _said(text: str) -> Iterator[bytes]:
    for word in re.findall(r"\S+\s*", text):
        yield chunk({"content": word})
    yield chunk({}, "stop")
    yield chunk(None, usage={"prompt_tokens": 40, "completion_tokens": len(text) // 4})
    yield DONE


def order(client: httpx.Client) -> dict[str, str]:
    """Make a collection and a task through REST, and wait until they are ready. Return ids to open, by kind."""
    collection = client.post("/api/v1/collections", json={"name": "Contracts"}).raise_for_status().json()["id"]
    for name, text in DOCUMENTS.items():
        client.post(f"/api/v1/collections/{collection}/documents", params={"name": name}, content=text.encode()).raise_for_status()
    file = client.post("/api/v1/files", params={"name": "sales.csv"}, content=SALES.encode()).raise_for_status().json()["id"]
    body = {"request": "Which desk sold most this year, and did any month fall?", "title": "Sales by desk", "files": [file], "steps": STEPS}
    task = client.post("/api/v1/tasks", json=body).raise_for_status().json()
    client.post(f"/api/v1/tasks/{task['id']}/runs", json={"version": task["version"]}).raise_for_status()
    until(client, f"/api/v1/collections/{collection}/documents", lambda found: all(each["state"] == "ready" for each in found["items"]))
    until(client, f"/api/v1/tasks/{task['id']}/runs", lambda found: found["items"][0]["state"] == "done")
    return {"collection": collection, "task": task["id"]}


def until(client: httpx.Client, path: str, holds: Callable[[Any], bool]) -> None:
    ends = time.monotonic() + 120
    while not holds(found := client.get(path).raise_for_status().json()):
        if time.monotonic() > ends:
            raise TimeoutError(f"{path} stays {found}")
        time.sleep(0.5)
