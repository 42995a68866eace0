"""Read the answers, ratings and failed jobs that alert rules measure, with only the columns that they need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, case, cast, literal, select

from core.inference.records import ANSWERLESS, FinishReason
from core.tasks.records import JobState
from core.usage.alerts.records import Sample
from core.usage.alerts.rule_records import OF_MACHINES, AlertRule, Measure
from data.repositories.usage.alerts.machine_samples import machine_samples
from data.tables import FeedbackTable, GenerationTable, JobTable
from data.transaction import AnySelect, Transaction

_T = GenerationTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_JOB = JobTable.__table__.c
_GOOD = 1
_TIMES = {Measure.TTFT: _T.ttft_s, Measure.SPEED: _T.tokens_per_second, Measure.QUEUE: _T.queue_s}


def read_samples(sql: Transaction, rule: AlertRule, since: datetime, until: datetime, limit: int) -> Sequence[Sample]:
    """Return the newest samples in [since, until), oldest first."""
    if rule.measure in OF_MACHINES:
        return machine_samples(sql, rule, since, until, limit)
    match rule.measure:
        case Measure.POOR:
            at, statement = _FEEDBACK.updated_at, _ratings(rule)
        case Measure.JOBS:
            at, statement = _JOB.ended_at, _failed_jobs()
        case _:
            at, statement = _T.created_at, _answers(rule)
    rows = sql.all(statement.where(at >= since, at < until).order_by(at.desc()).limit(limit))
    return [Sample(row.at, row.value, row.who) for row in reversed(rows)]


def _answers(rule: AlertRule) -> AnySelect:
    failed = _T.finish_reason == FinishReason.ERROR
    value: ColumnElement[Any] = literal(1.0)
    made: list[ColumnElement[bool]] = [_T.source.not_in(sorted(ANSWERLESS))]
    match rule.measure:
        case Measure.ERRORS:
            value = case((failed, 1.0), else_=0.0)
        case Measure.TOKENS:
            value, made = cast(_T.prompt_tokens + _T.completion_tokens, Float), []
        case Measure.PEOPLE:
            made = []
        case measure if measure in _TIMES:
            value = _TIMES[measure]
            made += [~failed, value.is_not(None)]
    statement = select(_T.created_at.label("at"), value.label("value"), _T.user_id.label("who")).where(*made)
    if rule.model is not None:
        statement = statement.where(_T.model == rule.model)
    if rule.platform is not None:
        statement = statement.where(_T.platform == rule.platform)
    return statement if rule.group is None else statement.where(_T.group_name == rule.group)


def _ratings(rule: AlertRule) -> AnySelect:
    poor = case((_FEEDBACK.rating == _GOOD, 0.0), else_=1.0)
    statement = select(_FEEDBACK.updated_at.label("at"), poor.label("value"), _FEEDBACK.user_id.label("who"))
    if rule.model is not None:
        statement = statement.where(_FEEDBACK.model == rule.model)
    return statement if rule.group is None else statement.where(_FEEDBACK.group_name == rule.group)


def _failed_jobs() -> AnySelect:
    statement = select(_JOB.ended_at.label("at"), literal(1.0).label("value"), literal("").label("who"))
    return statement.where(_JOB.state == JobState.FAILED)
