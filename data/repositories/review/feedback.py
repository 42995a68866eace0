"""Store feedback."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import aliased

from core.inference.records import Generation
from core.review.records import Feedback, FeedbackFilter, RatingDetails, ReviewState
from data.repositories.usage.generations import GENERATION_COLUMNS, generation_of
from data.tables import FeedbackTable, GenerationTable, GroundRunTable, MessageTable, UserTable
from data.transaction import AnyRow, AnySelect, Transaction

_T = FeedbackTable.__table__.c
_RUN = GroundRunTable.__table__.c
_GENERATION = GenerationTable.__table__.c
_RATER, _REVIEWER = aliased(UserTable), aliased(UserTable)
_ANSWER, _QUESTION = aliased(MessageTable), aliased(MessageTable)

_WHOLE = (
    select(
        _T.id, _T.user_id, _RATER.name.label("user_name"), _RATER.full_name.label("user_full_name"),
        _T.group_name.label("group"), _T.conversation_id, _T.message_id, _T.model,
        _T.rating, _T.comment, _T.state, _T.note, _T.created_at, _T.updated_at, _REVIEWER.name.label("reviewer_name"),
        _QUESTION.text.label("question"), _ANSWER.text.label("answer"), _RUN.phrases,
        _T.form_version, _T.reasons, _T.score, _T.passage, _T.better_answer,
    )
    .join(_RATER, _RATER.id == _T.user_id)
    .outerjoin(_REVIEWER, _REVIEWER.id == _T.reviewer_id)
    .outerjoin(_ANSWER, _ANSWER.id == _T.message_id)
    .outerjoin(_QUESTION, _QUESTION.id == _ANSWER.parent_id)
    .outerjoin(GroundRunTable, _RUN.id == _T.message_id)
)  # fmt: skip


_DETAILS = ("form_version", "reasons", "score", "passage", "better_answer")


def _feedback_of(row: AnyRow, generation: Generation | None) -> Feedback:
    values = dict(row._mapping)
    if (phrases := values.pop("phrases")) is not None:
        values["question"] = ", ".join(json.loads(phrases))
    said = {name: values.pop(name) for name in _DETAILS}
    details = RatingDetails(
        form_version=said["form_version"], reasons=tuple(json.loads(said["reasons"] or "[]")), score=said["score"],
        passage=said["passage"] or "", better_answer=said["better_answer"] or "",
    )  # fmt: skip
    return replace(Feedback(**values), generation=generation, details=details)


def _filtered(statement: AnySelect, filter: FeedbackFilter) -> AnySelect:
    if filter.rating is not None:
        statement = statement.where(_T.rating == filter.rating)
    if filter.model is not None:
        statement = statement.where(_T.model == filter.model)
    if filter.state is not None:
        statement = statement.where(_T.state == filter.state)
    if filter.since is not None:
        statement = statement.where(_T.created_at >= filter.since)
    if filter.until is not None:
        statement = statement.where(_T.created_at < filter.until)
    if filter.ids is not None:
        statement = statement.where(_T.id.in_(filter.ids))
    if filter.groups is not None:
        statement = statement.where(_T.group_name.in_(filter.groups))
    return statement


class SqlFeedbackRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def put(self, feedback: Feedback) -> None:
        said = feedback.details
        values = {
            "id": feedback.id,
            "user_id": feedback.user_id,
            "group_name": feedback.group,
            "conversation_id": feedback.conversation_id,
            "message_id": feedback.message_id,
            "model": feedback.model,
            "rating": feedback.rating,
            "comment": feedback.comment,
            "state": feedback.state,
            "note": feedback.note,
            "created_at": feedback.created_at,
            "updated_at": feedback.updated_at,
            "form_version": said.form_version,
            "reasons": json.dumps(said.reasons, ensure_ascii=False) if said.reasons else None,
            "score": said.score,
            "passage": said.passage or None,
            "better_answer": said.better_answer or None,
        }
        replaced = ("rating", "comment", "updated_at", *_DETAILS)
        stored_id = self._sql.upsert(FeedbackTable, ["user_id", "message_id"], values, replaced, _T.id)
        self._sql.announce("feedback", [stored_id])
        self._sql.announce("message", [feedback.message_id])

    def remove(self, user_id: str, message_id: str) -> None:
        statement = delete(FeedbackTable).where(_T.user_id == user_id, _T.message_id == message_id).returning(_T.id)
        removed = [row.id for row in self._sql.write(statement).all()]
        self._sql.announce("feedback", removed)
        if removed:
            self._sql.announce("message", [message_id])

    def get(self, feedback_id: str) -> Feedback | None:
        found = self._with_generations(self._sql.all(_WHOLE.where(_T.id == feedback_id)))
        return found[0] if found else None

    def of_message(self, user_id: str, message_id: str) -> Feedback | None:
        found = self._with_generations(self._sql.all(_WHOLE.where(_T.user_id == user_id, _T.message_id == message_id)))
        return found[0] if found else None

    def for_change(self, feedback_id: str) -> Feedback | None:
        self._sql.lock(select(_T.id).where(_T.id == feedback_id))
        return self.get(feedback_id)

    def find(self, filter: FeedbackFilter, limit: int, offset: int = 0, *, poor_first: bool = False) -> Sequence[Feedback]:
        order = (*((_T.rating,) if poor_first else ()), _T.created_at.desc(), _T.id)
        return self._with_generations(self._sql.all(_filtered(_WHOLE, filter).order_by(*order).limit(limit).offset(offset)))

    def count(self, filter: FeedbackFilter) -> int:
        return int(self._sql.scalar(_filtered(select(func.count()).select_from(FeedbackTable), filter)))

    def of_groups(self, ids: Sequence[str], groups: Collection[str]) -> Collection[str]:
        found = select(_T.id).where(_T.id.in_(ids), _T.group_name.in_(groups))
        return {row.id for row in self._sql.all(found)} if ids else set()

    def rename_group(self, old: str, new: str) -> None:
        self._sql.write(update(FeedbackTable).where(_T.group_name == old).values(group_name=new))

    def counts_by_state(self, groups: Collection[str] | None = None) -> dict[ReviewState, int]:
        counted = _filtered(select(_T.state, func.count().label("number")), FeedbackFilter(groups=groups))
        rows = self._sql.all(counted.group_by(_T.state))
        return dict.fromkeys(ReviewState, 0) | {row.state: row.number for row in rows}

    def review(self, feedback_id: str, state: ReviewState, note: str, reviewer_id: str | None, at: datetime) -> None:
        values = {"state": state, "note": note, "reviewer_id": reviewer_id, "updated_at": at}
        self._sql.write(update(FeedbackTable).where(_T.id == feedback_id).values(values))
        self._sql.announce("feedback", [feedback_id])

    def _with_generations(self, rows: list[AnyRow]) -> list[Feedback]:
        if not rows:
            return []
        statement = (
            select(*GENERATION_COLUMNS).where(_GENERATION.message_id.in_([row.message_id for row in rows])).order_by(_GENERATION.created_at)
        )
        by_message = {row.generation_message_id: generation_of(row) for row in self._sql.all(statement)}
        return [_feedback_of(row, by_message.get(row.message_id)) for row in rows]
