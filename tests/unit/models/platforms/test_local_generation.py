"""A failing answer, on a platform whose tokens a test sets; and the possible requests, on a real model."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.errors import Busy, InvalidInput
from core.inference.records import FinishReason
from core.inference.requests import ChatMessage, Delta, Finished, GenerationRequest, Pause, SamplingParams, Tool, ToolCall, ToolChoice
from core.models.load_settings import LoadSettings
from models.engine.answers import SILENT_TOKENS
from models.engine.sampling.sampler import Resolved, ThinkingTags, resolve
from models.engine.sequence import Sequence as Running
from models.platforms.degeneration import BROKEN_TOKENS
from models.platforms.local_generation import EMPTY, NUDGED, REPEATED, RESUMED, LocalGeneration
from models.prompting.answer_reader import AnswerReader
from models.prompting.reasoning import ReasoningParser
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from samples.gguf_maker import TEMPLATE, make_gguf
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.serving.pool.test_pool import load

GUIDE = Path(__file__).parents[4] / "models" / "guide" / "guide.gguf"
PROMPT = [1, 2, 3]
GOOD = "The quick brown fox jumps over the lazy dog. "


class ScriptedPlatform:
    """Answers with one script after the other, a token a character or piece; a script that is too long is cut by its cancel."""

    def __init__(self, *scripts: Sequence[str]) -> None:
        self.scripts = list(scripts)
        self.submitted: list[tuple[list[int], Resolved]] = []
        self.busy = False

    def submit(
        self, tokens: list[int], params: Resolved, user_id: str, *, batch: bool = False, adapter: int = 0, label: str = ""
    ) -> Running:
        if self.busy:
            raise Busy("Busy.", retry_after=1)
        self.submitted.append((tokens, params))
        sequence = Running(len(tokens), list(tokens), params, params.max_tokens or 1, user_id)
        script = self.scripts.pop(0)
        for piece in script[: params.max_tokens]:
            sequence.add(ord(piece) if len(piece) == 1 else sum(map(ord, piece)) << 8, time.perf_counter())
            if piece or sequence.generated % SILENT_TOKENS == 0:
                sequence.events.put(sequence.report(piece))
        reason = FinishReason.STOP if len(script) < (params.max_tokens or 1) else FinishReason.LENGTH
        sequence.events.put(sequence.finished(reason))
        return sequence

    def cancel(self, sequence: Running) -> None:
        pass  # the end is in the queue already

    def tokenize(self, text: str) -> list[int]:
        return list(map(ord, text))


def generation(platform: ScriptedPlatform, *, inside: bool = False, guard: bool = True, **asked: Any) -> LocalGeneration:
    default = SamplingParams(temperature=1.0, top_p=0.95, top_k=40, min_p=0.0, repeat_penalty=1.0)
    tags = ThinkingTags((ord("<"),), (ord(">"),), inside)
    params = resolve(SamplingParams(**asked), default, asked.get("max_tokens", 5000), tags)
    sequence = platform.submit(PROMPT, params, "ann")
    reader = AnswerReader(ReasoningParser(inside=inside))
    return LocalGeneration(platform, sequence, params, reader, name="glm", version="v1", device="local", guard=guard)


def collect(running: Any) -> tuple[str, str, Finished]:
    """(reasoning, text, end)"""
    events = list(running.events())
    deltas = [event for event in events if isinstance(event, Delta)]
    counts = [delta.tokens for delta in deltas]
    assert counts == sorted(counts)
    assert isinstance(events[-1], Finished)
    return "".join(delta.reasoning for delta in deltas), "".join(delta.text for delta in deltas), events[-1]


@pytest.mark.parametrize(
    ("scripts", "asked"),
    [
        ([GOOD * 3], {}),
        ([GOOD + "G" * 3000, "Then it went home."], {}),
        (["<thoughts", "An answer."], {"inside": True}),
        ([GOOD * 3], {"max_tokens": 20}),
    ],
)
def test_a_polled_answer_says_the_same_and_never_blocks_before_it_says_so(scripts: list[str], asked: dict[str, Any]) -> None:
    expected = collect(generation(ScriptedPlatform(*scripts), **asked))
    platform = ScriptedPlatform(*scripts)
    running = generation(platform, **asked)
    queued = running.sequence.events
    events = [queued.get() for _ in range(queued.qsize())]
    woken: list[int] = []
    assert running.poll(lambda: woken.append(1))
    found: list[Any] = []
    for event in running.events():
        found.append(event)
        if event is Pause.WAITING:
            queued.put(events.pop(0))
        elif event is Pause.BLOCKING:
            for rest in events:
                queued.put(rest)
    pauses = [event for event in found if isinstance(event, Pause)]
    assert pauses[-1] is Pause.BLOCKING and pauses.count(Pause.BLOCKING) == 1 and Pause.WAITING in pauses
    assert len(woken) == pauses.count(Pause.WAITING)
    assert not any(isinstance(event, Finished) for event in found[: found.index(Pause.BLOCKING)])
    text = "".join(event.text for event in found if isinstance(event, Delta))
    # How much of a repetition is shown depends on how many tokens come at once.
    assert (text[:40], text[-18:]) == (expected[1][:40], expected[1][-18:])
    assert (found[-1].note, found[-1].finish_reason) == (expected[2].note, expected[2].finish_reason)


def varied(count: int) -> str:
    return "".join(f"{number} " for number in itertools.islice(itertools.count(100), count))


def test_a_good_answer_has_no_note() -> None:
    platform = ScriptedPlatform(varied(200))
    _, text, end = collect(generation(platform))
    assert (text, end.note, end.timings.retries, len(platform.submitted)) == (varied(200), None, 0, 1)


def test_a_repetition_is_stopped_and_resumed_from_where_it_was_good() -> None:
    platform = ScriptedPlatform(GOOD + "G" * 3000, "Then it went home.")
    _, text, end = collect(generation(platform, seed=7, frequency_penalty=0.1))
    assert text.startswith(GOOD + "G") and text.endswith("GThen it went home.")
    assert text.count("G") < 70
    assert (end.note, end.finish_reason, end.timings.retries) == (RESUMED, FinishReason.STOP, 1)
    tokens, params = platform.submitted[1]
    assert tokens == [*PROMPT, *map(ord, GOOD + "G")]
    assert (params.repeat_penalty, params.top_p, params.seed, params.frequency_penalty) == (1.1, 0.9, 7, 0.1)
    assert params.temperature is not None and params.temperature <= 0.7
    assert end.usage.prompt_tokens == len(PROMPT)
    assert end.usage.completion_tokens == len(GOOD) + 3000 + len("Then it went home.")


def test_one_symbol_in_tokens_of_many_lengths_is_a_repetition_too() -> None:
    rng = random.Random(1)
    platform = ScriptedPlatform([*GOOD, *(rng.choice((1, 2, 3, 4, 8)) * "!" for _ in range(2000))], "Then it went home.")
    _, text, end = collect(generation(platform))
    assert text.startswith(GOOD + "!") and text.endswith("!Then it went home.")
    assert (end.note, end.timings.retries) == (RESUMED, 1)
    tokens, _ = platform.submitted[1]
    assert len(tokens) == len(PROMPT) + len(GOOD) + 1, "the first of them is kept"


def test_tokens_without_text_are_a_repetition_too() -> None:
    platform = ScriptedPlatform([*GOOD, *[""] * 3000], "Then it went home.")
    _, text, end = collect(generation(platform))
    assert (text, end.note, end.finish_reason) == (GOOD + "Then it went home.", RESUMED, FinishReason.STOP)
    assert platform.submitted[1][0] == [*PROMPT, *map(ord, GOOD), 0], "the first of them is kept"
    _, _, end = collect(generation(ScriptedPlatform([""] * 3000), max_tokens=500, guard=False))
    assert end.note is None


def test_tokens_without_text_that_fill_an_answer_to_its_end_are_reported() -> None:
    """The last few of them nobody heard of."""
    length = BROKEN_TOKENS + SILENT_TOKENS - 2
    platform = ScriptedPlatform([""] * 3000)
    _, text, end = collect(generation(platform, max_tokens=length))
    assert (text, end.note, end.finish_reason, len(platform.submitted)) == ("", REPEATED, FinishReason.LENGTH, 1)


def test_a_few_tokens_without_text_are_none() -> None:
    _, text, end = collect(generation(ScriptedPlatform([*GOOD, *[""] * 40, *varied(20)])))
    assert (text, end.note) == (GOOD + varied(20), None)


def test_an_answer_that_repeats_itself_twice_is_stopped() -> None:
    platform = ScriptedPlatform("ab" * 2000, "ba" * 1000)
    _, text, end = collect(generation(platform))
    assert (end.note, end.finish_reason, len(platform.submitted)) == (REPEATED, FinishReason.STOP, 2)
    assert len(text) < 400


def test_a_repetition_that_ends_in_time_is_handed_over_whole() -> None:
    wanted = "x" * 120 + " and on. " + varied(30)
    _, text, end = collect(generation(ScriptedPlatform(wanted)))
    assert (text, end.note) == (wanted, None)


def test_the_last_words_are_handed_over_even_if_they_look_like_a_repetition() -> None:
    _, text, end = collect(generation(ScriptedPlatform("z" * 100)))
    assert (text, end.note) == ("z" * 100, None)


def test_without_the_guard_everything_is_handed_over() -> None:
    _, text, end = collect(generation(ScriptedPlatform("q" * 900), guard=False))
    assert (text, end.note) == ("q" * 900, None)


def test_an_answer_that_is_empty_after_thinking_is_asked_again() -> None:
    platform = ScriptedPlatform("I wonder.</think>\n", "Here it is.")
    reasoning, text, end = collect(generation(platform, inside=True))
    assert (reasoning, text, end.note) == ("I wonder.", "Here it is.", NUDGED)
    assert platform.submitted[1][1].tags is None


def test_thoughts_that_never_end_are_closed_and_answered() -> None:
    platform = ScriptedPlatform("I wonder", "So: 42.")
    reasoning, text, end = collect(generation(platform, inside=True))
    assert (reasoning, text, end.note) == ("I wonder", "So: 42.", NUDGED)
    assert platform.submitted[1][0] == [*PROMPT, *map(ord, "I wonder</think>\n")]


def test_an_answer_that_stays_empty_says_so() -> None:
    _, text, end = collect(generation(ScriptedPlatform("Hm</think>", "  "), inside=True))
    assert (text.strip(), end.note) == ("", EMPTY)


def test_a_repetition_within_thoughts_goes_on_thinking() -> None:
    platform = ScriptedPlatform("wait, " * 300, "got it</think>Yes.")
    reasoning, text, end = collect(generation(platform, inside=True))
    assert reasoning.endswith("got it") and text == "Yes."
    assert end.note == RESUMED
    assert platform.submitted[1][1].tags == ThinkingTags((ord("<"),), (ord(">"),), inside=True)


@pytest.mark.parametrize("trouble", ["grammar", "busy", "room"])
def test_where_resuming_is_not_possible_the_answer_ends(trouble: str) -> None:
    platform = ScriptedPlatform("no " * 500)
    grammar = {"grammar": "root ::= .*"} if trouble == "grammar" else {}
    running = generation(platform, **grammar, max_tokens=1500 if trouble == "room" else 5000)
    platform.busy = trouble == "busy"
    _, text, end = collect(running)
    assert (end.note, end.finish_reason) == (REPEATED, FinishReason.STOP)
    assert len(text) < 400


def test_a_cancelled_answer_is_not_resumed() -> None:
    platform = ScriptedPlatform("a" * 3000)
    running = generation(platform)
    running.cancel()
    _, _, end = collect(running)
    assert end.note is None and len(platform.submitted) == 1


# On a real model

TOOLS_TEMPLATE = TEMPLATE.replace("[gMASK]<sop>", "[gMASK]<sop>{% if tools %}{{ tools | tojson }} <arg_key>{% endif %}")
WEATHER = Tool("weather", "Of a city", '{"type": "object", "properties": {"city": {"type": "string"}}}')


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    folder = tmp_path_factory.mktemp("models")
    pool = Pool(folder, GUIDE, settings_file=folder / "notes.json", extra_buffers=EXTRA_BUFFERS)
    for name, template in (("tagged", TOOLS_TEMPLATE), ("plain", TEMPLATE)):
        path = make_gguf(folder / f"{name}.gguf", template=template)
        load(pool, path, LoadSettings(context=1024, slots=4))
    yield pool
    pool.close()


def ask(pool: Pool, model: str, *, tools: Sequence[Tool] = (), choice: str = "auto", thinking: bool = False, **asked: Any) -> list[Any]:
    params = SamplingParams(**{"seed": 1, "max_tokens": 200, **asked})
    messages = (ChatMessage("user", "Hello"),)
    tool_choice, required_tool = (ToolChoice(choice), None) if choice in tuple(ToolChoice) else (ToolChoice.REQUIRED, choice)
    request = GenerationRequest(
        messages, "ann", model, params, thinking, tools=tuple(tools), tool_choice=tool_choice, required_tool=required_tool
    )
    return list(PoolRouter(pool).start(request).events())


def text_of(events: list[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def calls_of(events: list[Any]) -> list[ToolCall]:
    return [call for event in events if isinstance(event, Delta) for call in event.tool_calls]


@pytest.mark.parametrize("model", ["tagged", "plain"])
@pytest.mark.parametrize("choice", ["required", "weather"])
@pytest.mark.parametrize("seed", range(3))
def test_a_forced_call_of_a_tool_is_made_in_the_models_own_form(pool: Pool, model: str, choice: str, seed: int) -> None:
    tools = (Tool("now"), WEATHER) if choice == "required" else (WEATHER,)
    # What closes a value and a call is made likely, or nonsense would fill them until max_tokens.
    closing = tuple((ord(character), 9.0) for character in '"}</')
    events = ask(pool, model, tools=tools, choice=choice, seed=seed, max_tokens=900, temperature=2.0, logit_bias=closing)
    (call,) = calls_of(events)
    assert events[-1].finish_reason is FinishReason.STOP
    assert call.name in (("now", "weather") if choice == "required" else ("weather",))
    assert isinstance(json.loads(call.arguments), dict)
    assert text_of(events).strip() == ""


def test_without_a_choice_of_tools_the_model_is_not_told_of_them(pool: Pool) -> None:
    auto, none = (ask(pool, "tagged", tools=[WEATHER], choice=choice, max_tokens=1)[-1].usage.prompt_tokens for choice in ("auto", "none"))
    assert auto > none + 50


def test_a_schema_is_followed_with_and_without_thinking(pool: Pool) -> None:
    schema = json.dumps({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]})
    for thinking in (False, True):
        events = ask(pool, "plain", thinking=thinking, json_schema=schema, thinking_budget=20)
        assert isinstance(json.loads(text_of(events))["ok"], bool)
        reasoning = "".join(event.reasoning for event in events if isinstance(event, Delta))
        assert len(reasoning) >= 15 if thinking else not reasoning


def test_probabilities_come_with_the_text_that_they_are_of(pool: Pool) -> None:
    events = ask(pool, "plain", thinking=True, thinking_budget=10, logprobs=1, max_tokens=30)
    told = [one for event in events if isinstance(event, Delta) for one in event.logprobs]
    assert b"".join(one.piece for one in told).decode().endswith(text_of(events))
    assert len(told) <= 22, "thoughts have none"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"grammar": "root ::= x"}, "the rule x is not defined"),
        ({"grammar": 'root ::= root "a"'}, "left-recursive"),
        ({"json_schema": '{"type": "array", "contains": {}}', "strict_schema": True}, r"schema\.contains"),
        ({"json_schema": "{}", "tools": [WEATHER], "choice": "required"}, "Request one of them"),
    ],
)
def test_a_format_that_cannot_be_followed_is_refused_in_words(pool: Pool, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        ask(pool, "plain", **asked)


def test_the_guide_can_be_held_to_a_format(pool: Pool) -> None:
    load(pool, GUIDE, LoadSettings(context=1024, slots=2))
    schema = {"type": "object", "properties": {"answer": {"type": "string", "maxLength": 20}}, "required": ["answer"]}
    events = ask(pool, "guide", json_schema=json.dumps(schema))
    assert isinstance(json.loads(text_of(events))["answer"], str)


@pytest.mark.parametrize("model", ["tagged", "plain"])
def test_a_forced_call_that_the_limit_cuts_is_a_call(pool: Pool, model: str) -> None:
    events = ask(pool, model, tools=[WEATHER], choice="weather", max_tokens=20 if model == "tagged" else 9)
    assert events[-1].finish_reason is FinishReason.LENGTH
    assert [call.name for call in calls_of(events)] == ["weather"]
    assert text_of(events).strip() == ""


def test_conditions_that_are_not_followed_are_named(pool: Pool) -> None:
    params = SamplingParams(json_schema='{"type": "array", "contains": {}, "maxItems": 1}', max_tokens=5)
    running = PoolRouter(pool).start(GenerationRequest((ChatMessage("user", "Hi"),), "ann", "plain", params, thinking=False))
    assert running.ignored == ("schema.contains",)
    assert running.engine.startswith("llama-cpp-python")
    list(running.events())
