"""Process a batch of images in a job, several at once. Each image is stored with its result, so that none is lost or done twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

from core.clock import Clock
from core.errors import Busy, InvalidInput, PortalError, StoredError, Unavailable
from core.grounding.batch.batches import RUN
from core.grounding.finder import Finder
from core.grounding.records import BatchItem, GroundBatch, GroundImage, GroundRun
from core.images.images import Images
from core.people.permissions import Permission
from core.people.records import User
from core.programs.on_behalf import Requester
from core.tasks.handlers import POLL_S, Cancelled, JobKind, Report, pause
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

BATCHES_AT_ONCE = 2
IMAGES_AT_ONCE = 3
READ_AT_ONCE = 60
TRIES = 5
"""Most tries of one image while the models are busy or unavailable."""
MAX_WAIT_S = 30.0
UNREADABLE = "{name} is too large, encrypted or damaged in its archive."


class GroundBatchRun:
    """Runs the jobs of batches."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, images: Images, finder: Finder, clock: Clock, longest_wait_s: float = MAX_WAIT_S
    ) -> None:
        """longest_wait_s: longest wait between tries of an image while the models are busy or unavailable."""
        self._unit_of_work = unit_of_work
        self._images = images
        self._finder = finder
        self._clock = clock
        self._longest_wait_s = longest_wait_s

    def job_kinds(self) -> Sequence[JobKind]:
        return [JobKind(RUN, self.run, most_tries=10, resumable=True, at_once=BATCHES_AT_ONCE)]

    def run(self, job: Job, report: Report) -> Mapping[str, Json]:
        """Find boxes on the remaining images of the job's batch."""
        with self._unit_of_work() as work:
            batch = work.ground_batches.get(str(job.payload["batch_id"]))
        if batch is None:
            return {}
        stop = threading.Event()
        with ThreadPoolExecutor(IMAGES_AT_ONCE, f"images-{batch.id[:8]}") as pool:
            try:
                requester = Requester(self._unit_of_work, job, self._clock, Permission.DETECT)
                while True:
                    requester.look()
                    with self._unit_of_work() as work:
                        counts = work.ground_batches.counts(batch.id)
                        waiting = work.ground_batches.waiting(batch.id, READ_AT_ONCE)
                    over = counts.total - counts.waiting
                    report(over / max(1, counts.total), done=over, total=counts.total)
                    if not waiting:
                        return {"done": counts.done, "failed": counts.failed}
                    self._some(pool, batch, requester, waiting, report, stop, over, counts.total)
            finally:
                stop.set()

    def _some(
        self,
        pool: ThreadPoolExecutor,
        batch: GroundBatch,
        requester: Requester,
        items: Sequence[BatchItem],
        report: Report,
        stop: threading.Event,
        before: int,
        total: int,
    ) -> None:
        def check() -> None:
            if stop.is_set():
                raise Cancelled
            report.check()

        pending: set[Future[None]] = {pool.submit(self._one, batch, requester.user, item, check) for item in items}
        try:
            while pending:
                over, pending = wait(pending, POLL_S)
                requester.look()
                for each in over:
                    each.result()
                report((before + len(items) - len(pending)) / max(1, total), done=before + len(items) - len(pending), total=total)
        finally:
            if pending:
                stop.set()
            for each in pending:
                each.cancel()

    def _one(self, batch: GroundBatch, user: User, item: BatchItem, check: Callable[[], None]) -> None:
        began = time.monotonic()
        tries = 0
        while True:
            check()
            try:
                image, content, run = self._found(batch, user, item)
                break
            except (Busy, Unavailable) as problem:
                tries += 1
                if tries >= TRIES:
                    self._failed(item, problem)
                    return
                pause(problem.retry_after if isinstance(problem, Busy) else 2.0**tries, self._longest_wait_s, check)
            except PortalError as problem:
                self._failed(item, problem)
                return
        with self._unit_of_work() as work:
            if work.ground_batches.finish(item.id, len(run.boxes), time.monotonic() - began):
                work.grounding.add_image(image, content)
                work.grounding.add_run(run)
                work.commit()

    def _found(self, batch: GroundBatch, user: User, item: BatchItem) -> tuple[GroundImage, bytes, GroundRun]:
        with self._unit_of_work() as work:
            sent = work.ground_batches.content(item.id)
        if not sent:
            raise InvalidInput(UNREADABLE, name=item.name)
        decoded = self._images.decode(user, item.name, sent)
        now = self._clock()
        image = GroundImage(
            id=item.id, user_id=batch.user_id, name=item.name, media_type=decoded.media_type, sha256=decoded.sha256,
            size_bytes=len(decoded.content), mapping=decoded.mapping, created_at=now, batch_id=batch.id,
        )  # fmt: skip
        began = time.monotonic()
        found = self._finder.find(user, image, lambda: decoded.content, batch.phrases, batch.model, batch=True)
        run = GroundRun(
            id=item.id, image_id=image.id, user_id=batch.user_id, session=batch.id, model=found.model, model_version=found.model_version,
            phrases=batch.phrases, boxes=found.boxes, created_at=now, cached=found.cached,
        )  # fmt: skip
        return image, decoded.content, replace(run, duration_s=time.monotonic() - began)

    def _failed(self, item: BatchItem, problem: PortalError) -> None:
        with self._unit_of_work() as work:
            work.ground_batches.fail(item.id, StoredError.of(problem))
            work.commit()
