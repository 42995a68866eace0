"""Upload images, find boxes on them, and list past runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from core.access.limits import Limits
from core.bounds import within
from core.characters import cut, one_line
from core.clock import Clock
from core.errors import Conflict, NotFound, PortalError, StoredError
from core.grounding.corrections import reviews_run
from core.grounding.finder import Finder
from core.grounding.ownership import own_image, own_run
from core.grounding.phrases import checked_phrases
from core.grounding.records import GroundImage, GroundRun
from core.images.images import Images
from core.inference.detection import Grounder
from core.knowledge.attachment import clean_name
from core.knowledge.ports import OnQueuePosition
from core.operations.disk import ENDLESS, DiskSpace
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

MAX_IMAGES = 20_000
"""Most images that one person may store."""
MAX_LISTED = 200
KEEP_RESULTS = timedelta(days=90)
FORGET = "grounding.forget"


class Grounding:
    """Manages images and runs, each visible only to its owner. Reviewers also see images of corrected runs."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        images: Images,
        finder: Finder,
        disk: DiskSpace = ENDLESS,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._images = images
        self._finder = finder
        self._disk = disk
        self._limits = Limits(unit_of_work, clock)

    @property
    def max_bytes(self) -> int:
        """Return the most bytes of one image as sent."""
        return self._images.max_bytes

    # Images

    def upload(
        self, user: User, name: str, content: bytes, on_queue_position: OnQueuePosition | None = None, *, batch_id: str | None = None
    ) -> GroundImage:
        """Decode and store an image, or return the stored one if the person uploaded the same image before.

        Raises NotAllowed, InvalidInput, Conflict (too many), LimitReached, and Busy and Unavailable as the reader does.
        """
        require(user, Permission.UPLOAD)
        self._disk.check()
        name = clean_name(name)
        decoded = self._images.decode(user, name, content, on_queue_position)
        image = GroundImage(
            id=uuid4().hex,
            user_id=user.id,
            name=name,
            media_type=decoded.media_type,
            sha256=decoded.sha256,
            size_bytes=len(decoded.content),
            mapping=decoded.mapping,
            created_at=self._clock(),
            batch_id=batch_id,
        )
        with self._unit_of_work() as work:
            if batch_id is None:
                known = work.grounding.image_with_hash(user.id, image.sha256)
                if known is not None and (known.name, known.mapping) == (name, decoded.mapping):
                    return known
                self._limits.upload(work, user)
            work.grounding.add_image(image, decoded.content)
            if work.grounding.count_images(user.id) > MAX_IMAGES:
                raise Conflict("You keep {limit} images already. Remove old ones first.", limit=f"{MAX_IMAGES:,}")
            work.commit()
        return image

    def image(self, user: User, image_id: str) -> tuple[GroundImage, Sequence[GroundRun]]:
        """Return one of the person's images with its runs, oldest first. Raises NotFound."""
        with self._unit_of_work() as work:
            return own_image(work, user, image_id), work.grounding.runs_of_image(image_id)

    def content(self, user: User, image_id: str) -> tuple[GroundImage, bytes]:
        """Return an image with its content: the person's own, or for reviewers one with a corrected run. Raises NotFound."""
        with self._unit_of_work() as work:
            image = work.grounding.image(image_id)
            runs = work.grounding.runs_of_image(image_id) if allows(user, Permission.REVIEW_FEEDBACK) else ()
            if image is None or not any(reviews_run(work, user, image, each) for each in runs):
                image = own_image(work, user, image_id)
            return image, work.grounding.content(image_id)

    def remove(self, user: User, image_id: str) -> None:
        """Delete an image with its runs. Raises NotFound, and Conflict under a legal hold."""
        with self._unit_of_work() as work:
            own_image(work, user, image_id)
            if work.retention.is_held(user.id):
                raise Conflict("Your images are under a legal hold and cannot be deleted. Ask an admin.")
            work.grounding.remove_image(image_id)
            record(work, self._clock(), user.id, "grounding.delete", image_id)
            work.commit()

    # Runs

    def grounders(self, user: User) -> Sequence[Grounder]:
        """Return the models that can find boxes for this person now, in order of preference. Raises NotAllowed."""
        require(user, Permission.DETECT)
        return self._finder.grounders(user)

    def find(
        self, user: User, image_id: str, phrases: Sequence[str], model: str | None = None, *, session: str = "", refresh: bool = False
    ) -> GroundRun:
        """Find boxes on one of the person's images and store the run. A failed run is stored with its error, which is then raised.

        Raises NotAllowed, NotFound, InvalidInput, and the errors of `Finder.find`.
        """
        require(user, Permission.DETECT)
        texts = checked_phrases(phrases)
        with self._unit_of_work() as work:
            image = own_image(work, user, image_id)
        began = time.monotonic()
        run = GroundRun(
            id=uuid4().hex,
            image_id=image.id,
            user_id=user.id,
            session=cut(one_line(session), 64),
            model=model or "",
            model_version="",
            phrases=texts,
            boxes=(),
            created_at=self._clock(),
        )
        try:
            found = self._finder.find(user, image, lambda: self._content(image.id), texts, model, refresh=refresh)
        except PortalError as problem:
            self._keep(replace(run, error=StoredError.of(problem), duration_s=time.monotonic() - began))
            raise
        run = replace(
            run,
            model=found.model,
            model_version=found.model_version,
            boxes=found.boxes,
            cached=found.cached,
            duration_s=time.monotonic() - began,
        )
        self._keep(run)
        return run

    def get(self, user: User, run_id: str) -> tuple[GroundRun, GroundImage]:
        """Return one of the person's runs with its image. Raises NotFound."""
        with self._unit_of_work() as work:
            return own_run(work, user, run_id)

    def history(self, user: User, limit: int = 50, before: str | None = None) -> Sequence[tuple[GroundRun, GroundImage]]:
        """List the person's runs on single images, newest first. before: id of the last run read. Raises NotFound, InvalidInput."""
        require(user, Permission.DETECT)
        within("limit", limit, 1, MAX_LISTED)
        with self._unit_of_work() as work:
            if before is not None:
                own_run(work, user, before)
            return work.grounding.runs_of_user(user.id, limit, before)

    # Cached results

    def job_kinds(self) -> Sequence[JobKind]:
        return [JobKind(FORGET, self._forget, every=timedelta(days=1), most_tries=3, resumable=True, listed=False)]

    def _forget(self, job: Job, report: Report) -> Mapping[str, Json]:
        with self._unit_of_work() as work:
            forgotten = work.grounding.forget_results(self._clock() - KEEP_RESULTS)
            work.commit()
        return {"removed": forgotten}

    def _content(self, image_id: str) -> bytes:
        with self._unit_of_work() as work:
            content = work.grounding.content(image_id)
        if not content:
            raise NotFound("This image does not exist. It may have been deleted.")
        return content

    def _keep(self, run: GroundRun) -> None:
        with self._unit_of_work() as work:
            if work.grounding.image(run.image_id) is None:
                raise NotFound("This image does not exist. It may have been deleted.")
            work.grounding.add_run(run)
            work.commit()
