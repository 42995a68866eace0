"""Define the tables of images and the boxes found on them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import StoredError
from core.grounding.records import ItemState
from data.columns import ErrorText
from data.encryption.sealed_text import SealedBytes, SealedProse
from data.tables.base import NUMBER, Table


class GroundImageTable(Table):
    """An uploaded image; its content is in ground_image_parts. source: the size of the uploaded file; width, height: of the stored content.
    """

    __tablename__ = "ground_images"
    __table_args__ = (Index(None, "user_id", "created_at"), Index(None, "user_id", "sha256"), Index(None, "created_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    batch_id: Mapped[str | None] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(SealedProse("ground_images.name"))
    media_type: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    source_width: Mapped[int]
    source_height: Mapped[int]
    orientation: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[datetime]


class GroundImagePartTable(Table):
    """A chunk of an image's content, ordered by number."""

    __tablename__ = "ground_image_parts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    image_id: Mapped[str] = mapped_column(ForeignKey("ground_images.id", ondelete="CASCADE"), index=True)
    content: Mapped[bytes] = mapped_column(SealedBytes("ground_image_parts.content"))


class GroundRunTable(Table):
    """A run of a model. Phrases and boxes are JSON as text."""

    __tablename__ = "ground_runs"
    __table_args__ = (Index(None, "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    image_id: Mapped[str] = mapped_column(ForeignKey("ground_images.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    session: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(300))
    model_version: Mapped[str] = mapped_column(String(400))
    phrases: Mapped[str] = mapped_column(SealedProse("ground_runs.phrases"))
    boxes: Mapped[str] = mapped_column(SealedProse("ground_runs.boxes"))
    duration_s: Mapped[float]
    cached: Mapped[bool]
    error: Mapped[StoredError | None] = mapped_column(ErrorText)
    created_at: Mapped[datetime]


class GroundCorrectionTable(Table):
    """The corrected boxes of a run."""

    __tablename__ = "ground_corrections"

    run_id: Mapped[str] = mapped_column(ForeignKey("ground_runs.id", ondelete="CASCADE"), primary_key=True)
    boxes: Mapped[str] = mapped_column(SealedProse("ground_corrections.boxes"))
    comment: Mapped[str] = mapped_column(SealedProse("ground_corrections.comment"))
    updated_at: Mapped[datetime]


class GroundResultTable(Table):
    """Boxes that can be reused. key: a hash of image, phrase and model. Backups leave them out, since they can be computed again."""

    __tablename__ = "ground_results"
    __table_args__ = (Index(None, "created_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    boxes: Mapped[str] = mapped_column(SealedProse("ground_results.boxes"))
    created_at: Mapped[datetime]


class GroundBatchTable(Table):
    """Many images with the same phrases. job: the newest one; jobs end before their batch."""

    __tablename__ = "ground_batches"
    __table_args__ = (Index(None, "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(SealedProse("ground_batches.name"))
    phrases: Mapped[str] = mapped_column(SealedProse("ground_batches.phrases"))
    model: Mapped[str | None] = mapped_column(String(300))
    job_id: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class GroundItemTable(Table):
    """One image of a batch. Once it is done, ground_images and ground_runs have rows with its id."""

    __tablename__ = "ground_items"
    __table_args__ = (Index(None, "batch_id", "position"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("ground_batches.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(SealedProse("ground_items.name"))
    state: Mapped[ItemState]
    error: Mapped[StoredError | None] = mapped_column(ErrorText)
    boxes: Mapped[int]
    duration_s: Mapped[float]


class GroundItemPartTable(Table):
    """A chunk of an uploaded image of a batch, kept until the image is done."""

    __tablename__ = "ground_item_parts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("ground_items.id", ondelete="CASCADE"), index=True)
    content: Mapped[bytes] = mapped_column(SealedBytes("ground_item_parts.content"))


class GroundEvaluationTable(Table):
    """Results of a model's version on the labelled set: boxes that are right, wrong and missed, for shapes and for texts."""

    __tablename__ = "ground_evaluations"
    __table_args__ = (Index(None, "model", "created_at"), Index(None, "created_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(300))
    model_version: Mapped[str] = mapped_column(String(400))
    set_version: Mapped[str] = mapped_column(String(40))
    shapes_right: Mapped[int]
    shapes_wrong: Mapped[int]
    shapes_missed: Mapped[int]
    texts_right: Mapped[int]
    texts_wrong: Mapped[int]
    texts_missed: Mapped[int]
    images: Mapped[int]
    seconds: Mapped[float]
    created_at: Mapped[datetime]
