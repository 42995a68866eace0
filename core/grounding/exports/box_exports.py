"""Export a person's runs as files: data for programs, or the image with its boxes drawn on it."""

from __future__ import annotations

from collections.abc import Sequence

from core.bounds import within
from core.clock import Clock
from core.grounding.exports.exports import ExportFormat, written
from core.grounding.geometry import to_decoded
from core.grounding.ownership import own_run
from core.grounding.ports import BoxDrawer
from core.grounding.records import Box, GroundImage
from core.images.records import DecodedImage
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.unit_of_work import UnitOfWorkFactory

MAX_EXPORTED = 200
"""Most runs in one file."""


class BoxExports:
    """Exports a person's runs with their current boxes. The audit log records each export."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, drawer: BoxDrawer, privacy: PrivacyFilter) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._drawer = drawer
        self._privacy = privacy

    def export(self, user: User, run_ids: Sequence[str], format: ExportFormat) -> bytes:
        """Return the person's runs as a file, and record the export in the audit log. Raises NotAllowed, NotFound, InvalidInput."""
        require(user, Permission.EXPORT)
        within("runs", len(run_ids), 1, MAX_EXPORTED)
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
