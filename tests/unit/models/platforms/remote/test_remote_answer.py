"""Answers of a real HTTP server that works well, or misbehaves in every possible way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from core.errors import Busy, InvalidInput, ModelFailed, Unavailable
from core.inference.records import FinishReason
from core.inference.requests import ChatMessage, ChatRole, Delta, Finished, SamplingParams, Tool, ToolCall, ToolChoice
from core.platforms.records import Limits
from models.platforms.remote.failures import Fault, PlatformFailure
from models.platforms.remote.remote_platform import RemotePlatform
from samples.servers.models import model_server as ms
from samples.servers.models.model_server import ANSWER, DONE, USAGE, Behaviour, ModelServer, chunk, stream
from tests.unit.models.platforms.remote.conftest import answer_of, read, request_of

Platforms = Callable[..., RemotePlatform]


def events(*parts: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter(parts)


WELL: dict[str, Behaviour] = {
    "as it should": stream(ms.fine),
    "byte by byte": ms.bytewise,
    "without DONE": stream(events(chunk({"content": ANSWER}), chunk({}, "stop", usage=USAGE))),
    "in one piece": ms.whole,
    "CRLF": stream(lambda: (part.replace(b"\n", b"\r\n") for part in ms.fine())),
    "CR": stream(lambda: (part.replace(b"\n", b"\r") for part in ms.fine())),
    "comments between": stream(lambda: (piece for part in ms.fine() for piece in (b": ping\n\n", part))),
    "no content type": stream(ms.fine, content_type=""),
    "cut after the end": stream(events(chunk({"content": ANSWER}), chunk({}, "stop", usage=USAGE)), ends=False),
    "a last event without a blank line": stream(events(chunk({"content": ANSWER}, "stop", usage=USAGE).rstrip(b"\n"))),
    "the end in the last delta": stream(events(chunk({"content": ANSWER}, "stop", usage=USAGE), DONE)),
    "null everywhere": stream(events(
        chunk({"content": None, "tool_calls": None, "reasoning_content": None}), chunk({"content": ANSWER}, usage=None),
        chunk({}, "stop", usage=USAGE), DONE,
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", WELL)
def test_an_answer_arrives_whole(server: ModelServer, platform: Platforms, name: str) -> None:
    server.behave = WELL[name]
    answer = answer_of(platform())
    text, reasoning, deltas, end = read(answer)
    assert (text, reasoning) == (ANSWER, "")
    assert end.finish_reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert (end.usage.prompt_tokens, end.usage.completion_tokens, end.usage.cached_tokens) == (11, 4, 3)
    assert not answer.estimated and end.timings.ttft_s is not None and deltas[-1].tokens >= 1


def test_a_server_that_counts_nothing_is_estimated_and_said_to_be(server: ModelServer, platform: Platforms) -> None:
    server.behave = stream(events(chunk({"content": "One two three four five six."}), chunk({}, "stop"), DONE))
    answer = answer_of(platform(), request_of("How many words are in this question?"))
    _, _, _, end = read(answer)
    assert answer.estimated and 5 <= end.usage.completion_tokens <= 9 and 8 <= end.usage.prompt_tokens <= 16


def test_the_closest_tokenizer_counts_where_there_is_one(server: ModelServer, platform: Platforms) -> None:
    server.behave = stream(events(chunk({"content": "One two"}), chunk({}, "stop"), DONE))
    asked: list[tuple[str, str]] = []

    def count(model: str, text: str) -> int:
        asked.append((model, text))
        return 42

    remote = platform()
    answer = remote.answer(request_of(), remote.models.offered()[0], count)
    assert read(answer)[3].usage.completion_tokens == 42 and asked == [("glm", "One two")]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_in_a_field_of_its_own(server: ModelServer, platform: Platforms, field: str) -> None:
    server.behave = stream(events(chunk({field: "Let me "}), chunk({field: "see."}), chunk({"content": "Yes."}), chunk({}, "stop"), DONE))
    assert read(answer_of(platform()))[:2] == ("Yes.", "Let me see.")


def test_reasoning_in_tags(server: ModelServer, platform: Platforms) -> None:
    parts = ["<th", "ink>\nLet me ", "see.</thi", "nk>\n", "Yes, <think> is a tag."]
    server.behave = stream(events(*(chunk({"content": part}) for part in parts), chunk({}, "stop"), DONE))
    assert read(answer_of(platform()))[:2] == ("Yes, <think> is a tag.", "Let me see.")


def test_tool_calls_are_put_together(server: ModelServer, platform: Platforms) -> None:
    def part(index: int, **function: str) -> bytes:
        call_id = {"id": function.pop("id")} if "id" in function else {}
        return chunk({"tool_calls": [{"index": index, **call_id, "function": function}]})

    server.behave = stream(events(
        part(0, id="a", name="weather", arguments=""), part(0, arguments='{"city":'), part(1, id="b", name="time", arguments="{}"),
        part(0, arguments=' "北京"}'), chunk({}, "tool_calls"), DONE,
    ))  # fmt: skip
    _, _, deltas, end = read(answer_of(platform()))
    assert deltas[-1].tool_calls == (ToolCall("a", "weather", '{"city": "北京"}'), ToolCall("b", "time", "{}"))
    assert end.finish_reason is FinishReason.STOP


def test_two_calls_that_both_say_index_0_are_two_calls(server: ModelServer, platform: Platforms) -> None:
    calls = [{"tool_calls": [{"index": 0, "id": each, "function": {"name": each, "arguments": "{}"}}]} for each in ("a", "b")]
    server.behave = stream(events(*map(chunk, calls), chunk({}, "tool_calls"), DONE))
    assert [call.name for call in read(answer_of(platform()))[2][-1].tool_calls] == ["a", "b"]


def test_the_length_limit_is_a_reason_of_its_own(server: ModelServer, platform: Platforms) -> None:
    server.behave = stream(events(chunk({"content": "x"}), chunk({}, "length"), DONE))
    assert read(answer_of(platform()))[3].finish_reason is FinishReason.LENGTH


def test_logprobs_arrive(server: ModelServer, platform: Platforms) -> None:
    token = {"token": "世", "bytes": [228, 184, 150], "logprob": -0.5, "top_logprobs": [{"token": "好", "bytes": None, "logprob": -1.0}]}
    event = b'data: {"choices": [{"delta": {"content": "\xe4\xb8\x96"}, "finish_reason": "stop", "logprobs": {"content": ['
    server.behave = stream(events(event + __import__("json").dumps(token).encode() + b"]}}]}\n\n", DONE))
    [delta] = read(answer_of(platform(), request_of(params=SamplingParams(logprobs=1))))[2]
    assert delta.logprobs[0].piece == "世".encode() and delta.logprobs[0].top[0].piece == "好".encode()


MISBEHAVES: dict[str, tuple[Behaviour, Fault, type[Exception]]] = {
    "a web page": (ms.page(502), Fault.BROKEN, ModelFailed),
    "a web page that says it is fine": (ms.page(200), Fault.INVALID_ANSWER, ModelFailed),
    "another content type": (stream(ms.fine, content_type="image/png"), Fault.INVALID_ANSWER, ModelFailed),
    "an error with status 200": (ms.refusing(200, {"error": {"message": "no GPU", "code": 500}}), Fault.BROKEN, ModelFailed),
    "an error in the stream": (stream(events(b'data: {"error": {"message": "overloaded"}}\n\n')), Fault.BROKEN, ModelFailed),
    "no JSON": (stream(events(b"data: {nonsense\n\n")), Fault.INVALID_ANSWER, ModelFailed),
    "a list": (stream(events(b"data: [1, 2]\n\n")), Fault.INVALID_ANSWER, ModelFailed),
    "nothing at all": (stream(events()), Fault.INVALID_ANSWER, ModelFailed),
    "cut before the first token": (stream(events(chunk({"role": "assistant"})), ends=False), Fault.CUT, ModelFailed),
    "cut in the middle": (stream(events(chunk({"content": "Good"})), ends=False), Fault.CUT, ModelFailed),
    "an end without a reason": (stream(events(chunk({"content": "Good"}))), Fault.CUT, ModelFailed),
    "too many requests": (ms.refusing(429, {}, Retry_After="7"), Fault.BUSY, Busy),
    "down for a while": (ms.refusing(503, {}, Retry_After="7"), Fault.BUSY, Busy),
    "a server error": (ms.refusing(500, {"error": {"message": "boom"}}), Fault.BROKEN, ModelFailed),
    "a wrong key": (ms.refusing(401, {"error": {"message": "bad key"}}), Fault.LOCKED, Unavailable),
    "a bad request": (ms.refusing(400, {"error": {"message": "temperature is too high"}}), Fault.REFUSED, InvalidInput),
    "a model that it has not": (ms.refusing(404, {"error": {"message": "no such model"}}), Fault.REFUSED, InvalidInput),
    "a redirect": (ms.refusing(302, {}, Location="http://169.254.169.254/"), Fault.INVALID_ANSWER, ModelFailed),
    "a packed body": (lambda handler: handler.whole(b"x", "application/json", Content_Encoding="gzip"), Fault.INVALID_ANSWER, ModelFailed),
    "a line without an end": (stream(lambda: (b"data: " + b"x" * 100_000 for _ in range(60))), Fault.INVALID_ANSWER, ModelFailed),
    "deep JSON": (stream(events(b"data: " + b"[" * 100_000 + b"\n\n")), Fault.INVALID_ANSWER, ModelFailed),
}  # fmt: skip


@pytest.mark.parametrize("name", MISBEHAVES)
def test_what_a_server_does_wrong_is_a_sentence(server: ModelServer, platform: Platforms, name: str) -> None:
    behave, fault, kind = MISBEHAVES[name]
    server.behave = behave
    with pytest.raises(PlatformFailure) as failed:
        read(answer_of(platform()))
    assert failed.value.fault is fault
    told = failed.value.for_people()
    assert isinstance(told, kind) and str(told).startswith("gateway ")
    for theirs in ("<", "DOCTYPE", "Bad gateway", "secret-host"):
        assert theirs not in str(told)


def test_what_a_server_says_of_a_bad_request_is_passed_on(server: ModelServer, platform: Platforms) -> None:
    server.behave = ms.refusing(400, {"error": {"message": "temperature <b>is</b>\ntoo high"}})
    with pytest.raises(PlatformFailure, match=r"gateway refused the request \(400\): temperature is too high"):
        read(answer_of(platform()))


def test_retry_after_is_kept(server: ModelServer, platform: Platforms) -> None:
    server.behave = ms.refusing(429, {}, Retry_After="7")
    with pytest.raises(PlatformFailure) as failed:
        read(answer_of(platform()))
    told = failed.value.for_people()
    assert isinstance(told, Busy) and told.retry_after == 7


SLOW: dict[str, tuple[Behaviour, Limits, str]] = {
    "slow first token": (ms.slow(30), Limits(first_token_s=0.3), "sent nothing for 0.3 s"),
    "only comments": (ms.pinging, Limits(first_token_s=0.3), "sent nothing for 0.3 s"),
    "stuck in the middle": (ms.stuck, Limits(first_token_s=5, idle_s=0.3), "sent nothing for 0.3 s"),
    "never-ending": (ms.endless, Limits(timeout_s=0.5), "did not finish within 0.5 s"),
}


@pytest.mark.parametrize("name", SLOW)
def test_every_wait_has_a_limit(server: ModelServer, platform: Platforms, name: str) -> None:
    server.behave, limits, words = SLOW[name]
    with pytest.raises(PlatformFailure, match=words) as failed:
        read(answer_of(platform(limits=limits)))
    assert failed.value.fault is Fault.TIMED_OUT


def test_an_endless_answer_ends_when_it_is_cancelled(server: ModelServer, platform: Platforms) -> None:
    server.behave = ms.endless
    answer = answer_of(platform())
    seen = []
    for event in answer.events():
        seen.append(event)
        if len(seen) == 5:
            answer.cancel()
    assert isinstance(seen[-1], Finished) and seen[-1].finish_reason is FinishReason.CANCELLED
    assert server.hung_up.wait(60)


def test_a_wait_for_the_first_token_can_be_cancelled_from_another_thread(server: ModelServer, platform: Platforms) -> None:
    server.behave = ms.slow(30)
    answer = answer_of(platform(limits=Limits(first_token_s=60)))
    threading.Timer(0.2, answer.cancel).start()
    began = time.monotonic()
    [end] = answer.events()
    assert isinstance(end, Finished) and end.finish_reason is FinishReason.CANCELLED and time.monotonic() - began < 20


def test_leaving_the_stream_hangs_up(server: ModelServer, platform: Platforms) -> None:
    server.behave = ms.endless
    reading = answer_of(platform()).events()
    assert isinstance(next(reading), Delta)
    reading.close()  # type: ignore[attr-defined]
    assert server.hung_up.wait(60)


def test_a_server_that_is_not_there_is_a_sentence(server: ModelServer, platform: Platforms) -> None:
    server.close()
    with pytest.raises(PlatformFailure, match=r"gateway cannot be reached \(connection refused\)") as failed:
        read(answer_of(platform()))
    assert failed.value.fault is Fault.UNREACHABLE


def test_connections_are_used_again(server: ModelServer, platform: Platforms) -> None:
    remote = platform()
    for _ in range(3):
        read(answer_of(remote))
    assert len(server.chats) == 3


def test_the_question_is_sent_in_openai_s_words(server: ModelServer, platform: Platforms) -> None:
    params = SamplingParams(temperature=0.5, max_tokens=9, stop=("END",), seed=3, top_k=5, json_schema='{"type": "object"}')
    call = ChatMessage(ChatRole.ASSISTANT, "", tool_calls=(ToolCall("c1", "weather", "{}"),))
    result = ChatMessage(ChatRole.TOOL, "sunny", tool_call_id="c1")
    request = request_of("Hi", params=params, tools=(Tool("weather", "It tells the weather."),))
    answer = answer_of(platform(api_key="k-123"), __import__("dataclasses").replace(request, messages=(*request.messages, call, result)))
    read(answer)
    [body] = server.chats
    assert body["model"] == "glm-4.7" and body["stream"] is True
    assert body["messages"][0] == {"role": "user", "content": "Hi"}
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}
    assert body["messages"][2] == {"role": "tool", "content": "sunny", "tool_call_id": "c1"}
    assert (body["temperature"], body["max_tokens"], body["stop"], body["seed"]) == (0.5, 9, ["END"], 3)
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert body["tools"][0]["function"]["name"] == "weather"
    assert "top_k" not in body and answer.dropped == ("top_k",)
    assert server.headers[-1]["Authorization"] == "Bearer k-123"


def test_the_file_says_which_parameters_a_platform_takes(server: ModelServer, platform: Platforms) -> None:
    params = SamplingParams(seed=1, top_k=5, repeat_penalty=1.1, thinking_budget=5)
    remote = platform(takes=frozenset({"top_k", "repeat_penalty", "thinking"}), drops=frozenset({"seed"}))
    answer = answer_of(remote, request_of(params=params, thinking=False))
    read(answer)
    [body] = server.chats
    assert (body["top_k"], body["repetition_penalty"], body["chat_template_kwargs"]) == (5, 1.1, {"enable_thinking": False})
    assert "seed" not in body and answer.dropped == ("seed", "thinking_budget")


def test_raw_prompts_are_for_models_of_the_portal(platform: Platforms) -> None:
    with pytest.raises(InvalidInput, match="takes messages only"):
        answer_of(platform(), request_of(prompt="Once upon"))


def test_a_tool_that_must_be_called_is_sent_alone(server: ModelServer, platform: Platforms) -> None:
    tools = (Tool("weather"), Tool("time"))
    read(answer_of(platform(), request_of(tools=tools, tool_choice=ToolChoice.REQUIRED, required_tool="time")))
    read(answer_of(platform(), request_of(tools=tools, tool_choice=ToolChoice.REQUIRED)))
    named, any_of_them = server.chats
    assert [tool["function"]["name"] for tool in named["tools"]] == ["time"]
    assert [tool["function"]["name"] for tool in any_of_them["tools"]] == ["weather", "time"]
    assert named["tool_choice"] == any_of_them["tool_choice"] == "required"


def test_the_names_of_a_gateways_exceptions_are_not_shown(server: ModelServer, platform: Platforms) -> None:
    message = "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - request (10007 tokens) exceeds the limit"
    server.behave = ms.refusing(400, {"error": {"message": message}})
    with pytest.raises(PlatformFailure) as caught:
        read(answer_of(platform()))
    assert str(caught.value.error).endswith("refused the request (400): request (10007 tokens) exceeds the limit")
