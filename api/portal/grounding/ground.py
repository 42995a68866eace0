"""Find boxes for phrases on an image, correct them and export them."""

from __future__ import annotations

from asyncio import Semaphore
from typing import Annotated
from weakref import WeakValueDictionary

import anyio.to_thread
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.identity import SignedIn
from api.portal.download import download
from api.portal.grounding.shapes import CorrectionIn, GrounderOut, GroundersOut, GroundIn, RunOut, RunsOut
from api.portal.shapes import FileId, Id
from api.services import Portal, PortalHere
from core.errors import InvalidInput
from core.grounding.exports.exports import EXTENSIONS, ExportFormat
from core.people.records import User

router = APIRouter(prefix="/api/v1", tags=["grounding"])

_EACH = 3
"""Most runs of one person at the same time, so that no person takes all threads."""
_runs = anyio.CapacityLimiter(8 * _EACH)
"""Separate threads: a model may take a minute, and all other routes share the usual ones."""
_lanes: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()
TYPES = {ExportFormat.JSON: "application/json", ExportFormat.COCO: "application/json", ExportFormat.CSV: "text/csv"}


@router.post("/ground")
async def ground(body: GroundIn, portal: PortalHere, user: SignedIn) -> RunOut:
    """Find boxes on one image. The image is stored, and later requests may refer to it by its id."""
    async with _lanes.setdefault(user.id, Semaphore(_EACH)):
        return await anyio.to_thread.run_sync(_ground, portal, user, body, limiter=_runs)


def _ground(portal: Portal, user: User, body: GroundIn) -> RunOut:
    content = body.content()
    if (content is None) is (body.image_id is None):
        raise InvalidInput("Send either image or image_id.")
    image_id = body.image_id or portal.grounding.upload(user, body.name, content or b"").id
    run = portal.grounding.find(user, image_id, body.phrases, body.model, session=body.session, refresh=body.anew)
    return RunOut.of(*portal.grounding.get(user, run.id))


@router.get("/ground")
def history(
    portal: PortalHere,
    user: SignedIn,
    limit: int = 50,
    before: Annotated[str | None, Query(max_length=64, description="The id of the last run read.")] = None,
) -> RunsOut:
    """List your runs, newest first."""
    return RunsOut(items=[RunOut.of(run, image) for run, image in portal.grounding.history(user, limit, before)])


@router.get("/ground/models")
def models(portal: PortalHere, user: SignedIn) -> GroundersOut:
    """List the models that can find boxes now, in the order in which they are asked."""
    found = portal.grounding.grounders(user)
    return GroundersOut(items=[GrounderOut(name=each.name, kind=each.kind.value, version=each.version) for each in found])


@router.get("/ground/export", response_class=Response)
def export(portal: PortalHere, user: SignedIn, id: Annotated[list[FileId], Query(max_length=200)], format: ExportFormat) -> Response:
    """Download your runs as JSON, COCO or CSV."""
    content = portal.box_exports.export(user, id, format)
    return download(content, TYPES[format], f"boxes.{EXTENSIONS[format]}")


@router.get("/ground/{run_id}")
def get(run_id: Id, portal: PortalHere, user: SignedIn) -> RunOut:
    return RunOut.of(*portal.grounding.get(user, run_id))


@router.put("/ground/{run_id}/correction")
def correct(run_id: Id, body: CorrectionIn, portal: PortalHere, user: SignedIn) -> RunOut:
    """Store the corrected boxes of a run. The correction appears in the feedback queue."""
    return RunOut.of(*portal.box_corrections.correct(user, run_id, [box.whole() for box in body.boxes], body.comment))


@router.get("/ground/{run_id}/drawn", response_class=Response)
def drawn(run_id: Id, portal: PortalHere, user: SignedIn) -> Response:
    """Download the image with its boxes drawn on it."""
    image, found = portal.box_exports.drawn(user, run_id)
    stem = image.name.rpartition(".")[0] or image.name
    return download(found.content, found.media_type, f"{stem}-boxes.{found.media_type.rpartition('/')[2]}")
