"""Assemble the prompt of an answer, and record what it contains.

Try in this order: everything, if it fits; only parts of long files; a summary in place of the first turns; and, only if there is no
summary, leave out the oldest turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.chat.context.exchanges import Exchange, asked, exchanges
from core.chat.context.file_parts import chosen_parts
from core.chat.context.instructions import applying
from core.chat.context.opening import applied, opening, remembering
from core.chat.context.passages import found_for
from core.chat.context.reading import Asking
from core.chat.context.records import AnswerContext, Instructions, Remembered, Summary
from core.chat.context.summaries.summaries import Covering, SummaryWriter, usable
from core.chat.context.summaries.summary_store import StoredSummaries
from core.chat.context.window import Window
from core.chat.memory.recall import Recall
from core.chat.memory.records import Recalled
from core.chat.records import Message
from core.chat.tools.records import ToolStep
from core.chat.tools.writing import written
from core.documents.finding import Finder
from core.inference.gateway import Gateway
from core.inference.records import ServedModel
from core.inference.requests import ChatMessage, ChatRole
from core.unit_of_work import UnitOfWorkFactory

AFTER_SUMMARY = 0.5
"""Share of the prompt limit that the prompt fills after a new summary. The next summary is then far off, and the prefix stays the same
until then."""
SUMMARY_CHARS = 1_500
"""Approximate length of a summary in characters."""


def never() -> None:
    """Do nothing: the default check, which never stops the wait."""


@dataclass(slots=True)
class _Draft:
    """A prompt that is being shortened until it fits."""

    instructions: Sequence[Instructions]
    turns: Sequence[Exchange]
    question: Message
    read: Mapping[str, str]
    context: AnswerContext
    extra: Sequence[tuple[str, str]] = ()
    """Names and parts of files from earlier turns, read together with the question."""
    summary: Summary | None = None
    left_out: frozenset[int] = frozenset()
    begun: str = ""
    begun_steps: Sequence[ToolStep] = ()
    recalled: Recalled = field(default_factory=Recalled)
    passages: str = ""
    """Passages of collections, read before the question."""

    def messages(self) -> list[ChatMessage]:
        begun = self.begun_steps or self.begun
        return [*self.head(), *(written(self.begun, "", self.begun_steps) if begun else [])]

    def head(self) -> list[ChatMessage]:
        """Return everything before the answer."""
        memories = [each.text for each in self.recalled.opening]
        head = opening(self.instructions, self.summary.text if self.summary else "", memories)
        turns = [each for turn in self.shown() for each in turn.messages(self.read)]
        question = self.question
        if self.recalled.asked:
            facts = remembering([each.text for each in self.recalled.asked])
            question = replace(question, text=f"{question.text}\n\n({facts})")
        if self.passages:
            question = replace(question, text=f"{self.passages}\n\n{question.text}")
        return [*head, *turns, asked(question, self.read, self.extra)]

    def shown(self) -> list[Exchange]:
        """Return the turns that the model reads whole. Pinned turns are always among them."""
        covered = self.summary.turns if self.summary else 0
        return [turn for turn in self.turns if turn.pinned or (turn.number > covered and turn.number not in self.left_out)]

    def without_oldest(self, number: int) -> _Draft:
        """Leave out this many more of the oldest turns; pinned turns stay."""
        free = [turn.number for turn in self.shown() if not turn.pinned]
        return replace(self, left_out=self.left_out | frozenset(free[:number]))


class Assembled:
    """The assembled prompt, and the record of what it contains."""

    def __init__(self, draft: _Draft) -> None:
        self._draft = draft
        self.messages = tuple(draft.messages())
        self.head = tuple(draft.head())

    @property
    def context(self) -> AnswerContext | None:
        """Return the record of what the model reads; None if it reads only the shown messages."""
        summary = self._draft.summary
        found = replace(
            self._draft.context, summarized=summary.turns if summary else 0, summary_id=summary.id if summary else "",
            left_out=tuple(sorted(self._draft.left_out)),
        )  # fmt: skip
        return None if found.is_empty else found

    def shorter(self, share: float) -> Assembled | None:
        """Return a shorter prompt for a platform that refused this one; None if no turn may be left out.

        share: the share of this prompt that the platform would accept. Several turns are left out at once if the prompt was far too long.
        """
        free = [sum(map(_length, turn.messages(self._draft.read))) for turn in self._draft.shown() if not turn.pinned]
        if not free:
            return None
        left, most = sum(map(_length, self.messages)), sum(map(_length, self.messages)) * share
        number = 1
        # Tokens differ in length, so only an estimate that is 1.5 times too long is certain to be too long.
        while number < len(free) and left - sum(free[:number]) > 1.5 * most:
            number += 1
        return Assembled(self._draft.without_oldest(number))


def window_of(gateway: Gateway, asking: Asking, model: ServedModel) -> Window:
    return Window(
        gateway=gateway, user=asking.user, model=model, name=asking.model, params=asking.params, thinking=asking.thinking,
        tools=asking.tools,
    )  # fmt: skip


class Assembly:
    """Assembles the prompts of chats. Programs under /v1 write their own prompts."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        gateway: Gateway,
        writer: SummaryWriter | None = None,
        recall: Recall | None = None,
        finder: Finder | None = None,
    ) -> None:
        """writer: summarizes turns that do not fit; with None the oldest turns are left out. recall: with None no memories are read.
        finder: with None no collections are searched.
        """
        self._finder = finder
        self._recall = recall
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._writer = writer
        self._summaries = writer.store if writer is not None else StoredSummaries(unit_of_work)

    def assemble(
        self, asking: Asking, *, check: Callable[[], None] = never, on_wait: Callable[[], None] = never
    ) -> Assembled:  # fmt: skip
        """Return a prompt that fits and leaves room for the answer, if possible.

        check: raises an error to stop waiting for a summary. on_wait: called before that wait begins.
        The built-in guide gets no instructions: it knows only this portal and cannot follow them.
        """
        model = asking.chosen or self._gateway.chat_model(asking.user, asking.model)
        instructions = self._instructions(asking, guide=model is not None and model.guide)
        draft = _Draft(
            instructions=instructions,
            turns=exchanges(asking.branch, steps=bool(asking.tools)),
            question=asking.branch[-1],
            read=asking.read,
            context=AnswerContext(instructions=applied(instructions)),
            begun=asking.begun,
            begun_steps=asking.begun_steps,
        )
        if model is None:
            return Assembled(draft)
        window = window_of(self._gateway, asking, model)
        if self._recall is not None and asking.remembered and not model.guide:
            draft = _with_memories(draft, self._recall.recall(window, asking.branch[:-1], asking.branch[-1].text))
        collections = (*asking.collections, *(() if model.guide else model.collections))
        if self._finder is not None and collections:
            cited = found_for(self._finder, window, collections, tuple(asking.branch))
            context = replace(draft.context, sources=cited.sources, searched=cited.searched)
            draft = replace(draft, passages="" if model.guide else cited.text, context=context)
        if not window.fits(draft.messages()):
            draft = self._with_parts(window, draft)
        if not window.fits(draft.messages()):
            draft = self._with_summary(window, asking, draft, None if model.guide else self._writer, check, on_wait)
            draft = _without_oldest(window, draft)
        return Assembled(draft)

    def covering(self, window: Window, asking: Asking, share: float) -> Covering | None:
        """Return what the next summary should cover; None while the prompt fills no more than this share of its limit."""
        draft = _Draft(
            instructions=self._instructions(asking, guide=False),
            turns=exchanges(asking.branch, steps=bool(asking.tools)),
            question=asking.branch[-1],
            read=asking.read,
            context=AnswerContext(),
        )
        draft = self._with_parts(window, draft, share)
        found = [None, *self._stored(asking, draft.turns)]
        draft.summary = found[-1]
        if window.count(draft.messages()) <= share * window.limit:
            return None
        return _covering(window, asking, draft)

    def _instructions(self, asking: Asking, *, guide: bool) -> list[Instructions]:
        if guide or not asking.instructed:
            return []
        with self._unit_of_work() as work:
            return applying(work, asking.user)

    def _stored(self, asking: Asking, turns: Sequence[Exchange]) -> list[Summary]:
        if asking.conversation_id is None:
            return []
        return usable(self._summaries.of_conversation(asking.conversation_id), turns)

    def _with_parts(self, window: Window, draft: _Draft, share: float = 1.0) -> _Draft:
        chosen = chosen_parts(window, draft.turns, draft.question, draft.read, int(share * window.limit))
        if chosen is None:
            return draft
        return replace(draft, read=chosen.read, extra=chosen.extra, context=replace(draft.context, parts=chosen.parts))

    def _with_summary(
        self,
        window: Window,
        asking: Asking,
        draft: _Draft,
        writer: SummaryWriter | None,
        check: Callable[[], None],
        on_wait: Callable[[], None],
    ) -> _Draft:
        """Return the draft with the stored summary of the fewest turns that makes it fit, or with one written now."""
        stored = self._stored(asking, draft.turns)
        for summary in stored:
            with_this = replace(draft, summary=summary)
            if window.fits(with_this.messages()):
                return with_this
        draft = replace(draft, summary=stored[-1] if stored else None)
        if writer is None or (covering := _covering(window, asking, draft)) is None:
            return draft
        on_wait()
        written = writer.write(window, covering, check, batch=False)
        return replace(draft, summary=written) if written else draft


