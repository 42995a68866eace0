"""The official openai client, unchanged, against a portal process with the built-in model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import openai
import pytest
from pydantic import BaseModel, Field

from bench.portal_parts.portal import Measured, running_portal
from tests.functional.limited import waits_of_retries
from tests.vector_gguf_maker import make_bert

HELLO: list[dict[str, str]] = [{"role": "user", "content": "How do I add a model?"}]


@pytest.fixture(scope="module")
def portal() -> Iterator[Measured]:
    with running_portal() as running:
        yield running


@pytest.fixture(scope="module")
def program(portal: Measured) -> Iterator[httpx.Client]:
    with portal.sign_in() as client:
        yield client


@pytest.fixture(scope="module")
def key(program: httpx.Client) -> str:
    return program.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def client(portal: Measured, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{portal.url}/v1", api_key=key, max_retries=0, timeout=60) as client:
        yield client


def test_it_lists_the_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["guide"]
    assert client.models.retrieve("guide").id == "guide"


def test_it_gets_an_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="guide", messages=HELLO)
    assert len(answer.choices[0].message.content) > 10
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens > 2


def test_it_streams_the_same_answer(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="guide", messages=HELLO, temperature=0)
    stream = client.chat.completions.create(
        model="guide", messages=HELLO, temperature=0, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert len(chunks) >= 3
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_the_same_seed_gives_the_same_answer(client: openai.OpenAI) -> None:
    texts = {
        client.chat.completions.create(model="guide", messages=HELLO, temperature=1.5, seed=11).choices[0].message.content for _ in range(3)
    }
    assert len(texts) == 1


def test_max_tokens_and_stop_end_the_answer(client: openai.OpenAI) -> None:
    short = client.chat.completions.create(model="guide", messages=HELLO, max_tokens=3)
    assert short.choices[0].finish_reason == "length"
    assert short.usage.completion_tokens == 3
    full = client.chat.completions.create(model="guide", messages=HELLO, temperature=0).choices[0].message.content
    word = full.split(" ")[3]
    cut = client.chat.completions.create(model="guide", messages=HELLO, temperature=0, stop=[word]).choices[0]
    assert cut.finish_reason == "stop"
    assert cut.message.content == full[: full.index(word)]


def test_a_system_message_and_parts_are_taken(client: openai.OpenAI) -> None:
    messages = [
        {"role": "system", "content": "Answer briefly."},
        {"role": "user", "content": [{"type": "text", "text": "How do I add a model?"}]},
    ]
    assert client.chat.completions.create(model="guide", messages=messages).choices[0].message.content


def test_a_wrong_key_is_an_authentication_error(portal: Measured) -> None:
    with openai.OpenAI(base_url=f"{portal.url}/v1", api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.models.list()
        assert caught.value.code == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="guide", messages=HELLO, stream=True)


def test_an_unknown_model_is_a_not_found_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-9", messages=HELLO)
    assert caught.value.code == "model_not_found"


def test_a_prompt_beyond_the_context_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="guide", messages=[{"role": "user", "content": "long " * 5_000}])
    assert caught.value.code == "context_length_exceeded"


def test_what_is_not_offered_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="functions is not supported"):
        client.chat.completions.create(model="guide", messages=HELLO, functions=[{"name": "f"}])
    with pytest.raises(openai.BadRequestError, match=r"schema\.contains"):
        client.chat.completions.create(model="guide", messages=HELLO, response_format=schema({"type": "array", "contains": {}}))
    with pytest.raises(openai.BadRequestError, match="the rule x is not defined"):
        client.chat.completions.create(model="guide", messages=HELLO, extra_body={"grammar": "root ::= x"})


def schema(wanted: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "wanted", "schema": wanted, "strict": True}}


STEPS = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": {"type": "string", "maxLength": 30}, "maxItems": 3}, "sure": {"type": "boolean"}},
    "required": ["steps", "sure"],
    "additionalProperties": False,
}


def test_an_answer_follows_a_schema(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="guide", messages=HELLO, response_format=schema(STEPS), seed=1)
    value = json.loads(answer.choices[0].message.content)
    assert isinstance(value["sure"], bool) and len(value["steps"]) <= 3
    stream = client.chat.completions.create(model="guide", messages=HELLO, response_format=schema(STEPS), seed=1, stream=True)
    assert json.loads("".join(chunk.choices[0].delta.content or "" for chunk in stream)) == value


def test_the_clients_own_parsing_of_a_class_works(client: openai.OpenAI) -> None:
    class Answer(BaseModel):
        text: str = Field(max_length=40)
        kind: Literal["how-to", "other"]
        lines: int | None

    parsed = client.chat.completions.parse(model="guide", messages=HELLO, response_format=Answer).choices[0].message.parsed
    assert isinstance(parsed, Answer)


def test_a_forced_tool_is_called(client: openai.OpenAI) -> None:
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}}
    # The built-in model knows nothing of tools: it may fill the arguments until max_tokens.
    choice = client.chat.completions.create(
        model="guide", messages=HELLO, tools=[tool], tool_choice={"type": "function", "function": {"name": "find"}}, max_tokens=300
    ).choices[0]
    if choice.finish_reason == "tool_calls":
        assert choice.message.tool_calls[0].function.name == "find"
        assert isinstance(json.loads(choice.message.tool_calls[0].function.arguments), dict)
    else:
        assert choice.finish_reason == "length"


def test_a_tools_answer_is_taken(client: openai.OpenAI) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": "model"}'}}
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Open the Models page."},
    ]
    assert client.chat.completions.create(model="guide", messages=messages, max_tokens=20).usage.prompt_tokens > 10


def test_probabilities_are_reported(client: openai.OpenAI) -> None:
    choice = client.chat.completions.create(
        model="guide", messages=HELLO, temperature=0, logprobs=True, top_logprobs=3, max_tokens=8
    ).choices[0]
    assert b"".join(bytes(one.bytes) for one in choice.logprobs.content).decode() == choice.message.content
    assert all(len(one.top_logprobs) == 3 and one.top_logprobs[0].token == one.token for one in choice.logprobs.content)
    assert all(one.logprob <= 0 for one in choice.logprobs.content)


def test_several_answers_share_the_prompt(client: openai.OpenAI, program: httpx.Client) -> None:
    unknown: list[Any] = [{"role": "user", "content": "And then?"}]  # the guide is sure of what it was trained on
    answer = client.chat.completions.create(model="guide", messages=unknown, temperature=2, seed=20, n=8, max_tokens=30)
    texts = [choice.message.content for choice in answer.choices]
    assert len(texts) == 8 and len(set(texts)) > 1
    alone = client.chat.completions.create(model="guide", messages=unknown, temperature=2, seed=21, max_tokens=30)
    assert alone.choices[0].message.content == texts[1]
    assert answer.usage.prompt_tokens == alone.usage.prompt_tokens


def test_penalties_and_biases_are_taken(client: openai.OpenAI) -> None:
    def text(**asked: Any) -> str:
        answer = client.chat.completions.create(model="guide", messages=HELLO, temperature=0, max_tokens=20, **asked)
        return str(answer.choices[0].message.content)

    plain = text()
    assert text(presence_penalty=0, frequency_penalty=0) == plain
    assert text(presence_penalty=2, frequency_penalty=-2, extra_body={"typical_p": 0.9, "thinking_budget": 5})
    forced = text(logit_bias={"300": 100})
    assert forced != plain and len(set(forced.split())) <= 2
    assert text(logit_bias={"300": 100}, extra_body={"stop_token_ids": [300]}) == ""


def test_a_bare_prompt_is_completed(client: openai.OpenAI) -> None:
    prompt = "<|user|>\nHow do I add a model?<|assistant|>\n"
    whole = client.completions.create(model="guide", prompt=prompt, temperature=0, max_tokens=40, logprobs=2)
    told = whole.choices[0].logprobs
    assert len(whole.choices[0].text) > 10 and "".join(told.tokens) == whole.choices[0].text
    assert told.text_offset == [len("".join(told.tokens[:place])) for place in range(len(told.tokens))]
    stream = client.completions.create(model="guide", prompt=prompt, temperature=0, max_tokens=40, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == whole.choices[0].text
    echoed = client.completions.create(model="guide", prompt=[prompt, "One"], echo=True, max_tokens=3, n=2)
    assert [choice.text.startswith(("<|user|>", "One")) for choice in echoed.choices] == [True] * 4
    with pytest.raises(openai.BadRequestError, match="cannot fill a gap"):
        client.completions.create(model="guide", prompt="def f():", suffix="return 1")
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="guide", prompt="long " * 5_000)
    assert caught.value.code == "context_length_exceeded"


def test_tokens_become_the_same_text(program: httpx.Client) -> None:
    text = "<|user|>\nHow do I add a model? 你好"
    tokens = program.post("/v1/tokenize", json={"content": text}).json()["tokens"]
    assert program.post("/v1/detokenize", json={"tokens": tokens}).json()["content"] == text
    pieces = program.post("/v1/tokenize", json={"content": text, "with_pieces": True}).json()["tokens"]
    assert [one["id"] for one in pieces] == tokens and pieces[0]["piece"] == "<|user|>"


def test_a_chat_goes_on_from_the_assistants_last_word(client: openai.OpenAI) -> None:
    full = client.chat.completions.create(model="guide", messages=HELLO, temperature=0).choices[0].message.content
    half = full[: full.index(" ", len(full) // 2)]
    asked = [*HELLO, {"role": "assistant", "content": half}]
    assert half + client.chat.completions.create(model="guide", messages=asked, temperature=0).choices[0].message.content == full


def test_a_refusal_at_a_limit_is_tried_again_after_the_wait_that_it_names(
    client: openai.OpenAI, program: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = client.with_options(max_retries=1)
    waits = waits_of_retries(
        "openai", lambda: patient.chat.completions.create(model="guide", messages=HELLO, max_tokens=3), program, monkeypatch
    )
    assert len(waits) == 1 and 0 < waits[0] <= 60


def test_a_request_that_takes_too_long_is_given_up(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.001).chat.completions.create(model="guide", messages=HELLO)
    assert client.chat.completions.create(model="guide", messages=HELLO, max_tokens=3).usage.completion_tokens == 3


def test_a_path_that_is_not_offered_is_a_not_found_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="guide", input="x", voice="alloy")


@pytest.fixture(scope="module")
def vectors(program: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Yield an embedding and a reranking model beside the built-in one, as long as a test needs them."""
    folder = tmp_path_factory.mktemp("vectors")
    paths = [make_bert(folder / "bert.gguf"), make_bert(folder / "ranker.gguf", "rank")]
    for path in paths:
        assert program.post("/api/v1/models/load", json={"path": str(path)}).status_code == 202
    deadline = time.monotonic() + 60
    while [one["state"] for one in program.get("/api/v1/models").json()["loaded"]] != ["ready"] * 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield
    for path in paths:
        program.delete(f"/api/v1/models/{path.stem}")
    while len(program.get("/api/v1/models").json()["loaded"]) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_embeddings_come_by_default_and_as_numbers(client: openai.OpenAI, vectors: None) -> None:
    texts = ["hello", "what is this?", "x"]
    packed = client.embeddings.create(model="bert", input=texts)
    plain = client.embeddings.create(model="bert", input=texts, encoding_format="float")
    assert [one.index for one in packed.data] == [0, 1, 2]
    assert all(abs(sum(number * number for number in one.embedding) - 1) < 1e-5 for one in packed.data)
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == 5 + 11 + 1 + 2 * 3
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-7)
    cut = client.embeddings.create(model="bert", input="hello", dimensions=8).data[0].embedding
    assert len(cut) == 8 and abs(sum(number * number for number in cut) - 1) < 1e-5


