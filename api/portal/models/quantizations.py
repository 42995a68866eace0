"""Make smaller files of models. For admins."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from pydantic import Field

from api.identity import SignedIn
from api.portal.models.downloads import TransferOut
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.models.quantization import Precision

router = APIRouter(prefix="/api/v1/models", tags=["models"])


class Quantization(Asked):
    path: Line = Field(min_length=1, description="A name in the models folder or a path on the server: an F32, F16 or BF16 file.")
    precision: Precision = Field(strict=False)


@router.post("/quantizations", status_code=202)
def quantize(body: Quantization, portal: PortalHere, user: SignedIn) -> TransferOut:
    """Start making a smaller file of a model; follow it like a download."""
    return TransferOut.of(portal.quantizing.start(user, portal.models.folder / Path(body.path), body.precision))
