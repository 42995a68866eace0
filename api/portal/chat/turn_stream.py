"""Stream a turn to one REST client, or return the stored turn at its end.

The client only watches: disconnecting does not stop the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.answering.streams import KEEP_ALIVE, KEEP_ALIVE_S, Cutoff, EventStream, Feed, sse
from api.identity import person_of
from api.portal.chat.message_shapes import MessageOut, StepOut
from api.services import Portal
from core.chat.records import MessageStatus, Turn
from core.chat.running_turn import LiveTurn, Snapshot
from core.errors import NotSignedIn, PortalError
from core.people.records import User
from core.people.session_watch import ENDED

POLL_S = 0.5


class TurnOut(BaseModel):
    """A stored turn: a question and its answer."""

    id: str
    request_id: str
    conversation_id: str
    status: str = Field(description="Status of the answer: streaming, done, stopped, failed or interrupted.")
    question: MessageOut
    answer: MessageOut


def stored(portal: Portal, user: User, turn: Turn) -> TurnOut:
    question, answer = map(MessageOut.of, portal.conversations.messages(user, [turn.question_id, turn.answer_id]))
    return TurnOut(
        id=turn.id, request_id=turn.request_id, conversation_id=turn.conversation_id, status=answer.status, question=question, answer=answer
    )


class Watch:
    """Watches a running turn for one client."""

    def __init__(self, portal: Portal, user: User, turn: Turn, running: LiveTurn | None, token: str) -> None:
        """running: the turn while it runs; None otherwise. token: of the watching session; once it ends, no more events are sent."""
        self._portal = portal
        self._token = token
        self._user = user
        self._turn = turn
        self._feed: Feed[Snapshot] = Feed()
        self._last: Snapshot | None = None
        self._running = running
        self._leave: Callable[[], None] | None = self._running.listen(self._feed.put) if self._running else None

    def leave(self) -> None:
        if self._leave is not None:
            self._leave()

    async def finished(self) -> TurnOut:
        """Return the stored turn once its answer has ended, wherever it runs, or once a step of it waits for a decision."""
        try:
            while self._last is None or (self._last.running and not self._last.unsaved and self._last.waiting_step is None):
                if self._running is None:
                    return await self._ended_elsewhere()
                await self._next()
        finally:
            self.leave()
        return await self._stored()

    def stream(self, cutoff: Cutoff) -> EventStream:
        return EventStream(self._events(), self.leave, cutoff, _last_event)

    async def _events(self) -> AsyncGenerator[bytes]:
        """Yield turn, then queued, step and delta events as they come, then done with the stored turn, or error if the database is
        unavailable.
        """
        turn = self._turn
        ids = {"conversation_id": turn.conversation_id, "question_id": turn.question_id, "answer_id": turn.answer_id}
        yield sse({"turn_id": turn.id, **ids}, "turn")
        try:
            if self._running is None:
                done = await self._ended_elsewhere()
                yield sse({"text": done.answer.text, "reasoning": done.answer.reasoning}, "delta")
            else:
                async for block in self._news():
                    yield block
                done = await self._stored()
        except PortalError as problem:
            yield _last_event(problem)
        else:
            yield sse(done.model_dump(mode="json"), "done")

    async def _news(self) -> AsyncGenerator[bytes]:
        sent = Snapshot(turn_id=self._turn.id, question_id=self._turn.question_id, answer_id=self._turn.answer_id)
        while sent.running and not sent.unsaved:
            now = await self._next()
            if now is None:
                yield KEEP_ALIVE
                continue
            if now.position is not None and now.position != sent.position:
                yield sse({"place": now.position, "wait_s": now.wait_s}, "queued")
            for step in now.steps:
                if step not in sent.steps:
                    yield sse(StepOut.of(step).model_dump(mode="json"), "step")
            text, reasoning = now.text[len(sent.text) :], now.reasoning[len(sent.reasoning) :]
            if text or reasoning:
                yield sse({"text": text, "reasoning": reasoning}, "delta")
            sent = now

    async def _next(self) -> Snapshot | None:
        """Return the newest snapshot; None if nothing changed for a while.

        Intermediate snapshots are skipped: each contains all of the text.
        """
        snapshots = await self._feed.take(KEEP_ALIVE_S)
        if not snapshots:
            return None
        self._last = snapshots[-1]
        return self._last

    async def _stored(self) -> TurnOut:
        """Return the stored turn, or the last snapshot if it could not be saved."""
        turn = await run_in_threadpool(self._read)
        if self._last is None or turn.status != MessageStatus.STREAMING:
            return turn
        # Complete but not saved yet: return the text now. A later read of the turn tells whether it was saved.
        status = MessageStatus.FAILED if self._last.unsaved else self._last.status
        problem = self._last.unsaved or self._last.error
        error = str(problem) if problem else None
        seen: dict[str, object] = {"status": status.value, "text": self._last.text, "reasoning": self._last.reasoning, "error": error}
        seen["steps"] = [StepOut.of(each) for each in self._last.steps]
        return turn.model_copy(update={"status": status.value, "answer": turn.answer.model_copy(update=seen)})

    def _read(self) -> TurnOut:
        # The answer may have ended because the account was disabled, before that was noticed here.
        if person_of(self._portal, self._token) is None:
            raise NotSignedIn(ENDED)
        return stored(self._portal, self._user, self._turn)

    async def _ended_elsewhere(self) -> TurnOut:
        """Wait for a turn that was not found running: it ended, or a second request arrived before the first."""
        while (turn := await self._stored()).status == MessageStatus.STREAMING:
            if any(step.approval == "waiting" for step in turn.answer.steps):
                break
            await asyncio.sleep(POLL_S)
        return turn


def _last_event(problem: PortalError) -> bytes:
    return sse({"code": problem.code, "message": str(problem)}, "error")
