"""The prompt that a real model reads of a request that is not a conversation, or of one to be continued."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import InvalidInput, PromptTooLong
from core.inference.requests import ChatMessage, Delta, GenerationRequest, SamplingParams
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.platforms.test_local_generation import GUIDE
from tests.unit.models.serving.pool.test_pool import load

QUESTION = ChatMessage("user", "How do I add a model?")


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoolRouter]:
    folder = tmp_path_factory.mktemp("models")
    pool = Pool(folder, GUIDE, settings_file=folder / "notes.json", extra_buffers=EXTRA_BUFFERS)
    load(pool, GUIDE)
    yield PoolRouter(pool)
    pool.close()


def said(router: PoolRouter, *messages: ChatMessage, **asked: Any) -> str:
    params = SamplingParams(temperature=0, max_tokens=200)
    events = router.start(GenerationRequest(messages, "ann", params=params, **asked)).events()
    return "".join(event.text for event in events if isinstance(event, Delta))


def text(router: PoolRouter, request: GenerationRequest) -> str:
    return b"".join(router.pieces(None, router.prompt_tokens(request).tokens).pieces).decode()


def test_a_prompt_that_is_the_templates_own_gets_the_same_answer(router: PoolRouter) -> None:
    tokens = router.prompt_tokens(GenerationRequest((QUESTION,), "ann")).tokens
    written = b"".join(router.pieces(None, tokens).pieces).decode()
    assert "<|user|>" in written and written.rstrip().endswith("<|assistant|>")
    answer = said(router, QUESTION)
    assert answer
    assert said(router, prompt=tokens).strip() == said(router, prompt=written).strip() == answer.strip()


def test_an_answer_that_is_continued_ends_as_it_would_have(router: PoolRouter) -> None:
    answer = said(router, QUESTION)
    half = answer[: answer.index(" ", len(answer) // 2)]
    assert half + said(router, QUESTION, ChatMessage("assistant", half), continued=True) == answer
    written = text(router, GenerationRequest((QUESTION, ChatMessage("assistant", half)), "ann", continued=True))
    assert written.endswith(half)


@pytest.mark.parametrize("last", [QUESTION, ChatMessage("assistant", "")])
def test_only_an_assistants_text_is_continued(router: PoolRouter, last: ChatMessage) -> None:
    with pytest.raises(InvalidInput, match="Only an assistant's message"):
        router.start(GenerationRequest((QUESTION, last), "ann", continued=True))


def test_prompts_that_cannot_be_read_are_refused(router: PoolRouter) -> None:
    for prompt, says in (("", "empty"), ((), "empty"), ((10**9,), "number from 0"), ((-1,), "number from 0")):
        with pytest.raises(InvalidInput, match=says):
            router.start(GenerationRequest((), "ann", prompt=prompt))
    with pytest.raises(InvalidInput, match="number from 0"):
        router.pieces(None, [-1])
    with pytest.raises(PromptTooLong):
        router.start(GenerationRequest((), "ann", prompt="x y " * 2000))
    with pytest.raises(InvalidInput, match="cannot fill a gap"):
        router.start(GenerationRequest((), "ann", prompt="a", suffix="b"))


def test_the_stop_string_that_came_is_reported(router: PoolRouter) -> None:
    word = said(router, QUESTION).split(" ")[3]
    params = SamplingParams(temperature=0, max_tokens=60, stop=("never", word))
    last = list(router.start(GenerationRequest((QUESTION,), "ann", params=params)).events())[-1]
    assert getattr(last, "stop", None) == word
