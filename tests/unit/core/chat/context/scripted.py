"""A stand-in for a model that knows only what it reads: it repeats facts, and summarizes by listing them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from core.errors import PromptTooLong, Unavailable
from core.inference.records import Usage
from core.inference.requests import Finished, GenerationRequest, PromptTokens
from samples.fakes import MODEL, FakeGeneration, FakeRouter, answer

FACT = re.compile(r"FACT (\w+) is (\w+)")
LETTERS = 4
"""Letters a token."""


@dataclass
class ScriptedRouter(FakeRouter):
    """Answers "Recall NAME" with the fact of that name, if the prompt says it; a summary lists all facts in what it reads."""

    context: int = 8192
    breaks_summaries: bool = False
    summaries: int = 0

    def __post_init__(self) -> None:
        self.available = [replace(MODEL, context=self.context)]

    def prompt_tokens(self, request: GenerationRequest) -> PromptTokens:
        text = str(request.prompt) if request.prompt is not None else "".join(one.content for one in request.messages)
        tokens = len(text) // LETTERS + 8 * len(request.messages)
        return PromptTokens("fake", tuple(range(tokens)), self.context)

    def start(self, request: GenerationRequest) -> FakeGeneration:
        tokens = len(self.prompt_tokens(request).tokens)
        if tokens > self.context - 1:
            raise PromptTooLong(tokens, self.context - 1)
        said = "\n".join(each.content for each in request.messages)
        asked = request.messages[-1].content
        if "Summarize the conversation below" in asked:
            if self.breaks_summaries:
                raise Unavailable("The model is gone.")
            self.summaries += 1
            text = "\n".join(dict.fromkeys(f"FACT {name} is {value}" for name, value in FACT.findall(said))) or "Small talk."
        elif recall := re.search(r"Recall (\w+)", asked):
            known = dict(FACT.findall(said))
            text = known.get(recall[1], "I have not read that.")
        else:
            text = "Noted. " + "It goes on. " * 8
        events = [
            replace(each, usage=Usage(tokens, each.usage.completion_tokens)) if isinstance(each, Finished) else each
            for each in answer(text)
        ]
        self.next_answers.put(events)
        return super().start(request)
