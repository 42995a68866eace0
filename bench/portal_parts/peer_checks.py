"""Ask a real model server through the portal's router, and check the answer to every kind of question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

from core.errors import PortalError, PromptTooLong
from core.inference.records import FinishReason
from core.inference.requests import ChatMessage, ChatRole, Delta, Finished, GenerationRequest, SamplingParams, Tool, ToolCall, ToolChoice
from models.platforms.configuration.reader import YamlConfigurationReader
from models.serving.routing.platform_router import PlatformRouter
from samples.fakes import FakeRouter

QUESTION = "How do I add a model?"
SCHEMA = '{"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"], "additionalProperties": false}'
TOOL = Tool(name="confirm", description="Say whether you are sure.", parameters=SCHEMA, strict=True)
PRIVATE = ("Traceback", "<html", "litellm.")
"""Texts that no error may show to people."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check. problem: empty if it passed."""

    check: str
    problem: str


class PeerChecks:
    """Checks one model of one server.

    long: more words than its context has tokens. calls: whether the server makes any model call a tool that it must call; llama-server lets
    it write text before, and a tiny model writes nothing else.
    """

    def __init__(self, url: str, model: str, key: str = "", *, long: int = 5_000, calls: bool = True) -> None:
        self._model, self._long, self._calls = model, long, calls
        self.router = PlatformRouter(FakeRouter())
        secret = "\n  api_key: ${PEER_KEY}" if key else ""
        text = f"platforms:\n- name: peer\n  type: openai\n  base_url: {url}{secret}\n"
        self.router.configure(YamlConfigurationReader("bench", {"PEER_KEY": key}).read(text))
        self.router.reload("peer")

    def close(self) -> None:
        self.router.close()

    def run(self) -> list[Checked]:
        checks: list[Callable[[], str]] = [
            self.models_list, self.chat_stream_and_usage, self.length, self.structured_output, self.tool_call, self.tool_answer,
            self.wrong_model, self.too_long, self.left_stream,
        ]  # fmt: skip
        return [Checked(each.__name__.replace("_", " "), _problem(each)) for each in checks]

    def models_list(self) -> str:
        names = [each.name for each in self.router.models() if each.platform == "peer"]
        return "" if self._model in names else f"it lists {names}"

    def chat_stream_and_usage(self) -> str:
        deltas, end, estimated = self._ask(SamplingParams(temperature=0, max_tokens=60))
        if len(deltas) < 3:
            return f"the answer came in {len(deltas)} pieces"
        if estimated or not end.usage.prompt_tokens or not end.usage.completion_tokens:
            return f"usage: {end.usage}, estimated: {estimated}"
        return "" if "".join(each.text for each in deltas).strip() else "the answer is empty"

    def length(self) -> str:
        _, end, _ = self._ask(SamplingParams(temperature=0, max_tokens=4))
        return "" if end.finish_reason is FinishReason.LENGTH else f"it ended with {end.finish_reason}"

    def structured_output(self) -> str:
        deltas, _, _ = self._ask(SamplingParams(temperature=0, max_tokens=60, json_schema=SCHEMA, strict_schema=True))
        text = "".join(each.text for each in deltas)
        return "" if "".join(text.split()) in ('{"sure":true}', '{"sure":false}') else f"it answered {text[:80]!r}"

    def tool_call(self) -> str:
        deltas, end, _ = self._ask(
            SamplingParams(temperature=0, max_tokens=60), tools=(TOOL,), tool_choice=ToolChoice.REQUIRED, required_tool=TOOL.name
        )
        if not self._calls:
            return "" if deltas else "it did not answer"
        calls = [call for each in deltas for call in each.tool_calls]
        names = [call.name for call in calls]
        return "" if names == [TOOL.name] and '"sure"' in calls[0].arguments else f"it called {names} and ended with {end.finish_reason}"

    def tool_answer(self) -> str:
        """Check that a history with a call and its result is accepted."""
        asked = ChatMessage(ChatRole.ASSISTANT, "", tool_calls=(ToolCall("call-1", TOOL.name, '{"sure": true}'),))
        result = ChatMessage(ChatRole.TOOL, "Noted.", tool_call_id="call-1")
        deltas, _, _ = self._ask(SamplingParams(temperature=0, max_tokens=20), more=(asked, result), tools=(TOOL,))
        return "" if deltas else "it did not answer"

    def wrong_model(self) -> str:
        try:
            self._ask(SamplingParams(max_tokens=4), model="no-such-model@peer")
        except PortalError as problem:
            return _shown(problem)
        return "it answered for a model that it does not have"

    def too_long(self) -> str:
        try:
            self._ask(SamplingParams(max_tokens=4), text="word " * self._long)
        except PromptTooLong:
            return ""
        except PortalError as problem:
            # A gateway does not say how long a prompt may be, so its own refusal is shown.
            clear = "tokens" in str(problem) and problem.status < 500
            return _shown(problem) or ("" if clear else f"the error is not that of a long prompt: {problem}")
        return "it answered a prompt beyond its context"

    def left_stream(self) -> str:
        """Leave an answer, which ends it, and read the next one."""
        running = self.router.start(self._request(SamplingParams(max_tokens=200)))
        events = running.events()
        list(islice((each for each in events if isinstance(each, Delta)), 1))
        running.cancel()
        end = [each for each in events if isinstance(each, Finished)]
        if not end or end[0].finish_reason not in (FinishReason.CANCELLED, FinishReason.STOP):
            return f"a cancelled answer ended with {end}"
        return "" if self._ask(SamplingParams(max_tokens=4))[0] else "nothing came afterwards"

    def _request(self, params: SamplingParams, text: str = QUESTION) -> GenerationRequest:
        message = ChatMessage(ChatRole.USER, text)
        return GenerationRequest(messages=(message,), user_id="bench", model=f"{self._model}@peer", params=params, thinking=False)

    def _ask(
        self, params: SamplingParams, *, text: str = QUESTION, more: tuple[ChatMessage, ...] = (), **fields: object
    ) -> tuple[list[Delta], Finished, bool]:
        """Return the pieces, the end, and whether its usage is an estimate."""
        request = self._request(params, text)
        running = self.router.start(replace(request, messages=request.messages + more, **fields))  # type: ignore[arg-type]
        events = list(running.events())
        end = next(each for each in events if isinstance(each, Finished))
        return [each for each in events if isinstance(each, Delta)], end, bool(running.routing and running.routing.estimated)


def _problem(check: Callable[[], str]) -> str:
    try:
        return check()
    except PortalError as problem:
        return f"{type(problem).__name__}: {problem}"[:300]


def _shown(problem: PortalError) -> str:
    found = [each for each in PRIVATE if each in str(problem)]
    return f"the error shows {found}: {problem}"[:300] if found else ""
