"""An answer's text as it streams, taken apart: thoughts, text, calls of tools, and the probabilities of what was said."""

from __future__ import annotations

from core.inference.requests import ChatMessage, ChatRole, Delta, TokenLogprob, ToolCall
from models.prompting.reasoning import ReasoningParser
from models.prompting.tool_calls import ToolCallParser


class AnswerReader:
    """Feed the deltas of the engine; get those of the answer, or None while nothing is certain."""

    def __init__(self, reasoning: ReasoningParser, tools: ToolCallParser | None = None) -> None:
        self._reasoning = reasoning
        self._tools = tools
        self._untold: list[TokenLogprob] = []
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self.thought = False
        self.said = False
        """Something came besides thoughts and blanks."""
        self.called = False
        """A tool was called."""

    @property
    def thinking(self) -> bool:
        return self._reasoning.thinking

    @property
    def answer(self) -> ChatMessage:
        """What came so far, calls of tools left out."""
        return ChatMessage(role=ChatRole.ASSISTANT, content="".join(self._texts), reasoning="".join(self._thoughts))

    def feed(self, delta: Delta) -> Delta | None:
        reasoning, text = self._reasoning.feed(delta.text)
        self._untold += delta.logprobs
        return self._delta(reasoning, text, delta.tokens, last=False)

    def finish(self, tokens: int, *, cut: bool = False) -> Delta | None:
        """The rest of the answer. cut: it reached its limit."""
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
        self.thought = self.thought or bool(reasoning)
        self.said = self.said or bool(text.strip() or calls)
        if not (reasoning or text or calls):
            return None
        told: tuple[TokenLogprob, ...] = ()
        if self._untold:
            # Thoughts have no probabilities in OpenAI's shape; those of held-back text come with it.
            told, self._untold = () if reasoning and not text else tuple(self._untold), []
        return Delta(text=text, reasoning=reasoning, tokens=tokens, tool_calls=calls, logprobs=told)
