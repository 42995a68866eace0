"""Ask a model for a task, with the rights and limits of its person."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from core.errors import Conflict, InvalidInput, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import FinishReason, ServedModel, Source
from core.inference.requests import ChatMessage, Delta, GenerationRequest, SamplingParams
from core.inference.running.answer import GONE, Answer
from core.people.records import User
from core.platforms.records import LOCAL
from core.tasks.handlers import POLL_S

NO_MODEL = "No model that can do this is loaded. Ask an admin to load one, or write the steps yourself: queries in SQL need no model."
CUT_OFF = "The model's answer was cut off at {tokens} tokens. Ask for less, or let an admin raise PORTAL_TASK_TOKENS."


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote, and what it took."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class _Watch:
    """Cancels an answer once the work must end, also while the answer waits in a queue."""

    def __init__(self, answer: Answer, check: Callable[[], None]) -> None:
        self._answer = answer
        self._check = check
        self._over = threading.Event()
        self._raised: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="task-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._thread.join()

    def raise_if_ended(self) -> None:
        """Raise what `check` raised."""
        if self._raised is not None:
            raise self._raised

    def _run(self) -> None:
        while not self._over.wait(POLL_S):
            try:
                self._check()
            except Exception as problem:  # noqa: BLE001 - the thread that asked raises it
                self._raised = problem
                self._answer.cancel()
                return


class ModelWork:
    """Asks models. The built-in guide knows only this portal, so it plans and writes nothing."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def model_for(self, user: User, name: str | None) -> ServedModel | None:
        """Return the model that a task with this choice would use; None if there is none, or only the guide."""
        models = [each for each in self._gateway.chat_models(user) if not each.guide]
        return next((each for each in models if name in each.names), next(iter(models), None))

    def asks_outside(self, user: User, name: str | None) -> str | None:
        """Return a model and platform outside of the portal that may answer (glm@gateway); None if there is none."""
        model = self.model_for(user, name)
        if model is None:
            return None
        asked = name if name in model.names else model.name
        return next((each for each in self._gateway.targets(user, asked) if each.rpartition("@")[2] != LOCAL), None)

    def detects_outside(self, user: User) -> str | None:
        """Return a model outside of the portal that may find boxes; None if there is none."""
        return next((each.name for each in self._gateway.grounders(user).usable if not each.here), None)

    def ask(
        self, user: User, messages: Sequence[ChatMessage], name: str | None, params: SamplingParams, check: Callable[[], None], *,
        batch: bool, begun: Callable[[str], None] | None = None,
    ) -> Written:  # fmt: skip
        """Return the answer of a model. check: raises when the work must end. batch: answers that people watch go first. begun: gets
        the id of its generation row, also if the answer then fails.

        Raises Conflict (no model), InvalidInput (cut off), and what Gateway.answer raises.
        """
        model = self.model_for(user, name)
        if model is None:
            raise Conflict(NO_MODEL)
        request = GenerationRequest(
            messages=tuple(messages), user_id=user.id, model=name if name in model.names else model.name, params=params, thinking=False,
            batch=batch,
        )  # fmt: skip
        answer = self._gateway.answer(user, request, Source.TASK)
        if begun is not None:
            begun(answer.id)
        with _Watch(answer, check) as watch:
            text = "".join(event.text for event in self._gateway.recorded(answer) if isinstance(event, Delta))
        watch.raise_if_ended()
        assert answer.finished is not None
        usage = answer.finished.usage
        match answer.finished.finish_reason:
            case FinishReason.LENGTH:
                raise InvalidInput(CUT_OFF, tokens=usage.completion_tokens)
            case FinishReason.CANCELLED:
                raise Unavailable(GONE)
        return Written(
            text=text.strip(), model=answer.model, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens
        )  # fmt: skip
