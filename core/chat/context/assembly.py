"""Put together what the model reads for an answer, and say what that was.

In this order: everything, if it fits; parts of long files; a summary in place of the first turns; and only if there is none, without the
oldest turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.chat.context.exchanges import Exchange, asked, exchanges
from core.chat.context.file_parts import chosen_parts
from core.chat.context.instructions import applying
from core.chat.context.opening import applied, opening, remembering
from core.chat.context.records import AnswerContext, Instructions, Remembered, Summary
from core.chat.context.summaries import Covering, SummaryWriter, usable
from core.chat.context.summary_store import StoredSummaries
from core.chat.context.window import Window
from core.chat.memory.recall import Recall
from core.chat.memory.records import Recalled
from core.chat.records import Message
from core.inference.gateway import Gateway
from core.inference.requests import ChatMessage, ChatRole, SamplingParams
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

AFTER_SUMMARY = 0.5
"""A new summary stands for so many turns that what is read fills this share of the room for the prompt: the next one is far off, and
until then the prefix stays the same."""
SUMMARY_CHARS = 1_500
"""About what a summary takes."""


def never() -> None:
    """Stop nothing."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A question that is to be answered."""

    user: User
    way: Sequence[Message]
    """The shown messages, up to the open question."""
    read: Mapping[str, str] = field(default_factory=dict)
    """The text of each file, by its id."""
    model: str | None = None
    params: SamplingParams = field(default_factory=SamplingParams)
    thinking: bool = True
    instructed: bool = True
    """Whether instructions apply."""
    remembered: bool = False
    """Whether memories are read, if the person switched memory on."""
    conversation_id: str | None = None
    """None: it has no summaries."""
    begun: str = ""
    """What the answer begins with already, if it continues one that was cut off."""


@dataclass(slots=True)
class _Draft:
    """A prompt on its way to one that fits."""

    instructions: Sequence[Instructions]
    turns: Sequence[Exchange]
    question: Message
    read: Mapping[str, str]
    context: AnswerContext
    extra: Sequence[tuple[str, str]] = ()
    """Parts of files of earlier turns, which are read with the question."""
    summary: Summary | None = None
    left_out: frozenset[int] = frozenset()
    begun: str = ""
    recalled: Recalled = field(default_factory=Recalled)

    def messages(self) -> list[ChatMessage]:
        memories = [each.text for each in self.recalled.opening]
        head = opening(self.instructions, self.summary.text if self.summary else "", memories)
        turns = [each for turn in self.shown() for each in turn.messages(self.read)]
        begun = [ChatMessage(ChatRole.ASSISTANT, self.begun)] if self.begun else []
        question = self.question
        if self.recalled.asked:
            facts = remembering([each.text for each in self.recalled.asked])
            question = replace(question, text=f"{question.text}\n\n({facts})")
        return [*head, *turns, asked(question, self.read, self.extra), *begun]

    def shown(self) -> list[Exchange]:
        """Return the turns that are read whole: pinned ones always are."""
        covered = self.summary.turns if self.summary else 0
        return [turn for turn in self.turns if turn.pinned or (turn.number > covered and turn.number not in self.left_out)]

    def without_oldest(self, number: int) -> _Draft:
        """Leave out so many of the oldest turns that are still read and not pinned."""
        free = [turn.number for turn in self.shown() if not turn.pinned]
        return replace(self, left_out=self.left_out | frozenset(free[:number]))


class Assembled:
    """What the model reads, and what to record of it."""

    def __init__(self, draft: _Draft) -> None:
        self._draft = draft
        self.messages = tuple(draft.messages())

    @property
    def context(self) -> AnswerContext | None:
        """Return what to record; None if the model reads the shown messages and nothing else."""
        summary = self._draft.summary
        found = replace(
            self._draft.context, summarized=summary.turns if summary else 0, summary_id=summary.id if summary else "",
            left_out=tuple(sorted(self._draft.left_out)),
        )  # fmt: skip
        return None if found.is_empty else found

    def shorter(self, share: float) -> Assembled | None:
        """Return it without its oldest turn, for a platform that refused it; None if there is no turn left that may be left out.

        share: of what was sent, that the platform would take. Where it was far too long, several turns are left out at once.
        """
        free = [sum(map(_length, turn.messages(self._draft.read))) for turn in self._draft.shown() if not turn.pinned]
        if not free:
            return None
        left, most = sum(map(_length, self.messages)), sum(map(_length, self.messages)) * share
        number = 1
        # Tokens differ in length: what looks too long by half as much again surely is.
        while number < len(free) and left - sum(free[:number]) > 1.5 * most:
            number += 1
        return Assembled(self._draft.without_oldest(number))


class Assembly:
    """Assembles prompts of chats. Programs under /v1 write their own."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, writer: SummaryWriter | None = None, recall: Recall | None = None
    ) -> None:
        """writer: summarizes turns that do not fit; None: the oldest turns are left out. recall: None: without memories."""
        self._recall = recall
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._writer = writer
        self._summaries = writer.store if writer is not None else StoredSummaries(unit_of_work)

    def assemble(
        self, asking: Asking, *, check: Callable[[], None] = never, on_wait: Callable[[], None] = never
    ) -> Assembled:  # fmt: skip
        """Return a prompt that fits and leaves room for the answer, if there is any.

        check: raises what stops the waiting for a summary. on_wait: called before it.
        The built-in guide gets no instructions: it knows only this portal and cannot follow them.
        """
        model = self._gateway.chat_model(asking.user, asking.model)
        instructions = self._instructions(asking, guide=model is not None and model.guide)
        draft = _Draft(
            instructions=instructions,
            turns=exchanges(asking.way),
            question=asking.way[-1],
            read=asking.read,
            context=AnswerContext(instructions=applied(instructions)),
            begun=asking.begun,
        )
        if model is None:
            return Assembled(draft)
        window = Window(
            gateway=self._gateway, user=asking.user, model=model, name=asking.model, params=asking.params, thinking=asking.thinking
        )
        if self._recall is not None and asking.remembered and not model.guide:
            draft = _with_memories(draft, self._recall.recall(window, asking.way[:-1], asking.way[-1].text))
        if not window.fits(draft.messages()):
            draft = self._with_parts(window, draft)
        if not window.fits(draft.messages()):
            draft = self._with_summary(window, asking, draft, None if model.guide else self._writer, check, on_wait)
            draft = _without_oldest(window, draft)
        return Assembled(draft)

    def covering(self, window: Window, asking: Asking, share: float) -> Covering | None:
        """Return what the next summary is to be made of, if more than this share of the room is taken; None if it need not be made."""
        draft = _Draft(
            instructions=self._instructions(asking, guide=False),
            turns=exchanges(asking.way),
            question=asking.way[-1],
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
        """Return the draft with the summary of the fewest turns that makes it fit, or with one that is written now."""
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
    """Choose how many of the turns that are still read whole the next summary stands for."""
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
    """Return the draft without as many of its oldest turns as it takes to fit; pinned ones stay."""
    low, high = 0, sum(not turn.pinned for turn in draft.shown())
    while low < high:  # The fewest turns that are enough, found by halving.
        middle = (low + high) // 2
        if window.fits(draft.without_oldest(middle).messages()):
            high = middle
        else:
            low = middle + 1
    return draft.without_oldest(low)


def _length(message: ChatMessage) -> int:
    return len(message.content) + len(message.reasoning)
