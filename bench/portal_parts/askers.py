"""Ask over REST as several people, and record what the portal confirmed."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from bench.portal_parts.portal import Measured
from bootstrap.models import GUIDE
from core.chat.records import MessageStatus

PEOPLE = ("ada", "ben", "cleo")
QUESTIONS = ("What can this portal do?", "How do I rate an answer?", "Who can load a model?", "什么是季度预算？", "模型在哪里？")


@dataclass
class Ledger:
    """Records what the portal confirmed to people, and what they requested without a confirmation."""

    chats: set[str] = field(default_factory=set)
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Message -> its conversation and text: questions once their turn began, answers once they were done."""
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """File -> the conversation that it was uploaded for, and its content."""
    shown: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Question -> its conversation and its file, once its turn began."""
    ratings: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Message -> its conversation and rating."""
    removed: set[str] = field(default_factory=set)
    perhaps_removed: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    turns: int = 0


def sign_in(portal: Measured, name: str) -> str:
    """Return the Authorization header's value for this person; it stays valid when the process restarts."""
    with portal.sign_in(name) as client:
        return client.headers["Authorization"]


def model_that_reads_files(home: Path) -> dict[str, str]:
    """Copy the guide's weights under another name and return the setting that loads them: the guide itself refuses files."""
    copy = home / "small.gguf"
    if not copy.exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(GUIDE, copy)
    return {"PORTAL_MODEL": str(copy)}


def one_chat(client: httpx.Client, ledger: Ledger, answering: set[str], rng: random.Random) -> None:
    """Ask in a new chat, rate some answers, and sometimes delete the chat; record what the portal confirmed."""
    chat = client.post("/api/v1/conversations", json={}).raise_for_status().json()["id"]
    ledger.chats.add(chat)
    for _ in range(rng.randint(1, 3)):
        file = upload(client, chat, ledger, rng) if rng.random() < 0.3 else ""
        answer = ask(client, chat, ledger, answering, rng, file=file)
        if rng.random() < 0.5:
            rating = rng.choice((1, -1))
            client.put(f"/api/v1/messages/{answer}/feedback", json={"rating": rating, "comment": "见上 seen"}).raise_for_status()
            ledger.ratings[answer] = chat, rating
    if rng.random() < 0.3:
        ledger.perhaps_removed.add(chat)
        client.delete(f"/api/v1/conversations/{chat}").raise_for_status()
        ledger.removed.add(chat)


def upload(client: httpx.Client, chat: str, ledger: Ledger, rng: random.Random) -> str:
    """Upload a small table for the next question of this chat; return its id."""
    content = f"quarter;季度\n{rng.randrange(10**9)};{uuid4().hex}\n".encode()
    file = str(client.post("/api/v1/files", params={"name": "figures.csv"}, content=content).raise_for_status().json()["id"])
    ledger.files[file] = chat, content
    return file


def ask(
    client: httpx.Client, chat: str, ledger: Ledger, answering: set[str], rng: random.Random, word: str = "", file: str = ""
) -> str:
    """Ask one question, which ends in `word`, and read its streamed answer; return the answer's id. `answering`: the running answers."""
    request_id = uuid4().hex
    text = f"{rng.choice(QUESTIONS)} {word or request_id}"
    body = {"text": text, "request_id": request_id, "stream": True, "max_tokens": rng.choice((20, 100, 300)), "temperature": 1}
    body |= {"files": [file]} if file else {}
    try:
        with client.stream("POST", f"/api/v1/conversations/{chat}/messages", json=body) as response:
            if response.is_error:
                response.read()
                response.raise_for_status()
            event = ""
            for line in response.iter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == "turn":
                    question = json.loads(line[5:])["question_id"]
                    ledger.texts[question] = chat, text
                    if file:
                        ledger.shown[question] = chat, file
                    answering.add(request_id)
                elif line.startswith("data:") and event == "done":
                    answer = json.loads(line[5:])["answer"]
                    if answer["status"] == MessageStatus.DONE:
                        ledger.texts[answer["id"]] = chat, answer["text"]
                        ledger.turns += 1
                    else:
                        ledger.failures.append(f"{answer['status']}: {answer['error']}")
                    return str(answer["id"])
                elif line.startswith("data:") and event == "error":
                    ledger.failures.append(line)
    finally:
        answering.discard(request_id)
    raise httpx.RemoteProtocolError("the answer was cut")
