"""Store questions that wait for an answer to end."""

from __future__ import annotations

import json

from sqlalchemy import bindparam, delete, select, update

from core.chat.follow_ups.records import FollowUp, options_of, options_text
from core.errors import StoredError
from data.tables import FollowUpTable
from data.transaction import Transaction

_T = FollowUpTable.__table__.c
_OF_CONVERSATION = select(*_T).where(_T.conversation_id == bindparam("conversation"))


class SqlFollowUpRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, follow_up: FollowUp) -> bool:
        values = {
            "id": follow_up.id,
            "conversation_id": follow_up.conversation_id,
            "user_id": follow_up.user_id,
            "text": follow_up.text,
            "options": options_text(follow_up.options),
            "files": json.dumps(follow_up.files),
            "created_at": follow_up.created_at,
        }
        return self._sql.insert_new(FollowUpTable, _T.id, values)

    def of_conversation(self, conversation_id: str) -> FollowUp | None:
        row = self._sql.first(_OF_CONVERSATION, {"conversation": conversation_id})
        if row is None:
            return None
        return FollowUp(
            id=row.id, conversation_id=row.conversation_id, user_id=row.user_id, text=row.text, options=options_of(row.options),
            files=tuple(json.loads(row.files)), created_at=row.created_at, error=row.error,
        )  # fmt: skip

    def remove(self, follow_up_id: str) -> bool:
        return self._sql.write(delete(FollowUpTable).where(_T.id == follow_up_id)).rowcount > 0

    def failed(self, follow_up_id: str, error: StoredError) -> None:
        self._sql.write(update(FollowUpTable).where(_T.id == follow_up_id).values(error=error))
