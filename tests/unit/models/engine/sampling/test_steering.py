"""The parameters of a sampler, on a real llama.cpp with a small synthetic GLM whose tokens are bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import ModelFailed
from core.inference.records import FinishReason
from core.inference.requests import Delta, Finished, SamplingParams
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from models.engine.sampling.sampler import ThinkingTags, resolve
from models.engine.sampling.steering import SteeredSampler, Thoughts
from models.engine.sequence import Sequence
from models.schema.json_schema import grammar_of
from samples.gguf_maker import make_gguf
from tests.this_machine import load_options

DEFAULT = SamplingParams(temperature=1.0, top_k=40, top_p=1.0, min_p=0.0, repeat_penalty=1.0)


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> LlamaBackend:
    """Closed with the engine."""
    path = make_gguf(tmp_path_factory.mktemp("models") / "synthetic.gguf")
    return LlamaBackend(path, load_options(path, context=1024, slots=4))


@pytest.fixture(scope="module")
def engine(backend: LlamaBackend) -> Iterator[Engine]:
    engine = Engine(backend, "synthetic", last_error=backend.last_error)
    engine.start()
    yield engine
    engine.close()


def start(engine: Engine, backend: LlamaBackend, *, tokens: int = 40, tags: ThinkingTags | None = None, **asked: Any) -> Sequence:
    params = resolve(SamplingParams(**{"seed": 1, **asked}), DEFAULT, tokens, tags)
    return engine.submit(backend.tokenize("[gMASK]<sop><|user|>\nHello<|assistant|>\n"), params, tokens, "ann")


def end(sequence: Sequence) -> tuple[str, Finished]:
    text = ""
    while True:
        event = sequence.events.get(timeout=60)
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Finished):
            return text, event


def ask(engine: Engine, backend: LlamaBackend, **asked: Any) -> tuple[str, Finished]:
    return end(start(engine, backend, **asked))


def tags(backend: LlamaBackend, *, inside: bool) -> ThinkingTags:
    return ThinkingTags(tuple(backend.tokenize("<think>")), tuple(backend.tokenize("</think>")), inside)


def test_an_answer_that_asks_for_nothing_special_is_not_steered(backend: LlamaBackend) -> None:
    sampler = backend.new_sampler(resolve(SamplingParams(presence_penalty=1, logit_bias=((65, 1),)), DEFAULT, 9), [1])
    assert not isinstance(sampler, SteeredSampler)
    backend.free_sampler(sampler)


def test_probabilities_are_the_models_own(engine: Engine, backend: LlamaBackend) -> None:
    sequence = start(engine, backend, temperature=0.0, logprobs=5, tokens=10)
    text, _ = end(sequence)
    assert len(sequence.logprobs) == 10
    assert b"".join(told.piece for told in sequence.logprobs).decode() == text
    for told in sequence.logprobs:
        likeliest = [one.logprob for one in told.top]
        assert likeliest == sorted(likeliest, reverse=True)
        assert (told.piece, told.logprob) == (told.top[0].piece, told.top[0].logprob)
        assert 0 < sum(map(math.exp, likeliest)) <= 1.0001


def test_all_probabilities_add_up_to_one(backend: LlamaBackend, engine: Engine) -> None:
    sequence = start(engine, backend, logprobs=backend.vocabulary if backend.vocabulary <= 20 else 20, tokens=5, temperature=5.0)
    end(sequence)
    assert all(told.logprob <= 0 and sum(math.exp(one.logprob) for one in told.top) <= 1.0001 for told in sequence.logprobs)
    assert any(told.piece != told.top[0].piece for told in sequence.logprobs), "at temperature 5 not every token is the likeliest"


def test_asking_for_probabilities_does_not_change_the_answer(engine: Engine, backend: LlamaBackend) -> None:
    assert ask(engine, backend, seed=3)[0] == ask(engine, backend, seed=3, logprobs=2)[0]


@pytest.mark.parametrize("seed", range(12))
def test_even_nonsense_follows_a_schema(engine: Engine, backend: LlamaBackend, seed: int) -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"enum": ["Bonn", "Köln"]},
            "count": {"type": "integer", "minimum": 3, "maximum": 120},
            "list": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
            "note": {"type": ["string", "null"], "maxLength": 5},
        },
        "required": ["city", "count", "list"],
    }
    text, finished = ask(engine, backend, grammar=grammar_of(json.dumps(schema)).grammar, tokens=300, temperature=3.0, seed=seed, top_k=0)
    assert finished.finish_reason is FinishReason.STOP
    value = json.loads(text)
    assert value["city"] in ("Bonn", "Köln")
    assert 3 <= value["count"] <= 120
    assert 1 <= len(value["list"]) <= 3
    assert list(value) == [name for name in schema["properties"] if name in value]  # type: ignore[attr-defined]


@pytest.mark.parametrize("greedy", [True, False])
def test_a_grammar_ends_the_answer_where_it_ends(engine: Engine, backend: LlamaBackend, greedy: bool) -> None:
    text, finished = ask(engine, backend, grammar='root ::= "yes" | "no"', temperature=0.0 if greedy else 2.0)
    assert text in ("yes", "no")
    assert finished.finish_reason is FinishReason.STOP


def test_grammars_and_free_answers_go_side_by_side(engine: Engine, backend: LlamaBackend) -> None:
    alone = ask(engine, backend, temperature=0.0, tokens=60)[0]
    others: list[dict[str, Any]] = [{"temperature": 0.0, "tokens": 60}, {"grammar": "root ::= [0-9]{30}"}, {"logprobs": 1}]
    crowd = [start(engine, backend, **asked) for asked in others]
    texts = [end(sequence)[0] for sequence in crowd]
    assert texts[0] == alone
    assert len(texts[1]) == 30 and texts[1].isdigit()


def test_a_grammar_that_no_token_can_follow_ends_the_answer_and_not_the_process(engine: Engine, backend: LlamaBackend) -> None:
    # Only the forbidden token begins it.
    grammar = 'root ::= "<|user|>" [a]'
    sequence = start(engine, backend, grammar=grammar, logit_bias=((backend.tokenize("<")[0], -100),))
    assert end(sequence)[1].finish_reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert ask(engine, backend, tokens=3)[1].usage.completion_tokens == 3


@pytest.mark.parametrize("budget", [0, 1, 17])
@pytest.mark.parametrize("inside", [True, False])
def test_thoughts_are_closed_when_their_budget_is_spent(engine: Engine, backend: LlamaBackend, budget: int, inside: bool) -> None:
    # A model that opens its thoughts itself is made to: the tag is the only token it may begin with.
    extra = {} if inside else {"grammar": "root ::= [a-z]{20,30}"}
    text, _ = ask(engine, backend, tags=tags(backend, inside=inside), thinking_budget=budget, tokens=60, **extra)
    thoughts, closing, answer = text.partition("</think>")
    assert closing
    assert len(backend.tokenize(thoughts.removeprefix("<think>"))) == (budget if inside else max(0, budget - 1))
    assert len(answer) >= 20
    assert inside or answer.islower()


def test_a_grammar_does_not_bind_the_thoughts(engine: Engine, backend: LlamaBackend) -> None:
    text, _ = ask(engine, backend, tags=tags(backend, inside=True), thinking_budget=30, grammar='root ::= "42"', tokens=60)
    thoughts, _, answer = text.partition("</think>")
    assert len(thoughts) >= 30 and answer == "42"


def test_an_answer_without_thoughts_is_not_closed(backend: LlamaBackend) -> None:
    thoughts = Thoughts(tags(backend, inside=False), 3, constrained=False)
    for piece in (b"\n", b"H", b"i", b" there", b" you"):
        assert thoughts.forced() is None
        thoughts.add(piece)
    assert thoughts.over


def test_a_model_that_closes_its_thoughts_in_time_is_left_alone(backend: LlamaBackend) -> None:
    thoughts = Thoughts(tags(backend, inside=True), 4, constrained=True)
    for piece in (b"hm", b"</th", b"ink>"):
        assert thoughts.forced() is None and not thoughts.over
        thoughts.add(piece)
    assert thoughts.over and thoughts.forced() is None


def test_a_bias_forbids_or_forces_a_token(engine: Engine, backend: LlamaBackend) -> None:
    free, _ = ask(engine, backend, temperature=0.0, tokens=1)
    banned, _ = ask(engine, backend, temperature=0.0, tokens=1, logit_bias=((backend.tokenize(free)[0], -100),))
    assert banned != free
    assert ask(engine, backend, tokens=5, logit_bias=((backend.tokenize("q")[0], 100),))[0] == "qqqqq"
    assert ask(engine, backend, tokens=2, logit_bias=((2**31 - 1, 5),))[1].usage.completion_tokens == 2


def test_penalties_on_what_was_said_bring_variety(engine: Engine, backend: LlamaBackend) -> None:
    force = ((backend.tokenize("q")[0], 9.0),)
    plain, _ = ask(engine, backend, temperature=0.0, tokens=30, logit_bias=force)
    for penalty in ("presence_penalty", "frequency_penalty"):
        varied, _ = ask(engine, backend, temperature=0.0, tokens=30, logit_bias=force, **{penalty: 2.0})
        assert len(set(varied)) > len(set(plain)), penalty
    assert ask(engine, backend, seed=2, presence_penalty=0.0)[0] == ask(engine, backend, seed=2)[0]


def test_typical_sampling_is_a_choice_of_its_own(engine: Engine, backend: LlamaBackend) -> None:
    answers = {ask(engine, backend, seed=4, temperature=2.0, typical_p=share)[0] for share in (0.05, 1.0)}
    assert len(answers) == 2
    assert ask(engine, backend, seed=4, typical_p=1.0)[0] == ask(engine, backend, seed=4)[0]


def test_a_stop_token_ends_the_answer_and_is_not_text(engine: Engine, backend: LlamaBackend) -> None:
    free, _ = ask(engine, backend, seed=6, tokens=40)
    last = free[20]
    text, finished = ask(engine, backend, seed=6, tokens=40, stop_tokens=(backend.tokenize(last)[0],), logprobs=0)
    assert finished.finish_reason is FinishReason.STOP
    assert text == free[: free.index(last)]


def test_a_seed_chooses_the_answer(engine: Engine, backend: LlamaBackend) -> None:
    asked: dict[str, Any] = {"grammar": "root ::= [a-z ]{40}", "temperature": 2.0, "frequency_penalty": 0.5, "logprobs": 0}
    texts = [ask(engine, backend, **asked, seed=seed)[0] for seed in (4, 5, 6, 5)]
    assert texts[1] == texts[3]
    assert len({*texts}) == 3


def test_greedy_answers_are_the_same_alone_and_in_a_crowd(engine: Engine, backend: LlamaBackend) -> None:
    asked: dict[str, Any] = {"temperature": 0.0, "frequency_penalty": 0.5, "logprobs": 0}
    grammars = [f"root ::= [a-{last} ]{{40}}" for last in "fkrz"]
    alone = [ask(engine, backend, **asked, grammar=grammar)[0] for grammar in grammars]
    crowd = [start(engine, backend, **asked, grammar=grammar) for grammar in grammars]
    assert [end(sequence)[0] for sequence in crowd] == alone


def test_times_between_tokens_are_reported(engine: Engine, backend: LlamaBackend) -> None:
    timings = ask(engine, backend, tokens=30)[1].timings
    assert timings.inter_token_p50_s is not None and timings.inter_token_p95_s is not None
    assert 0 <= timings.inter_token_p50_s <= timings.inter_token_p95_s < 5
    assert 1 <= timings.steps <= 40
    single = ask(engine, backend, tokens=1)[1].timings
    assert single.inter_token_p50_s is None and single.steps >= 1


def test_an_answer_with_a_grammar_that_grows_late_fails_alone(engine: Engine, backend: LlamaBackend) -> None:
    alone = ask(engine, backend, temperature=0.0, tokens=200)[0]
    other = start(engine, backend, temperature=0.0, tokens=200)
    costly = start(engine, backend, grammar='root ::= "x"{60} ("a"? "b"?){50000}', tokens=200)
    assert end(other)[0] == alone
    events = []
    while not events or isinstance(events[-1], Delta):
        events.append(costly.events.get(timeout=60))
    assert isinstance(events[-1], ModelFailed) and "too many continuations" in str(events[-1])
    assert ask(engine, backend, temperature=0.0, tokens=200)[0] == alone
