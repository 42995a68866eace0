"""Order tasks: write, plan, change and remove them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from core.bounds import within
from core.characters import cut, halves, is_blank, one_line, without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.inference.records import ServedModel
from core.knowledge.files import own_file
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.programs.on_behalf import noted_requester
from core.tasks.jobs import Jobs
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.workflows.model_work import NO_MODEL, ModelWork
from core.workflows.plan_checks import check_steps
from core.workflows.planner import PLAN
from core.workflows.records import (
    MAX_FILES,
    MAX_TASKS,
    MAX_TEXT_LENGTH,
    MAX_TITLE_LENGTH,
    RUN_ENDED,
    Run,
    RunLimits,
    Step,
    TaskFile,
    WorkflowTask,
)

MAX_LISTED = 200
TITLE_FROM_REQUEST = 60
GONE = "This task does not exist. It may have been removed."


class WorkflowTasks:
    """Manages tasks, each visible only to its owner. core/workflows/runs.py runs them."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, privacy: PrivacyFilter, model_work: ModelWork, clock: Clock, limits: RunLimits
    ) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._privacy = privacy
        self._model_work = model_work
        self._clock = clock
        self.limits = limits

    def planner_for(self, user: User, model: str | None = None) -> ServedModel | None:
        """Return the model that would plan a task with this choice; None if there is none, or only the built-in guide."""
        require(user, Permission.RUN_TASKS)
        return self._model_work.model_for(user, model)

    def add(
        self, user: User, request: str, files: Sequence[str] = (), model: str | None = None, steps: Sequence[Step] = (), title: str = "",
        *, template_id: str | None = None,
    ) -> WorkflowTask:  # fmt: skip
        """Order a task. files: ids of own files. template_id: what it is made of.

        Raises NotAllowed, NotFound, InvalidInput, PersonalData, and Conflict at the limit.
        """
        require(user, Permission.RUN_TASKS)
        request = checked_request(self._privacy, user, request)
        now = self._clock()
        with self._unit_of_work() as work:
            if work.workflows.count_of(user.id) >= MAX_TASKS:
                raise Conflict("You have {number} tasks, which is the limit. Remove one first.", number=MAX_TASKS)
            chosen = _files(work, user, files)
            if steps:
                check_steps(steps, chosen, self.limits.steps)
            task = WorkflowTask(
                id=uuid4().hex, user_id=user.id, title=checked_title(title or cut(one_line(request), TITLE_FROM_REQUEST)), request=request,
                model=model or None, steps=tuple(steps), files=chosen, template_id=template_id, created_at=now, updated_at=now,
            )  # fmt: skip
            work.workflows.add(task)
            work.commit()
        return task

    def get(self, user: User, task_id: str) -> WorkflowTask:
        """Return one of the person's tasks. Raises NotFound."""
        with self._unit_of_work() as work:
            return self._planned(work, own_task(work, user, task_id))

    def list(self, user: User, limit: int = 50, template_id: str | None = None) -> Sequence[tuple[WorkflowTask, Run | None]]:
        """List the person's tasks, each with its newest run, most recently changed first. Raises InvalidInput.

        template_id: only tasks that were made of this template.
        """
        require(user, Permission.RUN_TASKS)
        within("limit", limit, 1, MAX_LISTED)
        with self._unit_of_work() as work:
            tasks = work.workflows.of_user(user.id, limit, template_id)
            runs = {each.task_id: each for each in work.workflows.latest_runs([each.id for each in tasks])}
            return [(each, runs.get(each.id)) for each in tasks]

    def change(
        self, user: User, task_id: str, *, version: int | None = None, title: str | None = None, request: str | None = None,
        steps: Sequence[Step] | None = None, model: str | None = None,
    ) -> WorkflowTask:  # fmt: skip
        """Change a task. version: the one that was read, if steps are changed. model: "" for the default model.

        Raises NotFound, InvalidInput, PersonalData, and Conflict if somebody else changed the steps, or while a model plans.
        """
        request = None if request is None else checked_request(self._privacy, user, request)
        with self._unit_of_work() as work:
            task = self._planned(work, own_task(work, user, task_id, lock=True))
            if steps is not None and tuple(steps) != task.steps:
                if task.plan_job_id is not None:
                    raise Conflict("A model is planning this task. Wait for its proposal, or cancel it.")
                if version is not None and version != task.version:
                    raise Conflict("The steps were changed meanwhile. Load them again.")
                check_steps(steps, task.files, self.limits.steps)
                task = replace(task, steps=tuple(steps), version=task.version + 1, problem=None)
            task = replace(
                task, title=task.title if title is None else checked_title(title), request=task.request if request is None else request,
                model=task.model if model is None else model or None, updated_at=self._clock(),
            )  # fmt: skip
            work.workflows.save(task)
            work.commit()
        return task

    def plan(self, user: User, task_id: str) -> WorkflowTask:
        """Have a model propose the steps, in place of those that are there. Raises NotFound, and Conflict (planned already, no model)."""
        with self._unit_of_work() as work:
            task = self._planned(work, own_task(work, user, task_id, lock=True))
            if task.plan_job_id is not None:
                raise Conflict("A model is planning this task. Wait for its proposal, or cancel it.")
            if self._model_work.model_for(user, task.model) is None:
                raise Conflict(NO_MODEL)
            payload = {"task_id": task.id, "keeps_title": bool(task.steps), **noted_requester(work, user)}
            job = self._jobs.add(work, PLAN, payload, owner=user)
            task = replace(task, plan_job_id=job.id, problem=None, updated_at=self._clock())
            work.workflows.save(task)
            work.commit()
        self._jobs.wake()
        return task

    def cancel_plan(self, user: User, task_id: str) -> WorkflowTask:
        """Stop a proposal that is being made. Has no effect if there is none. Raises NotFound."""
        with self._unit_of_work() as work:
            task = own_task(work, user, task_id, lock=True)
            if task.plan_job_id is not None:
                work.jobs.request_cancel(task.plan_job_id, self._clock())
                task = replace(task, plan_job_id=None)
                work.workflows.save(task)
            work.commit()
        return task

    def remove(self, user: User, task_id: str) -> None:
        """Delete a task with its runs and files. Raises NotFound, and Conflict while it runs or under a legal hold."""
        with self._unit_of_work() as work:
            task = own_task(work, user, task_id, lock=True)
            if any(run.state not in RUN_ENDED for run in work.workflows.runs(task_id, 1)):
                raise Conflict("This task is running. Cancel its run first.")
            if work.retention.is_held(user.id):
                raise Conflict("Your tasks are under a legal hold and cannot be deleted. Ask an admin.")
            if task.plan_job_id is not None:
                work.jobs.request_cancel(task.plan_job_id, self._clock())
            work.workflows.remove(task_id)
            record(work, self._clock(), user.id, "task.remove", task_id)
            work.commit()

    def _planned(self, work: UnitOfWork, task: WorkflowTask) -> WorkflowTask:
        """Return a task without the job of a proposal that ended without its handler."""
        if task.plan_job_id is None:
            return task
        job = work.jobs.get(task.plan_job_id)
        if job is not None and not job.ended:
            return task
        settled = work.workflows.lock(task.id)
        if settled is not None and settled.plan_job_id == task.plan_job_id:
            settled = replace(settled, plan_job_id=None, problem=job.error if job is not None else None)
            work.workflows.save(settled)
            work.commit()
        return settled or task


