"""Report whether a user server answers, and whether it reaches the admin server."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.monitoring.liveness import add_liveness
from remote.portal import RemotePortal

router = APIRouter(tags=["health"])
add_liveness(router)


class Readiness(BaseModel):
    ready: bool


REFUSED = "The admin server cannot be reached, or it refuses this server."


@router.get("/readyz", responses={503: {"model": Readiness, "description": REFUSED}})
@router.head("/readyz", include_in_schema=False)
async def readyz(request: Request, response: Response) -> Readiness:
    """Return 200 if the admin server accepted this server at the last check, else 503. Pages recover by themselves afterwards."""
    portal = request.app.state.portal()
    ready = isinstance(portal, RemotePortal) and portal.is_ready
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready)
