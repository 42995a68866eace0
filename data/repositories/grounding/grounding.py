"""Store images, what models found on them, and how people corrected it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, select, tuple_

from core.grounding.box_json import boxes_of_json, boxes_to_json
from core.grounding.records import Box, GroundImage, GroundRun
from core.images.records import PixelMapping
from core.review.records import ABOUT_IMAGE
from data.repositories.knowledge.files import PART_BYTES, PARTS_AT_ONCE
from data.tables import (
    FeedbackTable,
    GroundCorrectionTable,
    GroundImagePartTable,
    GroundImageTable,
    GroundResultTable,
    GroundRunTable,
    UserTable,
)
from data.transaction import AnyRow, Transaction

_IMAGE = GroundImageTable.__table__.c
_PART = GroundImagePartTable.__table__.c
_RUN = GroundRunTable.__table__.c
_FIX = GroundCorrectionTable.__table__.c
_RESULT = GroundResultTable.__table__.c
_USER = UserTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_WHOLE_RUN = select(*_RUN, _FIX.boxes.label("corrected"), _FIX.comment).outerjoin(GroundCorrectionTable, _FIX.run_id == _RUN.id)
_IMAGE_COLUMNS = [column.label(f"on_{column.name}") for column in _IMAGE]


class SqlGroundingRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add_image(self, image: GroundImage, content: bytes) -> None:
        # Transactions that add images of the same person wait, so that the checked limit holds.
        self._sql.lock(select(_USER.id).where(_USER.id == image.user_id), referable=True)
        values = {
            "id": image.id,
            "user_id": image.user_id,
            "batch_id": image.batch_id,
            "name": image.name,
            "media_type": image.media_type,
            "sha256": image.sha256,
            "size_bytes": image.size_bytes,
            "source_width": image.mapping.source_width,
            "source_height": image.mapping.source_height,
            "orientation": image.mapping.orientation,
            "width": image.mapping.width,
            "height": image.mapping.height,
            "created_at": image.created_at,
        }
        self._sql.write(insert(GroundImageTable).values(values))
        at_once = PART_BYTES * PARTS_AT_ONCE
        for start in range(0, len(content), at_once):
            pieces = (content[at : at + PART_BYTES] for at in range(start, min(start + at_once, len(content)), PART_BYTES))
            self._sql.write(insert(GroundImagePartTable), [{"image_id": image.id, "content": piece} for piece in pieces])

    def image(self, image_id: str) -> GroundImage | None:
        row = self._sql.first(select(*_IMAGE_COLUMNS).where(_IMAGE.id == image_id))
        return None if row is None else _image_of(row)

    def content(self, image_id: str) -> bytes:
        statement = select(_PART.content).where(_PART.image_id == image_id).order_by(_PART.number)
        return b"".join(row.content for row in self._sql.all(statement))

    def image_with_hash(self, user_id: str, sha256: str) -> GroundImage | None:
        mine = (_IMAGE.user_id == user_id, _IMAGE.sha256 == sha256, _IMAGE.batch_id.is_(None))
        row = self._sql.first(select(*_IMAGE_COLUMNS).where(*mine).order_by(_IMAGE.created_at.desc()).limit(1))
        return None if row is None else _image_of(row)

    def count_images(self, user_id: str) -> int:
        return int(self._sql.scalar(select(func.count()).select_from(GroundImageTable).where(_IMAGE.user_id == user_id)))

    def remove_image(self, image_id: str) -> None:
        self.remove_images([image_id])

    def remove_images(self, ids: Sequence[str]) -> None:
        """Delete images with their results; search no longer finds ratings by their phrases."""
        about = [ABOUT_IMAGE + each for each in ids]
        rated = [row.id for row in self._sql.all(select(_FEEDBACK.id).where(_FEEDBACK.conversation_id.in_(about)))]
        self._sql.write(delete(GroundImageTable).where(_IMAGE.id.in_(ids)))
        self._sql.announce("feedback", rated)

    def add_run(self, run: GroundRun) -> None:
        values = {
            "id": run.id,
            "image_id": run.image_id,
            "user_id": run.user_id,
            "session": run.session,
            "model": run.model,
            "model_version": run.model_version,
            "phrases": json.dumps(run.phrases, ensure_ascii=False),
            "boxes": boxes_to_json(run.boxes),
            "duration_s": run.duration_s,
            "cached": run.cached,
            "error": run.error,
            "created_at": run.created_at,
        }
        self._sql.write(insert(GroundRunTable).values(values))

    def run(self, run_id: str) -> GroundRun | None:
        row = self._sql.first(_WHOLE_RUN.where(_RUN.id == run_id))
        return None if row is None else _run_of(row)

    def runs_of_image(self, image_id: str) -> Sequence[GroundRun]:
        statement = _WHOLE_RUN.where(_RUN.image_id == image_id).order_by(_RUN.created_at, _RUN.id)
        return [_run_of(row) for row in self._sql.all(statement)]

    def runs_of_user(self, user_id: str, limit: int, before: str | None = None) -> Sequence[tuple[GroundRun, GroundImage]]:
        statement = _WHOLE_RUN.add_columns(*_IMAGE_COLUMNS).join(GroundImageTable, _IMAGE.id == _RUN.image_id)
        statement = statement.where(_RUN.user_id == user_id, _IMAGE.batch_id.is_(None))
        if before is not None and (last := self._sql.first(select(_RUN.created_at, _RUN.id).where(_RUN.id == before))) is not None:
            statement = statement.where(tuple_(_RUN.created_at, _RUN.id) < tuple_(last.created_at, last.id))
        rows = self._sql.all(statement.order_by(_RUN.created_at.desc(), _RUN.id.desc()).limit(limit))
        return [(_run_of(row), _image_of(row)) for row in rows]

    def put_correction(self, run: GroundRun, at: datetime) -> None:
        values = {"run_id": run.id, "boxes": boxes_to_json(run.shown), "comment": run.comment, "updated_at": at}
        self._sql.upsert(GroundCorrectionTable, ["run_id"], values, ("boxes", "comment", "updated_at"), _FIX.run_id)

    def results(self, keys: Sequence[str]) -> dict[str, tuple[Box, ...]]:
        rows = self._sql.all(select(_RESULT.key, _RESULT.boxes).where(_RESULT.key.in_(keys)))
        return {row.key: boxes_of_json(row.boxes) for row in rows}

    def put_result(self, key: str, boxes: Sequence[Box], at: datetime) -> None:
        values = {"key": key, "boxes": boxes_to_json(boxes), "created_at": at}
        self._sql.upsert(GroundResultTable, ["key"], values, ("boxes", "created_at"), _RESULT.key)

    def forget_results(self, before: datetime) -> int:
        return self._sql.write(delete(GroundResultTable).where(_RESULT.created_at < before)).rowcount


def runs_with_images(sql: Transaction, where: ColumnElement[bool], limit: int) -> Sequence[tuple[GroundRun, GroundImage]]:
    """Return the matching runs with their images, in the order in which they were made."""
    statement = _WHOLE_RUN.add_columns(*_IMAGE_COLUMNS).join(GroundImageTable, _IMAGE.id == _RUN.image_id).where(where)
    rows = sql.all(statement.order_by(_RUN.created_at, _RUN.id).limit(limit))
    return [(_run_of(row), _image_of(row)) for row in rows]


def _image_of(row: AnyRow) -> GroundImage:
    return GroundImage(
        id=row.on_id,
        user_id=row.on_user_id,
        name=row.on_name,
        media_type=row.on_media_type,
        sha256=row.on_sha256,
        size_bytes=row.on_size_bytes,
        mapping=PixelMapping(
            source_width=row.on_source_width,
            source_height=row.on_source_height,
            orientation=row.on_orientation,
            width=row.on_width,
            height=row.on_height,
        ),
        created_at=row.on_created_at,
        batch_id=row.on_batch_id,
    )


def _run_of(row: AnyRow) -> GroundRun:
    return GroundRun(
        id=row.id,
        image_id=row.image_id,
        user_id=row.user_id,
        session=row.session,
        model=row.model,
        model_version=row.model_version,
        phrases=tuple(json.loads(row.phrases)),
        boxes=boxes_of_json(row.boxes),
        created_at=row.created_at,
        duration_s=row.duration_s,
        cached=row.cached,
        error=row.error,
        corrected=None if row.corrected is None else boxes_of_json(row.corrected),
        comment=row.comment or "",
    )
