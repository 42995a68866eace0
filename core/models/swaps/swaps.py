"""Start, list and control hot swaps; manage canary and replay questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from core.bounds import within
from core.changes.markers import marked
from core.changes.records import ChangeMarker
from core.characters import cut, one_line
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, StoredError
from core.models.load_settings import LoadSettings
from core.models.ports import StartList
from core.models.start_records import StartModel
from core.models.swaps.ports import PatternFinder, Successions
from core.models.swaps.records import (
    CanaryQuestion,
    Decision,
    ReplayQuestion,
    StepKind,
    StepState,
    Swap,
    SwapOptions,
    SwapPlan,
    SwapState,
    planned_steps,
)
from core.models.swaps.replays import gate_result
from core.models.swaps.run import SwapRun
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.unit_of_work import UnitOfWorkFactory

KIND = "model.swap"
MAX_QUESTIONS, MAX_QUESTION_LENGTH = 50, 4_000
MAX_REASON = 200
LANGUAGES = ("", "en", "zh")
STOPPED = "The portal was stopped during this swap. {model} serves version {version}."


class Swaps:
    """Manages swaps, one at a time on each server."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        jobs: Jobs,
        server: str,
        successions: Successions | None,
        patterns: PatternFinder,
        start_list: StartList,
        loaded_at_start: Callable[[str], bool],
    ) -> None:
        """successions: None if this server loads no models of its own.

        loaded_at_start: tells whether a model is loaded at every start. If so, its successor is too."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._jobs = jobs
        self._server = server
        self._own = successions
        self._patterns = patterns
        self._start_list = start_list
        self._loaded_at_start = loaded_at_start

    def job_kinds(self) -> list[JobKind]:
        if self._own is None:
            return []
        return [JobKind(KIND, SwapRun(self._unit_of_work, self._clock, self._own, self._patterns, self._switched).run)]

    @property
    def _successions(self) -> Successions:
        if self._own is None:
            raise Conflict("This server loads no models of its own, so it cannot swap them.")
        return self._own

    # Swaps

    def plan(self, user: User, model: str, path: Path, settings: LoadSettings | None = None) -> SwapPlan:
        """Return the plan of a swap. Raises NotFound, Conflict, InvalidInput."""
        require(user, Permission.RUN_MODELS)
        return self._successions.plan(model, path, settings)

    def start(
        self, user: User, model: str, path: Path, options: SwapOptions | None = None, settings: LoadSettings | None = None
    ) -> Swap:
        """Start replacing the file of a serving model, as a job. Raises as `plan` does, and Conflict while another swap is running."""
        require(user, Permission.RUN_MODELS)
        chosen = options or SwapOptions()
        used = settings or self._successions.settings(model)
        plan = self._successions.plan(model, path, used)
        if chosen.shares and not plan.beside:
            raise InvalidInput("There is no memory for both versions, so traffic cannot be shared between them. Swap without shares.")
        with self._unit_of_work() as work:
            replays = work.swaps.replays(model)
            if chosen.replay and not replays:
                raise InvalidInput("There are no replay questions for {model} yet. Add one, or swap without them.", model=model)
            try:
                job = self._jobs.add(work, KIND, {"name": model}, owner=user, key=f"{KIND}:{self._server}"[-200:], server=self._server)
            except Conflict:
                raise self._taken(work.swaps.active(self._server)) from None
            swap = Swap(
                id=job.id,
                model=model,
                started_by=user.id,
                started_by_name=user.full_name,
                created_at=self._clock(),
                server=self._server,
                old_path=self._successions.path(model),
                old_version=plan.old_version,
                new_path=path.absolute(),
                new_version=plan.new_version,
                settings=used,
                beside=plan.beside,
                options=chosen,
                steps=planned_steps(chosen, beside=plan.beside, replays=bool(replays)),
            )
            work.swaps.add(swap)
            record(work, self._clock(), user.id, "model.swap", model, state="started", version=plan.new_version)
            work.commit()
        self._jobs.wake()
        return swap

    def list(self, user: User, model: str | None = None, limit: int = 20) -> Sequence[Swap]:
        """List swaps, newest first."""
        require(user, Permission.RUN_MODELS)
        within("limit", limit, 1, 200)
        with self._unit_of_work() as work:
            return work.swaps.newest(limit, model)

    def get(self, user: User, swap_id: str) -> Swap:
        """Return a swap. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return _found(work.swaps.get(swap_id))

    def decide(self, user: User, swap_id: str, decision: Decision, reason: str = "") -> Swap:
        """Make a running swap continue or roll back. reason: why it may continue although too few replayed answers pass.

        The audit log keeps the reason. Raises NotFound, InvalidInput without a reason that is needed, and Conflict if the swap has ended.
        """
        require(user, Permission.RUN_MODELS)
        words = cut(one_line(reason), MAX_REASON)
        with self._unit_of_work() as work:
            swap = _found(work.swaps.get(swap_id))
            if not swap.active:
                raise Conflict("This swap has already ended.")
            gate = gate_result(swap) if swap.state is SwapState.ASKING and decision is Decision.APPROVE else None
            details = {}
            if gate is not None and not gate.reached:
                if not words:
                    raise InvalidInput("Too few replayed answers pass. Say in a few words why the new version may serve.")
                details = {"reason": words, "found": f"{gate.passed}/{gate.total}"}
            work.swaps.decide(swap_id, decision)
            record(work, self._clock(), user.id, "model.swap_decide", swap.model, state=decision.value, version=swap.new_version, **details)
            work.commit()
        return swap

    def recover(self) -> int:
        """Mark the swaps that an earlier process of this server left running as interrupted; returns how many."""
        with self._unit_of_work() as work:
            left = work.swaps.active(self._server)
            for swap in left:
                switched = any(step.kind is StepKind.SWITCH and step.state is StepState.DONE for step in swap.steps)
                now = self._clock()
                reason = StoredError(STOPPED, {"model": swap.model, "version": swap.new_version if switched else swap.old_version})
                for step in swap.steps:
                    if step.state is StepState.RUNNING:
                        swap = swap.stepped(step.kind, state=StepState.FAILED, ended_at=now, note=reason)
                    elif step.state is StepState.WAITING:
                        swap = swap.stepped(step.kind, state=StepState.SKIPPED)
                work.swaps.save(replace(swap, state=SwapState.INTERRUPTED, ended_at=now, reason=reason, share=0))
                record(work, now, None, "model.swap", swap.model, state=SwapState.INTERRUPTED.value, version=swap.new_version)
            work.commit()
        return len(left)

    def _taken(self, active: Sequence[Swap]) -> Conflict:
        if not active:
            return Conflict("Another swap is ending. Try again in a moment.")
        swap = active[0]
        return Conflict(
            "{person} is replacing {model} since {time}. Roll that swap back, or start yours when it is done.",
            person=swap.started_by_name or "The portal", model=swap.model, time=f"{swap.created_at:%Y-%m-%d %H:%M} UTC",
        )  # fmt: skip

    def _switched(self, swap: Swap, new: bool) -> None:
        """Store which version the next start loads."""
        kept = next((model for model in self._start_list.all() if model.name == swap.model), None)
        if kept is None and not self._loaded_at_start(swap.model):
            return
        path, settings = (swap.new_path, swap.settings) if new else (swap.old_path, self._successions.settings(swap.model))
        before = kept or StartModel(name=swap.model, path=path, settings=settings, default=True)
        self._start_list.keep(replace(before, path=path, settings=settings))

    # Questions

    def canaries(self, user: User) -> Sequence[CanaryQuestion]:
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.swaps.canaries()

    def add_canary(self, user: User, question: str, *, model: str = "", language: str = "", pattern: str = "") -> CanaryQuestion:
        """Add a canary question for new versions of a model, or of all models. Raises InvalidInput, Conflict (too many)."""
        require(user, Permission.RUN_MODELS)
        if language not in LANGUAGES:
            raise InvalidInput("The language of an answer can be en or zh, or left empty.")
        if pattern:
            self._patterns.check(pattern)
        canary = CanaryQuestion(id=uuid4().hex, model=model.strip(), question=_usable(question), language=language, pattern=pattern)
        with self._unit_of_work() as work:
            if len(work.swaps.canaries()) >= MAX_QUESTIONS:
                raise Conflict("There are {number} questions, which is the limit. Remove one first.", number=MAX_QUESTIONS)
            work.swaps.add_canary(canary)
            record(work, self._clock(), user.id, "canary.add", canary.model or "all")
            work.commit()
        return canary

    def remove_canary(self, user: User, canary_id: str) -> None:
        """Remove a canary question. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            if not work.swaps.remove_canary(canary_id):
                raise NotFound("This question does not exist. It may have been removed.")
            record(work, self._clock(), user.id, "canary.remove", canary_id)
            work.commit()

    def replays(self, user: User, model: str | None = None) -> Sequence[ReplayQuestion]:
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.swaps.replays(model)

    def add_replay(self, user: User, model: str, question: str, accepted: str) -> ReplayQuestion:
        """Store a question and its accepted answer for the replay step. Raises InvalidInput, Conflict (too many, already stored)."""
        require(user, Permission.RUN_MODELS)
        if not accepted.strip() or len(accepted) > 10 * MAX_QUESTION_LENGTH:
            raise InvalidInput("An accepted answer must have 1 to {number} characters.", number=10 * MAX_QUESTION_LENGTH)
        if not model.strip():
            raise InvalidInput("Name the model.")
        replay = ReplayQuestion(
            id=uuid4().hex, model=model.strip(), question=_usable(question), accepted=accepted.strip(), created_at=self._clock(),
            created_by=user.id,
        )  # fmt: skip
        with self._unit_of_work() as work:
            kept = work.swaps.replays(replay.model)
            if any((each.question, each.accepted) == (replay.question, replay.accepted) for each in kept):
                raise Conflict("This answer is a replay question of {model} already.", model=replay.model)
            if len(kept) >= MAX_QUESTIONS:
                raise Conflict("There are {number} questions, which is the limit. Remove one first.", number=MAX_QUESTIONS)
            work.swaps.add_replay(replay)
            record(work, self._clock(), user.id, "replay.add", replay.model)
            work.commit()
        return replay

    def remove_replay(self, user: User, replay_id: str) -> None:
        """Remove a replay question. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            if not work.swaps.remove_replay(replay_id):
                raise NotFound("This question does not exist. It may have been removed.")
            record(work, self._clock(), user.id, "replay.remove", replay_id)
            work.commit()

    # Markers

    def markers(self, user: User, first: datetime, last: datetime) -> Sequence[ChangeMarker]:
        """Return the markers in [first, last) for charts, oldest first."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            return marked(work, first, last)


def _found(swap: Swap | None) -> Swap:
    if swap is None:
        raise NotFound("This swap does not exist.")
    return swap


def _usable(question: str) -> str:
    words = question.strip()
    if not 1 <= len(words) <= MAX_QUESTION_LENGTH:
        raise InvalidInput("A question must have 1 to {number} characters.", number=MAX_QUESTION_LENGTH)
    return words
