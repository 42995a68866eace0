"""Define the tables of tasks, and of their runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from data.encryption.sealed_text import SealedProse
from data.tables.base import Table


class WorkflowTaskTable(Table):
    """Tasks. body: title, request, steps and the last problem, as JSON."""

    __tablename__ = "workflow_tasks"
    __table_args__ = (Index(None, "user_id", "updated_at"), Index(None, "updated_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str] = mapped_column(SealedProse("workflow_tasks.body"))
    model: Mapped[str | None] = mapped_column(String(300))
    version: Mapped[int]
    planned_by: Mapped[str] = mapped_column(String(300))
    plan_job_id: Mapped[str | None] = mapped_column(String(64))
    template_id: Mapped[str | None] = mapped_column(String(64), index=True)
    """Of a template that may be gone."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class WorkflowFileTable(Table):
    """A file that a task reads. Without a chat, it is deleted with the task."""

    __tablename__ = "workflow_files"

    task_id: Mapped[str] = mapped_column(ForeignKey("workflow_tasks.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), index=True)


class TaskTemplateTable(Table):
    """Templates of tasks. body: title, request, steps and files, as JSON."""

    __tablename__ = "task_templates"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    body: Mapped[str] = mapped_column(SealedProse("task_templates.body"))
    model: Mapped[str | None] = mapped_column(String(300))
    share: Mapped[str] = mapped_column(String(16), index=True)
    group_name: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TaskScheduleTable(Table):
    """Schedules of templates. body: values, rules and files, as JSON."""

    __tablename__ = "task_schedules"
    __table_args__ = (UniqueConstraint("user_id", "template_id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    template_id: Mapped[str] = mapped_column(ForeignKey("task_templates.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int]
    every: Mapped[str] = mapped_column(String(16))
    weekday: Mapped[int]
    day: Mapped[int]
    hour: Mapped[int]
    body: Mapped[str] = mapped_column(SealedProse("task_schedules.body"))
    waits: Mapped[bool]
    enabled: Mapped[bool]
    covered_until: Mapped[datetime]
    missed_at: Mapped[datetime | None]
    last_task_id: Mapped[str | None] = mapped_column(String(64))
    problem: Mapped[str | None] = mapped_column(SealedProse("task_schedules.problem"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class WorkflowRunTable(Table):
    """Runs. body: title, steps, files and error, as JSON."""

    __tablename__ = "workflow_runs"
    __table_args__ = (Index(None, "task_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("workflow_tasks.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    job_id: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(SealedProse("workflow_runs.body"))
    error: Mapped[str | None] = mapped_column(SealedProse("workflow_runs.error"))
    model: Mapped[str | None] = mapped_column(String(300))
    version: Mapped[int]
    waits: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class WorkflowResultTable(Table):
    """Results of steps. id: of the run and the step. body: output, what was asked, and error, as JSON."""

    __tablename__ = "workflow_results"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("workflow_runs.id", ondelete="CASCADE"), index=True)
    step_id: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(SealedProse("workflow_results.body"))
    made_of: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int]
    seconds: Mapped[float]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    model: Mapped[str] = mapped_column(String(300))
    carried: Mapped[bool]
    started_at: Mapped[datetime]
