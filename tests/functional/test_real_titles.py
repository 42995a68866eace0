"""Titles of a real model are short and about the chat."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from bootstrap.portal import build_portal
from bootstrap.startup import load_models
from core.chat.titling.titles import TITLE_CHARS
from core.chat.titling.written_titles import KIND
from core.chat.turn_runner import TurnOptions
from core.inference.requests import SamplingParams
from core.people.records import Role
from core.tasks.records import JobFilter
from settings import Settings
from tests.small_model import small_model

QUESTIONS = ("Write a short recipe for tomato soup with basil.", "What is the capital of France and what can I see there?")


def test_a_real_model_writes_short_titles_about_the_chat(tmp_path: Path) -> None:
    portal = build_portal(Settings(home=tmp_path, model=str(small_model()), context=2048, slots=2, port=8599))
    try:
        load_models(portal)
        ann = portal.accounts.add(None, "ann", Role.ANALYST, password="correct horse battery")
        _until(lambda: bool(portal.gateway.chat_models(ann)))
        options = TurnOptions(params=SamplingParams(temperature=0.0, max_tokens=60))
        written = 0
        for question in QUESTIONS:
            chat = portal.conversations.new(ann).id
            portal.turns.start(ann, chat, question, options, chat)
            _until(lambda: portal.turns.count() == 0)
            _until(lambda: not portal.jobs.latest(JobFilter(kinds=(KIND,))))
            title, answer = portal.conversations.get(ann, chat).title, portal.conversations.transcript(ann, chat)[1].message.text
            assert 0 < len(title) <= TITLE_CHARS
            assert _words(title) & _words(f"{question} {answer}")
            written += title.rstrip("…") not in question
        assert written, "no title was written by the model"
    finally:
        portal.close()


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 250
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
