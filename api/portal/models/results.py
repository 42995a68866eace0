"""Serve the result cache: how often it helped, and emptying it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.services import PortalHere

router = APIRouter(prefix="/api/v1/results", tags=["models"])


class ResultsOut(BaseModel):
    """The result cache. asked and found count since this server's start; the other fields cover all servers."""

    asked: int = Field(description="Deterministic requests that were looked up.")
    found: int = Field(description="Those that were answered from the cache.")
    stored: int
    bytes: int
    most_bytes: int = Field(description="Its room; 0: it is off.")
    days: int = Field(description="How long an answer is given again.")


class RemovedOut(BaseModel):
    removed: int


@router.get("")
def read(portal: PortalHere, user: SignedIn) -> ResultsOut:
    """Return the contents of the result cache and how often it helped."""
    found = portal.result_cache.stats(user)
    return ResultsOut(
        asked=found.asked, found=found.found, stored=found.stored, bytes=found.bytes, most_bytes=found.most_bytes, days=found.days
    )  # fmt: skip


@router.delete("")
def clear(portal: PortalHere, user: SignedIn) -> RemovedOut:
    """Empty the result cache."""
    return RemovedOut(removed=portal.result_cache.clear(user))
