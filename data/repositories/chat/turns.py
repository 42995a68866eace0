"""Store turns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, or_, select, update

from core.chat.records import MessageStatus, Turn, TurnProgress
from core.chat.tools.records import Decision
from core.errors import Conflict
from data.repositories.chat.tool_steps import read_steps
from data.tables import MessageTable, TurnTable
from data.transaction import AnyRow, Transaction

_T = TurnTable.__table__.c
_M = MessageTable.__table__.c
_TURN = select(
    _T.id, _T.user_id, _T.request_id, _T.conversation_id, _T.question_id, _T.answer_id, _T.status, _T.created_at, _T.lease_until, _T.lane
)  # fmt: skip
_PROGRESS = select(_T.id.label("turn_id"), _M.status, _M.text, _M.reasoning, _M.error, _M.steps).where(_M.id == _T.answer_id)
_STREAMING = _TURN.where(_T.status == MessageStatus.STREAMING)
_BY_REQUEST = _TURN.where(_T.user_id == bindparam("user"), _T.request_id == bindparam("request"))
_STREAMING_IN = _STREAMING.where(_T.conversation_id == bindparam("conversation"))
_STREAMING_OF = _STREAMING.where(_T.user_id == bindparam("user"))
_CHANGE = update(TurnTable).where(_T.id == bindparam("turn"))


def _turn_of(row: AnyRow) -> Turn:
    return Turn(**row._mapping)


class SqlTurnRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, turn: Turn) -> None:
        """Insert a turn. Raises Conflict if this user sent this request_id before, or if an answer is running in the conversation."""
        values = {
            "id": turn.id,
            "user_id": turn.user_id,
            "request_id": turn.request_id,
            "conversation_id": turn.conversation_id,
            "question_id": turn.question_id,
            "answer_id": turn.answer_id,
            "status": turn.status,
            "created_at": turn.created_at,
            "lease_until": turn.lease_until,
            "lane": turn.lane,
        }
        if self._sql.insert_new(TurnTable, _T.id, values):
            return
        if self.by_request(turn.user_id, turn.request_id) is not None:
            raise Conflict("This question was already sent.")
        raise Conflict("An answer is still running in this conversation. Wait for it, or stop it.")

    def get(self, turn_id: str) -> Turn | None:
        row = self._sql.first(_TURN.where(_T.id == turn_id))
        return None if row is None else _turn_of(row)

    def by_request(self, user_id: str, request_id: str) -> Turn | None:
        row = self._sql.first(_BY_REQUEST, {"user": user_id, "request": request_id})
        return None if row is None else _turn_of(row)

    def streaming_in(self, conversation_id: str) -> Turn | None:
        row = self._sql.first(_STREAMING_IN, {"conversation": conversation_id})
        return None if row is None else _turn_of(row)

    def streaming_of(self, user_id: str) -> Sequence[Turn]:
        return [_turn_of(row) for row in self._sql.all(_STREAMING_OF, {"user": user_id})]

    def answering(self, conversation_id: str, answer_id: str) -> Turn | None:
        row = self._sql.first(_STREAMING.where(_T.conversation_id == conversation_id, _T.answer_id == answer_id))
        return None if row is None else _turn_of(row)

    def decide(self, turn_id: str, step_id: str, decision: Decision) -> bool:
        undecided = or_(_T.decided_step.is_(None), _T.decided_step != step_id)
        waiting = (_T.id == turn_id, _T.status == MessageStatus.STREAMING, undecided)
        return self._sql.write(update(TurnTable).where(*waiting).values(decided_step=step_id, decision=decision.value)).rowcount > 0

    def decision(self, turn_id: str, step_id: str) -> Decision | None:
        row = self._sql.first(select(_T.decision).where(_T.id == turn_id, _T.decided_step == step_id))
        return None if row is None else Decision(row.decision)

    def progress(self, turn_ids: Collection[str]) -> Sequence[TurnProgress]:
        rows = self._sql.all(_PROGRESS.where(_T.id.in_(turn_ids)))
        return [TurnProgress(**{**row._mapping, "steps": read_steps(row.steps)}) for row in rows]

    def request_stop(self, turn_id: str) -> bool:
        streaming = (_T.id == turn_id, _T.status == MessageStatus.STREAMING)
        return self._sql.write(update(TurnTable).where(*streaming).values(stop_requested=True)).rowcount > 0

    def stop_requested(self, turn_ids: Collection[str]) -> set[str]:
        asked = select(_T.id).where(_T.id.in_(turn_ids), _T.stop_requested.is_(True))
        return {row.id for row in self._sql.all(asked)}

    def with_expired_lease(self, now: datetime) -> Sequence[Turn]:
        return [_turn_of(row) for row in self._sql.all(_STREAMING.where(_T.lease_until < now).order_by(_T.lease_until))]

    def finish(self, turn_id: str, status: MessageStatus) -> None:
        self._sql.write(_CHANGE, {"turn": turn_id, "status": status})

    def interrupt(self, turn_id: str, now: datetime) -> bool:
        past = and_(_T.id == turn_id, _T.status == MessageStatus.STREAMING, _T.lease_until < now)
        return self._sql.write(update(TurnTable).where(past).values(status=MessageStatus.INTERRUPTED)).rowcount > 0

    def extend_lease(self, turn_id: str, until: datetime) -> None:
        self._sql.write(_CHANGE, {"turn": turn_id, "lease_until": until})
