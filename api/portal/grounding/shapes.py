"""Define images, runs and boxes as JSON."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from pydantic import BaseModel, Field

from api.portal.shapes import Asked, FileId, Line, Prose
from core.errors import InvalidInput
from core.grounding.exports.exports import box_json
from core.grounding.records import Box, GroundImage, GroundRun


class GroundIn(Asked):
    image: str | None = Field(default=None, description="The file in Base64, also as a data URI. Either this or image_id.")
    image_id: FileId | None = Field(default=None, description="An image that was sent before.")
    name: Line = Field(default="image", description="The name of the file.")
    phrases: list[Prose] = Field(max_length=100, description="1 to 20 phrases: what to find.")
    model: Line | None = Field(default=None, description="A model of /api/v1/ground/models; null: the first one that answers.")
    session: Line = Field(default="", description="Names what belongs together; kept with the run.")
    anew: bool = Field(default=False, description="Do not use cached results.")

    def content(self) -> bytes | None:
        """Return the bytes of the image. Raises InvalidInput."""
        if self.image is None:
            return None
        text = self.image.partition(",")[2] if self.image.startswith("data:") else self.image
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as problem:
            raise InvalidInput("image is not Base64. Send the file in Base64, or as a data URI.") from problem


class BoxIn(Asked):
    box: list[float] = Field(min_length=4, max_length=4, description="Left, top, right, bottom in pixels of the upright image.")
    label: Line = ""
    phrase: int = Field(default=0, description="The number of the phrase, from 0.")
    confidence: float | None = None

    def whole(self) -> Box:
        left, top, right, bottom = self.box
        return Box(left=left, top=top, right=right, bottom=bottom, label=self.label, confidence=self.confidence, phrase=self.phrase)


class CorrectionIn(Asked):
    boxes: list[BoxIn] = Field(max_length=1_000, description="All boxes as they should be.")
    comment: Prose = Field(default="", description="At most 4,000 characters.")


class GrounderOut(BaseModel):
    name: str
    kind: str = Field(description="detection, or chat for a model that sees images.")
    version: str


class GroundersOut(BaseModel):
    items: list[GrounderOut]


class ImageOut(BaseModel):
    id: str
    name: str
    width: int = Field(description="Of the image as people see it, its orientation applied.")
    height: int
    orientation: int = Field(description="As the file's EXIF data has it; 1: upright.")
    sha256: str = Field(description="Of the stored image, which is encoded again.")
    created_at: datetime

    @staticmethod
    def of(image: GroundImage) -> ImageOut:
        return ImageOut(
            id=image.id,
            name=image.name,
            width=image.width,
            height=image.height,
            orientation=image.mapping.orientation,
            sha256=image.sha256,
            created_at=image.created_at,
        )


class BoxOut(BaseModel):
    phrase: str
    label: str
    confidence: float | None
    box: list[float] = Field(description="Left, top, right, bottom in pixels of the upright image.")
    box_in_file: list[float] = Field(description="The same in the pixels that the file stores, before its orientation is applied.")


class RunErrorOut(BaseModel):
    message: str
    code: str


class RunOut(BaseModel):
    id: str
    image: ImageOut
    phrases: list[str]
    model: str
    model_version: str
    session: str
    boxes: list[BoxOut] = Field(description="As they are now; a correction replaces those of the model.")
    corrected: bool
    comment: str
    cached: bool = Field(description="All of it comes from earlier runs.")
    duration_s: float
    error: RunErrorOut | None
    created_at: datetime

    @staticmethod
    def of(run: GroundRun, image: GroundImage) -> RunOut:
        return RunOut(
            id=run.id,
            image=ImageOut.of(image),
            phrases=list(run.phrases),
            model=run.model,
            model_version=run.model_version,
            session=run.session,
            boxes=[BoxOut.model_validate(box_json(box, run, image)) for box in run.shown],
            corrected=run.corrected is not None,
            comment=run.comment,
            cached=run.cached,
            duration_s=round(run.duration_s, 3),
            error=RunErrorOut(message=str(run.error), code=run.error.code) if run.error else None,
            created_at=run.created_at,
        )


class RunsOut(BaseModel):
    items: list[RunOut]
