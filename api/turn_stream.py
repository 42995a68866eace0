"""A turn for one REST client: its events as they come, or the stored turn at its end.

The client only watches: going away ends the watching, not the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.portal import Portal
from api.shapes import MessageOut
from api.streams import KEEP_ALIVE, KEEP_ALIVE_S, EventStream, Feed, sse
from core.entities import Turn, User
from core.running_turn import RunningTurn, Snapshot


class TurnOut(BaseModel):
    """A stored turn: a question and its answer."""

    id: str
    request_id: str
    conversation_id: str
    status: str = Field(description="The answer's: streaming, done, stopped, failed or interrupted.")
    question: MessageOut
    answer: MessageOut


def stored(portal: Portal, user: User, turn: Turn) -> TurnOut:
    question = MessageOut.of(portal.conversations.message(user, turn.question_id))
    answer = MessageOut.of(portal.conversations.message(user, turn.answer_id))
    return TurnOut(
        id=turn.id, request_id=turn.request_id, conversation_id=turn.conversation_id, status=answer.status, question=question, answer=answer
    )


class Watch:
    """The running turn, if this process runs it, seen by one client."""

    def __init__(self, portal: Portal, user: User, turn: Turn) -> None:
        self._portal = portal
        self._user = user
        self._turn = turn
        self._feed: Feed[Snapshot] = Feed()
        self._running: RunningTurn | None = portal.turns.find(user, turn.id)
        self._leave: Callable[[], None] | None = self._running.listen(self._feed.put) if self._running else None

    def leave(self) -> None:
        if self._leave is not None:
            self._leave()

    async def finished(self) -> TurnOut:
        """The stored turn, once its answer has ended; at once if nothing runs here."""
        try:
            while self._running is not None:
                snapshots = await self._feed.take(KEEP_ALIVE_S)
                if snapshots and not snapshots[-1].running:
                    break
        finally:
            self.leave()
        return await run_in_threadpool(stored, self._portal, self._user, self._turn)

    def stream(self) -> EventStream:
        return EventStream(self._events(), self.leave)

    async def _events(self) -> AsyncGenerator[bytes]:
        """turn, then queued and delta as they come, then done with the stored turn."""
        turn = self._turn
        yield sse({"turn_id": turn.id, "conversation_id": turn.conversation_id, "question_id": turn.question_id, "answer_id": turn.answer_id}, "turn")
        sent = Snapshot(turn.id, turn.question_id, turn.answer_id)
        while self._running is not None:
            snapshots = await self._feed.take(KEEP_ALIVE_S)
            if not snapshots:
                yield KEEP_ALIVE
                continue
            now = snapshots[-1]
            if now.place is not None and now.place != sent.place:
                yield sse({"place": now.place, "wait_s": now.wait_s}, "queued")
            text, reasoning = now.text[len(sent.text) :], now.reasoning[len(sent.reasoning) :]
            if text or reasoning:
                yield sse({"text": text, "reasoning": reasoning, "tokens": now.tokens}, "delta")
            sent = now
            if not now.running:
                break
        done = await run_in_threadpool(stored, self._portal, self._user, turn)
        if self._running is None and (done.answer.text or done.answer.reasoning):
            yield sse({"text": done.answer.text, "reasoning": done.answer.reasoning, "tokens": None}, "delta")
        yield sse(done.model_dump(mode="json"), "done")
