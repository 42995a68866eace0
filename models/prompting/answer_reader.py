"""Split an answer while it streams into reasoning, text, tool calls and log probabilities."""

from __future__ import annotations

from core.inference.requests import ChatMessage, ChatRole, Delta, TokenLogprob, ToolCall
from models.prompting.reasoning import ReasoningParser
from models.prompting.tool_calls import ToolCallParser


class AnswerReader:
    """Takes the deltas of the engine and gives those of the answer, or None while nothing is certain."""

    def __init__(self, reasoning: ReasoningParser, tools: ToolCallParser | None = None) -> None:
        self._reasoning = reasoning
        self._tools = tools
        self._pending_logprobs: list[TokenLogprob] = []
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self.has_reasoning = False
        self.has_text = False
        """Whether there was something besides reasoning and blanks."""
        self.called = False
        """Whether a tool was called."""

    @property
    def thinking(self) -> bool:
        return self._reasoning.thinking

    @property
    def answer(self) -> ChatMessage:
        """Return the answer so far, without tool calls."""
        return ChatMessage(role=ChatRole.ASSISTANT, content="".join(self._texts), reasoning="".join(self._thoughts))

    def feed(self, delta: Delta) -> Delta | None:
        reasoning, text = self._reasoning.feed(delta.text)
        self._pending_logprobs += delta.logprobs
        return self._delta(reasoning, text, delta.tokens, last=False)

    def finish(self, tokens: int, *, cut: bool = False) -> Delta | None:
        """Return the rest of the answer. cut: whether it reached its limit."""
        reasoning, text = self._reasoning.finish()
        return self._delta(reasoning, text, tokens, last=True, cut=cut)

    def _delta(self, reasoning: str, text: str, tokens: int, *, last: bool, cut: bool = False) -> Delta | None:
        calls: tuple[ToolCall, ...] = ()
        if self._tools is not None:
            text, calls = self._tools.feed(text) if text else ("", ())
            if last:
                rest, more = self._tools.finish(cut=cut)
                text, calls = text + rest, calls + more
        self._texts.append(text)
        self._thoughts.append(reasoning)
        self.called = self.called or bool(calls)
        self.has_reasoning = self.has_reasoning or bool(reasoning)
        self.has_text = self.has_text or bool(text.strip() or calls)
        if not (reasoning or text or calls):
            return None
        logprobs: tuple[TokenLogprob, ...] = ()
        if self._pending_logprobs:
            # OpenAI's format has no log probabilities for reasoning; those of held-back text come with that text.
            logprobs, self._pending_logprobs = () if reasoning and not text else tuple(self._pending_logprobs), []
        return Delta(text=text, reasoning=reasoning, tokens=tokens, tool_calls=calls, logprobs=logprobs)
