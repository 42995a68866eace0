"""Summaries of a real model say something about the chat, and between two of them the KV cache is reused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from bootstrap.portal import build_portal
from bootstrap.startup import load_models
from core.chat.context.summaries.background import KIND
from core.chat.records import Message, MessageStatus, TurnOptions
from core.inference.requests import SamplingParams
from core.people.records import Role
from core.tasks.records import JobFilter
from samples.small_model import small_model
from settings import Settings

SAID = (
    "Our garden has two apple trees and a small pond with frogs. The pond is near the fence. In spring the frogs sing all night, and the "
    "neighbours once complained about them. My daughter named the biggest frog Hector. "
)


def test_a_real_model_summarizes_a_chat_that_outgrows_its_context(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, model=str(small_model()), context=512, slots=2, port=8598, model_titles=False)
    portal = build_portal(settings)
    try:
        load_models(portal)
        ann = portal.accounts.add(None, "ann", Role.ANALYST, password="correct horse battery")
        _until(lambda: bool(portal.gateway.chat_models(ann)))
        options = TurnOptions(params=SamplingParams(temperature=0.0, max_tokens=24))
        chat = portal.conversations.new(ann).id
        told: list[Message] = []
        while len(told) < 12 and sum(answer.context is not None for answer in told) < 3:
            turn = portal.turns.start(ann, chat, f"{SAID}This is remark {len(told) + 1}.", options, f"turn-{len(told)}")
            _until(lambda: portal.turns.count() == 0)
            _until(lambda: not portal.jobs.latest(JobFilter(kinds=(KIND,))))
            told.append(portal.conversations.message(ann, turn.answer_id))
        assert all(answer.status is MessageStatus.DONE for answer in told), "nothing is refused"
        summarized = [answer for answer in told if answer.context is not None]
        assert summarized and all(answer.context and not answer.context.left_out for answer in summarized), "and nothing is cut"
        summary = portal.context.summary(ann, chat)
        assert summary is not None and len(_words(summary.text) & _words(SAID)) >= 3, "it is about the chat"
        again = [after for before, after in pairwise(summarized) if before.context == after.context]
        for answer in again:
            assert answer.generation is not None
            usage = answer.generation.usage
            assert usage.cached_tokens > usage.prompt_tokens / 2, "with the same summary the prompt before is read from the cache"
        for answer in told:
            assert answer.generation is not None
            usage, context = answer.generation.usage, answer.context
            print(f"{usage.prompt_tokens} prompt, {usage.cached_tokens} cached, summarized {context.summarized if context else 0}")
    finally:
        portal.close()


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 250
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