def test_embedding_refusals_are_the_clients_own_errors(client: openai.OpenAI, vectors: None) -> None:
    with pytest.raises(openai.BadRequestError, match=r"input\.0 is too large"):
        client.embeddings.create(model="bert", input="x " * 500)
    assert client.embeddings.create(model="bert", input="x " * 500, extra_body={"truncate": True}).usage.prompt_tokens == 128
    with pytest.raises(openai.BadRequestError, match="is not a model for embedding"):
        client.embeddings.create(model="guide", input="x")
    with pytest.raises(openai.BadRequestError, match="cannot chat"):
        client.chat.completions.create(model="bert", messages=HELLO)
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="none", input="x")


def test_documents_are_ranked(program: httpx.Client, vectors: None) -> None:
    answer = program.post("/v1/rerank", json={"query": "what", "documents": ["a", "hello", "what is"], "return_documents": True}).json()
    scores = [one["relevance_score"] for one in answer["results"]]
    assert scores == sorted(scores, reverse=True) and all(0 < score < 1 for score in scores)
    assert {(one["index"], one["document"]["text"]) for one in answer["results"]} == {(0, "a"), (1, "hello"), (2, "what is")}
    assert answer["model"] == "ranker"


def test_chats_go_on_beside_models_for_vectors(client: openai.OpenAI, vectors: None) -> None:
    assert next(model.id for model in client.models.list()) == "guide"
    assert client.chat.completions.create(messages=HELLO, max_tokens=3, model="").choices[0].finish_reason == "length"


def test_many_at_once_are_all_answered(portal: Measured, key: str) -> None:
    async def main() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{portal.url}/v1", api_key=key, max_retries=0, timeout=120) as client:

            async def one() -> str:
                stream = await client.chat.completions.create(model="guide", messages=HELLO, temperature=0, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return await asyncio.gather(*(one() for _ in range(20)))

    answers = asyncio.run(main())
    assert all(answers)


def test_closing_a_stream_frees_the_engine(client: openai.OpenAI, program: httpx.Client) -> None:
    stream = client.chat.completions.create(model="guide", messages=HELLO, stream=True)
    next(iter(stream))
    stream.close()
    deadline = time.monotonic() + 60
    while program.get("/api/v1/models").json()["loaded"][0]["slots_busy"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
