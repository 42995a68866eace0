"""Evaluate models on the labelled set in a job, and list the results."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from core.bounds import within
from core.clock import Clock
from core.errors import Busy, Conflict, NotFound, Unavailable
from core.grounding.evaluation.ports import LabelledImages
from core.grounding.evaluation.records import Evaluation, ImageKind, LabelledImage, Score
from core.grounding.evaluation.scores import score
from core.grounding.finder import Answer, Finder
from core.grounding.records import GroundImage
from core.images.records import PixelMapping
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.programs.on_behalf import requester_of
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobFilter, Json
from core.unit_of_work import UnitOfWorkFactory

EVALUATE = "grounding.evaluate"
KEPT = 100
"""Most stored results of each model."""
MAX_LISTED = 200
TRIES = 5
"""Most tries of one image while the model is busy or unavailable."""
PAUSE_S = 2.0
CHANGED = "{model} changed while it was evaluated. Evaluate it again."


class Evaluations:
    """Shows results to people who may find boxes, and starts evaluations for people who may run models."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        jobs: Jobs,
        clock: Clock,
        finder: Finder,
        labelled: LabelledImages,
        pause_s: float = PAUSE_S,
    ) -> None:
        """pause_s: seconds between tries of an image while the model is busy or unavailable."""
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._finder = finder
        self._labelled = labelled
        self._pause_s = pause_s

    def start(self, user: User, model: str) -> Job:
        """Start to evaluate a model. Raises NotAllowed, NotFound (it cannot find boxes now), Conflict (it is already being evaluated)."""
        require(user, Permission.RUN_MODELS)
        person = replace(user, key=None)  # An API key for models may start the job, which then asks as the person.
        if model not in [each.name for each in self._finder.grounders(person)]:
            raise NotFound("There is no model {model} that finds boxes.", model=model[:200])
        with self._unit_of_work() as work:
            key = f"{EVALUATE}:{sha256(model.encode()).hexdigest()[:32]}"
            job = self._jobs.add(work, EVALUATE, {"model": model}, owner=user, key=key)
            record(work, self._clock(), user.id, "grounding.evaluate", model)
            work.commit()
        self._jobs.wake()
        return job

    def list(self, user: User, model: str | None = None, limit: int = 50) -> Sequence[Evaluation]:
        """List results, newest first. Raises NotAllowed, InvalidInput."""
        require(user, Permission.DETECT)
        within("limit", limit, 1, MAX_LISTED)
        with self._unit_of_work() as work:
            return work.ground_evaluations.newest(limit, model)

    def started(self, user: User) -> Sequence[Job]:
        """Return the newest evaluation jobs, ended or not. Raises NotAllowed."""
        require(user, Permission.RUN_MODELS)
        with self._unit_of_work() as work:
            return work.jobs.find(JobFilter(kinds=(EVALUATE,)), 10)

    def job_kinds(self) -> Sequence[JobKind]:
        return [JobKind(EVALUATE, self._run, most_tries=3, resumable=True, at_once=1)]

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        """Ask the model for every phrase of the labelled set, without cached results."""
        model = str(job.payload["model"])
        labelled = self._labelled.load()
        counts = dict.fromkeys(ImageKind, Score())
        seconds = 0.0
        version: str | None = None
        for number, image in enumerate(labelled.images):
            report(number / len(labelled.images), done=number, total=len(labelled.images))
            with self._unit_of_work() as work:
                user = requester_of(work, job, self._clock())
            require(user, Permission.RUN_MODELS)
            answer, took = self._answer(user, image, model, report)
            seconds += took
            if answer.model != model or version not in (None, answer.model_version):
                raise Conflict(CHANGED, model=model)
            version = answer.model_version
            for index, there in enumerate(image.phrases.values()):
                counts[image.kind] += score([box for box in answer.boxes if box.phrase == index], there)
        evaluation = Evaluation(
            id=job.id,
            model=model,
            model_version=version or "",
            set_version=labelled.version,
            shapes=counts[ImageKind.SHAPE],
            texts=counts[ImageKind.TEXT],
            images=len(labelled.images),
            seconds=seconds,
            created_at=self._clock(),
        )
        with self._unit_of_work() as work:
            work.ground_evaluations.put(evaluation)
            work.ground_evaluations.trim(model, KEPT)
            work.commit()
        return {"precision": evaluation.total.precision, "recall": evaluation.total.recall}

    def _answer(self, user: User, image: LabelledImage, model: str, report: Report) -> tuple[Answer, float]:
        """Return the model's answer and its duration in seconds, retrying while the model is busy or unavailable."""
        mapping = PixelMapping(
            source_width=image.width, source_height=image.height, orientation=1, width=image.width, height=image.height
        )
        whole = GroundImage(
            id=image.name, user_id=user.id, name=image.name, media_type="image/png", sha256=sha256(image.content).hexdigest(),
            size_bytes=len(image.content), mapping=mapping, created_at=self._clock(),
        )  # fmt: skip
        tries = 0
        while True:
            began = time.monotonic()
            try:
                found = self._finder.find(user, whole, lambda: image.content, list(image.phrases), model, refresh=True, batch=True)
                return found, time.monotonic() - began
            except (Busy, Unavailable):
                tries += 1
                if tries == TRIES:
                    raise
            self._pause(2.0**tries * self._pause_s, report)

    @staticmethod
    def _pause(seconds: float, report: Report) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            report.check()
            time.sleep(min(left, 0.2))
