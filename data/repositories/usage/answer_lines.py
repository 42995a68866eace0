"""Read the answers behind a bar of a board, with the titles that the reader may see."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import and_, or_, select

from core.inference.records import ANSWERLESS
from core.people.records import User
from core.usage.rollups.records import AnswerLine
from data.tables import ConversationTable, FeedbackTable, GenerationTable, GroupTable, ShareTable
from data.transaction import Transaction

_T = GenerationTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_CHAT = ConversationTable.__table__.c
_SHARE = ShareTable.__table__.c
_GROUP = GroupTable.__table__.c


def read_lines(
    sql: Transaction, since: datetime, until: datetime, model: str | None, group: str | None, reader: User, limit: int
) -> list[AnswerLine]:
    """Return the newest answers created in [since, until)."""
    works = or_(_SHARE.expires_at.is_(None), _SHARE.expires_at > datetime.now(UTC))
    shared = (
        select(_SHARE.title)
        .join(GroupTable, _GROUP.id == _SHARE.group_id)
        .where(_SHARE.conversation_id == _T.conversation_id, _GROUP.name == reader.group, works)
        .order_by(_SHARE.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    own = and_(_CHAT.id == _T.conversation_id, _CHAT.user_id == reader.id)
    rated = and_(_FEEDBACK.message_id == _T.message_id, _FEEDBACK.user_id == _T.user_id)
    columns = (
        _T.created_at, _T.group_name, _T.model, _T.platform, _T.source, _T.finish_reason, _T.duration_s, _T.cost, _T.currency, _T.routing,
        _CHAT.title, shared.label("shared_title"), _FEEDBACK.rating,
    )  # fmt: skip
    statement = select(*columns).outerjoin(ConversationTable, own).outerjoin(FeedbackTable, rated)
    statement = statement.where(_T.created_at >= since, _T.created_at < until, _T.source.not_in(sorted(ANSWERLESS)))
    if model is not None:
        statement = statement.where(_T.model == model)
    if group is not None:
        statement = statement.where(_T.group_name == group)
    return [
        AnswerLine(
            at=row.created_at, group=row.group_name, model=row.model, platform=row.platform, source=row.source,
            title=row.title if row.title is not None else row.shared_title, finish_reason=row.finish_reason, rating=row.rating,
            duration_s=row.duration_s, cost=row.cost, currency=row.currency or (row.routing.currency if row.routing is not None else ""),
        )
        for row in sql.all(statement.order_by(_T.created_at.desc(), _T.id).limit(limit))
    ]  # fmt: skip
