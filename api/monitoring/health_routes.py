"""Report whether the process answers, and whether it can answer questions."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.draining import DRAINING
from api.middleware import diagnostics
from api.monitoring.liveness import add_liveness
from api.services import PortalHere
from core.errors import PortalError
from core.models.records import ModelKind, ModelState
from core.search.records import DocumentKind, SearchQuery

log = logging.getLogger(__name__)
router = APIRouter(tags=["health"])
add_liveness(router)


class Part(BaseModel):
    ready: bool
    detail: str = Field(default="", description="Why the part is unavailable, or what it is. Empty for callers who may not read /metrics.")


class Readiness(BaseModel):
    ready: bool
    store: Part
    model: Part
    index: Part

    def without_details(self) -> Readiness:
        """Remove model names and database messages, because anyone can ask."""
        return Readiness(ready=self.ready, **{name: Part(ready=getattr(self, name).ready) for name in ("store", "model", "index")})


@router.get("/readyz", responses={503: {"model": Readiness, "description": "It is not ready."}})
@router.head("/readyz", include_in_schema=False)
def readyz(portal: PortalHere, request: Request, response: Response) -> Readiness:
    """Return 200 if database and model can answer a question, else 503; also 503 while the server stops. A missing search index is no
    failure."""
    store, model, index = _store(portal), _model(portal), _index(portal)
    ready = store.ready and model.ready and DRAINING not in request.scope
    response.status_code = 200 if ready else 503
    found = Readiness(ready=ready, store=store, model=model, index=index)
    return found if diagnostics.may_read(request.scope, portal.settings.metrics_token) else found.without_details()


def _store(portal: PortalHere) -> Part:
    try:
        portal.accounts.has_any()
    except PortalError as problem:
        return Part(ready=False, detail=str(problem))
    return Part(ready=True, detail="reachable")


def _model(portal: PortalHere) -> Part:
    loaded = portal.pool.loaded()
    ready = [each for each in loaded if each.state in (ModelState.READY, ModelState.SLEEPING) and each.file.kind is ModelKind.CHAT]
    stuck = [f"{each.name} is stuck: its step has taken {each.stuck_s:.0f} s" for each in loaded if each.stuck_s]
    going = [each.name for each in ready if not each.stuck_s]
    if going or stuck:
        return Part(ready=bool(going), detail="; ".join([*([", ".join(going)] if going else []), *stuck]))
    return Part(ready=False, detail="; ".join(f"{each.name} is {each.state.value}" for each in loaded) or "no model is loaded")


def _index(portal: PortalHere) -> Part:
    try:
        portal.index.search(SearchQuery("ready", DocumentKind.MESSAGE, owner_id="", limit=1))
    except PortalError as problem:
        return Part(ready=False, detail=str(problem))
    return Part(ready=True, detail="reachable")