def _with_memories(draft: _Draft, recalled: Recalled) -> _Draft:
    noted = [Remembered(each.id, each.updated_at) for each in recalled.opening]
    noted += [Remembered(each.id, each.updated_at, asked=True) for each in recalled.asked]
    return replace(draft, recalled=recalled, context=replace(draft.context, memories=tuple(noted)))


def _covering(window: Window, asking: Asking, draft: _Draft) -> Covering | None:
    """Choose how many of the turns that are still read whole the next summary should cover."""
    covered = draft.summary.turns if draft.summary else 0
    open_turns = [turn for turn in draft.turns if turn.number > covered]
    if asking.conversation_id is None or not open_turns:
        return None
    messages = draft.messages()
    tokens = window.count(messages) / max(1, sum(_length(each) for each in messages))
    room = AFTER_SUMMARY * window.limit / tokens
    kept = SUMMARY_CHARS + sum(_length(each) for each in messages if each.role is ChatRole.SYSTEM) + _length(messages[-1])
    kept += sum(map(_length, (each for turn in draft.shown() if turn.pinned for each in turn.messages(draft.read))))
    until = len(open_turns)
    while until and (turn := open_turns[until - 1]):
        kept += 0 if turn.pinned else sum(map(_length, turn.messages(draft.read)))
        if kept > room:
            break
        until -= 1
    return Covering(conversation_id=asking.conversation_id, before=draft.summary, turns=open_turns[: max(1, until)], read=draft.read)


def _without_oldest(window: Window, draft: _Draft) -> _Draft:
    """Return the draft without its oldest turns, as few as make it fit; pinned turns stay."""
    low, high = 0, sum(not turn.pinned for turn in draft.shown())
    while low < high:  # Find the smallest sufficient number by bisection.
        middle = (low + high) // 2
        if window.fits(draft.without_oldest(middle).messages()):
            high = middle
        else:
            low = middle + 1
    return draft.without_oldest(low)


def _length(message: ChatMessage) -> int:
    return len(message.content) + len(message.reasoning)
