"""Have the model summarize the first turns of a conversation, at the latest when they no longer fit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from core.chat.context.exchanges import Exchange, asked
from core.chat.context.records import MAX_SUMMARY_LENGTH, Summary
from core.chat.context.summaries.summary_store import StoredSummaries, SummaryStore
from core.chat.context.window import Window
from core.clock import Clock
from core.errors import PortalError
from core.inference.records import Source, Task
from core.inference.requests import ChatMessage, ChatRole, Delta, GenerationRequest, SamplingParams
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

SUMMARY_TOKENS = 500
"""Longest summary in tokens; never more than an eighth of the context."""
_TASK = (
    "Summarize the conversation below for an assistant that continues it without reading it. Keep every fact, name, number, date, "
    "decision and open question, also those of the earlier summary. Write short lines in the language of the conversation, and nothing "
    "else.\n\n{before}Conversation:\n{turns}\n\nSummary:"
)
_BEFORE = "Earlier summary:\n{text}\n\n"


class Stopped(Exception):
    """Raised when the summary is no longer needed, or when something more urgent comes up."""


def usable(summaries: Sequence[Summary], turns: Sequence[Exchange]) -> list[Summary]:
    """Return the summaries that cover the first of these turns, ordered by the number of turns.

    A summary of another version of the conversation ends with an answer that is not among these turns, so it is left out.
    """
    numbers = {turn.answer.id: turn.number for turn in turns}
    return sorted((each for each in summaries if numbers.get(each.until_id) == each.turns), key=lambda each: each.turns)


@dataclass(frozen=True, slots=True)
class Covering:
    """The input of a new summary: the previous summary, and the turns that follow it."""

    conversation_id: str
    before: Summary | None
    turns: Sequence[Exchange]
    read: Mapping[str, str]
    """The text of each file, by its id."""


class SummaryWriter:
    """Writes summaries, one at a time for each conversation."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, store: SummaryStore | None = None) -> None:
        """store: where summaries are kept; None keeps them with their stored conversations."""
        self.store: SummaryStore = store or StoredSummaries(unit_of_work)
        self._clock = clock
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def write(self, window: Window, covering: Covering, check: Callable[[], None], *, batch: bool) -> Summary | None:
        """Write a summary, or return one that was written in the meantime. None if the model wrote nothing useful.

        check: called often; raises an error to stop the writing. batch: run at low priority because no person is waiting.
        """
        if not covering.turns:
            return None
        lock = self._lock_of(covering.conversation_id)
        while not lock.acquire(timeout=0.2):
            check()
        try:
            if (found := self._meanwhile(covering)) is not None:
                return found
            text = self._text(window, covering, check, batch=batch)
            return self._stored(window, covering, text) if text else None
        except PortalError as problem:
            log.info("the model wrote no summary for the conversation %s: %s", covering.conversation_id, problem)
            return None
        finally:
            lock.release()

    def _lock_of(self, conversation_id: str) -> threading.Lock:
        with self._lock:
            if len(self._locks) > 1_000:
                self._locks = {each: lock for each, lock in self._locks.items() if lock.locked()}
            return self._locks.setdefault(conversation_id, threading.Lock())

    def _meanwhile(self, covering: Covering) -> Summary | None:
        """Return a summary of the same number of turns that was written while this one waited."""
        last = covering.turns[-1]
        stored = self.store.of_conversation(covering.conversation_id)
        return next((each for each in stored if each.until_id == last.answer.id), None)

    def _text(self, window: Window, covering: Covering, check: Callable[[], None], *, batch: bool) -> str:
        """Summarize the turns in pieces that fit, each together with the summary of the pieces before it."""
        written = "\n\n".join(_written(turn, covering.read) for turn in covering.turns)
        tokens = max(1, window.count_text(written))
        room = max(200, window.model.context // 2 - SUMMARY_TOKENS)
        size = max(200, int(len(written) * min(1.0, room / tokens)))
        text = covering.before.text if covering.before else ""
        for at in range(0, len(written), size):
            text = self._ask(window, text, written[at : at + size], check, batch=batch)
            if not text:
                return ""
        return text

    def _ask(self, window: Window, before: str, turns: str, check: Callable[[], None], *, batch: bool) -> str:
        words = _TASK.format(before=_BEFORE.format(text=before) if before else "", turns=turns)
        request = GenerationRequest(
            messages=(ChatMessage(ChatRole.USER, words),),
            user_id=window.user.id,
            # Without a name, a route for summaries may choose the model.
            model=None if window.model.default else window.name,
            params=SamplingParams(temperature=0.0, max_tokens=max(16, min(SUMMARY_TOKENS, window.model.context // 8))),
            thinking=False,
            batch=batch,
            task=Task.SUMMARIZE,
        )
        text = ""
        events = window.gateway.recorded(window.gateway.answer(window.user, request, Source.SUMMARY))
        try:
            for event in events:
                check()
                if isinstance(event, Delta):
                    text += event.text
        finally:
            events.close()
        return text.strip()[:MAX_SUMMARY_LENGTH]

    def _stored(self, window: Window, covering: Covering, text: str) -> Summary | None:
        last = covering.turns[-1]
        summary = Summary(
            id=uuid4().hex, conversation_id=covering.conversation_id, until_id=last.answer.id, turns=last.number, text=text,
            model=window.model.name, created_at=self._clock(),
        )  # fmt: skip
        if not self.store.add(summary):
            return None  # The conversation was deleted in the meantime.
        log.info("turns 1 to %d of the conversation %s are summarized", summary.turns, covering.conversation_id)
        return summary


def _written(turn: Exchange, read: Mapping[str, str]) -> str:
    return f"User: {asked(turn.question, read).content}\nAssistant: {turn.answer.text}"

