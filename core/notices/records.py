"""Define notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NoticeKind(StrEnum):
    ANSWER_READY = "answer_ready"
    SHARE_RECEIVED = "share_received"
    FEEDBACK_RESOLVED = "feedback_resolved"
    FEEDBACK_REPLIED = "feedback_replied"
    NAME_REVEALED = "name_revealed"
    JOB_DONE = "job_done"
    JOB_FAILED = "job_failed"
    ALERT_FIRING = "alert_firing"
    ALERT_OVER = "alert_over"
    EXPERIMENT_ENDED = "experiment_ended"
    TASK_DONE = "task_done"
    TASK_FAILED = "task_failed"
    TASK_ASKS = "task_asks"
    SCHEDULE_STOPPED = "schedule_stopped"
    REPORT_READY = "report_ready"
    REPORT_STOPPED = "report_stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One event that a person is notified of."""

    id: str
    user_id: str
    kind: NoticeKind
    subject: str
    """The title of a chat or task, the kind of a job, or the name of an alert rule, report or experiment. Empty if the chat is gone."""
    target: str = ""
    """The id of a conversation, a link, a job, an alert rule, a report, the plan of one, a task, or a template; empty for none."""
    created_at: datetime
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    count: int = 0
    newest: tuple[Notice, ...] = ()
    """At most a few, newest first."""


@dataclass(frozen=True, slots=True)
class NoticeChoices:
    """What a person's browsers show outside the portal's pages."""

    browser: bool = False
    """Whether browsers show notices. The person must also allow it in each browser."""
    titles: bool = True
    """Whether they show the title of a chat; nothing else of it is ever shown."""
