"""Put together what the model reads for an answer, and say what that was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.chat.context.instructions import applying
from core.chat.context.opening import applied, opening
from core.chat.context.prompt import prompt_of
from core.chat.context.records import AnswerContext
from core.chat.records import Message
from core.inference.gateway import Gateway
from core.inference.requests import ChatMessage
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory


class Assembly:
    """Assembles prompts of chats. Programs under /v1 write their own."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, gateway: Gateway) -> None:
        self._unit_of_work = unit_of_work
        self._gateway = gateway

    def assemble(
        self, user: User, model: str | None, way: Sequence[Message], read: Mapping[str, str], *, instructed: bool
    ) -> tuple[list[ChatMessage], AnswerContext | None]:
        """Return the prompt for the last message of `way`, and what to record of it.

        read: the text of each file, by its id. instructed: with instructions.

        The built-in guide gets no instructions: it knows only this portal and cannot follow them.
        """
        instructions = []
        if instructed:
            with self._unit_of_work() as work:
                instructions = applying(work, user)
        if instructions and (chosen := self._gateway.chat_model(user, model)) is not None and chosen.guide:
            instructions = []
        context = AnswerContext(instructions=applied(instructions))
        return [*opening(instructions), *prompt_of(way, read)], None if context.is_empty else context
