"""What a real model writes about a chat: its title, and what to remember of it. Both are short and about the chat."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from bootstrap.areas import chat
from bootstrap.portal import Portal, build_portal
from bootstrap.startup import load_models
from core.chat.memory.facts import MAX_FACTS
from core.chat.memory.proposals import KIND as MEMORIES
from core.chat.memory.proposals import MemoryProposals
from core.chat.memory.records import MAX_MEMORY_LENGTH
from core.chat.titling.titles import TITLE_CHARS
from core.chat.titling.written_titles import KIND as TITLES
from core.chat.turn_runner import TurnOptions
from core.inference.requests import SamplingParams
from core.people.records import Role, User
from core.tasks.records import JobFilter
from samples.small_model import small_model
from settings import Settings

QUESTIONS = ("Write a short recipe for tomato soup with basil.", "What is the capital of France and what can I see there?")


INTRODUCTION = "I work as a portfolio manager in Zurich and I trade government bonds. What is the coupon of a bond?"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Yield a portal with a real model, which looks for memories as soon as an answer has ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat, "MemoryProposals", partial(MemoryProposals, after=timedelta(0)))
        settings = Settings(home=tmp_path_factory.mktemp("home"), model=str(small_model()), context=2048, slots=2, port=8599, memory="ask")
        built = build_portal(settings)
    try:
        load_models(built)
        built.accounts.add(None, "ann", Role.ANALYST, password="correct horse battery")
        _until(lambda: bool(built.gateway.chat_models(_ann(built))))
        yield built
    finally:
        built.close()


def _ann(portal: Portal) -> User:
    known = portal.accounts.credentials("ann")
    assert known is not None
    return known.user


def _asked(portal: Portal, question: str) -> str:
    """Ask in a new chat, and wait for the answer and for what the model writes about the chat. Returns the chat's id."""
    ann = _ann(portal)
    chat = portal.conversations.new(ann).id
    portal.turns.start(ann, chat, question, TurnOptions(params=SamplingParams(temperature=0.0, max_tokens=60)), chat)
    _until(lambda: portal.turns.count() == 0)
    _until(lambda: not portal.jobs.latest(JobFilter(kinds=(TITLES, MEMORIES))))
    return chat


def test_a_real_model_writes_short_titles_about_the_chat(portal: Portal) -> None:
    written = 0
    for question in QUESTIONS:
        chat = _asked(portal, question)
        title = portal.conversations.get(_ann(portal), chat).title
        answer = portal.conversations.transcript(_ann(portal), chat)[1].message.text
        assert 0 < len(title) <= TITLE_CHARS
        assert _words(title) & _words(f"{question} {answer}")
        written += title.rstrip("…") not in question
    assert written, "no title was written by the model"


def test_a_real_model_proposes_short_memories_of_what_the_person_said(portal: Portal) -> None:
    portal.memories.set_use(_ann(portal), True)
    _asked(portal, INTRODUCTION)
    proposed = [each.text for each in portal.memories.proposed(_ann(portal)) if _words(each.text) & _words(INTRODUCTION)]
    assert proposed, "the model proposed nothing of what the person said"
    assert len(proposed) <= MAX_FACTS and all(len(each) <= MAX_MEMORY_LENGTH and "\n" not in each for each in proposed)
    assert portal.memories.accepted(_ann(portal)) == [], "nothing is remembered before the person accepts it"


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 250
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
