"""Add notices of events, each in the transaction of its event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from core.notices.records import Notice, NoticeKind
from core.unit_of_work import UnitOfWork


def answer_ready(work: UnitOfWork, at: datetime, user_id: str, conversation_id: str) -> None:
    """Notify a person of a new answer. A page that shows the chat marks the notice as read at once."""
    conversation = work.conversations.get(conversation_id)
    if conversation is not None:
        work.notices.replace_unread(_notice(at, user_id, NoticeKind.ANSWER_READY, conversation.title, conversation_id))


def share_received(work: UnitOfWork, at: datetime, members: Iterable[str], title: str, share_id: str) -> None:
    """Notify people that a chat was shared with them."""
    for user_id in members:
        work.notices.add(_notice(at, user_id, NoticeKind.SHARE_RECEIVED, title, share_id))


def feedback_resolved(work: UnitOfWork, at: datetime, user_id: str, conversation_id: str) -> None:
    """Notify a person that their feedback on an answer was reviewed."""
    _about_feedback(work, at, user_id, NoticeKind.FEEDBACK_RESOLVED, conversation_id)


def feedback_replied(work: UnitOfWork, at: datetime, user_id: str, conversation_id: str) -> None:
    """Notify a person that a reviewer replied to their feedback on an answer."""
    _about_feedback(work, at, user_id, NoticeKind.FEEDBACK_REPLIED, conversation_id)


def name_revealed(work: UnitOfWork, at: datetime, user_id: str, conversation_id: str) -> None:
    """Notify a person that a reviewer saw their name."""
    _about_feedback(work, at, user_id, NoticeKind.NAME_REVEALED, conversation_id)


def _about_feedback(work: UnitOfWork, at: datetime, user_id: str, kind: NoticeKind, conversation_id: str) -> None:
    conversation = work.conversations.get(conversation_id)
    title, target = (conversation.title, conversation_id) if conversation is not None else ("", "")
    work.notices.add(_notice(at, user_id, kind, title, target))


def job_ended(work: UnitOfWork, at: datetime, user_id: str, kind: str, job_id: str, *, done: bool) -> None:
    """Notify a person that a job they started has ended."""
    if work.users.get(user_id) is not None:
        work.notices.add(_notice(at, user_id, NoticeKind.JOB_DONE if done else NoticeKind.JOB_FAILED, kind, job_id))


def alert_changed(work: UnitOfWork, at: datetime, user_ids: Iterable[str], name: str, rule_id: str, *, firing: bool) -> None:
    """Notify people that an alert fires, or that it is over."""
    kind = NoticeKind.ALERT_FIRING if firing else NoticeKind.ALERT_OVER
    for user_id in user_ids:
        work.notices.replace_unread(_notice(at, user_id, kind, name, rule_id))


def task_changed(work: UnitOfWork, at: datetime, user_id: str, kind: NoticeKind, title: str, task_id: str) -> None:
    """Notify a person that a run of their task ended or asks them, or that a schedule stopped.

    kind: TASK_DONE, TASK_FAILED, TASK_ASKS, or SCHEDULE_STOPPED with the id of the template.
    """
    work.notices.replace_unread(_notice(at, user_id, kind, title, task_id))


def report_ready(work: UnitOfWork, at: datetime, user_ids: Iterable[str], name: str, report_id: str) -> None:
    """Notify people that a report was made for them."""
    for user_id in user_ids:
        work.notices.add(_notice(at, user_id, NoticeKind.REPORT_READY, name, report_id))


def report_stopped(work: UnitOfWork, at: datetime, user_ids: Iterable[str], name: str, plan_id: str) -> None:
    """Notify people that a report could not be made."""
    for user_id in user_ids:
        work.notices.replace_unread(_notice(at, user_id, NoticeKind.REPORT_STOPPED, name, plan_id))


def experiment_stopped(work: UnitOfWork, at: datetime, user_ids: Iterable[str], name: str, experiment_id: str) -> None:
    """Notify people that an experiment has ended by itself."""
    for user_id in user_ids:
        work.notices.add(_notice(at, user_id, NoticeKind.EXPERIMENT_ENDED, name, experiment_id))


def _notice(at: datetime, user_id: str, kind: NoticeKind, subject: str, target: str) -> Notice:
    return Notice(id=uuid4().hex, user_id=user_id, kind=kind, subject=subject, target=target, created_at=at)
