"""Declare the repository of tasks and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.errors import StoredError
from core.workflows.records import Run, RunState, StepResult, WorkflowTask


class WorkflowRepository(Protocol):
    """Stores tasks, their files, and their runs with the results of steps."""

    def add(self, task: WorkflowTask) -> None:
        """Insert a task and take its files, which then no longer count as unused uploads."""
        ...

    def get(self, task_id: str) -> WorkflowTask | None: ...
    def lock(self, task_id: str) -> WorkflowTask | None:
        """Read a task, and lock it until the transaction ends."""
        ...

    def of_user(self, user_id: str, limit: int, template_id: str | None = None) -> Sequence[WorkflowTask]:
        """Return a person's tasks, most recently changed first. template_id: only those made of this template."""
        ...

    def count_of(self, user_id: str) -> int: ...
    def save(self, task: WorkflowTask) -> None:
        """Write all fields but the files. Read the task with `lock` first."""
        ...

    def remove(self, task_id: str) -> None:
        """Delete a task with its runs, and its files that no chat shows and no other task reads."""
        ...

    def add_run(self, run: Run, results: Sequence[StepResult] = ()) -> None:
        """Insert a run with the results that it takes over."""
        ...

    def run(self, run_id: str) -> Run | None: ...
    def lock_run(self, run_id: str) -> Run | None: ...
    def runs(self, task_id: str, limit: int) -> Sequence[Run]:
        """Return the runs of a task, newest first."""
        ...

    def latest_runs(self, task_ids: Sequence[str]) -> Sequence[Run]:
        """Return the newest run of each of these tasks."""
        ...

    def set_run(self, run_id: str, state: RunState, ended_at: datetime | None = None, error: StoredError | None = None) -> bool:
        """Change the state of a run. Returns False if it has ended."""
        ...

    def set_job(self, run_id: str, job_id: str) -> None: ...
    def let_leave(self, run_id: str) -> None:
        """Store that the run waits no longer before something leaves the portal."""
        ...

    def results(self, run_id: str) -> Sequence[StepResult]:
        """Return the results of the steps that began, in no order."""
        ...

    def put_result(self, run_id: str, result: StepResult) -> None:
        """Insert or replace the result of a step."""
        ...
