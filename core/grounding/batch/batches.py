"""Start, list, pause, cancel and retry batches of images."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from core.access.limits import Limits
from core.bounds import within
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.grounding.batch.archives import MAX_IMAGES, images_in
from core.grounding.exports.exports import ExportFormat, written
from core.grounding.phrases import checked_phrases
from core.grounding.records import BatchCounts, BatchItem, GroundBatch, ItemState
from core.knowledge.attachment import clean_name
from core.operations.disk import ENDLESS, DiskSpace
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.programs.on_behalf import noted_requester
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobState
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

RUN = "grounding.batch"
MAX_LISTED = 200
MAX_EXPORTED = 5_000
_ZIP = b"PK\x03\x04"


class GroundBatches:
    """Manages batches, each visible only to its owner. core/grounding/batch/batch_run.py processes them."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        jobs: Jobs,
        clock: Clock,
        privacy: PrivacyFilter,
        *,
        most_bytes: int,
        most_total: int,
        disk: DiskSpace = ENDLESS,
    ) -> None:
        """most_bytes: limit for one image. most_total: limit for all images of a batch."""
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._privacy = privacy
        self._most_bytes = most_bytes
        self.max_bytes = most_total
        self._disk = disk
        self._limits = Limits(unit_of_work, clock)

    def start(
        self, user: User, name: str, files: Sequence[tuple[str, bytes]], phrases: Sequence[str], model: str | None = None
    ) -> tuple[GroundBatch, Job, BatchCounts]:
        """Store the images and start the batch. files: names and contents of images and ZIP files.

        Each image counts as an upload. Raises NotAllowed, InvalidInput, LimitReached, Unavailable (disk full).
        """
        require(user, Permission.UPLOAD)
        require(user, Permission.DETECT)
        self._disk.check()
        texts = checked_phrases(phrases)
        images = self._images(files)
        with self._unit_of_work() as work:
            batch_id = uuid4().hex
            job = self._jobs.add(work, RUN, {"batch_id": batch_id, **noted_requester(work, user)}, owner=user)
            batch = GroundBatch(
                id=batch_id, user_id=user.id, name=clean_name(name), phrases=texts, model=model or None, job_id=job.id,
                created_at=self._clock(),
            )  # fmt: skip
            work.ground_batches.add(batch)
            for position, (image_name, content) in enumerate(images):
                self._limits.upload(work, user)
                work.ground_batches.add_item(BatchItem(id=uuid4().hex, batch_id=batch_id, position=position, name=image_name), content)
            work.commit()
        self._jobs.wake()
        return batch, job, BatchCounts(total=len(images))

    def _images(self, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        left = self.max_bytes
        for name, content in files:
            if content.startswith(_ZIP):
                unpacked = list(images_in(clean_name(name), content, self._most_bytes, left))
            else:
                unpacked = [(clean_name(name), content if len(content) <= self._most_bytes else b"")]
            found += unpacked
            left -= sum(len(each) for _, each in unpacked)
            if left < 0:
                limit = self.max_bytes // 1_000_000
                raise InvalidInput("The images have more than {limit} MB. Split them into several batches.", limit=limit)
            if len(found) > MAX_IMAGES:
                raise InvalidInput("A batch can have at most {limit} images.", limit=MAX_IMAGES)
        if not found:
            raise InvalidInput("Choose images or a ZIP file of images.")
        return found

    def get(self, user: User, batch_id: str) -> tuple[GroundBatch, Job | None, BatchCounts]:
        """Return one of the person's batches. Raises NotFound."""
        with self._unit_of_work() as work:
            return self._with(work, self._own(work, user, batch_id))

    def list(self, user: User, limit: int = 20) -> Sequence[tuple[GroundBatch, Job | None, BatchCounts]]:
        """List the person's batches, newest first. Raises InvalidInput."""
        require(user, Permission.DETECT)
        within("limit", limit, 1, MAX_LISTED)
        with self._unit_of_work() as work:
            return [self._with(work, batch) for batch in work.ground_batches.of_user(user.id, limit)]

    def items(
        self, user: User, batch_id: str, state: ItemState | None = None, limit: int = 100, offset: int = 0, *, empty: bool = False
    ) -> Sequence[BatchItem]:
        """List the images of a batch in order. empty: only those on which nothing was found. Raises NotFound, InvalidInput."""
        within("limit", limit, 1, MAX_LISTED)
        with self._unit_of_work() as work:
            self._own(work, user, batch_id)
            return work.ground_batches.items(batch_id, state, limit, offset, empty=empty)

    def pause(self, user: User, batch_id: str) -> Job:
        return self._jobs.pause(user, self._job(user, batch_id))

    def resume(self, user: User, batch_id: str) -> Job:
        return self._jobs.resume(user, self._job(user, batch_id))

    def cancel(self, user: User, batch_id: str) -> Job:
        """Stop a batch and keep its results. Raises NotFound, and Conflict if it has ended."""
        return self._jobs.cancel(user, self._job(user, batch_id))

    def retry(self, user: User, batch_id: str) -> Job:
        """Process the failed images again, and the images that a cancelled batch left. Raises NotFound, Conflict."""
        with self._unit_of_work() as work:
            batch = self._own(work, user, batch_id)
            job = work.jobs.get(batch.job_id)
            if job is not None and not job.ended:
                raise Conflict("This batch is still running. Wait until it ends, or cancel it.")
            counts = work.ground_batches.counts(batch_id)
            if not counts.failed and not counts.waiting:
                raise Conflict("No image of this batch failed.")
            work.ground_batches.reset_failed(batch_id)
            started = self._jobs.add(work, RUN, {"batch_id": batch_id, **noted_requester(work, user)}, owner=user)
            work.ground_batches.set_job(batch_id, started.id)
            work.commit()
        self._jobs.wake()
        return started

    def remove(self, user: User, batch_id: str) -> None:
        """Delete a batch with its images. Raises NotFound, and Conflict while it runs or under a legal hold."""
        with self._unit_of_work() as work:
            batch = self._own(work, user, batch_id)
            job = work.jobs.get(batch.job_id)
            if job is not None and not job.ended:
                raise Conflict("This batch is still running. Wait until it ends, or cancel it.")
            if work.retention.is_held(user.id):
                raise Conflict("Your images are under a legal hold and cannot be deleted. Ask an admin.")
            work.ground_batches.remove(batch_id)
            record(work, self._clock(), user.id, "grounding.delete_batch", batch_id)
            work.commit()

    def export(self, user: User, batch_id: str, format: ExportFormat) -> bytes:
        """Export the results of all images, and record the export in the audit log. Raises NotAllowed, NotFound."""
        require(user, Permission.EXPORT)
        with self._unit_of_work() as work:
            self._own(work, user, batch_id)
            found = work.ground_batches.runs(batch_id, MAX_EXPORTED)
            record(work, self._clock(), user.id, "grounding.export", format.value, rows=str(len(found)))
            work.commit()
        return written(format, found, self._privacy.exported(user))

    def _job(self, user: User, batch_id: str) -> str:
        with self._unit_of_work() as work:
            return self._own(work, user, batch_id).job_id

    @staticmethod
    def _with(work: UnitOfWork, batch: GroundBatch) -> tuple[GroundBatch, Job | None, BatchCounts]:
        return batch, work.jobs.get(batch.job_id), work.ground_batches.counts(batch.id)

    @staticmethod
    def _own(work: UnitOfWork, user: User, batch_id: str) -> GroundBatch:
        require(user, Permission.CHAT)
        found = work.ground_batches.get(batch_id)
        if found is None or not allows(user, Permission.CHAT, owner_id=found.user_id):
            raise NotFound("This batch does not exist. It may have been deleted.")
        return found


def ended(job: Job | None) -> bool:
    """Tell whether a batch has ended. None counts as ended, because jobs are deleted a month after their end."""
    return job is None or job.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
