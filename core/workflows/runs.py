"""Run tasks: approve, answer, cancel, retry, and read what each step made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from uuid import uuid4

from core.bounds import within
from core.characters import halves, is_blank, without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, StoredError, Unavailable
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.programs.on_behalf import noted_requester
from core.tasks.jobs import Jobs
from core.tasks.records import JobState
from core.tasks.worker import LOST
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.workflows.plan_checks import check_steps, depending
from core.workflows.records import (
    MAX_TEXT_LENGTH,
    RUN_ENDED,
    SETTLED,
    Output,
    Run,
    RunCost,
    RunLimits,
    RunState,
    Step,
    StepKind,
    StepResult,
    StepState,
    TaskFile,
    WorkflowTask,
)
from core.workflows.steps_json import written
from core.workflows.tasks import own_task

RUN = "task.run"
MAX_LISTED = 100
GONE = "This run does not exist. Its task may have been removed."


class WorkflowRuns:
    """Manages runs, each visible only to its owner. core/workflows/task_run.py does the work."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: Clock, limits: RunLimits) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._limits = limits

    def start(
        self, user: User, task_id: str, version: int, *, from_step: str | None = None, fresh: bool = False, waits: bool = False
    ) -> Run:
        """Approve the steps as they are in this version, and run them.

        Results of the last run are taken over where neither the step nor what it reads has changed. from_step: do this step again, and
        all that depends on it. fresh: do every step again. waits: wait before anything leaves the portal. Raises NotFound, InvalidInput,
        Conflict (changed meanwhile, running).
        """
        return self._start(user, task_id, version, from_step, waits, None if fresh else partial(self._kept, from_step=from_step))

    def skip(self, user: User, run_id: str, step_id: str, instead: str = "") -> Run:
        """Run a task again without a step that failed. instead: its result, as the person gives it; without one, the steps that read
        it are left out, too. Raises NotFound, InvalidInput, Conflict (not the last run, not failed).
        """
        text = without_controls(instead).strip()
        if len(text) > MAX_TEXT_LENGTH or halves(text):
            raise InvalidInput("A result can have at most {limit:,} characters.", limit=MAX_TEXT_LENGTH)
        run, results = self.get(user, run_id)
        if step_id not in results or results[step_id].state is not StepState.FAILED or run.state not in RUN_ENDED:
            raise Conflict("Only a step that failed can be skipped.")

        def kept(work: UnitOfWork, task: WorkflowTask, last: Run) -> Sequence[StepResult]:
            if last.id != run_id:
                raise Conflict("This task was run again meanwhile. Look at its last run.")
            return self._without(work, task, last, step_id, text)

        return self._start(user, run.task_id, run.version, None, run.waits, kept)

    def _start(
        self, user: User, task_id: str, version: int, from_step: str | None, waits: bool,
        kept_of: Callable[[UnitOfWork, WorkflowTask, Run], Sequence[StepResult]] | None,
    ) -> Run:  # fmt: skip
        with self._unit_of_work() as work:
            task = own_task(work, user, task_id, lock=True)
            if task.version != version:
                raise Conflict("The steps were changed meanwhile. Read them again, then approve them.")
            if task.plan_job_id is not None:
                raise Conflict("A model is planning this task. Wait for its proposal, or cancel it.")
            check_steps(task.steps, task.files, self._limits.steps)
            if from_step is not None and from_step not in {each.id for each in task.steps}:
                raise InvalidInput("The task has no step {step}.", step=from_step[:20])
            last = next((self._settled(work, each) for each in work.workflows.runs(task_id, 1)), None)
            if last is not None and last.state not in RUN_ENDED:
                raise Conflict("This task is running already. Wait until it ends, or cancel it.")
            kept = [] if last is None or kept_of is None else kept_of(work, task, last)
            run_id = uuid4().hex
            job = self._jobs.add(work, RUN, {"run_id": run_id, **noted_requester(work, user)}, owner=user)
            run = Run(
                id=run_id, task_id=task.id, user_id=user.id, title=task.title, job_id=job.id, state=RunState.WAITING, steps=task.steps,
                files=task.files, model=task.model, version=task.version, waits=waits,
                created_at=self._clock(),
            )  # fmt: skip
            work.workflows.add_run(run, kept)
            record(work, self._clock(), user.id, "task.run", task.id, steps=str(len(task.steps)), run=run.id)
            work.commit()
        self._jobs.wake()
        return run

    def _kept(self, work: UnitOfWork, task: WorkflowTask, last: Run, from_step: str | None) -> Sequence[StepResult]:
        """Return the results of the last run that still hold."""
        again = depending(task.steps, {from_step}) if from_step is not None else set()
        before = {each.step_id: each for each in work.workflows.results(last.id) if each.state in SETTLED}
        kept: dict[str, StepResult] = {}
        for step in task.steps:
            found = before.get(step.id)
            if found is not None and step.id not in again and found.made_of == made_of(step, task.files, task.model, kept):
                kept[step.id] = replace(found, carried=True)
        return list(kept.values())

    def _without(self, work: UnitOfWork, task: WorkflowTask, last: Run, step_id: str, text: str) -> Sequence[StepResult]:
        """Return the results that still hold, with that of a step given by the person, or left out with all that reads it."""
        kept = {each.step_id: each for each in self._kept(work, task, last, step_id)}
        left_out = {step_id} if text else depending(task.steps, {step_id})
        for step in task.steps:
            if step.id in left_out:
                kept[step.id] = StepResult(
                    step_id=step.id, state=StepState.DONE if text else StepState.SKIPPED, started_at=self._clock(), given=bool(text),
                    made_of=made_of(step, task.files, task.model, kept), output=Output(text=text), carried=True,
                )  # fmt: skip
        return list(kept.values())

    def cost(self, user: User, run_id: str) -> RunCost:
        """Return what the models of a run cost, without what it took over. Raises NotFound."""
        with self._unit_of_work() as work:
            self._own(work, user, run_id)
            mine = [each for each in work.workflows.results(run_id) if not each.carried]
            rows = work.generations.costs_of([id for each in mine for id in each.generations])
        amounts: dict[str, float] = {}
        for amount, currency in rows:
            if amount is not None:
                amounts[currency] = amounts.get(currency, 0.0) + amount
        # A row may be gone by a rule, and boxes are found without one that is known here.
        known = sum(amount is not None for amount, _ in rows)
        answered = sum(max(len(each.generations), 1 if each.model else 0) for each in mine)
        return RunCost(amounts, unknown=known < answered)

    def get(self, user: User, run_id: str) -> tuple[Run, Mapping[str, StepResult]]:
        """Return one of the person's runs, and the results of its steps by id. Raises NotFound."""
        with self._unit_of_work() as work:
            run = self._settled(work, self._own(work, user, run_id))
            return run, {each.step_id: each for each in work.workflows.results(run_id)}

    def list(self, user: User, task_id: str, limit: int = 20) -> Sequence[Run]:
        """List the runs of one of the person's tasks, newest first. Raises NotFound, InvalidInput."""
        within("limit", limit, 1, MAX_LISTED)
        with self._unit_of_work() as work:
            own_task(work, user, task_id)
            return [self._settled(work, each) for each in work.workflows.runs(task_id, limit)]

    def cancel(self, user: User, run_id: str) -> Run:
        """Stop a run and keep its results. Raises NotFound, and Conflict if it has ended."""
        with self._unit_of_work() as work:
            run = self._settled(work, self._own(work, user, run_id))
            if run.state in RUN_ENDED:
                raise Conflict("This run has already ended and cannot be cancelled.")
            work.jobs.request_cancel(run.job_id, self._clock())
            if run.state is RunState.ASKING:
                work.workflows.set_run(run.id, RunState.CANCELLED, self._clock())
            work.commit()
            return self._settled(work, work.workflows.run(run_id) or run)

    def answer(self, user: User, run_id: str, text: str) -> Run:
        """Answer the question of a run, which then goes on. Raises NotFound, InvalidInput, and Conflict if it asks nothing."""
        text = without_controls(text).strip()
        if is_blank(text):
            raise InvalidInput("Write an answer.")
        if len(text) > MAX_TEXT_LENGTH or halves(text):
            raise InvalidInput("An answer can have at most {limit:,} characters.", limit=MAX_TEXT_LENGTH)
        with self._unit_of_work() as work:
            self._own(work, user, run_id)
            run = work.workflows.lock_run(run_id)
            asked = next((each for each in work.workflows.results(run_id) if each.state is StepState.ASKING), None)
            if run is None or run.state is not RunState.ASKING or asked is None or _leaves(run, asked):
                raise Conflict("This run asks nothing now.")
            work.workflows.put_result(run_id, replace(asked, state=StepState.DONE, output=Output(text=text)))
            run = self._go_on(work, user, run)
            work.commit()
        self._jobs.wake()
        return run

    def let_leave(self, user: User, run_id: str) -> Run:
        """Let a run that waits for it send its inputs to models outside of the portal. Raises NotFound, Conflict."""
        with self._unit_of_work() as work:
            self._own(work, user, run_id)
            run = work.workflows.lock_run(run_id)
            asked = next((each for each in work.workflows.results(run_id) if each.state is StepState.ASKING), None)
            if run is None or run.state is not RunState.ASKING or asked is None or not _leaves(run, asked):
                raise Conflict("This run does not wait before something leaves the portal.")
            work.workflows.let_leave(run_id)
            run = self._go_on(work, user, run)
            record(work, self._clock(), user.id, "task.let_leave", run.task_id, run=run_id, to=asked.asked)
            work.commit()
        self._jobs.wake()
        return replace(run, waits=False)

    def _go_on(self, work: UnitOfWork, user: User, run: Run) -> Run:
        """Add the job of a run that waited for its person."""
        job = self._jobs.add(work, RUN, {"run_id": run.id, **noted_requester(work, user)}, owner=user)
        work.workflows.set_run(run.id, RunState.WAITING)
        work.workflows.set_job(run.id, job.id)
        return replace(run, state=RunState.WAITING, job_id=job.id)

    def _settled(self, work: UnitOfWork, run: Run) -> Run:
        """Return the run. End it if its job ended without the handler."""
        if run.state not in (RunState.WAITING, RunState.RUNNING):
            return run
        job = work.jobs.get(run.job_id)
        if job is not None and not job.ended:
            return run
        cancelled = job is not None and job.state is JobState.CANCELLED
        lost = job.error if job is not None and job.error is not None else StoredError(LOST, {}, Unavailable.code)
        now = work.workflows.lock_run(run.id)
        if now is None or now.job_id != run.job_id or now.state not in (RunState.WAITING, RunState.RUNNING):
            return now or run
        state = RunState.CANCELLED if cancelled else RunState.FAILED
        work.workflows.set_run(run.id, state, self._clock(), None if cancelled else lost)
        work.commit()
        return work.workflows.run(run.id) or run

    @staticmethod
    def _own(work: UnitOfWork, user: User, run_id: str) -> Run:
        require(user, Permission.RUN_TASKS)
        run = work.workflows.run(run_id)
        if run is None or not allows(user, Permission.RUN_TASKS, owner_id=run.user_id):
            raise NotFound(GONE)
        return run


def _leaves(run: Run, asked: StepResult) -> bool:
    """Tell whether a run waits before something leaves the portal, and not for an answer."""
    return any(each.id == asked.step_id and each.kind is not StepKind.ASK for each in run.steps)


def made_of(step: Step, files: Sequence[TaskFile], model: str | None, results: Mapping[str, StepResult]) -> str:
    """Return a hash of everything that determines a step's result. results: those of earlier steps, by id."""
    ids = {each.reference: each.id for each in files}
    [shown] = written([step])
    shown.pop("title")
    read = [ids.get(each) or (results[each].made_of if each in results else "") for each in step.inputs]
    asks_model = step.kind in (StepKind.QUERY, StepKind.WRITE)
    return sha256(json.dumps([shown, read, model if asks_model else None], ensure_ascii=False).encode("utf-8", "replace")).hexdigest()
