"""Show people what the model reads in their chats, and let them change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.characters import is_blank, without_controls
from core.chat.context.assembly import Assembly
from core.chat.context.exchanges import asked, exchanges
from core.chat.context.instructions import applying
from core.chat.context.opening import opening, remembering
from core.chat.context.reading import Asking, Picture, branch_to, open_branch, texts_of
from core.chat.context.records import MAX_SUMMARY_LENGTH, ContextPart, ContextUse, PartKind, Summary
from core.chat.context.summaries.summaries import usable
from core.chat.context.window import Window, reserve_of, tools_text
from core.chat.conversations import own, own_message, own_to_change
from core.chat.memory.recall import Recall
from core.chat.records import Author, Message
from core.chat.tools.chat_tools import ChatTools, definition
from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.inference.gateway import Gateway
from core.inference.requests import SamplingParams, Tool
from core.inference.vision import MAX_IMAGES
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

GONE = "The summary no longer exists. It may have been deleted with its conversation."


class ChatContext:
    """Reads and changes the context of a person's own conversations."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: Clock, recall: Recall | None = None, tools: ChatTools | None = None
    ) -> None:
        """recall: chooses memories, to count them before the first answer; with None they are not counted. tools: what the chats offer."""
        self._tools = tools
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._clock = clock
        self._recall = recall

    def summary(self, user: User, conversation_id: str) -> Summary | None:
        """Return the summary that the model read for the last answer; None if it read everything. Raises NotFound."""
        with self._unit_of_work() as work:
            conversation = own(work, user, conversation_id)
            branch = branch_to(work.messages.of_conversation(conversation_id), conversation.head_id)
            answered = next((each for each in reversed(branch) if each.author is Author.ASSISTANT and each.text), None)
            if answered is None or answered.context is None or not answered.context.summary_id:
                return None
            stored = work.summaries.of_conversation(conversation_id)
        return next((each for each in stored if answered.context and each.id == answered.context.summary_id), None)

    def edit_summary(self, user: User, conversation_id: str, summary_id: str, text: str) -> Summary:
        """Replace the text of a summary. Raises NotFound, InvalidInput."""
        text = without_controls(text).replace("\r\n", "\n").replace("\r", "\n").strip()
        if is_blank(text):
            raise InvalidInput("The summary is empty. The model would know nothing of these turns.")
        if len(text) > MAX_SUMMARY_LENGTH:
            words = "The summary has {n:,} characters; the limit is {limit:,}. Shorten it."
            raise InvalidInput(words, n=len(text), limit=MAX_SUMMARY_LENGTH)
        with self._unit_of_work() as work:
            own_to_change(work, user, conversation_id)
            found = next((each for each in work.summaries.of_conversation(conversation_id) if each.id == summary_id), None)
            if found is None:
                raise NotFound(GONE)
            changed = replace(found, text=text, edited_at=self._clock())
            work.summaries.save(changed)
            work.commit()
        return changed

    def pin(self, user: User, message_id: str, pinned: bool) -> Message:
        """Pin one of the person's messages, so that the model always reads its turn whole, or unpin it. Raises NotFound."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            found = own_message(work, user, message_id)
            own_to_change(work, user, found.conversation_id)
            work.messages.set_pinned(message_id, pinned)
            work.commit()
        return replace(found, pinned=pinned)

    def use(
        self, user: User, conversation_id: str | None, model: str | None, *, parts: bool = False, instructions: bool = True,
        memory: bool = True,
    ) -> ContextUse | None:
        """Return how full a model's context is; None without models. parts: include what fills it. Raises NotFound.

        conversation_id: None for a chat that has not begun yet; instructions, memory: whether that chat will use them.
        """
        chosen = self._gateway.chat_model(user, model)
        if chosen is None:
            return None
        if not parts and conversation_id is not None and (tokens := self._used(user, conversation_id)):
            return ContextUse(
                model=chosen.name, tokens=tokens, context=chosen.context, reserve=reserve_of(chosen.context, SamplingParams()), parts=()
            )  # fmt: skip
        offered = self._offered(user, conversation_id, model)
        window = Window(gateway=self._gateway, user=user, model=chosen, name=model, tools=offered)
        with self._unit_of_work() as work:
            branch, used, instructed, remembers = self._open_branch(work, user, conversation_id, instructions, memory)
            applied = applying(work, user) if instructed and not chosen.guide else []
            memories = self._memories(work, user, branch)
            read = texts_of(work, branch) if parts else {}
            stored = work.summaries.of_conversation(conversation_id) if parts and conversation_id else ()
        if self._recall is not None and remembers and not used and not chosen.guide:
            memories = [each.text for each in self._recall.recall(window, [], "").opening]
        head, facts = opening(applied), remembering(memories) if memories else ""
        found: list[ContextPart] = []
        if parts:
            found = self._parts(window, branch, read, stored, "\n".join(each.content for each in head), facts)
        first = opening(applied, "", memories)
        tokens = used or (window.count(first) if first else window.count_text(tools_text(offered)))
        reserve = reserve_of(chosen.context, SamplingParams())
        use = ContextUse(model=chosen.name, tokens=tokens, context=chosen.context, reserve=reserve, parts=tuple(found))
        if not (parts and use.too_long and conversation_id and len(branch) > 1):
            return use
        asking = Asking(
            user=user, branch=branch, read=read, model=model, instructed=instructed, conversation_id=conversation_id, tools=offered
        )  # fmt: skip
        covering = Assembly(self._unit_of_work, self._gateway).covering(window, asking, 1.0)
        return replace(use, cut=covering.turns[-1].number if covering and covering.turns else 0)

    def _used(self, user: User, conversation_id: str) -> int:
        """Return the tokens of the last prompt with its answer; 0 if the message that is shown last has none. Raises NotFound.

        The page shows this at each run, so it reads one message instead of all.
        """
        with self._unit_of_work() as work:
            head_id = own(work, user, conversation_id).head_id
            head = work.messages.get(head_id) if head_id is not None else None
        if head is None or head.generation is None:
            return 0
        return head.generation.usage.prompt_tokens + head.generation.usage.completion_tokens

    def _offered(self, user: User, conversation_id: str | None, model: str | None) -> tuple[Tool, ...]:
        if self._tools is None:
            return ()
        off: tuple[str, ...] = ()
        if conversation_id is not None:
            with self._unit_of_work() as work:
                off = own(work, user, conversation_id).tools_off
        return tuple(map(definition, self._tools.offered(user, model, off)))

    def _open_branch(
        self, work: UnitOfWork, user: User, conversation_id: str | None, instructions: bool, memory: bool
    ) -> tuple[list[Message], int, bool, bool]:
        """Return the shown messages, the tokens of the last prompt with its answer, and whether instructions and memory are used."""
        if conversation_id is None:
            require(user, Permission.CHAT)
            return [], 0, instructions, memory
        conversation = own(work, user, conversation_id)
        branch = open_branch(work.messages.of_conversation(conversation_id), conversation)
        rows = (each.generation for each in reversed(branch) if each.generation is not None)
        used = next((row.usage.prompt_tokens + row.usage.completion_tokens for row in rows), 0)
        return branch, used, conversation.uses_instructions, conversation.uses_memory

    def _memories(self, work: UnitOfWork, user: User, branch: Sequence[Message]) -> list[str]:
        """Return the memories that the model read for the last answer and that still exist."""
        last = next((each for each in reversed(branch) if each.author is Author.ASSISTANT), None)
        if last is None or last.context is None or not last.context.memories:
            return []
        return [each.text for each in work.memories.by_ids(user.id, [each.id for each in last.context.memories])]

    def _parts(
        self, window: Window, branch: Sequence[Message], read: dict[str, str], stored: Sequence[Summary], instructions: str,
        memories: str,
    ) -> list[ContextPart]:
        """Count the tokens that the model read for the last answer, by kind."""
        turns = exchanges(branch) if branch else []
        context = next((each.answer.context for each in reversed(turns) if each.answer.context is not None), None)
        summary = next((each for each in usable(stored, turns) if context and each.id == context.summary_id), None)
        covered = summary.turns if summary else 0
        whole = [turn for turn in turns if turn.pinned or (turn.number > covered and not (context and turn.number in context.left_out))]
        names = {each.name for each in context.parts} if context else set()
        attached = [read[file.id] for turn in whole for file in turn.question.files if file.name not in names]
        files = "\n".join(each for each in attached if not isinstance(each, Picture))
        images = [each.image for each in attached if isinstance(each, Picture)]
        texts = [each for turn in whole for each in (asked(replace(turn.question, files=()), {}).content, turn.answer.text)]
        called = [text for turn in whole for step in turn.answer.steps for text in (step.arguments, step.result)] if window.tools else []
        counted = (
            (PartKind.INSTRUCTIONS, instructions),
            (PartKind.MEMORY, memories),
            (PartKind.TOOLS, "\n".join([tools_text(window.tools), *called] if window.tools else [])),
            (PartKind.SUMMARY, summary.text if summary else ""),
            (PartKind.FILES, files),
            (PartKind.TURNS, "\n".join(texts)),
        )
        found = [ContextPart(kind, tokens) for kind, text in counted if (tokens := window.count_text(text))]
        seen = window.count_images(images[-MAX_IMAGES:])
        return [*found, ContextPart(PartKind.IMAGES, seen)] if seen else found
