"""Correct the boxes of a run, and show corrections to reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from core.characters import one_line, without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput
from core.grounding.boxes import clipped
from core.grounding.ownership import own_run
from core.grounding.records import Box, GroundImage, GroundRun
from core.people.permissions import Permission, require, reviewed_groups, reviews_group
from core.people.records import User
from core.review.cases.opening import put_rating
from core.review.records import ABOUT_IMAGE, Feedback, ReviewState
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_BOXES = 500
"""Most boxes in a correction."""
MAX_COMMENT = 4_000


@dataclass(frozen=True, slots=True)
class Case:
    """A corrected run, as reviewers see it."""

    run: GroundRun
    image: GroundImage
    content: bytes


class BoxCorrections:
    """Corrects runs. A correction is feedback on a run: reviewers find it in their queue, with the image."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def correct(self, user: User, run_id: str, boxes: Sequence[Box], comment: str = "") -> tuple[GroundRun, GroundImage]:
        """Store corrected boxes. The correction appears in the feedback queue as a poor rating of the run.

        Boxes are clipped to the image. Raises NotAllowed, NotFound, InvalidInput, and Conflict for a run that failed.
        """
        require(user, Permission.RATE)
        if len(boxes) > MAX_BOXES:
            raise InvalidInput("A correction can have at most {limit} boxes.", limit=MAX_BOXES)
        if len(comment) > MAX_COMMENT:
            raise InvalidInput("A comment can have at most {limit} characters.", limit=MAX_COMMENT)
        now = self._clock()
        with self._unit_of_work() as work:
            run, image = own_run(work, user, run_id, Permission.RATE)
            if run.error is not None:
                raise Conflict("This run failed, so there is nothing to correct. Run it again.")
            kept = tuple(_on_image(box, image, len(run.phrases)) for box in boxes)
            run = replace(run, corrected=kept, comment=without_controls(comment).strip())
            work.grounding.put_correction(run, now)
            put_rating(
                work,
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
                ),
            )
            work.commit()
        return run, image

    def case(self, user: User, run_id: str) -> Case | None:
        """Return a corrected run with its image for reviewers; None if the owner has deleted the image. Raises NotAllowed."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            run = work.grounding.run(run_id)
            if run is None or (image := work.grounding.image(run.image_id)) is None or not reviews_run(work, user, image, run):
                return None
            return Case(run, image, work.grounding.content(image.id))


def reviews_run(work: UnitOfWork, user: User, image: GroundImage, run: GroundRun) -> bool:
    """Tell whether a run was corrected, and by a person of a group that this reviewer reviews."""
    if run.corrected is None or reviewed_groups(user) is None:
        return run.corrected is not None
    rating = work.feedback.of_message(image.user_id, run.id)
    return rating is not None and reviews_group(user, rating.group)


def same_boxes(some: Sequence[Box], others: Sequence[Box]) -> bool:
    """Tell whether two lists of boxes are equal to a tenth of a pixel, in any order."""

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
