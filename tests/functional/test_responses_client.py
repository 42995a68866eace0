"""OpenAI's official client, unchanged, and its Responses, against a portal process with the built-in model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from bench.portal_parts.portal import Measured, running_portal

QUESTION = "How do I add a model?"
FIND: Any = {
    "type": "function", "name": "find", "strict": True,
    "parameters": {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"], "additionalProperties": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def portal() -> Iterator[Measured]:
    with running_portal() as running:
        yield running


@pytest.fixture(scope="module")
def client(portal: Measured) -> Iterator[openai.OpenAI]:
    with portal.sign_in() as program:
        key = program.headers["Authorization"].removeprefix("Bearer ")
    with openai.OpenAI(base_url=f"{portal.url}/v1", api_key=key, max_retries=0, timeout=60) as client:
        yield client


def test_it_streams_the_answer_that_it_gets(client: openai.OpenAI) -> None:
    whole = client.responses.create(model="guide", input=QUESTION, temperature=0)
    assert len(whole.output_text) > 10 and whole.status == "completed"
    with client.responses.stream(model="guide", input=QUESTION, temperature=0) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text == whole.output_text
    assert final.usage.output_tokens == whole.usage.output_tokens


def test_functions_over_several_turns(client: openai.OpenAI) -> None:
    turns: Any = [{"role": "user", "content": QUESTION}]
    for _turn in range(2):
        response = client.responses.create(model="guide", input=turns, tools=[FIND], tool_choice="required", max_output_tokens=100)
        call = next(item for item in response.output if item.type == "function_call")
        assert isinstance(json.loads(call.arguments)["sure"], bool)
        output = {"type": "function_call_output", "call_id": call.call_id, "output": "Open the Models page."}
        turns = [*turns, *response.output, output]
    assert client.responses.create(model="guide", input=turns, tools=[FIND], max_output_tokens=50).usage.input_tokens > 60


def test_the_clients_own_parsing_of_a_class_works(client: openai.OpenAI) -> None:
    class Answer(BaseModel):
        kind: Literal["how-to", "other"]
        sure: bool

    assert isinstance(client.responses.parse(model="guide", input=QUESTION, text_format=Answer).output_parsed, Answer)


def test_limits_and_errors(client: openai.OpenAI) -> None:
    short = client.responses.create(model="guide", input=QUESTION, max_output_tokens=3)
    assert (short.status, short.incomplete_details.reason, short.usage.output_tokens) == ("incomplete", "max_output_tokens", 3)
    with pytest.raises(openai.BadRequestError, match="names no stored response"):
        client.responses.create(model="guide", input=QUESTION, previous_response_id="resp_1")
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="guide", input="long " * 5_000)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="gpt-9", input=QUESTION)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.001).responses.create(model="guide", input=QUESTION)


def test_a_stored_response_is_continued_read_and_deleted(client: openai.OpenAI) -> None:
    first = client.responses.create(model="guide", input=QUESTION, temperature=0)
    second = client.responses.create(model="guide", input="And then?", previous_response_id=first.id, temperature=0)
    assert second.usage.input_tokens > first.usage.input_tokens
    assert client.responses.retrieve(first.id).output_text == first.output_text
    assert client.responses.input_items.list(first.id).data[0].content[0].text == QUESTION
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_a_response_in_the_background_is_polled(client: openai.OpenAI) -> None:
    response = client.responses.create(model="guide", input=QUESTION, background=True, temperature=0)
    assert response.status == "queued"
    ends = time.monotonic() + 60
    while response.status in ("queued", "in_progress") and time.monotonic() < ends:
        time.sleep(0.1)
        response = client.responses.retrieve(response.id)
    assert (response.status, bool(response.output_text)) == ("completed", True)
