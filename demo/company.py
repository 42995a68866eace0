"""Fill an empty portal as a company would on its first day: over public REST alone."""

from __future__ import annotations

from pathlib import Path

import httpx

from bench.portal_parts.portal import PASSWORD, Measured
from demo.scripted_model import MODEL
from samples.talks import TALKS

PEOPLE = (
    ("mei", "Mei Lin", "admin", "Risk"),
    ("jonas", "Jonas Weber", "manager", "Treasury"),
    ("ines", "Ines Duarte", "reviewer", "Risk"),
    ("ana", "Ana Costa", "analyst", "Treasury"),
    ("li.wei", "李伟", "analyst", "Risk"),
)
"""Sign-in name, full name, role and group."""
PROMPTS = (
    ("Reconciliation note", "Write a note on the reconciliation of [desk] for [day], in three sentences."),
    ("Explain to a client", "Explain [term] to a client without formulas."),
)
FOLDER = "Month-end reports"
PRICE = "{input: 0.6, output: 2.2, currency: USD, per: 1000000}"


def write_platforms(file: Path, address: str) -> None:
    """Write a platforms file that sends chats to the model server at this address."""
    file.write_text(
        f"platforms:\n  - name: gateway\n    type: openai\n    base_url: {address}\n    models: {{llm: [{MODEL}]}}\n    price: {PRICE}\n"
        f"routes:\n  chat: [{MODEL}@gateway]\n",
        "utf-8",
    )


def fill(portal: Measured, questions: int = 6) -> None:
    """Add people, and let the analysts ask so many questions each, rate some answers, sort chats and keep prompts."""
    with portal.sign_in() as admin:
        for name, full_name, role, group in PEOPLE:
            body = {"name": name, "full_name": full_name, "role": role, "group": group, "password": PASSWORD}
            admin.post("/api/v1/people", json=body).raise_for_status()
    english = [talk for talk in TALKS if not talk.chinese]
    chinese = [talk for talk in TALKS if talk.chinese]
    for name, talks in (("ana", english[:questions]), ("li.wei", [*chinese, *english][:questions])):
        with portal.sign_in(name) as person:
            folder = person.post("/api/v1/folders", json={"name": FOLDER}).raise_for_status().json()["id"]
            for number, talk in enumerate(talks):
                chat = {"folder_id": folder} if number % 3 == 2 else {}
                answer = _ask(person, chat, talk.question)
                if number % 2 == 0:
                    rating = {"rating": -1, "comment": talk.complaint} if talk.complaint else {"rating": 1}
                    person.put(f"/api/v1/messages/{answer}/feedback", json=rating).raise_for_status()
            for title, text in PROMPTS if name == "ana" else ():
                person.post("/api/v1/prompts", json={"title": title, "text": text}).raise_for_status()


def _ask(person: httpx.Client, chat: dict[str, str], question: str) -> str:
    """Ask in a new chat; return the id of the answer."""
    made = person.post("/api/v1/conversations", json=chat).raise_for_status().json()["id"]
    turn = person.post(f"/api/v1/conversations/{made}/messages", json={"text": question}).raise_for_status().json()
    if turn["status"] != "done":
        raise RuntimeError(f"The question was not answered: {turn['answer']['error']}")
    return str(turn["answer"]["id"])
