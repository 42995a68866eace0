"""Do the steps of a run in a job, one after another. A restart goes on after the last step that is done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.access.limits import LimitReached
from core.clock import Clock
from core.errors import Busy, Conflict, NotAllowed, PortalError, StoredError, Unavailable
from core.notices.giving import task_changed
from core.notices.records import NoticeKind
from core.people.permissions import Permission
from core.people.session_watch import NEW_ROLE
from core.programs.on_behalf import Requester
from core.tasks.handlers import Cancelled, JobKind, Report, pause
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory
from core.workflows.records import RUN_ENDED, SETTLED, Run, RunLimits, RunState, Step, StepKind, StepResult, StepState
from core.workflows.runs import RUN, made_of
from core.workflows.steps.step_work import Reading, StepWork, Work

RUNS_AT_ONCE = 2
TRIES = 3
"""Most tries of a step while a model or the search index is busy or unavailable."""
MAX_WAIT_S = 30.0
FAILED = "The task failed. Its page says why."
LIMIT = "{problem} Then retry the task: the steps that are done stay."
TOO_LONG = "The run took more than {minutes} minutes. Make its steps smaller, or ask an admin to raise PORTAL_TASK_MINUTES."


@dataclass(slots=True)
class _Progress:
    """What a run has done so far."""

    run: Run
    request: str
    results: dict[str, StepResult]

    def tokens(self) -> int:
        return sum(each.prompt_tokens + each.completion_tokens for each in self.results.values() if not each.carried)

    def seconds(self) -> float:
        """Return the time that steps took; time that the person took to answer does not count."""
        return sum(each.seconds for each in self.results.values() if not each.carried)


class TaskRun:
    """Runs the jobs of runs."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, steps: StepWork, clock: Clock, limits: RunLimits, longest_wait_s: float = MAX_WAIT_S
    ) -> None:
        """longest_wait_s: longest wait between tries of a step."""
        self._unit_of_work = unit_of_work
        self._steps = steps
        self._clock = clock
        self._limits = limits
        self._longest_wait_s = longest_wait_s

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(RUN, self.run, most_tries=3, resumable=True, at_once=RUNS_AT_ONCE, notices=False)]

    def run(self, job: Job, report: Report) -> Mapping[str, Json]:
        """Do the remaining steps of the job's run."""
        with self._unit_of_work() as work:
            run = work.workflows.run(str(job.payload["run_id"]))
            task = work.workflows.get(run.task_id) if run is not None else None
            results = {each.step_id: each for each in work.workflows.results(run.id)} if run is not None else {}
        if run is None or task is None or run.job_id != job.id or run.state in (*RUN_ENDED, RunState.ASKING):
            return {}
        self._set(run, RunState.RUNNING)
        progress = _Progress(run, task.request, results)
        try:
            requester = Requester(self._unit_of_work, job, self._clock, Permission.RUN_TASKS)
            for number, step in enumerate(run.steps):
                report(number / len(run.steps), step=number + 1, steps=len(run.steps))
                if step.id in progress.results and progress.results[step.id].state in SETTLED:
                    continue
                requester.look()
                target = self._steps.leaves_to(requester.user, run, step) if run.waits else None
                if step.kind is StepKind.ASK or target is not None:
                    self._ask(progress, step, target or "")
                    return {"asks": number + 1}
                self._do(progress, step, requester, report)
        except Cancelled:
            self._cancelled(run)
            raise
        except (Busy, Unavailable) as problem:
            if job.tries < 3:
                raise
            self._fail(run, problem)
            raise
        except PortalError as problem:
            self._fail(run, problem)
            # The sentence may hold words of tables and texts, which neither the log nor the list of jobs shows.
            raise Conflict(FAILED) from problem
        self._end(run, RunState.DONE, NoticeKind.TASK_DONE)
        return {"steps": len(run.steps)}

    def _do(self, progress: _Progress, step: Step, requester: Requester, report: Report) -> None:
        """Do a step and store its result. Raises PortalError once it has failed."""
        run, user = progress.run, requester.user
        began, spent, left = time.monotonic(), progress.seconds(), self._limits.tokens - progress.tokens()

        def check() -> None:
            report.check()
            requester.look()
            if not requester.has_rights_of(user):
                raise NotAllowed(NEW_ROLE)
            if spent + time.monotonic() - began > 60 * self._limits.minutes:
                raise Conflict(TOO_LONG, minutes=self._limits.minutes)

        made = made_of(step, run.files, run.model, progress.results)
        result = StepResult(step_id=step.id, state=StepState.RUNNING, started_at=self._clock(), made_of=made)
        self._put(run, result)
        reading = Reading(
            user=user, run=run, step=step, outputs={id: each.output for id, each in progress.results.items()}, request=progress.request,
            tokens_left=left, most_tokens=self._limits.tokens, check=check,
        )  # fmt: skip
        tries, generations = 0, list[str]()
        while True:
            work = Work(generations=generations)
            tries += 1
            try:
                check()
                self._steps.do(reading, work)
                result = _ended(result, work, tries, began, StepState.DONE, None)
                break
            except (Busy, Unavailable) as problem:
                result = _ended(result, work, tries, began, StepState.FAILED, StoredError.of(problem))
                if isinstance(problem, LimitReached) and problem.retry_after > self._longest_wait_s:
                    self._put(run, result)
                    raise Conflict(LIMIT, problem=str(problem)) from problem
                if tries >= TRIES:
                    self._put(run, result)
                    raise Conflict("{problem} It was tried {tries} times.", problem=str(problem), tries=tries) from problem
                try:
                    pause(problem.retry_after if isinstance(problem, Busy) else 2.0**tries, self._longest_wait_s, check)
                except PortalError as ended:
                    self._put(run, replace(result, error=StoredError.of(ended)))
                    raise
            except PortalError as problem:
                self._put(run, _ended(result, work, tries, began, StepState.FAILED, StoredError.of(problem)))
                raise
        self._put(run, result)
        progress.results[step.id] = result

    def _ask(self, progress: _Progress, step: Step, target: str) -> None:
        """Ask the person, and let the run wait for the answer without a thread. target: where a step would send its inputs."""
        run, now = progress.run, self._clock()
        made = made_of(step, run.files, run.model, progress.results)
        with self._unit_of_work() as work:
            asked = StepResult(step_id=step.id, state=StepState.ASKING, started_at=now, made_of=made, asked=target)
            work.workflows.put_result(run.id, asked)
            if work.workflows.set_run(run.id, RunState.ASKING):
                task_changed(work, now, run.user_id, NoticeKind.TASK_ASKS, run.title, run.task_id)
                work.commit()

    def _put(self, run: Run, result: StepResult) -> None:
        with self._unit_of_work() as work:
            work.workflows.put_result(run.id, result)
            work.commit()

    def _set(self, run: Run, state: RunState) -> None:
        with self._unit_of_work() as work:
            work.workflows.set_run(run.id, state)
            work.commit()

    def _fail(self, run: Run, problem: PortalError) -> None:
        self._end(run, RunState.FAILED, NoticeKind.TASK_FAILED, StoredError.of(problem))

    def _cancelled(self, run: Run) -> None:
        """End a run that its owner cancelled, unless another server has taken it over."""
        with self._unit_of_work() as work:
            job = work.jobs.get(run.job_id)
            if job is None or not job.cancel_requested:
                return
        self._end(run, RunState.CANCELLED, None)

    def _end(self, run: Run, state: RunState, notice: NoticeKind | None, error: StoredError | None = None) -> None:
        now = self._clock()
        with self._unit_of_work() as work:
            if work.workflows.set_run(run.id, state, now, error):
                if notice is not None:
                    task_changed(work, now, run.user_id, notice, run.title, run.task_id)
                work.commit()


def _ended(result: StepResult, work: Work, tries: int, began: float, state: StepState, error: StoredError | None) -> StepResult:
    return replace(
        result, state=state, output=work.output, asked=work.asked, error=error, tries=max(tries, work.tries),
        seconds=time.monotonic() - began, prompt_tokens=work.prompt_tokens, completion_tokens=work.completion_tokens, model=work.model,
        generations=tuple(work.generations),
    )  # fmt: skip
