"""Upload images, find boxes on them, correct and export what was found."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

from core.access.limits import Limits
from core.bounds import within
from core.characters import cut, one_line, without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, PortalError, StoredError
from core.grounding.boxes import clipped
from core.grounding.exports import ExportFormat, written
from core.grounding.finder import Finder
from core.grounding.geometry import to_decoded
from core.grounding.phrases import checked_phrases
from core.grounding.ports import BoxDrawer
from core.grounding.records import Box, GroundImage, GroundRun
from core.images.images import Images
from core.images.records import DecodedImage
from core.inference.detection import Grounder
from core.knowledge.attachment import clean_name
from core.knowledge.ports import OnPlace
from core.operations.disk import ENDLESS, DiskSpace
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.review.records import ABOUT_IMAGE, Feedback, ReviewState
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MOST_IMAGES = 20_000
"""Images that one person may keep."""
MOST_BOXES = 500
"""In a correction."""
MOST_COMMENT = 4_000
MOST_LISTED = 200
KEEP_RESULTS = timedelta(days=90)
FORGET = "grounding.forget"


@dataclass(frozen=True, slots=True)
class Case:
    """A corrected run, as reviewers see it."""

    run: GroundRun
    image: GroundImage
    content: bytes


class Grounding:
    """Images and runs belong to their owner alone; reviewers see those that were corrected."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        images: Images,
        finder: Finder,
        drawer: BoxDrawer,
        privacy: PrivacyFilter | None = None,
        disk: DiskSpace = ENDLESS,
    ) -> None:
        self._drawer = drawer
        self._privacy = privacy or PrivacyFilter(unit_of_work, clock)
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._images = images
        self._finder = finder
        self._disk = disk
        self._limits = Limits(unit_of_work, clock)

    @property
    def max_bytes(self) -> int:
        """The limit for one image, as it is sent."""
        return self._images.max_bytes

    # Images

    def upload(self, user: User, name: str, content: bytes, on_place: OnPlace | None = None, *, batch_id: str | None = None) -> GroundImage:
        """Decode and store an image; the same image again is the one that is stored.

        Raises NotAllowed, InvalidInput, Conflict (too many), LimitReached, and Busy and Unavailable as the reader does.
        """
        require(user, Permission.UPLOAD)
        self._disk.check()
        name = clean_name(name)
        decoded = self._images.decode(user, name, content, on_place)
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
            if work.grounding.count_images(user.id) > MOST_IMAGES:
                raise Conflict("You keep {limit} images already. Remove old ones first.", limit=f"{MOST_IMAGES:,}")
            work.commit()
        return image

    def image(self, user: User, image_id: str) -> tuple[GroundImage, Sequence[GroundRun]]:
        """Return an own image with its runs, oldest first. Raises NotFound."""
        with self._unit_of_work() as work:
            return own_image(work, user, image_id), work.grounding.runs_of_image(image_id)

    def content(self, user: User, image_id: str) -> tuple[GroundImage, bytes]:
        """Return an image with its content: an own one, or one whose boxes were corrected for somebody who reviews. Raises NotFound."""
        with self._unit_of_work() as work:
            image = work.grounding.image(image_id)
            reviewed = image is not None and allows(user, Permission.REVIEW_FEEDBACK)
            if image is None or not (reviewed and any(run.corrected is not None for run in work.grounding.runs_of_image(image_id))):
                image = own_image(work, user, image_id)
            return image, work.grounding.content(image_id)

    def remove(self, user: User, image_id: str) -> None:
        """Delete an image with everything found on it. Raises NotFound, and Conflict under a legal hold."""
        with self._unit_of_work() as work:
            own_image(work, user, image_id)
            if work.retention.is_held(user.id):
                raise Conflict("Your images are under a legal hold and cannot be deleted. Ask an admin.")
            work.grounding.remove_image(image_id)
            work.commit()

    # Runs

    def grounders(self, user: User) -> Sequence[Grounder]:
        """Return the models that can find boxes for this person now, in order. Raises NotAllowed."""
        require(user, Permission.DETECT)
        return self._finder.grounders(user)

    def find(
        self, user: User, image_id: str, phrases: Sequence[str], model: str | None = None, *, session: str = "", anew: bool = False
    ) -> GroundRun:
        """Find boxes on an own image and keep the run; one that fails is kept with its error and raises.

        Raises NotAllowed, NotFound, InvalidInput, and what Finder.find raises.
        """
        require(user, Permission.DETECT)
        texts = checked_phrases(phrases)
        with self._unit_of_work() as work:
            image = own_image(work, user, image_id)
        return self.run(user, image, texts, model, session=session, anew=anew)

    def run(
        self,
        user: User,
        image: GroundImage,
        phrases: Sequence[str],
        model: str | None,
        *,
        session: str = "",
        anew: bool = False,
        batch: bool = False,
    ) -> GroundRun:
        """As find, for an image whose owner was checked and phrases that were."""
        began = time.monotonic()
        run = GroundRun(
            id=uuid4().hex,
            image_id=image.id,
            user_id=user.id,
            session=cut(one_line(session), 64),
            model=model or "",
            model_version="",
            phrases=tuple(phrases),
            boxes=(),
            created_at=self._clock(),
        )
        try:
            found = self._finder.find(user, image, lambda: self._content(image.id), phrases, model, anew=anew, batch=batch)
        except PortalError as problem:
            if not batch:
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
        if not batch:
            self._keep(run)
        return run

    def get(self, user: User, run_id: str) -> tuple[GroundRun, GroundImage]:
        """Return an own run. Raises NotFound."""
        with self._unit_of_work() as work:
            return own_run(work, user, run_id)

    def history(self, user: User, limit: int = 50, before: str | None = None) -> Sequence[tuple[GroundRun, GroundImage]]:
        """List own runs on single images, newest first; before: the id of the last one read. Raises NotFound, InvalidInput."""
        require(user, Permission.DETECT)
        within("limit", limit, 1, MOST_LISTED)
        with self._unit_of_work() as work:
            if before is not None:
                own_run(work, user, before)
            return work.grounding.runs_of_user(user.id, limit, before)

    # Feedback

    def correct(self, user: User, run_id: str, boxes: Sequence[Box], comment: str = "") -> tuple[GroundRun, GroundImage]:
        """Keep the boxes as the person left them; the correction appears in the feedback queue as a poor rating of the run.

        Boxes are cut at the image. Raises NotAllowed, NotFound, InvalidInput, and Conflict for a run that failed.
        """
        require(user, Permission.RATE)
        if len(boxes) > MOST_BOXES:
            raise InvalidInput("A correction can have at most {limit} boxes.", limit=MOST_BOXES)
        if len(comment) > MOST_COMMENT:
            raise InvalidInput("A comment can have at most {limit} characters.", limit=MOST_COMMENT)
        now = self._clock()
        with self._unit_of_work() as work:
            run, image = own_run(work, user, run_id, Permission.RATE)
            if run.error is not None:
                raise Conflict("This run failed, so there is nothing to correct. Run it again.")
            kept = tuple(_on_image(box, image, len(run.phrases)) for box in boxes)
            run = replace(run, corrected=kept, comment=without_controls(comment).strip())
            work.grounding.put_correction(run, now)
            work.feedback.put(
                Feedback(
                    id=uuid4().hex,
                    user_id=user.id,
                    user_name=user.name,
                    group=user.group,
                    conversation_id=ABOUT_IMAGE + image.id,
                    message_id=run.id,
                    model=run.model,
                    rating=1 if same_boxes(run.boxes, kept) else -1,
                    comment=run.comment,
                    state=ReviewState.NEW,
                    note="",
                    created_at=now,
                    updated_at=now,
                )
            )
            work.commit()
        return run, image

    def case(self, user: User, run_id: str) -> Case | None:
        """Return a corrected run with its image for reviewers; None once its owner deleted the image. Raises NotAllowed."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            run = work.grounding.run(run_id)
            if run is None or run.corrected is None or (image := work.grounding.image(run.image_id)) is None:
                return None
            return Case(run, image, work.grounding.content(image.id))

    # Export

    def export(self, user: User, run_ids: Sequence[str], format: ExportFormat) -> bytes:
        """Write own runs with the boxes as they are now. The audit log records it. Raises NotAllowed, NotFound, InvalidInput."""
        require(user, Permission.EXPORT)
        within("runs", len(run_ids), 1, MOST_LISTED)
        with self._unit_of_work() as work:
            found = [own_run(work, user, run_id) for run_id in dict.fromkeys(run_ids)]
            record(work, self._clock(), user.id, "grounding.export", format.value, rows=str(len(found)))
            work.commit()
        return written(format, found, self._privacy.exported(user))

    def drawn(self, user: User, run_id: str) -> tuple[GroundImage, DecodedImage]:
        """Return the image with its boxes drawn on it. Raises NotAllowed, NotFound, Busy, Unavailable."""
        require(user, Permission.EXPORT)
        with self._unit_of_work() as work:
            run, image = own_run(work, user, run_id)
            content = work.grounding.content(image.id)
            record(work, self._clock(), user.id, "grounding.export", "image", rows="1")
            work.commit()
        change, boxes = self._privacy.exported(user), []
        for box in run.shown:
            left, top, right, bottom = to_decoded(image.mapping, box.edges)
            label = change(box.label or run.phrases[box.phrase])
            boxes.append(Box(left=left, top=top, right=right, bottom=bottom, label=label))
        decoded = DecodedImage(content=content, media_type=image.media_type, sha256=image.sha256, mapping=image.mapping)
        return image, self._drawer.drawn(decoded, boxes, user.id)

    # Results that are kept

    def job_kinds(self) -> Sequence[JobKind]:
        return [JobKind(FORGET, self._forget, every=timedelta(days=1), most_tries=3, resumable=True, kept=False)]

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


def own_image(work: UnitOfWork, user: User, image_id: str) -> GroundImage:
    """Return an own image. Raises NotAllowed, NotFound."""
    require(user, Permission.CHAT)
    found = work.grounding.image(image_id)
    if found is None or not allows(user, Permission.CHAT, owner_id=found.user_id):
        raise NotFound("This image does not exist. It may have been deleted.")
    return found


def own_run(work: UnitOfWork, user: User, run_id: str, permission: Permission = Permission.CHAT) -> tuple[GroundRun, GroundImage]:
    """Return an own run with its image. permission: what the person wants to do with it. Raises NotAllowed, NotFound."""
    require(user, permission)
    run = work.grounding.run(run_id)
    image = work.grounding.image(run.image_id) if run is not None else None
    if run is None or image is None or not allows(user, permission, owner_id=run.user_id):
        raise NotFound("This run does not exist. Its image may have been deleted.")
    return run, image


def same_boxes(some: Sequence[Box], others: Sequence[Box]) -> bool:
    """Tell whether two lists of boxes are the same to a tenth of a pixel, whatever their order."""

    def plain(boxes: Sequence[Box]) -> list[tuple[object, ...]]:
        return sorted((*(round(edge, 1) for edge in box.edges), box.label, box.phrase) for box in boxes)

    return plain(some) == plain(others)


def _on_image(box: Box, image: GroundImage, phrases: int) -> Box:
    if not 0 <= box.phrase < phrases:
        raise InvalidInput("A box names phrase {phrase}; the run has {n}, counted from 0.", phrase=box.phrase, n=phrases)
    label = one_line(box.label).strip()
    found = clipped(box.edges, image.width, image.height, label=label, confidence=box.confidence, phrase=box.phrase)
    if found is None:
        raise InvalidInput("A box lies outside the image. Move it onto the image, or remove it.")
    return found
