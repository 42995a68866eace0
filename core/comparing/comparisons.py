"""Compare two model files as a job, and let people vote blindly on the answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from core.clock import Clock
from core.comparing.ports import FileComparer
from core.comparing.questions import BUILT_IN
from core.comparing.records import (
    Ballot,
    ComparedQuestion,
    Comparison,
    QuestionResult,
    QuestionSet,
    Vote,
    VoteChoice,
    VoteCounts,
)
from core.errors import Conflict, InvalidInput, NotFound, PortalError, StoredError
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

KIND = "model.compare"
MAX_QUESTIONS = 60
MAX_LISTED = 50
_LOADED = 0.1
"""Share of the progress that is reached once both files are loaded."""


class Comparisons:
    """Manages comparisons, one at a time on each server."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, jobs: Jobs, server: str, comparer: FileComparer) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._jobs = jobs
        self._server = server
        self._comparer = comparer

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, at_once=1)]

    def start(
        self, user: User, reference: Path, candidate: Path, sets: Collection[QuestionSet] = (QuestionSet.BUILT_IN,)
    ) -> Comparison:
        """Start comparing a candidate with a reference, on this server. Raises InvalidInput, Conflict (one is running)."""
        require(user, Permission.RUN_MODELS)
        files = self._comparer.check(reference, candidate)
        with self._unit_of_work() as work:
            questions = _questions(work, sets)
            if not questions:
                raise InvalidInput("There are no replay questions yet. Add some, or compare with the built-in questions.")
            payload: dict[str, Json] = {
                "name": f"{candidate.name} / {reference.name}", "sets": [each.value for each in sets],
            }  # fmt: skip
            try:
                job = self._jobs.add(work, KIND, payload, owner=user, key=f"{KIND}:{self._server}"[-200:], server=self._server)
            except Conflict:
                raise Conflict("Another comparison is running. Wait until it ends, or cancel it on the Jobs page.") from None
            comparison = Comparison(
                id=job.id, started_by=user.id, created_at=self._clock(), server=self._server, reference=files[0], candidate=files[1],
                questions=len(questions),
            )  # fmt: skip
            work.file_comparisons.add(comparison)
            record(work, self._clock(), user.id, "model.compare", candidate.name, reference=reference.name)
            work.commit()
        self._jobs.wake()
        return comparison

    def list(self, user: User) -> Sequence[Comparison]:
        """List comparisons, newest first."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.file_comparisons.newest(MAX_LISTED)

    def get(self, user: User, comparison_id: str) -> Comparison:
        """Return a comparison. Raises NotFound."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return _found(work, comparison_id)

    def remove(self, user: User, comparison_id: str) -> None:
        """Delete a comparison with its votes. Raises NotFound, Conflict while it runs."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            comparison = _found(work, comparison_id)
            if comparison.ended_at is None:
                raise Conflict("This comparison is running. Cancel it on the Jobs page first.")
            work.file_comparisons.remove(comparison_id)
            record(work, self._clock(), user.id, "model.compare_remove", comparison.candidate.path.name)
            work.commit()

    # Votes

    def ballot(self, user: User, comparison_id: str) -> Ballot | None:
        """Return the next question that this person has not voted on; None after the last one. Raises NotFound, Conflict."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            comparison = _answered(work, comparison_id)
            voted = work.file_comparisons.voted(comparison_id, user.id)
        for number, result in enumerate(comparison.results):
            if number not in voted:
                first, second = result.texts if _in_order(user, comparison_id, number) else result.texts[::-1]
                return Ballot(
                    number=number, question=result.question, answer_a=first, answer_b=second, voted=len(voted), of=len(comparison.results)
                )
        return None

    def vote(self, user: User, comparison_id: str, number: int, choice: str) -> None:
        """Vote on a question: "a", "b", "alike" or "poor". A person's latest vote counts. Raises NotFound, InvalidInput, Conflict."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            comparison = _answered(work, comparison_id)
            if not 0 <= number < len(comparison.results):
                raise NotFound("This comparison has no question {n}.", n=number)
            meant = _meant(choice, in_order=_in_order(user, comparison_id, number))
            work.file_comparisons.vote(Vote(comparison_id=comparison_id, user_id=user.id, number=number, choice=meant))
            work.commit()

    def votes(self, user: User, comparison_id: str) -> Mapping[int, VoteCounts]:
        """Count the votes of all people, by question."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.file_comparisons.votes(comparison_id)

    # The job

    def recover(self) -> int:
        """End comparisons that an earlier process of this server left running; returns how many."""
        reason = StoredError("The portal was stopped during this comparison. Start it again.")
        with self._unit_of_work() as work:
            left = work.file_comparisons.running(self._server)
            for each in left:
                work.file_comparisons.save(replace(each, ended_at=self._clock(), error=reason))
            work.commit()
        return len(left)

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        with self._unit_of_work() as work:
            comparison = _found(work, job.id)
            sets = job.payload.get("sets")
            questions = _questions(work, [QuestionSet(str(each)) for each in sets] if isinstance(sets, list | tuple) else ())
        memory = [0, 0]

        def loaded(side: int, taken: int) -> None:
            memory[side] = taken
            report(_LOADED * (side + 1) / 2)

        results: list[QuestionResult] = []
        reason: StoredError | None = StoredError("It was cancelled.")
        try:
            found = self._comparer.compare(comparison.reference.path, comparison.candidate.path, questions, loaded, report.check)
            for result in found:
                results.append(result)
                report(_LOADED + (1 - _LOADED) * len(results) / len(questions))
            reason = None
        except PortalError as problem:
            reason = StoredError.of(problem)
            raise
        finally:
            # This also runs after a cancel, which is not a PortalError.
            ended = replace(
                comparison, results=tuple(results), ended_at=self._clock(), error=reason, questions=len(questions),
                reference=replace(comparison.reference, memory_bytes=memory[0]),
                candidate=replace(comparison.candidate, memory_bytes=memory[1]),
            )  # fmt: skip
            with suppress(PortalError), self._unit_of_work() as work:
                work.file_comparisons.save(ended)
                work.commit()
        return {"comparison": comparison.id}


def _questions(work: UnitOfWork, sets: Collection[QuestionSet]) -> Sequence[ComparedQuestion]:
    built_in = BUILT_IN if QuestionSet.BUILT_IN in sets else ()
    replays = work.swaps.replays() if QuestionSet.REPLAY in sets else ()
    return [*built_in, *(ComparedQuestion(each.question, each.accepted) for each in replays)][:MAX_QUESTIONS]


def _found(work: UnitOfWork, comparison_id: str) -> Comparison:
    found = work.file_comparisons.get(comparison_id)
    if found is None:
        raise NotFound("This comparison does not exist.")
    return found


def _answered(work: UnitOfWork, comparison_id: str) -> Comparison:
    comparison = _found(work, comparison_id)
    if not comparison.done:
        raise Conflict("This comparison has no answers to vote on.")
    return comparison


def _in_order(user: User, comparison_id: str, number: int) -> bool:
    """Tell whether answer A is the reference's: at random, but always the same for a person and a question."""
    return sha256(f"{comparison_id} {user.id} {number}".encode()).digest()[0] % 2 == 0


def _meant(choice: str, *, in_order: bool) -> VoteChoice:
    if choice in ("alike", "poor"):
        return VoteChoice(choice)
    if choice not in ("a", "b"):
        raise InvalidInput("A vote can be a, b, alike or poor.")
    return VoteChoice.REFERENCE if (choice == "a") is in_order else VoteChoice.CANDIDATE
