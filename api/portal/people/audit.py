"""Serve the state of the audit log's chain."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked
from api.services import PortalHere
from core.access.audit_chain import Fault

router = APIRouter(prefix="/api/v1/audit", tags=["people"])


class Verify(Asked):
    head: str = Field(default="", max_length=64, description="A head of earlier that must still occur.")


class Verified(BaseModel):
    events: int = Field(description="Events that are intact, up to the first fault.")
    head: str = Field(description="The hash of the newest of them. Note it elsewhere.")
    fault: Fault | None
    event_id: str | None = Field(description="The first event with a fault.")


@router.post("/verify")
def verify(body: Verify, portal: PortalHere, user: SignedIn) -> Verified:
    found = portal.audit_chain.verify(user, body.head)
    return Verified(events=found.events, head=found.head, fault=found.fault, event_id=found.event_id)
