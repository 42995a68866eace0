"""Ask the model for a background job, which yields to every answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.inference.gateway import Gateway
from core.inference.records import Source, Task
from core.inference.requests import ChatMessage, ChatRole, Delta, GenerationRequest, SamplingParams
from core.people.records import User
from core.tasks.handlers import Report

MAX_TRIES = 5
"""How often answers may interrupt one request before it is given up."""
POLL_S = 0.2


class YieldingRequest:
    """Asks the model for one purpose. While answers run, it waits; when one begins, it stops and tries again later."""

    def __init__(self, gateway: Gateway, running_answers: Callable[[], int], *, task: Task, source: Source, most_tokens: int) -> None:
        """running_answers: returns how many answers this server is writing. task: a route for it may choose the model."""
        self._gateway = gateway
        self._running_answers = running_answers
        self._task, self._source = task, source
        self._most_tokens = most_tokens

    def ask(self, user: User, words: str, model: str | None, report: Report) -> str:
        """Return the model's text; "" if answers kept interrupting it, or if only the built-in guide is available."""
        models = self._gateway.chat_models(user)
        chosen = next((each for each in models if model in each.names), next(iter(models), None))
        if chosen is None or chosen.guide:
            return ""
        request = GenerationRequest(
            messages=(ChatMessage(ChatRole.USER, words),),
            user_id=user.id,
            # Without a name, a route for the task may choose the model.
            model=None if chosen is models[0] else model,
            params=SamplingParams(temperature=0.0, max_tokens=self._most_tokens),
            thinking=False,
            batch=True,
            task=self._task,
        )
        for _ in range(MAX_TRIES):
            while self._running_answers():
                report.check()
                time.sleep(POLL_S)
            written = self._try(user, request, report)
            if written is not None:
                return written
        return ""

    def _try(self, user: User, request: GenerationRequest, report: Report) -> str | None:
        """Return the model's text; None if an answer began, because the job then frees the model for it."""
        text = ""
        events = self._gateway.recorded(self._gateway.answer(user, request, self._source))
        try:
            for event in events:
                report.check()
                if self._running_answers():
                    return None
                if isinstance(event, Delta):
                    text += event.text
        finally:
            events.close()
        return text
