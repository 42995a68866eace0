"""Read the ratings and conversations that datasets are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from core.review.datasets.ports import Rated, Thread, ThreadMessage
from core.review.datasets.records import DatasetSettings
from core.review.records import ABOUT_IMAGE, Vote
from data.repositories.chat.answer_contexts import read_context
from data.repositories.chat.tool_steps import read_steps
from data.tables import (
    AttachmentTable,
    ComparisonTable,
    FeedbackTable,
    GenerationTable,
    MessageTable,
    ReviewCaseTable,
    ReviewTagTable,
)
from data.transaction import AnyRow, AnySelect, Transaction

_T = FeedbackTable.__table__.c
_CASE = ReviewCaseTable.__table__.c
_TAG = ReviewTagTable.__table__.c
_VOTE = ComparisonTable.__table__.c
_MESSAGE = MessageTable.__table__.c
_GENERATION = GenerationTable.__table__.c
_SHOWN = AttachmentTable.__table__.c


class SqlRatedRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def find(self, settings: DatasetSettings, limit: int, after: Rated | None = None, *, newest_first: bool = False) -> Sequence[Rated]:
        statement = _filtered(
            select(
                _T.id, _T.user_id, _T.conversation_id, _T.message_id, _T.rating, _T.created_at, _T.model, _T.better_answer,
                _CASE.correction,
                _CASE.id.label("case_id"), _CASE.number, _CASE.state.label("case_state"),
            ), settings,
        )  # fmt: skip
        if after is not None:
            same = and_(_T.created_at == after.rated_at, _T.id > after.id)
            statement = statement.where(or_(_T.created_at > after.rated_at, same))
        order = (_T.created_at.desc(), _T.id.desc()) if newest_first else (_T.created_at, _T.id)
        return self._rated(self._sql.all(statement.order_by(*order).limit(limit)))

    def count(self, settings: DatasetSettings) -> int:
        return int(self._sql.scalar(_filtered(select(func.count()), settings)))

    def threads(self, conversation_ids: Collection[str]) -> Mapping[str, Thread]:
        if not conversation_ids:
            return {}
        with_files = exists(select(_SHOWN.file_id).where(_SHOWN.message_id == _MESSAGE.id))
        rows = self._sql.all(
            select(
                _MESSAGE.id, _MESSAGE.conversation_id, _MESSAGE.parent_id, _MESSAGE.author, _MESSAGE.text, _MESSAGE.status,
                _MESSAGE.steps, _MESSAGE.context, with_files.label("has_files"),
            ).where(_MESSAGE.conversation_id.in_(sorted(conversation_ids)))
        )  # fmt: skip
        found: defaultdict[str, dict[str, ThreadMessage]] = defaultdict(dict)
        for row in rows:
            context = read_context(row.context)
            found[row.conversation_id][row.id] = ThreadMessage(
                id=row.id, parent_id=row.parent_id, author=row.author, text=row.text, status=row.status, steps=read_steps(row.steps),
                instructions=context.instructions if context else (), has_files=bool(row.has_files),
            )  # fmt: skip
        return found

    def _rated(self, rows: Sequence[AnyRow]) -> list[Rated]:
        """Add tags, versions of models, votes and opposite ratings, each with one statement."""
        ids = [row.message_id for row in rows]
        tags: defaultdict[str, list[str]] = defaultdict(list)
        for row in self._sql.all(select(_TAG.case_id, _TAG.tag).where(_TAG.case_id.in_([row.case_id for row in rows])).order_by(_TAG.tag)):
            tags[row.case_id].append(row.tag)
        made = select(_GENERATION.message_id, _GENERATION.model_version).where(_GENERATION.message_id.in_(ids))
        versions = {row.message_id: row.model_version for row in self._sql.all(made.order_by(_GENERATION.created_at))}
        beaten = self._beaten(ids)
        opposites = self._opposites([row.message_id for row in rows if row.rating > 0])
        return [
            Rated(
                id=row.id, user_id=row.user_id, conversation_id=row.conversation_id, answer_id=row.message_id, rating=row.rating,
                rated_at=row.created_at, model=row.model, model_version=versions.get(row.message_id, ""), case=row.number,
                state=row.case_state, tags=tuple(tags.get(row.case_id, ())), correction=row.correction or row.better_answer or "",
                beaten=beaten.get(row.message_id, ()),
                opposites=tuple(opposites.get(row.message_id, ())),
            )
            for row in rows
        ]  # fmt: skip

    def _beaten(self, answer_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the other answers of the comparisons in which one of these was preferred."""
        votes = select(_VOTE.preferred_id, _VOTE.lanes).where(_VOTE.preferred_id.in_(answer_ids), _VOTE.vote == Vote.ONE.value)
        return {
            row.preferred_id: tuple(lane["answer_id"] for lane in row.lanes["lanes"] if lane["answer_id"] != row.preferred_id)
            for row in self._sql.all(votes)
        }

    def _opposites(self, answer_ids: Sequence[str]) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Return the other answers to the same question that the same person rated poor."""
        good, poor, other, own = aliased(MessageTable), aliased(FeedbackTable), aliased(MessageTable), aliased(FeedbackTable)
        pairs = (
            select(good.id.label("good_id"), other.id.label("poor_id"), poor.id.label("rating_id"))
            .join(other, and_(other.conversation_id == good.conversation_id, other.parent_id == good.parent_id))
            .join(own, own.message_id == good.id)
            .join(poor, and_(poor.message_id == other.id, poor.user_id == own.user_id, poor.rating < 0))
            .where(good.id.in_(answer_ids))
            .order_by(other.id)
        )
        found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in self._sql.all(pairs):
            found[row.good_id].append((row.poor_id, row.rating_id))
        return found


def _filtered(statement: AnySelect, settings: DatasetSettings) -> AnySelect:
    statement = statement.select_from(FeedbackTable).outerjoin(ReviewCaseTable, _CASE.feedback_id == _T.id)
    statement = statement.where(_T.conversation_id.not_like(f"{ABOUT_IMAGE}%"))
    if settings.states:
        statement = statement.where(_CASE.state.in_(settings.states))
    if settings.tag is not None:
        statement = statement.where(exists(select(_TAG.tag).where(_TAG.case_id == _CASE.id, _TAG.tag == settings.tag)))
    for column, value in ((_T.group_name, settings.group), (_T.model, settings.model)):
        if value is not None:
            statement = statement.where(column == value)
    if settings.since is not None:
        statement = statement.where(_T.created_at >= settings.since)
    if settings.until is not None:
        statement = statement.where(_T.created_at < settings.until)
    return statement
