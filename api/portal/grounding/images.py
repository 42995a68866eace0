"""Show and delete uploaded images. These routes form their own group because user servers serve them too, for their Images page."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.identity import SignedIn
from api.portal.download import download
from api.portal.grounding.shapes import ImageOut
from api.portal.shapes import Id
from api.services import PortalHere

router = APIRouter(prefix="/api/v1", tags=["grounding"])


@router.get("/ground-images/{image_id}")
def image(image_id: Id, portal: PortalHere, user: SignedIn) -> ImageOut:
    return ImageOut.of(portal.grounding.image(user, image_id)[0])


@router.get("/ground-images/{image_id}/content", response_class=Response)
def content(image_id: Id, portal: PortalHere, user: SignedIn) -> Response:
    """Download the stored image: upright and without metadata."""
    image, found = portal.grounding.content(user, image_id)
    return download(found, image.media_type, image.name)


@router.delete("/ground-images/{image_id}", status_code=204)
def remove(image_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete an image with everything found on it."""
    portal.grounding.remove(user, image_id)
