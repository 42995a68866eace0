"""Prefetch between two turns, on real models whose template drops the thoughts of old answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.inference.requests import ChatMessage, Delta, Finished, GenerationRequest, SamplingParams, Tool
from core.models.load_settings import LoadSettings
from models.platforms.prefetch import Prefetcher, Turn
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.serving.pool.test_pool import GUIDE, load

OLD = "{% if m.role == 'assistant' %}<think></think>{% endif %}{{ m.content }}"
STRIPPING = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n" + OLD + "{% endfor %}<|assistant|>"
    "{{ '</think>' if enable_thinking is defined and not enable_thinking else '<think>' }}"
)
FORGETFUL = "[gMASK]<sop>{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor %}<|assistant|><think>"
QUESTION = ChatMessage("user", "Tell me about black holes, please.")


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "load_settings.json", extra_buffers=EXTRA_BUFFERS)
    yield pool
    pool.close()


def loaded(pool: Pool, folder: Path, template: str = STRIPPING) -> str:
    load(pool, make_gguf(folder / "thinker.gguf", template=template, sharpness=0.1), LoadSettings(context=1024, slots=2))
    return "thinker"


def ask(pool: Pool, *messages: ChatMessage, batch: bool = False, tools: tuple[Tool, ...] = ()) -> tuple[ChatMessage, Finished]:
    params = SamplingParams(temperature=0.0, max_tokens=120, thinking_budget=30)
    running = PoolRouter(pool).start(GenerationRequest(messages, "ann", None, params, batch=batch, tools=tools))
    events = list(running.events())
    deltas = [event for event in events if isinstance(event, Delta)]
    assert isinstance(events[-1], Finished)
    answer = ChatMessage("assistant", "".join(one.text for one in deltas), "".join(one.reasoning for one in deltas))
    return answer, events[-1]


def settled(pool: Pool, name: str, least: int = 0) -> int:
    """Tokens prefetched, once no more come. least: how many must come, however busy the machine is."""
    last, since, quiet_s = -1, time.monotonic(), 1.0 if least else 0.3
    deadline = time.monotonic() + 60
    while last < least or time.monotonic() - since < quiet_s:
        assert time.monotonic() < deadline, f"{last} tokens of {least} were prefetched"
        now = pool.metrics()[name].prefetch_computed_tokens
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.01)
    return last


def test_the_next_turn_finds_the_stripped_answer_prefetched(pool: Pool, tmp_path: Path) -> None:
    name = loaded(pool, tmp_path)
    answer, _ = ask(pool, QUESTION)
    assert len(answer.reasoning) >= 20 and len(answer.content) > 60
    read = settled(pool, name, len(answer.content))
    _, finished = ask(pool, QUESTION, answer, ChatMessage("user", "And white ones?"))
    rest = finished.usage.prompt_tokens - finished.usage.cached_tokens
    assert rest <= len("And white ones?") + 3, "only the question is new"
    metrics = pool.metrics()[name]
    assert metrics.prefetched_tokens == read
    assert (metrics.answers, metrics.busy, metrics.failures) == (2, 0, 0)


def test_without_prefetch_the_whole_answer_is_prefilled_again(pool: Pool, tmp_path: Path) -> None:
    """What the test before would find otherwise."""
    loaded(pool, tmp_path)
    answer, _ = ask(pool, QUESTION, batch=True)
    _, finished = ask(pool, QUESTION, answer, ChatMessage("user", "And white ones?"))
    assert finished.usage.prompt_tokens - finished.usage.cached_tokens > len(answer.content)


def test_it_is_the_same_answer(pool: Pool, tmp_path: Path) -> None:
    name = loaded(pool, tmp_path)
    answer, _ = ask(pool, QUESTION)
    settled(pool, name, len(answer.content))
    following = (QUESTION, answer, ChatMessage("user", "And white ones?"))
    ahead = ask(pool, *following)[0]
    pool.unload(name)
    while pool.loaded():
        time.sleep(0.01)
    load(pool, tmp_path / "thinker.gguf", LoadSettings(context=1024, slots=2))
    assert ask(pool, *following)[0] == ahead


def test_where_the_slot_holds_the_next_prompt_nothing_is_prefetched(pool: Pool, tmp_path: Path) -> None:
    template = "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>"
    name = loaded(pool, tmp_path, template)
    # h and l are merged with what follows when they are read again: a model that was trained would say them merged.
    params = SamplingParams(temperature=0.0, max_tokens=100, logit_bias=((ord("h"), -100), (ord("l"), -100)))
    list(PoolRouter(pool).start(GenerationRequest((QUESTION,), "ann", None, params)).events())
    assert settled(pool, name) == 0


def test_a_template_without_the_question_is_left_alone(pool: Pool, tmp_path: Path) -> None:
    name = loaded(pool, tmp_path, FORGETFUL)
    ask(pool, QUESTION)
    assert settled(pool, name) == 0


def turn(number: int) -> Turn:
    return Turn((), True, (), [number])


def test_of_more_than_can_be_rendered_the_newest_are() -> None:
    begun, go_on = threading.Event(), threading.Event()
    rendered: list[list[int]] = []

    def render(turn: Turn) -> list[int]:
        begun.set()
        assert go_on.wait(60)
        return list(turn.tokens)

    prefetcher = Prefetcher("fake", 2, render, lambda held, tokens: rendered.append(tokens))
    prefetcher.after(turn(0))
    assert begun.wait(60)
    for number in (1, 2, 3):
        prefetcher.after(turn(number))
    go_on.set()
    while len(rendered) < 3:
        time.sleep(0.001)
    prefetcher.close()
    assert rendered == [[0], [3], [2]]


def test_a_template_that_fails_ends_nothing() -> None:
    rendered: list[list[int]] = []

    def render(turn: Turn) -> list[int]:
        if turn.tokens == [0]:
            raise InvalidInput("It cannot.")
        return list(turn.tokens)

    prefetcher = Prefetcher("fake", 2, render, lambda held, tokens: rendered.append(tokens))
    for number in (0, 1):
        prefetcher.after(turn(number))
    while not rendered:
        time.sleep(0.001)
    prefetcher.close()
    assert rendered == [[1]]
