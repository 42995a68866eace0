"""Carry out a hot swap step by step, as a job. After any failure the old version serves again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import timedelta

from core.changes.markers import mark
from core.changes.records import Change
from core.clock import Clock
from core.errors import PortalError, StoredError
from core.models.records import ModelState
from core.models.swaps.canary import CANARY_TOKENS, LIMIT_S, REPLAY_TOKENS, asking, canaries_for, judged, trouble
from core.models.swaps.ports import PatternFinder, Succession, Successions
from core.models.swaps.records import Decision, StepKind, StepState, Swap, SwapState, VersionStats
from core.models.swaps.replays import gate_result
from core.people.audit_events import record
from core.tasks.handlers import Cancelled, Report, Stopping
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

POLL_S = 0.1
PATIENCE = timedelta(hours=24)
"""Longest wait for an admin's approval, or for enough answers at one share of traffic."""


class Refused(Exception):
    """Raised if the swap must not continue. The reason is shown to people."""

    def __init__(self, template: str, **params: str | int | float) -> None:
        super().__init__(template)
        self.reason = StoredError(template, params)


class SwapRun:
    """Runs one swap on the thread of its job."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        successions: Successions,
        patterns: PatternFinder,
        switched: Callable[[Swap, bool], None],
    ) -> None:
        """switched: called when the new version takes over the name (True) or gives it back (False)."""
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._successions = successions
        self._patterns = patterns
        self._switched = switched

    def run(self, job: Job, report: Report) -> Mapping[str, Json]:
        """Run the swap of a job."""
        with self._unit_of_work() as work:
            swap = work.swaps.get(job.id)
        if swap is None or not swap.active:
            return {}
        under_way = _UnderWay(swap, self._unit_of_work, self._clock, report)
        try:
            under_way.succession = self._successions.begin(swap.model, swap.new_path, swap.settings)
            for step in swap.steps:
                under_way.begin(step.kind)
                self._step(step.kind, under_way)
                under_way.end(step.kind, StepState.DONE)
        except Stopping:
            raise  # The portal is stopping and frees everything. Its next start marks the swap as interrupted.
        except Refused as problem:
            self._roll_back(under_way, problem.reason)
        except PortalError as problem:
            self._roll_back(under_way, StoredError.of(problem))
        except Cancelled:
            self._roll_back(under_way, StoredError("It was cancelled."))
            raise
        except Exception:
            self._roll_back(under_way, StoredError("A fault in the portal ended it. The log has the details."))
            raise
        else:
            under_way.finish(SwapState.DONE, None)
        return {"name": swap.model, "state": under_way.swap.state.value, "version": under_way.swap.new_version}

    def _step(self, kind: StepKind, it: _UnderWay) -> None:
        steps: dict[StepKind, Callable[[_UnderWay], None]] = {
            StepKind.MAKE_ROOM: self._make_room,
            StepKind.LOAD: self._load,
            StepKind.CANARY: self._canary,
            StepKind.REPLAY: self._replay,
            StepKind.SHARE: self._share,
            StepKind.SWITCH: self._switch,
            StepKind.WATCH: self._watch,
            StepKind.DRAIN: self._drain,
            StepKind.UNLOAD: self._unload,
        }
        steps[kind](it)

    def _make_room(self, it: _UnderWay) -> None:
        """Drain and unload the old version first, because there is no memory for both."""
        it.now.hold()
        self._drain(it)
        if not it.now.free_leaving():
            raise Refused("The old version did not stop. Restart the portal to free its memory.")

    def _load(self, it: _UnderWay) -> None:
        it.now.load()
        while (candidate := it.now.candidate()).state is ModelState.LOADING:
            it.look(candidate.progress)
        if candidate.state is not ModelState.READY:
            reason = candidate.error or StoredError("The new version could not be loaded.")
            raise Refused(reason.template, **reason.params)

    def _canary(self, it: _UnderWay) -> None:
        with self._unit_of_work() as work:
            questions = canaries_for(it.swap.model, tuple(work.swaps.canaries()))
        for number, canary in enumerate(questions):
            trial = it.now.ask(asking(canary.question, CANARY_TOKENS), canary.question, LIMIT_S)
            it.change(canary=(*it.swap.canary, judged(trial, canary, it.swap.options, self._patterns.found)))
            it.look((number + 1) / len(questions))
        failed = [trial for trial in it.swap.canary if trial.verdict is not None]
        if failed:
            why = failed[0].verdict
            raise Refused(
                "{n} of {total} canary questions failed. {question}: {why}",
                n=len(failed), total=len(questions), question=failed[0].question[:100], why=str(why),
            )  # fmt: skip

    def _replay(self, it: _UnderWay) -> None:
        with self._unit_of_work() as work:
            questions = work.swaps.replays(it.swap.model)
        for number, one in enumerate(questions):
            trial = it.now.ask(asking(one.question, REPLAY_TOKENS), one.question, LIMIT_S)
            it.change(replay=(*it.swap.replay, replace(trial, accepted=one.accepted)))
            it.look((number + 1) / len(questions))
        if (gate := gate_result(it.swap)) is not None:
            if gate.reached:
                return
            few = StoredError("{passed} of {total} answers pass; {needed} must.", asdict(gate))
            it.change_step(StepKind.REPLAY, note=few)
        it.change(state=SwapState.ASKING)
        deadline = self._clock() + PATIENCE
        while not it.approved():
            it.look(1.0)
            if self._clock() > deadline:
                raise Refused("No admin approved the replayed answers within a day.")
        it.change(state=SwapState.RUNNING)

    def _share(self, it: _UnderWay) -> None:
        for share in it.swap.options.shares:
            it.now.share(share)
            before = it.now.stats()[1].answers
            it.change(share=share)
            deadline = self._clock() + PATIENCE
            while not it.approved() and (given := it.stats().answers - before) < it.swap.options.share_answers:
                it.look(given / it.swap.options.share_answers)
                self._compare(it)
                if self._clock() > deadline:
                    raise Refused("Too few questions arrived within a day at {share} % of the traffic.", share=share)
        self._compare(it)

    def _compare(self, it: _UnderWay) -> None:
        candidate = it.now.candidate()
        if candidate.state is not ModelState.READY:
            raise Refused("The new version stopped: {reason}", reason=str(candidate.error or candidate.state.value))
        it.stats()
        if (why := trouble(*it.now.stats(), it.swap.options)) is not None:
            raise Refused(why.template, **why.params)

    def _switch(self, it: _UnderWay) -> None:
        it.now.switch()
        it.switched = True
        self._switched(it.swap, True)
        it.change(share=100)

    def _watch(self, it: _UnderWay) -> None:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < it.swap.options.watch_s and not it.approved():
            self._compare(it)
            it.look(passed / it.swap.options.watch_s)

    def _drain(self, it: _UnderWay) -> None:
        deadline = time.monotonic() + it.swap.options.drain_s
        while it.now.leaving() and time.monotonic() < deadline:
            it.look(0.5)

    def _unload(self, it: _UnderWay) -> None:
        if not it.now.free_leaving():
            it.change_step(StepKind.UNLOAD, note=StoredError("The old version did not stop. Restart the portal to free its memory."))

    def _roll_back(self, it: _UnderWay, reason: StoredError) -> None:
        log.warning("the swap of %s is rolled back: %s", it.swap.model, reason)
        it.failed(reason)
        try:
            if it.succession is not None:
                it.succession.roll_back()
                if it.switched:
                    self._switched(it.swap, False)
        except PortalError as problem:
            log.error("the old version of %s does not serve: %s", it.swap.model, problem)
            reason = StoredError(
                "{reason} The old version could not be restored: {problem}", {"reason": str(reason), "problem": str(problem)}
            )
        it.finish(SwapState.ROLLED_BACK, reason)


class _UnderWay:
    """Holds a swap for its thread, and stores every change with the audit event of its step."""

    def __init__(self, swap: Swap, unit_of_work: UnitOfWorkFactory, clock: Clock, report: Report) -> None:
        self.swap = swap
        self.succession: Succession | None = None
        self.switched = False
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._report = report
        self._done = 0

    @property
    def now(self) -> Succession:
        assert self.succession is not None
        return self.succession

    def begin(self, kind: StepKind) -> None:
        self.change_step(kind, state=StepState.RUNNING, started_at=self._clock())

    def end(self, kind: StepKind, state: StepState) -> None:
        self._done += 1
        self.change_step(kind, state=state, ended_at=self._clock())

    def change_step(self, kind: StepKind, **changes: object) -> None:
        self.swap = self.swap.stepped(kind, **changes)
        state = changes.get("state")
        self._save({"step": kind.value, "state": str(state), "version": self.swap.new_version} if state else None)

    def change(self, **changes: object) -> None:
        self.swap = replace(self.swap, **changes)  # type: ignore[arg-type]
        self._save(None)

    def stats(self) -> VersionStats:
        """Store with the swap how answers ended; returns those of the new version."""
        old, new = self.now.stats()
        if (old, new) != (self.swap.old_figures, self.swap.new_figures):
            self.change(old_figures=old, new_figures=new)
        return new

    def approved(self) -> bool:
        """Tell whether an admin approved, and clear the decision. Raises Refused if the admin chose a rollback."""
        with self._unit_of_work() as work:
            decision = work.swaps.decision(self.swap.id)
            if decision is Decision.ROLL_BACK:
                raise Refused("An admin rolled it back.")
            if decision is Decision.APPROVE:
                work.swaps.decide(self.swap.id, None)
                work.commit()
        return decision is Decision.APPROVE

    def look(self, progress: float) -> None:
        """Report progress and wait a moment. Raises Refused, Cancelled or Stopping if the swap must end."""
        self._report((self._done + min(1.0, progress)) / max(1, len(self.swap.steps)))
        time.sleep(POLL_S)
        with self._unit_of_work() as work:
            if work.swaps.decision(self.swap.id) is Decision.ROLL_BACK:
                raise Refused("An admin rolled it back.")

    def failed(self, reason: StoredError) -> None:
        """Mark the running step as failed and the rest as skipped."""
        now = self._clock()
        for step in self.swap.steps:
            if step.state is StepState.RUNNING:
                self.change_step(step.kind, state=StepState.FAILED, ended_at=now, note=reason)
            elif step.state is StepState.WAITING:
                self.swap = self.swap.stepped(step.kind, state=StepState.SKIPPED)

    def finish(self, state: SwapState, reason: StoredError | None) -> None:
        now = self._clock()
        self.swap = replace(self.swap, state=state, reason=reason, ended_at=now, share=100 if state is SwapState.DONE else 0)
        details = {"from": self.swap.old_version, "to": self.swap.new_version, "state": state.value}
        with self._unit_of_work() as work:
            work.swaps.save(self.swap)
            if self.switched or state is SwapState.DONE:
                mark(work, now, Change.SWAP, self.swap.model, **details)
            record(work, now, self.swap.started_by, "model.swap", self.swap.model, state=state.value, version=self.swap.new_version)
            work.commit()

    def _save(self, event: Mapping[str, str] | None) -> None:
        with self._unit_of_work() as work:
            work.swaps.save(self.swap)
            if event is not None:
                record(work, self._clock(), self.swap.started_by, "model.swap", self.swap.model, **event)
            work.commit()
