"""Evaluations as jobs, on a made-up set."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from core.errors import Busy, Conflict, ModelFailed, NotAllowed, NotFound, PortalError
from core.grounding.evaluation.evaluations import KEPT, Evaluations
from core.grounding.evaluation.records import Evaluation, ImageKind, LabelledImage, LabelledSet, Score
from core.grounding.finder import Finder
from core.grounding.records import Box
from core.images.images import Images
from core.inference.detection import DetectionRequest
from core.inference.gateway import Gateway
from core.people.records import User
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobState
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.conftest import MovingClock
from tests.unit.core.grounding.conftest import BOX, PNG, FakeDetection, FakeDetectors, FakeReader

Start = Callable[[Sequence[JobKind]], JobWorker]
FOUND = Box(*BOX)
"""What the fake detector finds for each phrase."""
ELSEWHERE = Box(0, 0, 20, 20)
SET = LabelledSet(
    "7",
    (
        LabelledImage("a.png", ImageKind.SHAPE, PNG + b"a", 110, 90, {"star": (FOUND,), "square": (ELSEWHERE,), "circle": ()}),
        LabelledImage("b.png", ImageKind.TEXT, PNG + b"b", 110, 90, {"all text": (FOUND, ELSEWHERE)}),
    ),
)


class MadeUpImages:
    def load(self) -> LabelledSet:
        return SET


@pytest.fixture
def evaluations(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, detectors: FakeDetectors, router: FakeRouter
) -> Evaluations:
    images = Images(FakeReader(), 1_000_000)
    finder = Finder(unit_of_work, Gateway(unit_of_work, router, clock, images=images, detectors=detectors), images, clock)
    return Evaluations(unit_of_work, jobs, clock, finder, MadeUpImages(), pause_s=0.01)


def ended(evaluations: Evaluations, admin: User, job: Job) -> Job:
    until = time.monotonic() + 60
    while True:
        found = next(each for each in evaluations.started(admin) if each.id == job.id)
        if found.ended:
            return found
        assert time.monotonic() < until, "the job did not end"
        time.sleep(0.02)


def test_boxes_are_counted_by_kind(evaluations: Evaluations, working: Start, admin: User, ana: User) -> None:
    working(evaluations.job_kinds())
    job = ended(evaluations, admin, evaluations.start(admin, "finder"))
    [result] = evaluations.list(ana)
    assert (result.id, result.model, result.model_version, result.set_version, result.images) == (job.id, "finder", "1", "7", 2)
    assert result.shapes == Score(right=1, wrong=2, missed=1), "the star is right; the square elsewhere; there is no circle"
    assert result.texts == Score(right=1, missed=1)
    assert job.result == {"precision": 0.5, "recall": 0.5}


def test_kept_results_are_not_used(evaluations: Evaluations, working: Start, admin: User, detectors: FakeDetectors) -> None:
    working(evaluations.job_kinds())
    for _ in range(2):
        ended(evaluations, admin, evaluations.start(admin, "finder"))
    assert len(detectors.asked) == 4
    assert len(evaluations.list(admin)) == 2 and evaluations.list(admin, "another") == []


def test_a_busy_model_is_waited_for(
    evaluations: Evaluations, working: Start, admin: User, detectors: FakeDetectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[PortalError] = [Busy("finder is busy.", retry_after=1)] * 2
    detect = detectors.detect

    def busy_at_first(request: DetectionRequest) -> FakeDetection:
        return FakeDetection("finder", "1", answers.pop()) if answers else detect(request)

    monkeypatch.setattr(detectors, "detect", busy_at_first)
    working(evaluations.job_kinds())
    assert ended(evaluations, admin, evaluations.start(admin, "finder")).state is JobState.DONE


def test_a_model_that_changes_meanwhile_has_no_result(
    evaluations: Evaluations, working: Start, admin: User, detectors: FakeDetectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = detectors.detect

    def changed(request: DetectionRequest) -> FakeDetection:
        detectors.versions["finder"] = f"{len(detectors.asked)}"
        return detect(request)

    monkeypatch.setattr(detectors, "detect", changed)
    working(evaluations.job_kinds())
    job = ended(evaluations, admin, evaluations.start(admin, "finder"))
    assert job.state is JobState.FAILED and "finder changed while it was evaluated" in str(job.error)
    assert evaluations.list(admin) == []


def test_only_who_runs_models_evaluates_them(evaluations: Evaluations, admin: User, ana: User, detectors: FakeDetectors) -> None:
    with pytest.raises(NotAllowed):
        evaluations.start(ana, "finder")
    with pytest.raises(NotAllowed):
        evaluations.started(ana)
    with pytest.raises(NotFound, match="There is no model other"):
        evaluations.start(admin, "other")
    evaluations.start(admin, "finder")
    with pytest.raises(Conflict, match="already running or waiting"):
        evaluations.start(admin, "finder")
    detectors.answers["second"] = ModelFailed("no")
    assert evaluations.start(admin, "second").state is JobState.WAITING, "another model may be evaluated, too"


def test_the_newest_results_of_a_model_are_kept(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> None:
    def result(number: int, model: str) -> Evaluation:
        return Evaluation(
            id=f"{model}-{number:03}", model=model, model_version="1", set_version="7", shapes=Score(), texts=Score(), images=1, seconds=1,
            created_at=clock(),
        )  # fmt: skip

    with unit_of_work() as work:
        work.ground_evaluations.put(result(0, "other"))
        for number in range(KEPT + 2):
            work.ground_evaluations.put(result(number, "finder"))
        work.ground_evaluations.put(result(KEPT + 1, "finder"))
        work.ground_evaluations.trim("finder", KEPT)
        kept = work.ground_evaluations.newest(200, "finder")
        assert len(kept) == KEPT and min(each.id for each in kept) == "finder-002"
        assert len(work.ground_evaluations.newest(200)) == KEPT + 1
