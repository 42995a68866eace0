"""Serve memory plans: the memory that a load needs, and who is affected if other models make room for it."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.models.models import HowToLoad
from api.services import PortalHere

router = APIRouter(prefix="/api/v1/models", tags=["models"])


class EvictionOut(BaseModel):
    model: str
    frees_bytes: int
    running: int = Field(description="Answers that run now.")
    waiting: int = Field(description="Questions in its queue.")
    default: bool = Field(description="Whether new chats use it.")
    groups: list[str] = Field(description="Groups that use it by default, by itself or through a preset.")


class PlanOut(BaseModel):
    fits: bool
    device: str
    needed_bytes: int
    weights_bytes: int
    context_bytes: int
    work_bytes: int
    free_bytes: int
    total_bytes: int
    context: int = Field(description="Tokens per conversation.")
    slots: int = Field(description="Number of concurrent answers.")
    measured: bool = Field(description="Whether the same load was measured before; else it is an estimate.")
    budget_bytes: int = Field(description="PORTAL_MODEL_MEMORY_GB in bytes, if that leaves less than the device has; else 0.")
    evictions: list[EvictionOut] = Field(description="Models to unload so that it fits. Empty: it fits, or not even alone.")


@router.post("/plan")
def plan(body: HowToLoad, portal: PortalHere, user: SignedIn) -> PlanOut:
    """Plan a load without loading anything: the memory it needs, and who is affected if other models make room."""
    file = portal.models.read_file(user, portal.models.folder / Path(body.path))
    memory = portal.models.plan(user, file, body.settings(portal))
    return PlanOut(
        fits=memory.fits, device=memory.device, needed_bytes=memory.needed_bytes, weights_bytes=memory.weights_bytes,
        context_bytes=memory.context_bytes, work_bytes=memory.work_bytes, free_bytes=memory.free_bytes, total_bytes=memory.total_bytes,
        context=memory.context, slots=memory.slots, measured=memory.measured, budget_bytes=memory.budget_bytes,
        evictions=[
            EvictionOut(
                model=each.model, frees_bytes=each.frees_bytes, running=each.running, waiting=each.waiting, default=each.default,
                groups=list(each.groups),
            )
            for each in portal.models.evictions(user, memory)
        ],
    )  # fmt: skip
