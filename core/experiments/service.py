"""Start, stop, promote and check experiments."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from secrets import token_hex
from uuid import uuid4

from core.changes.markers import mark
from core.changes.records import Change
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, StoredError
from core.experiments.records import MAX_RAISES, Design, Experiment, Raise, State
from core.experiments.results import Grown, Results, growth, planned, results, tripped
from core.experiments.verdict import verdict
from core.inference.records import ServedModel
from core.notices.giving import experiment_stopped
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

KIND = "experiment.check"
EVERY = timedelta(minutes=1)
MAX_LISTED, MAX_ACTIVE = 100, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReport:
    """An experiment with what is known of it."""

    experiment: Experiment
    results: Results
    verdict: tuple[StoredError, ...]
    growth: tuple[Grown, ...] = ()
    """Day by day; only of a single experiment."""


class Experiments:
    """Manages experiments, for those who run the models. The gateway reads their splits with every request."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, served: Callable[[], Sequence[ServedModel]]) -> None:
        """served: returns the models that can be asked now."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._served = served

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, every=EVERY, most_tries=3, resumable=True, at_once=1, listed=False)]

    def list(self, user: User) -> Sequence[ExperimentReport]:
        """List experiments, newest first."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return [_report(work, each) for each in work.experiments.all(MAX_LISTED)]

    def get(self, user: User, experiment_id: str) -> ExperimentReport:
        """Return an experiment. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            found = _found(work.experiments.get(experiment_id))
            a, b = (work.experiments.daily(found.tag(side), found.counted_from) for side in ("a", "b"))
            return replace(_report(work, found), growth=growth(found, a, b))

    def size(self, user: User, design: Design) -> int:
        """Return the answers or ratings of each variant that a design needs."""
        require(user, Permission.RUN_MODELS)
        return planned(design)

    def start(self, user: User, design: Design) -> Experiment:
        """Start an experiment. Raises InvalidInput for a model or preset that cannot be asked, and Conflict if another one uses it."""
        require(user, Permission.RUN_MODELS)
        now = self._clock()
        with self._unit_of_work() as work:
            self._check(work, design)
            made = Experiment(
                id=uuid4().hex, design=design, salt=token_hex(16), planned=planned(design), state=State.RUNNING, started_at=now,
                started_by=user.id, ends_at=now + timedelta(days=design.days),
            )  # fmt: skip
            work.experiments.add(made)
            record(work, now, user.id, "experiment.start", design.name, a=design.subject, b=design.other)
            mark(work, now, Change.EXPERIMENT, design.subject, state="started", version=design.other)
            work.commit()
        return made

    def stop(self, user: User, experiment_id: str) -> Experiment:
        """Give everybody A again, from the next question on; also after B was promoted. Raises NotFound, Conflict if it has ended."""
        return self._end(user, experiment_id, State.STOPPED, (State.RUNNING, State.PROMOTED))

    def promote(self, user: User, experiment_id: str) -> Experiment:
        """Give B to everyone in the experiment's groups, from their next question on. Raises NotFound, Conflict if it has ended."""
        return self._end(user, experiment_id, State.PROMOTED, (State.RUNNING,))

    def raise_split(self, user: User, experiment_id: str, to_b: int) -> Experiment:
        """Give B to more of the people who take part. Counting starts over, with a wider interval.

        People who have B keep it. Raises NotFound, Conflict if it has ended or was raised too often, and InvalidInput.
        """
        require(user, Permission.RUN_MODELS)
        now = self._clock()
        with self._unit_of_work() as work:
            current = _found(work.experiments.for_change(experiment_id))
            if current.state is not State.RUNNING:
                raise Conflict("This experiment has ended.")
            if len(current.raised) >= MAX_RAISES:
                raise Conflict("B was raised {n} times, which is the limit: each time, the interval becomes wider.", n=MAX_RAISES)
            before = current.design.to_b
            design = replace(current.design, to_b=to_b)
            if to_b <= before:
                raise InvalidInput("B has {n} % already. Choose more, or stop the experiment.", n=before)
            raised = replace(current, design=design, raised=(*current.raised, Raise(at=now, to_b=to_b)))
            raised = replace(raised, planned=planned(design, raised.alpha))
            work.experiments.save(raised)
            record(work, now, user.id, "experiment.raise", design.name, before=str(before), to_b=str(to_b))
            work.commit()
        return raised

    def check_all(self) -> None:
        """Stop the experiments of which B passed a guardrail, and those whose time is over."""
        with self._unit_of_work() as work:
            running = [each for each in work.experiments.all(MAX_LISTED) if each.state is State.RUNNING]
        for each in running:
            with self._unit_of_work() as work:
                current = _found(work.experiments.for_change(each.id))
                if current.state is State.RUNNING:
                    self._check_one(work, current)

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        self.check_all()
        return {}

    def _check_one(self, work: UnitOfWork, current: Experiment) -> None:
        now = self._clock()
        trip = tripped(_results(work, current))
        if trip is None and now < current.ends_at:
            return
        state = State.STOPPED if trip is None else State.STOPPED_ITSELF
        work.experiments.save(replace(current, state=state, ended_at=now, trip=trip))
        action, name = "experiment.expire" if trip is None else "experiment.trip", current.design.name
        record(work, now, None, action, name, **({} if trip is None else {"guard": trip.guard.value, "value": f"{trip.value:.4g}"}))
        mark(work, now, Change.EXPERIMENT, current.design.subject, state="stopped", version=current.design.other)
        admins = [person.id for person in work.users.all() if person.active and allows(person, Permission.RUN_MODELS)]
        experiment_stopped(work, now, admins, name, current.id)
        work.commit()
        log.warning("the experiment %s has ended: %s", current.id, state)

    def _check(self, work: UnitOfWork, design: Design) -> None:
        presets = {each.name: each.model for each in work.offers.presets()}
        served = {name for model in self._served() for name in model.names}
        for name in (design.subject, design.other):
            if presets.get(name, name) not in served:
                raise InvalidInput("{model} cannot be asked now. Load it, or choose another one.", model=name[:200])
        splits = work.experiments.splits()
        if len(splits) >= MAX_ACTIVE:
            raise Conflict("{n} experiments run or are promoted, which is the limit. Stop one first.", n=MAX_ACTIVE)
        if any({each.subject, each.other} & {design.subject, design.other} for each in splits):
            raise Conflict("Another experiment uses one of the two. Stop it first, so that the figures do not mix.")

    def _end(self, user: User, experiment_id: str, state: State, before: Sequence[State]) -> Experiment:
        require(user, Permission.RUN_MODELS)
        now = self._clock()
        with self._unit_of_work() as work:
            current = _found(work.experiments.for_change(experiment_id))
            if current.state not in before:
                raise Conflict("This experiment has ended.")
            ended = replace(current, state=state, ended_at=now)
            work.experiments.save(ended)
            action = "promote" if state is State.PROMOTED else "undo" if current.state is State.PROMOTED else "stop"
            record(work, now, user.id, f"experiment.{action}", current.design.name)
            told = "promoted" if state is State.PROMOTED else "stopped"
            mark(work, now, Change.EXPERIMENT, current.design.subject, state=told, version=current.design.other)
            work.commit()
        return ended


def _found(experiment: Experiment | None) -> Experiment:
    if experiment is None:
        raise NotFound("This experiment does not exist.")
    return experiment


def _results(work: UnitOfWork, experiment: Experiment) -> Results:
    since = experiment.counted_from if experiment.raised else None
    a, b = (work.experiments.figures(experiment.tag(side), since) for side in ("a", "b"))
    return results(experiment, a, b, work.experiments.figures(experiment.tag("b")) if experiment.raised else None)


def _report(work: UnitOfWork, experiment: Experiment) -> ExperimentReport:
    found = _results(work, experiment)
    return ExperimentReport(experiment=experiment, results=found, verdict=verdict(experiment, found))
