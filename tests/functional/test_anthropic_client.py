"""The official anthropic client, unchanged, against a portal process with the built-in model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Literal

import anthropic
import httpx
import pytest
from pydantic import BaseModel

from bench.portal_parts.portal import Measured, running_portal
from tests.functional.limited import waits_of_retries

HELLO: Any = [{"role": "user", "content": "How do I add a model?"}]
COLD = {"temperature": 0}
"""The client has no word for it any more."""
FIND: Any = {"name": "find", "input_schema": {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}}


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
def client(portal: Measured, key: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=portal.url, api_key=key, max_retries=0, timeout=60) as client:
        yield client


def test_it_gets_an_answer(client: anthropic.Anthropic) -> None:
    message = client.messages.create(model="guide", max_tokens=200, messages=HELLO, system="Be brief.")
    assert message.content[0].type == "text" and len(message.content[0].text) > 10
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 2
    assert message._request_id


def test_it_streams_the_same_answer(client: anthropic.Anthropic) -> None:
    whole = client.messages.create(model="guide", max_tokens=200, messages=HELLO, extra_body=COLD)
    with client.messages.stream(model="guide", max_tokens=200, messages=HELLO, extra_body=COLD) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert "".join(pieces) == whole.content[0].text == final.content[0].text
    assert (final.stop_reason, final.usage.output_tokens) == (whole.stop_reason, whole.usage.output_tokens)
    used = final.usage
    assert used.input_tokens + used.cache_read_input_tokens == client.messages.count_tokens(model="guide", messages=HELLO).input_tokens


def test_limits_and_stop_sequences_end_the_answer(client: anthropic.Anthropic) -> None:
    short = client.messages.create(model="guide", max_tokens=3, messages=HELLO)
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 3)
    full = client.messages.create(model="guide", max_tokens=200, messages=HELLO, extra_body=COLD).content[0].text
    word = full.split(" ")[3]
    cut = client.messages.create(model="guide", max_tokens=200, messages=HELLO, extra_body=COLD, stop_sequences=["never said", word])
    assert (cut.stop_reason, cut.stop_sequence) == ("stop_sequence", word)
    assert cut.content[0].text == full[: full.index(word)]


def test_an_answer_goes_on_from_the_last_word_of_the_assistant(client: anthropic.Anthropic) -> None:
    full = client.messages.create(model="guide", max_tokens=200, messages=HELLO, extra_body=COLD).content[0].text
    half = full[: full.index(" ", len(full) // 2)]
    rest = client.messages.create(
        model="guide", max_tokens=200, messages=[*HELLO, {"role": "assistant", "content": half}], extra_body=COLD
    )
    assert half + rest.content[0].text == full


def test_a_stream_that_is_left_frees_the_slot(client: anthropic.Anthropic, program: httpx.Client) -> None:
    with client.messages.stream(model="guide", max_tokens=400, messages=HELLO, extra_body={"temperature": 1.5}) as stream:
        next(iter(stream.text_stream))
    deadline = time.monotonic() + 60
    while any(model["slots_busy"] for model in program.get("/api/v1/models").json()["loaded"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_tools_over_several_turns(client: anthropic.Anthropic) -> None:
    turns: Any = list(HELLO)
    for _turn in range(3):
        message = client.messages.create(
            model="guide", max_tokens=100, messages=turns, tools=[FIND], tool_choice={"type": "any"}
        )
        assert message.stop_reason == "tool_use"
        call = message.content[-1]
        assert call.type == "tool_use" and call.name == "find" and isinstance(call.input["sure"], bool)
        turns += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Open the Models page."}]},
        ]
    last = client.messages.create(model="guide", max_tokens=100, messages=turns, tools=[FIND])
    assert last.stop_reason in ("end_turn", "max_tokens", "tool_use")
    assert last.usage.input_tokens + last.usage.cache_read_input_tokens > 60


def test_a_forced_tool_streams(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="guide", max_tokens=100, messages=HELLO, tools=[FIND], tool_choice={"type": "any"}) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert "input_json" in kinds
    assert final.content[-1].type == "tool_use" and isinstance(final.content[-1].input["sure"], bool)


def test_the_clients_own_parsing_of_a_class_works(client: anthropic.Anthropic) -> None:
    class Answer(BaseModel):
        # The client leaves a text's length out of the schema, and the built-in model would not come to an end.
        kind: Literal["how-to", "other"]
        sure: bool

    parsed = client.messages.parse(model="guide", max_tokens=300, messages=HELLO, output_format=Answer)
    assert isinstance(parsed.parsed_output, Answer)


def test_errors_are_the_clients_own(portal: Measured, client: anthropic.Anthropic) -> None:
    with anthropic.Anthropic(base_url=portal.url, api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(anthropic.AuthenticationError):
            stranger.messages.create(model="guide", max_tokens=5, messages=HELLO)
        with pytest.raises(anthropic.AuthenticationError):
            list(stranger.messages.create(model="guide", max_tokens=5, messages=HELLO, stream=True))
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="claude-9", max_tokens=5, messages=HELLO)
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        client.messages.create(model="guide", max_tokens=5, messages=[{"role": "user", "content": "long " * 5_000}])
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        client.messages.create(model="guide", max_tokens=0, messages=HELLO)


def test_a_refusal_at_a_limit_is_tried_again_after_the_wait_that_it_names(
    client: anthropic.Anthropic, program: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = client.with_options(max_retries=1)
    waits = waits_of_retries(
        "anthropic", lambda: patient.messages.create(model="guide", max_tokens=3, messages=HELLO), program, monkeypatch
    )
    assert len(waits) == 1 and 0 < waits[0] <= 60


def test_a_request_that_takes_too_long_is_given_up(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APITimeoutError):
        client.with_options(timeout=0.001).messages.create(model="guide", max_tokens=200, messages=HELLO)
    assert client.messages.create(model="guide", max_tokens=3, messages=HELLO).usage.output_tokens == 3


def test_many_at_once(portal: Measured, key: str) -> None:
    async def all_of_them() -> list[Any]:
        async with anthropic.AsyncAnthropic(base_url=portal.url, auth_token=key, api_key=None, max_retries=0, timeout=60) as client:
            return await asyncio.gather(*(client.messages.create(model="guide", max_tokens=20, messages=HELLO) for _ in range(12)))

    assert all(message.content[0].text for message in asyncio.run(all_of_them()))
