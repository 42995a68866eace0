"""Store generation rows, which are only added and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, insert, select

from core.inference.records import Generation, Timings, Usage
from core.usage.records import RatedGeneration, UsagePart
from data.repositories.usage.money import priced
from data.repositories.usage.usage import SqlCountedAnswers, read_ratings
from data.repositories.usage.usage_days import UsageDays
from data.repositories.usage.usage_parts import read_parts
from data.tables import ConversationTable, FeedbackTable, GenerationTable, MessageTable
from data.transaction import AnyRow, Transaction

_T = GenerationTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_TIMINGS = tuple(field.name for field in fields(Timings))
"""Columns have the names of the fields."""
_ADD = insert(GenerationTable)
_MESSAGE = MessageTable.__table__.c
_CONVERSATION = ConversationTable.__table__.c
_NAMES = (
    "id", "user_id", "group_name", "created_at", "model", "model_version", "platform",
    "prompt_tokens", "completion_tokens", "cached_tokens", *_TIMINGS,
    "finish_reason", "source", "conversation_id", "message_id", "error", "variant", "cost", "routing", "key_id", "cached_at", "currency",
)  # fmt: skip
GENERATION_COLUMNS = [_T[name].label("generation_" + name) for name in _NAMES]
"""For selects that join a generation to something else."""

_RATED_COLUMNS = [
    _T.user_id, _T.group_name.label("group"), _T.model, _T.source, _T.conversation_id, _T.created_at,
    _T.prompt_tokens, _T.completion_tokens, _T.cached_tokens,
    _T.queue_s, _T.ttft_s, _T.duration_s, _T.tokens_per_second, _T.finish_reason, _FEEDBACK.rating,
    _T.inter_token_p95_s,
]  # fmt: skip
_RATED = select(*_RATED_COLUMNS).outerjoin(
    FeedbackTable, and_(_FEEDBACK.message_id == _T.message_id, _FEEDBACK.user_id == _T.user_id)
)  # fmt: skip


def _within(since: datetime, until: datetime, model: str | None, group: str | None) -> list[ColumnElement[bool]]:
    found = [_T.created_at >= since, _T.created_at < until]
    if model is not None:
        found.append(_T.model == model)
    if group is not None:
        found.append(_T.group_name == group)
    return found


def generation_of(row: AnyRow) -> Generation | None:
    """Build a generation from a row with GENERATION_COLUMNS; None if the outer join found none."""
    if row.generation_id is None:
        return None
    return Generation(
        id=row.generation_id,
        user_id=row.generation_user_id,
        group=row.generation_group_name,
        created_at=row.generation_created_at,
        model=row.generation_model,
        model_version=row.generation_model_version,
        platform=row.generation_platform,
        usage=Usage(row.generation_prompt_tokens, row.generation_completion_tokens, row.generation_cached_tokens),
        timings=_timings_of(row),
        finish_reason=row.generation_finish_reason,
        source=row.generation_source,
        conversation_id=row.generation_conversation_id,
        message_id=row.generation_message_id,
        error=row.generation_error,
        variant=row.generation_variant,
        cost=row.generation_cost,
        routing=row.generation_routing,
        key_id=row.generation_key_id,
        cached_at=row.generation_cached_at,
        currency=row.generation_currency,
    )


def _timings_of(row: AnyRow) -> Timings:
    """Build the timings; fields that an older version did not write count as not measured."""
    values = ((name, getattr(row, "generation_" + name)) for name in _TIMINGS)
    return Timings(**{name: value for name, value in values if value is not None})


class SqlGenerationRepository:
    def __init__(self, transaction: Transaction, days: UsageDays) -> None:
        self._sql = transaction
        self._days = days

    def add(self, generation: Generation) -> None:
        cost, currency = priced(self._sql, generation)
        values = {
            "id": generation.id,
            "user_id": generation.user_id,
            "group_name": generation.group,
            "created_at": generation.created_at,
            "model": generation.model,
            "model_version": generation.model_version,
            "platform": generation.platform,
            "prompt_tokens": generation.usage.prompt_tokens,
            "completion_tokens": generation.usage.completion_tokens,
            "cached_tokens": generation.usage.cached_tokens,
            **asdict(generation.timings),
            "finish_reason": generation.finish_reason,
            "source": generation.source,
            "conversation_id": generation.conversation_id,
            "message_id": generation.message_id,
            "error": generation.error,
            "variant": generation.variant,
            "cost": cost,
            "routing": generation.routing,
            "key_id": generation.key_id,
            "cached_at": generation.cached_at,
            "currency": currency,
        }
        self._sql.write(_ADD, values)

    def costs_of(self, ids: Sequence[str]) -> Sequence[tuple[float | None, str]]:
        rows = self._sql.all(select(_T.cost, _T.currency, _T.routing, _T.cached_at).where(_T.id.in_(ids))) if ids else []
        return [
            (0.0 if row.cached_at is not None else row.cost, row.currency or (row.routing.currency if row.routing is not None else ""))
            for row in rows
        ]

    def counted(self, first: date, last: date, model: str | None = None, group: str | None = None) -> SqlCountedAnswers:
        cells = self._days.read(self._sql, first, last)
        wanted = [cell for cell in cells if model in (None, cell.model) and group in (None, cell.group)]
        return SqlCountedAnswers(wanted, read_ratings(self._sql, first, last))

    def rated(self, since: datetime, until: datetime, model: str | None = None, group: str | None = None) -> Sequence[RatedGeneration]:
        statement = _RATED.where(*_within(since, until, model, group)).order_by(_T.created_at, _T.id)
        return [RatedGeneration(**row._mapping) for row in self._sql.all(statement)]

    def parts(self, first: date, last: date, model: str | None = None, group: str | None = None) -> Sequence[UsagePart]:
        return read_parts(self._sql, first, last, model, group)

    def costs(self, since: datetime) -> Mapping[str, float]:
        total = func.sum(_T.cost).label("total")
        statement = select(_T.platform, total).where(_T.created_at >= since, _T.cost.is_not(None)).group_by(_T.platform)
        return {row.platform: float(row.total) for row in self._sql.all(statement)}

    def models(self) -> Sequence[str]:
        return [row.model for row in self._sql.all(select(_T.model).distinct().order_by(_T.model))]

    def models_of(self, user_id: str) -> Sequence[str]:
        # Join through the conversations: each step has an index, and only one person's rows are read.
        own = (
            select(_T.model)
            .join(MessageTable, _MESSAGE.id == _T.message_id)
            .join(ConversationTable, _CONVERSATION.id == _MESSAGE.conversation_id)
            .where(_CONVERSATION.user_id == user_id)
        )
        return [row.model for row in self._sql.all(own.distinct().order_by(_T.model))]

    def groups(self) -> Sequence[str]:
        return [row.group_name for row in self._sql.all(select(_T.group_name).distinct().order_by(_T.group_name))]
