"""Hold what a model is asked for one answer, and again after each round of calls of tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.chat.context.assembly import Assembled, Assembly, never, window_of
from core.chat.context.exchanges import with_newest_images
from core.chat.context.reading import Asking
from core.chat.records import TurnOptions
from core.chat.running_turn import RunningTurn
from core.chat.tools.approval import PassingDecisions
from core.chat.tools.chat_tools import ChatTools, definition
from core.chat.tools.loop import ToolLoop
from core.errors import PromptTooLong
from core.inference.gateway import Gateway
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, ToolChoice
from core.inference.vision import MAX_IMAGES


@dataclass(slots=True)
class Prompt:
    """What the model is asked, with the tools that it may call."""

    assembled: Assembled
    loop: ToolLoop | None

    def request(
        self, running: RunningTurn, options: TurnOptions, *, conversation_id: str | None = None, fresh: bool = False
    ) -> GenerationRequest:  # fmt: skip
        """Return the request for the next text of the model. See GenerationRequest for conversation_id and fresh."""
        loop, turn = self.loop, running.turn
        messages: Sequence[ChatMessage] = self.assembled.messages
        if loop is not None and running.snapshot().steps:
            messages = loop.messages(self.assembled.head)
        return GenerationRequest(
            messages=tuple(with_newest_images(messages, MAX_IMAGES)),
            user_id=turn.user_id,
            model=options.model,
            params=options.params,
            thinking=options.thinking,
            conversation_id=conversation_id,
            # Each call of the model has a generation row of its own.
            id=f"{turn.id}-{loop.rounds}" if loop is not None and loop.rounds else turn.id,
            continued=_is_continued(messages),
            tools=loop.definitions if loop is not None else (),
            tool_choice=loop.choice if loop is not None else ToolChoice.AUTO,
            fresh=fresh,
        )

    def shorten(self, problem: PromptTooLong) -> None:
        """Leave out the oldest turns for a model that refused the prompt. Raises the problem if none may be left out."""
        shorter = self.assembled.shorter(problem.limit / problem.tokens)
        if shorter is None:
            raise problem
        self.assembled = shorter


def prompt_of(
    assembly: Assembly,
    gateway: Gateway,
    chat_tools: ChatTools | None,
    asking: Asking,
    running: RunningTurn,
    off: Sequence[str],
    *,
    keep: Callable[[], None] = never,
    allowed: set[str] | None = None,
) -> Prompt:
    """Assemble the prompt of an answer, with the tools that are on. off: those that are switched off. keep: stores the steps so far.

    allowed: in a temporary chat, the tools that need not ask; None in a stored one, which stores them. Raises Stopped if the turn was
    stopped meanwhile.
    """
    files = [file for message in asking.branch for file in message.files]
    tools = chat_tools.offered(asking.user, asking.model, off, asking.chosen, files) if chat_tools is not None else ()
    if chat_tools is None or not tools:
        return Prompt(assembly.assemble(asking, check=running.check, on_wait=running.summarizing), None)
    asking = replace(asking, tools=tuple(map(definition, tools)))
    assembled = assembly.assemble(asking, check=running.check, on_wait=running.summarizing)
    model = asking.chosen or gateway.chat_model(asking.user, asking.model)
    window = window_of(gateway, asking, model) if model is not None else None
    conversation = running.turn.conversation_id if allowed is None else ""
    decisions = chat_tools.stored_decisions(running.turn) if allowed is None else PassingDecisions(running, allowed)
    return Prompt(assembled, ToolLoop(chat_tools, tools, asking.user, running, window, conversation, keep, decisions))


def _is_continued(messages: Sequence[ChatMessage]) -> bool:
    """Tell whether the model goes on with the last message, its own, instead of answering it."""
    return bool(messages) and messages[-1].role is ChatRole.ASSISTANT and not messages[-1].tool_calls