def own_task(work: UnitOfWork, user: User, task_id: str, *, lock: bool = False) -> WorkflowTask:
    """Return a person's own task. Raises NotAllowed, and NotFound for someone else's, so that its existence is not revealed."""
    require(user, Permission.RUN_TASKS)
    task = work.workflows.lock(task_id) if lock else work.workflows.get(task_id)
    if task is None or not allows(user, Permission.RUN_TASKS, owner_id=task.user_id):
        raise NotFound(GONE)
    return task


def _files(work: UnitOfWork, user: User, ids: Sequence[str]) -> tuple[TaskFile, ...]:
    unique = list(dict.fromkeys(ids))
    if len(unique) > MAX_FILES:
        raise InvalidInput("A task can have at most {limit} files; this one has {n}.", n=len(unique), limit=MAX_FILES)
    files = [own_file(work, user, each) for each in unique]
    return tuple(
        TaskFile(position=at, id=each.id, name=each.name, has_tables=bool(each.tables), is_image=each.is_image)
        for at, each in enumerate(files, 1)
    )


def checked_request(privacy: PrivacyFilter, user: User, request: str) -> str:
    """Return what is to be done, as it is stored. Raises NotAllowed, InvalidInput, PersonalData."""
    require(user, Permission.RUN_TASKS)
    request = without_controls(request).strip()
    if is_blank(request):
        raise InvalidInput("Describe what should be done.")
    if len(request) > MAX_TEXT_LENGTH:
        raise InvalidInput("A task can have at most {limit:,} characters. Shorten it.", limit=MAX_TEXT_LENGTH)
    if halves(request):
        raise InvalidInput("The task contains half a character (an unpaired surrogate). Remove it.")
    return privacy.check(user, request).text


def checked_title(title: str) -> str:
    """Return a title on one line. Raises InvalidInput."""
    title = one_line(title)
    if not 1 <= len(title) <= MAX_TITLE_LENGTH:
        raise InvalidInput("A task needs a title of 1 to {most} characters.", most=MAX_TITLE_LENGTH)
    return title
