"""Completions of bare prompts on a fake model; every answer is read by the official client's own types."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openai.types import Completion

from core.errors import ModelFailed
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Alternative, ChatMessage, Delta, Finished, TokenLogprob
from samples.fakes import FakeRouter, answer


def complete(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/v1/completions", json={"prompt": "Once", **body})


def chunks(text: str) -> list[Completion]:
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: {")]
    return [Completion.model_validate(_ended(json.loads(line))) for line in lines]


def _ended(chunk: dict[str, Any]) -> dict[str, Any]:
    """Put an end in place of null: OpenAI sends null in every chunk but the last, for which its own type has no word."""
    return {**chunk, "choices": [{**choice, "finish_reason": choice["finish_reason"] or "stop"} for choice in chunk["choices"]]}


def test_a_completion_comes_in_the_older_shape(ann: httpx.Client, router: FakeRouter) -> None:
    body = complete(ann, model="fake", max_tokens=20, stop="x", seed=3).json()
    found = Completion.model_validate(body, strict=True)
    assert found.object == "text_completion" and found.id.startswith("cmpl-")
    assert (found.choices[0].text, found.choices[0].finish_reason) == ("Hello from the fake model", "stop")
    assert found.usage is not None and found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
    asked = router.requests[-1]
    assert (asked.prompt, asked.messages, asked.suffix, asked.thinking) == ("Once", (), None, False)
    assert (asked.params.max_tokens, asked.params.stop, asked.params.seed) == (20, ("x",), 3)


def test_sixteen_tokens_are_usual_and_minus_one_is_as_many_as_fit(ann: httpx.Client, router: FakeRouter) -> None:
    complete(ann)
    complete(ann, max_tokens=-1)
    assert [asked.params.max_tokens for asked in router.requests] == [16, None]


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([72, 105], [(72, 105)]), ([[72], [105, 33]], [(72,), (105, 33)])],
)
def test_prompts_reach_the_model(ann: httpx.Client, router: FakeRouter, prompt: Any, prompts: list[Any]) -> None:
    body = Completion.model_validate(complete(ann, prompt=prompt, n=2, echo=True, seed=7).json())
    assert sorted((str(one.prompt), one.params.seed) for one in router.requests) == sorted((str(p), 7 + k) for p in prompts for k in (0, 1))
    texts = [p if isinstance(p, str) else "".join(map(chr, p)) for p in prompts for _ in (0, 1)]
    assert [choice.text for choice in body.choices] == [f"{text}Hello from the fake model" for text in texts]
    assert [choice.index for choice in body.choices] == list(range(2 * len(prompts)))
    assert body.usage is not None and body.usage.prompt_tokens == 5 * len(prompts)


def test_a_stream_gives_chunks_usage_and_done(ann: httpx.Client) -> None:
    text = complete(ann, stream=True, echo=True, prompt=["a ", "b "], stream_options={"include_usage": True}).text
    found = chunks(text)
    for number, echo in enumerate(("a ", "b ")):
        mine = [chunk.choices[0] for chunk in found if chunk.choices and chunk.choices[0].index == number]
        assert "".join(choice.text for choice in mine) == f"{echo}Hello from the fake model"
        assert mine[-1].finish_reason == "stop"
    assert found[-1].usage is not None and found[-1].usage.prompt_tokens == 10
    assert text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [True, False])
def test_probabilities_come_in_the_older_shape(ann: httpx.Client, router: FakeRouter, stream: bool) -> None:
    euro = "€".encode()
    told = [TokenLogprob(euro[:2], -1.0, (Alternative(euro[:2], -1.0), Alternative(b"x", float("-inf")))), TokenLogprob(euro[2:], -2.0, ())]
    router.always = [
        Delta("€", tokens=2, logprobs=tuple(told)),
        Delta("!", tokens=3, logprobs=(TokenLogprob(b"!", -3.0, (Alternative(b"!", -3.0),)),)),
        Finished(FinishReason.LENGTH, Usage(5, 3), Timings(0.0, 0.1, 0.2)),
    ]
    response = complete(ann, logprobs=2, stream=stream)
    parts = chunks(response.text) if stream else [Completion.model_validate(response.json())]
    found = [part.choices[0].logprobs for part in parts if part.choices[0].logprobs]
    assert [one for part in found for one in part.tokens or ()] == ["bytes:\\xe2\\x82", "bytes:\\xac", "!"]
    assert [one for part in found for one in part.token_logprobs or ()] == [-1.0, -2.0, -3.0]
    assert [one for part in found for one in part.text_offset or ()] == [0, 0, 1]
    assert (found[0].top_logprobs or [])[0] == {"bytes:\\xe2\\x82": -1.0, "x": -9999.0}
    assert parts[-1].choices[0].finish_reason == "length"


def test_a_gap_reaches_the_model(ann: httpx.Client, router: FakeRouter) -> None:
    assert complete(ann, suffix="the end").status_code == 200
    assert router.requests[-1].suffix == "the end"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": None}, "prompt"), ({"prompt": [1, "a"]}, "prompt"), ({"prompt": []}, "prompt"), ({"best_of": 3}, "best_of"),
        ({"echo": True, "logprobs": 1}, "echo"), ({"prompt": ["a"] * 65}, "prompt"), ({"prompt": [1], "suffix": "x"}, "suffix"),
        ({"logit_bias": {"x": 1}}, "logit_bias"), ({"n": 9}, "n"),
    ],
)  # fmt: skip
def test_what_cannot_be_completed_is_refused_and_named(ann: httpx.Client, router: FakeRouter, body: dict[str, Any], param: str) -> None:
    response = complete(ann, **body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert router.requests == []


def test_a_failure_in_the_middle_is_an_error_in_the_stream_and_a_status_without(ann: httpx.Client, router: FakeRouter) -> None:
    router.always = [Delta("One", tokens=1), ModelFailed("The model failed.")]
    text = complete(ann, stream=True).text
    assert json.loads(text.rstrip().rpartition("data: ")[2])["error"]["type"] == "server_error" and "[DONE]" not in text
    assert complete(ann).status_code == 502


def test_a_text_becomes_tokens_and_text_again(ann: httpx.Client, router: FakeRouter) -> None:
    found = ann.post("/v1/tokenize", json={"content": "Hi"}).json()
    assert found == {"model": "fake", "tokens": [72, 105], "count": 2, "max_model_len": 4096}
    assert ann.post("/v1/tokenize", json={"prompt": "Hi"}).json() == found
    assert ann.post("/v1/tokenize", json={"content": "Hi", "with_pieces": True}).json()["tokens"][1] == {"id": 105, "piece": "i"}
    assert ann.post("/v1/tokenize", json={"messages": [{"role": "user", "content": "Hey"}]}).json()["count"] == 3
    assert ann.post("/v1/detokenize", json={"tokens": [72, 105]}).json() == {"content": "Hi", "prompt": "Hi"}
    assert ann.post("/v1/detokenize", json={"tokens": [-1]}).status_code == 400
    assert ann.post("/v1/tokenize", json={}).json()["error"]["param"] == "content"
    assert router.generations == []


HALF = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good"}]


@pytest.mark.parametrize(
    ("body", "continued"),
    [({}, True), ({"continue_final_message": False}, False), ({"add_generation_prompt": True}, False), ({"messages": HALF[:1]}, False),
     ({"messages": [*HALF[:1], {"role": "assistant", "content": ""}]}, False)],
)  # fmt: skip
def test_a_chat_goes_on_from_the_assistants_last_word(
    ann: httpx.Client, router: FakeRouter, body: dict[str, Any], continued: bool
) -> None:
    router.always = answer("morning")
    assert ann.post("/v1/chat/completions", json={"messages": HALF, **body}).json()["choices"][0]["message"]["content"] == "morning"
    assert router.requests[-1].continued is continued
    assert router.requests[-1].messages[0] == ChatMessage("user", "Hello")


def test_going_on_and_answering_at_once_are_refused(ann: httpx.Client) -> None:
    refused = ann.post("/v1/chat/completions", json={"messages": HALF, "continue_final_message": True, "add_generation_prompt": True})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "continue_final_message")
    assert "contradict" in refused.json()["error"]["message"]
